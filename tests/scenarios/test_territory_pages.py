"""The office looks for a commune, reads the sectors, moves a commune to another one (R97, R98)."""

import re

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_kit.semester import Semester
from maillage_tenants import audit, territory


async def test_a_former_name_finds_the_commune_and_its_sector(eure: CooperativeContext, sign_in) -> None:
    """R97: customers quote old names; Verneuil-sur-Avre is Verneuil d’Avre et d’Iton since 2017."""
    office = await sign_in(Role.MANAGER, eure)
    page = await office.get("/c/eure/territory?q=verneuil s/ avre&trade=locksmith&semester=2027-S2")
    assert "Verneuil d&#39;Avre et d&#39;Iton" in page.text or "Verneuil d’Avre" in page.text
    assert "ancienne commune : Verneuil-sur-Avre" in page.text
    assert "S7 · Verneuil – Breteuil" in page.text
    assert "Découpage valable : 585 communes sur 585" in page.text
    assert "Aucune commune" in (await office.get("/c/eure/territory?q=Marseille")).text
    assert (await office.get("/c/eure/territory?semester=hier")).status_code == 422


async def test_moving_a_commune_changes_its_sector_for_one_trade_and_semester(
    runtime: Runtime, eure: CooperativeContext, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    overview = await office.get("/c/eure/territory?trade=plumbing&semester=2027-S2")
    sectors = re.findall(r'href="(/c/eure/territory/sectors/[0-9a-f-]{36})[^"]*">(S\d)', overview.text)
    path = {code: href for href, code in sectors}
    query = "?trade=plumbing&semester=2027-S2"
    page = await office.get(path["S5"] + query)
    assert 'name="insee" value="27467" form="moving"><span>Pont-Audemer</span>' in page.text
    target = path["S6"].rsplit("/", 1)[1]
    moved = await office.post(f"{path['S5']}/communes{query}", {"insee": "27467", "target": target})
    assert moved.status_code == 303
    assert "27467" not in (await office.get(path["S5"] + query)).text
    s2 = Semester(2027, 2)
    async with runtime.database.tenant(eure.tenant) as session:

        async def sector(trade: str, semester: Semester) -> str:
            found = await territory.sector_of(session, insee="27467", trade=trade, at=semester.starts_at)
            return found.code if found else ""

        assert await sector("plumbing", s2) == "S6"
        assert await sector("locksmith", s2) == "S5"
        assert await sector("plumbing", Semester(2027, 1)) == "S5"
        # A semester nobody has prepared follows the latest one before it.
        assert await sector("plumbing", Semester(2028, 2)) == "S6"
        assert (await territory.report(session, trade="plumbing", semester=s2)).ok
        (entry,) = await audit.entries_about(session, subject_type="commune", subject_id="27467")
        assert entry.detail == {"semester": "2027-S2", "trade": "plumbing", "from": "S5", "to": "S6"}
    for wrong in ({}, {"insee": "27467"}, {"insee": "76540", "target": target}, {"insee": "27229", "target": "x"}):
        assert (await office.post(f"{path['S5']}/communes{query}", wrong)).status_code == 422


async def test_a_sector_is_split_and_the_page_keeps_what_was_ticked(
    runtime: Runtime, eure: CooperativeContext, sign_in
) -> None:
    """R98: the new sector and what remains still hold every commune once; its neighbours are known at once."""
    office = await sign_in(Role.MANAGER, eure)
    query = "?trade=plumbing&semester=2028-S1"
    overview = await office.get(f"/c/eure/territory{query}")
    sectors = re.findall(r'href="(/c/eure/territory/sectors/[0-9a-f-]{36})[^"]*">(S\d)', overview.text)
    path = {code: href for href, code in sectors}
    ticked = re.findall(r'name="insee" value="(\d{5})"', (await office.get(path["S7"] + query)).text)[:9]
    sent = {"insee": ticked, "target": "new", "name": ""}
    refused = await office.post(f"{path['S7']}/communes{query}", sent)
    assert refused.status_code == 422
    assert "Donnez un nom au nouveau secteur" in refused.text
    assert set(re.findall(r'value="(\d{5})" form="moving" checked', refused.text)) == set(ticked)
    taken = await office.post(f"{path['S7']}/communes{query}", {**sent, "name": "verneuil - BRETEUIL"})
    assert "s’appelle déjà" in taken.text
    done = await office.post(f"{path['S7']}/communes{query}", {**sent, "name": "  Iton   amont "})
    assert done.status_code == 303
    page = await office.get(done.headers["location"])
    assert "réparez le planning publié" in page.text
    assert set(re.findall(r'name="insee" value="(\d{5})"', page.text)) == set(ticked)
    s1 = Semester(2028, 1)
    async with runtime.database.tenant(eure.tenant) as session:
        (made,) = [
            one for one in await territory.sectors(session, trade="plumbing", semester=s1) if one.name == "Iton amont"
        ]
        assert (made.code, made.communes) == ("S8", 9)
        assert (await territory.report(session, trade="plumbing", semester=s1)).ok
        assert "S7" in {
            one.code
            for one in await territory.neighbours_of(session, sector_id=made.id, trade="plumbing", at=s1.starts_at)
        }
        (entry,) = await audit.entries_about(session, subject_type="sector", subject_id=str(made.id))
        assert entry.detail["name"] == "Iton amont"
        assert len(await territory.sectors(session, trade="locksmith", semester=s1)) == 7
    everything = re.findall(r'name="insee" value="(\d{5})"', page.text)
    emptied = await office.post(
        f"/c/eure/territory/sectors/{made.id}/communes{query}",
        {"insee": everything, "target": path["S7"].rsplit("/", 1)[1]},
    )
    assert emptied.status_code == 422
    assert "Le secteur S8 n’a aucune commune" in emptied.text


async def test_neighbours_are_by_road_nearest_first(runtime: Runtime, eure: CooperativeContext) -> None:
    now = Semester(2027, 1).starts_at
    async with runtime.database.tenant(eure.tenant) as session:
        pont = await territory.sector_of(session, insee="27467", trade="plumbing", at=now)
        assert pont is not None
        found = await territory.neighbours_of(session, sector_id=pont.id, trade="plumbing", at=now)
        assert [one.code for one in found] == ["S6", "S3"]
        assert [one.distance_m for one in found] == sorted(one.distance_m for one in found)
        # Great circle between the centres is 22.6 km: × 1.3 by road, once.
        assert 29_000 < found[0].distance_m < 30_000
        (code,) = {
            one.code for one in await territory.sectors_of_postcode(session, postcode="27500", trade="plumbing", at=now)
        }
        assert code == "S5"
        assert await territory.sector_of(session, insee="76540", trade="plumbing", at=now) is None
        assert await territory.sector_of(session, insee="27467", trade="unknown", at=now) is None
        assert len(await territory.communes_of_postcode(session, postcode="27500")) > 5
