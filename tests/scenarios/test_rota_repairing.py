"""The published rota holds again with the least change: illness, a departure, a sector cut in two (R63, R64)."""

import html
import re
from collections import defaultdict
from datetime import date, time, timedelta
from typing import Any

import httpx
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_app.testing.plumbers import S2
from maillage_kit.clock import MovableClock, paris, paris_instant
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_tenants import rota, territory

RULED = "/c/eure/rota/drafts?semester=2027-S2"
ILLNESS = rota.Period(paris_instant(date(2027, 8, 4)), paris_instant(date(2027, 11, 1)))


def fields(page: httpx.Response) -> dict[str, Any]:
    """What a form of a page would send as it stands."""
    found: dict[str, Any] = defaultdict(list)
    for tag in re.findall(r"<input\b[^>]*>", page.text):
        facts = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in facts and (facts.get("type") not in ("checkbox", "radio") or re.search(r"\schecked\b", tag)):
            found[facts["name"]].append(html.unescape(facts.get("value", "")))
    for name, options in re.findall(r'<select\b[^>]*\bname="([\w-]+)"[^>]*>(.*?)</select>', page.text, re.S):
        found[name] += re.findall(r'value="([^"]*)" selected', options)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items() if values}


async def test_an_illness_is_repaired_with_a_reason_and_the_history_kept(
    runtime: Runtime, plumbers: CooperativeContext, team, sign_in, work, moved_clock: MovableClock
) -> None:
    published = await team.publish()
    moved_clock.move_to(paris_instant(date(2027, 8, 4)))
    before = await team.held(published)
    ill = next(duty.technician_id for duty in before if duty.period.starts_at > paris_instant(date(2027, 9, 1)))
    async with runtime.database.tenant(plumbers.tenant) as session:
        await rota.add_absence(
            session,
            technician_id=ill,
            starts_at=paris_instant(date(2027, 8, 4)),
            ends_at=paris_instant(date(2027, 11, 1)),
            hard=True,
            reason="maladie",
        )
    lost = [duty for duty in before if duty.technician_id == ill and duty.period.overlaps(ILLNESS)]
    assert lost
    office = await sign_in(Role.MANAGER, plumbers)
    asked = await office.post("/c/eure/rota/repairs", {"semester": "2027-S2", "label": "Maladie"})
    run_path = asked.headers["location"]
    await work()
    page = await office.get(run_path)
    assert f"{len(lost)} changement" in page.text, "as few changes as duties lost"
    assert await team.held(published) == before, "nothing changes before it is applied"
    silent = await office.post(f"{run_path}/apply", {"reason": " "})
    assert silent.status_code == 422
    assert "Indiquez le motif du changement." in silent.text
    assert (await office.post(f"{run_path}/apply", {"reason": "Arrêt de travail"})).status_code == 303
    assert "Réparation appliquée" in (await office.get(run_path)).text
    assert (await office.post(f"{run_path}/apply", {"reason": "Encore"})).status_code == 422

    after = await team.held(published)
    assert not any(d.technician_id == ill and d.period.overlaps(ILLNESS) for d in after)
    kept = {(duty.post_id, duty.technician_id, duty.period) for duty in before if duty not in lost}
    assert kept <= {(duty.post_id, duty.technician_id, duty.period) for duty in after}
    async with runtime.database.tenant(plumbers.tenant) as session:
        trades = runtime.trades.enabled(plumbers.trades)
        review = await rota.review(session, rota_id=published, trades=trades)
        assert review.gaps == ()
        assert review.problems == ()
        assert review.gaps == ()
        story = await rota.history(session, post_id=lost[-1].post_id, over=lost[-1].period)
        assert [row.superseded_at is None for row in story] == [False, True]
        assert story[-1].reason == "Arrêt de travail"
        told = (
            await session.execute(sa.text("select count(*) from message where purpose = 'duty_changed'"))
        ).scalar_one()
        assert told >= 2
        sick = (
            await session.execute(sa.text("select count(*) from message where body like '%Arrêt de travail%'"))
        ).scalar_one()
        assert sick == 0, "why somebody is away is not written to the others"


async def test_who_leaves_loses_what_was_to_come_and_nothing_else_moves(
    runtime: Runtime, plumbers: CooperativeContext, team, sign_in, work, moved_clock: MovableClock
) -> None:
    """On a Wednesday somebody on call stops at once, and a business leaves in the middle of a duty to come."""
    published = await team.publish()
    before = await team.held(published)
    now = paris_instant(date(2027, 8, 18), time(10))
    moved_clock.move_to(now)
    stops = next(duty for duty in before if duty.period.starts_at < now < duty.period.ends_at and duty.rank == 1)
    leaves = next(
        duty
        for duty in before
        if duty.period.starts_at > paris_instant(date(2027, 10, 1))
        and duty.rank == 1
        and duty.technician_id != stops.technician_id
        and duty.sector_id == stops.sector_id
    )
    left_on = paris(leaves.period.starts_at).date() + timedelta(days=3)
    lost = [
        duty
        for duty in before
        if (duty.technician_id == stops.technician_id and duty.period.ends_at > now)
        or (duty.technician_id == leaves.technician_id and duty.period.ends_at > paris_instant(left_on))
    ]
    office = await sign_in(Role.MANAGER, plumbers)
    calm = await office.get(RULED)
    assert "ne tiennent plus" not in calm.text

    person = f"/c/eure/members/{stops.member_id}/technicians/{stops.technician_id}"
    form = fields(await office.get(person))
    del form["active"]
    assert (await office.post(person, form)).status_code == 303
    business = f"/c/eure/members/{leaves.member_id}"
    form = fields(await office.get(f"{business}/edit")) | {"left_on": left_on.isoformat()}
    assert (await office.post(business, form)).status_code == 303

    for where in (RULED, "/c/eure/rota?semester=2027-S2"):
        told = await office.get(where)
        assert "ne tiennent plus" in told.text
        assert "Technicien inactif" in told.text
        assert f"Associé sorti le {left_on:%d/%m/%Y}" in told.text
    asked = await office.post("/c/eure/rota/repairs", {"semester": "2027-S2", "label": "Deux départs"})
    run_path = asked.headers["location"]
    await work()
    shown = await office.get(run_path)
    assert f"{len(lost)} changements proposés" in shown.text, "as few changes as duties lost"
    assert await team.held(published) == before, "nothing changes before it is applied"
    assert (await office.post(f"{run_path}/apply", {"reason": "Départs"})).status_code == 303

    after = await team.held(published)
    begun = (stops.post_id, stops.technician_id, rota.Period(stops.period.starts_at, now))
    kept = {(d.post_id, d.technician_id, d.period) for d in before if d not in lost} | {begun}
    fresh = {(d.post_id, d.technician_id, d.period) for d in after} - kept
    assert kept <= {(d.post_id, d.technician_id, d.period) for d in after}
    assert {(post_id, max(period.starts_at, now), period.ends_at) for post_id, _, period in fresh} == {
        (duty.post_id, max(duty.period.starts_at, now), duty.period.ends_at) for duty in lost
    }
    assert not {technician for _, technician, _ in fresh} & {stops.technician_id, leaves.technician_id}
    calm = await office.get(RULED)
    assert "ne tiennent plus" not in calm.text
    whole = await office.get("/c/eure/rota?semester=2027-S2")
    assert "Tous les postes sont tenus" in whole.text


async def test_a_sector_that_is_split_is_filled_and_the_rest_stays(
    runtime: Runtime, plumbers: CooperativeContext, team, sign_in, work, moved_clock: MovableClock
) -> None:
    """In September the first sector gives half of its communes to a new one; another is merged away into its
    neighbour. What is over is not looked at again."""
    published = await team.publish()
    before = await team.held(published)
    now = paris_instant(date(2027, 9, 15), time(10))
    moved_clock.move_to(now)
    async with runtime.database.tenant(plumbers.tenant) as session:
        communes = await territory.all_communes(session)
        own = {
            sector.code: [
                row.insee
                for row in await territory.communes_of_sector(
                    session, sector_id=sector.id, trade="plumbing", semester=S2
                )
            ]
            for sector in team.sectors
        }
        names = {sector.code: sector.name for sector in team.sectors}
        split, gone = team.sectors[0], team.sectors[-1]
        own["S99"], own[split.code] = own[split.code][::2], own[split.code][1::2]
        own[team.sectors[1].code] += own.pop(gone.code)
        drafts = [
            territory.SectorDraft(code, names.get(code, "Nouveau"), frozenset(codes)) for code, codes in own.items()
        ]
        await territory.set_sectors(session, semester=S2, trade="plumbing", drafts=drafts, communes=communes)
    office = await sign_in(Role.MANAGER, plumbers)
    asked = await office.post("/c/eure/rota/repairs", {"semester": "2027-S2", "label": "Secteur redécoupé"})
    await work()
    page = await office.get(asked.headers["location"])
    assert "Secteur supprimé, plomberie, rang 1" in page.text
    assert "Secteur Nouveau, plomberie, rang 1" in page.text
    assert (await office.post(f"{asked.headers['location']}/apply", {"reason": "Nouveau découpage"})).status_code == 303
    after = await team.held(published)
    assert not any(duty.sector_id == gone.id and duty.period.ends_at > now for duty in after)
    stays = {
        (d.post_id, d.technician_id, d.period) for d in before if d.sector_id != gone.id or d.period.ends_at <= now
    }
    assert stays <= {(d.post_id, d.technician_id, d.period) for d in after}, "no duty of a sector that stays has moved"
    new = [duty for duty in after if duty.sector_id not in {sector.id for sector in team.sectors}]
    assert min(duty.period.starts_at for duty in new) == now
    assert "Places que personne ne peut tenir" not in page.text
    async with runtime.database.tenant(plumbers.tenant) as session:
        review = await rota.review(session, rota_id=published, trades=runtime.trades.enabled(plumbers.trades))
        assert review.problems == ()
        assert review.gaps == ()
