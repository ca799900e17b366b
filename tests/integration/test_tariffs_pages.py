"""Pages of the tariffs: the office writes the next version, all read the grid in force and its poster (R3)."""

import re
from io import BytesIO

from pypdf import PdfReader

from maillage_kit import clock
from maillage_kit.money import Money
from maillage_kit.permissions import Role
from maillage_tenants import tariffs
from maillage_tenants.tariffs import queries


def fields_of(html: str) -> dict[str, str]:
    """What the form would send as it stands."""
    found = {}
    for tag in re.findall(r"<input[^>]+>", html):
        name = re.search(r'name="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name and value:
            found[name[1]] = value[1]
    for name, value in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', html, re.DOTALL):
        found[name] = value
    return found


async def test_the_office_publishes_the_next_version(runtime, eure, sign_in) -> None:
    office = await sign_in(Role.MANAGER, eure)
    shown = await office.get("/c/eure/tariffs?trade=plumbing")
    assert shown.status_code == 200
    assert "version 1" in shown.text
    assert "66,00" in shown.text  # travel, 55 € and 20 %
    form = fields_of((await office.get("/c/eure/tariffs/new?trade=plumbing")).text)
    assert form["price_PLO_DEPLACEMENT"] == "55,00"
    form |= {"valid_from": "2027-03-15", "price_PLO_DEPLACEMENT": "58,50", "surcharge_night": "60"}
    answer = await office.post("/c/eure/tariffs", form)
    assert answer.status_code == 303
    async with runtime.database.tenant(eure.tenant) as session:
        every = await queries.versions(session, trade="plumbing")
    assert [version.version for version in every] == [2, 1]
    assert every[0].view.prices["PLO_DEPLACEMENT"] == Money.euros("58.50")
    assert every[0].valid_from == every[1].valid_to
    later = await office.get("/c/eure/tariffs?trade=plumbing")
    assert "À venir" in later.text
    detail = await office.get(f"/c/eure/tariffs/versions/{every[0].id}")
    assert "Retirer cette version" in detail.text
    assert (await office.post(f"/c/eure/tariffs/versions/{every[0].id}/withdraw")).status_code == 303
    assert "Retirée" in (await office.get("/c/eure/tariffs?trade=plumbing")).text


async def test_a_form_with_mistakes_comes_back_with_its_values_and_says_each(runtime, eure, sign_in) -> None:
    office = await sign_in(Role.MANAGER, eure)
    form = fields_of((await office.get("/c/eure/tariffs/new?trade=plumbing")).text)
    form |= {"valid_from": "demain", "price_PLO_DEPLACEMENT": "cher", "surcharge_night": "-5", "conditions": "Le rat"}
    answer = await office.post("/c/eure/tariffs", form)
    assert answer.status_code == 422
    assert "Choisissez une date." in answer.text
    assert "Un montant en euros est attendu" in answer.text
    assert "Un nombre entier est attendu" in answer.text
    assert 'value="cher"' in answer.text
    assert "Le rat" in answer.text
    past = await office.post(
        "/c/eure/tariffs", form | {"valid_from": "2027-02-01", "price_PLO_DEPLACEMENT": "55", "surcharge_night": "50"}
    )
    assert past.status_code == 422
    assert "date à venir" in past.text
    async with runtime.database.tenant(eure.tenant) as session:
        assert len(await queries.versions(session, trade="plumbing")) == 1


async def test_tariffs_belong_to_the_office_of_the_cooperative(eure, seine_maritime, sign_in, visitor, runtime) -> None:
    member = await sign_in(Role.MEMBER, eure)
    assert (await member.get("/c/eure/tariffs")).status_code == 403
    stranger = await sign_in(Role.MANAGER, seine_maritime)
    assert (await stranger.get("/c/eure/tariffs")).status_code == 404
    async with runtime.database.tenant(eure.tenant) as session:
        (version,) = await queries.versions(session, trade="plumbing")
    assert (await stranger.get(f"/c/seine-maritime/tariffs/versions/{version.id}")).status_code == 404
    assert (await stranger.post(f"/c/seine-maritime/tariffs/versions/{version.id}/withdraw")).status_code == 404
    assert (await visitor.get("/c/eure/tariffs")).status_code in (302, 303, 307, 401)


async def test_everybody_reads_the_grid_in_force(runtime, eure, visitor) -> None:
    """R3: the very grid that prices the quotes, without another copy."""
    shown = await visitor.get("/p/eure/tarifs")
    assert shown.status_code == 200
    async with runtime.database.tenant(eure.tenant) as session:
        for trade in eure.trades:
            found = await tariffs.tariff_at(session, trade=trade, at=clock.now())
            assert found is not None
            for item in found.items:
                assert item.label in shown.text
                assert str(item.unit_price + item.unit_price.percent(2000)) in shown.text
    assert "Devis gratuit" in shown.text
    assert "quart d’heure" in shown.text


async def test_the_poster_says_the_same(runtime, eure, visitor) -> None:
    answer = await visitor.get("/p/eure/tarifs.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    reader = PdfReader(BytesIO(answer.content))
    printed = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))
    width, height = reader.pages[0].mediabox.width, reader.pages[0].mediabox.height
    assert (round(width), round(height)) == (595, 842)
    for words in (
        "Plomberie",
        "Serrurerie",
        "Vitrerie",
        "Main-d’œuvre plombier",
        "66,00",
        "Devis gratuit",
        "jour férié",
    ):
        assert words in printed, words


async def test_a_gas_boiler_is_never_shown_at_the_reduced_rate(visitor) -> None:
    """R30."""
    shown = await visitor.get("/p/eure/tarifs")
    row = shown.text.split("Chaudière gaz")[1].split("</tr>")[0]
    assert "4\u202f080,00" in row
    assert "3\u202f740,00" not in row
