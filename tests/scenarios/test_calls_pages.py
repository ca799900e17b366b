"""The office reads its calls and closes the callbacks it owes."""

import re

import pytest

from maillage_kit.permissions import Role

LEFEVRE, STRANGER = "+33633333301", "+33699999901"
ANA = "+33611111101"
PONT_AUDEMER = "27467"


@pytest.fixture
async def office(town, sign_in):
    return await sign_in(Role.MANAGER, town.cooperative)


@pytest.fixture
async def missed(town):
    """Madame Lefèvre's call that nobody took; returns its id."""
    await town.customer("Madame Lefèvre", LEFEVRE, ("12 rue de la République", PONT_AUDEMER))
    ana = await town.on_call("Ana", ANA)
    ana.rings().does_not_answer()
    town.company.phone("Responsable", town.cooperative.manager_phone).rings().is_busy()
    town.company.phone("Repli", town.cooperative.fallback_phone).rings().is_a_machine()
    call = await town.company.calls(LEFEVRE, town.number)
    await call.presses("1")
    return await town.value("select id from call")


async def test_a_call_is_explained_step_by_step(town, office, missed):
    page = await office.get(f"/c/eure/calls/{missed}")
    assert page.status_code == 200
    for words in (
        "Madame Lefèvre",
        "12 rue de la République, Pont-Audemer",
        "De garde, rang 1, secteur Pont-Audemer – Roumois",
        "Pas de réponse",
        "Occupé",
        "Sans accepter",
        "Aucune astreinte n’est posée à cet instant.",
        "Numéro de repli de la coopérative : toujours le dernier",
        "Premier menu : touche 1",
        "Ana Test : tentative terminée, pas de réponse",
        "À rappeler",
    ):
        assert words in page.text, words
    assert "Si vous sentez le gaz" in page.text  # what was said is kept with the call


async def test_a_callback_needs_an_outcome(town, office, missed):
    listed = await office.get("/c/eure/calls?show=callbacks")
    assert str(missed) in listed.text
    refused = await office.post(f"/c/eure/calls/{missed}/callback", {"note": "a rappelé"})
    assert refused.status_code == 422
    assert "Dites ce que le rappel a donné." in refused.text
    assert "a rappelé" in refused.text
    assert await town.value("select closed_at from callback") is None

    odd = await office.post(f"/c/eure/calls/{missed}/callback", {"outcome": "whatever"})
    assert odd.status_code == 422

    done = await office.post(
        f"/c/eure/calls/{missed}/callback", {"outcome": "reached_case_opened", "note": "Ana passe à 11 h"}
    )
    assert done.status_code == 303
    closed = await town.row("select outcome, note, closed_by from callback")
    assert closed == {"outcome": "reached_case_opened", "note": "Ana passe à 11 h", "closed_by": "Camille Test"}
    assert await town.value("select resolved_by from alarm where kind = 'call_to_return'") == "Camille Test"
    texts = [row["text"] for row in await town.rows("select text from intervention_event order by id")]
    assert texts[-1] == "Rappel de l’appelant : joint, intervention en cours. Ana passe à 11 h"

    again = await office.post(f"/c/eure/calls/{missed}/callback", {"outcome": "duplicate"})
    assert again.status_code == 409
    after = await office.get("/c/eure/calls?show=callbacks")
    assert "Personne à rappeler" in after.text


async def test_the_log_filters_and_pages(town, office, moved_clock):
    for number in range(7):
        call = await town.company.calls(f"+3369900000{number}", town.number)
        await call.hangs_up()
        moved_clock.advance(minutes=1)
    moved_clock.advance(days=1)
    last = await town.company.calls(LEFEVRE, town.number)
    await last.hangs_up()

    assert "06 33 33 33 01" in (await office.get("/c/eure/calls?show=today")).text
    assert "06 99 00 00 00" not in (await office.get("/c/eure/calls?show=today")).text
    assert (await office.get("/c/eure/calls?show=missed")).text.count('id="call-') == 8

    seen: list[str] = []
    path = "/c/eure/calls?limit=3"
    while True:
        page = await office.get(path)
        seen += re.findall(r'id="call-([0-9a-f-]{36})"', page.text)
        more = re.search(r'href="([^"]*after=[^"]+)"', page.text)
        if more is None:
            break
        path = more[1].replace("&amp;", "&") + "&limit=3"
    expected = [str(row["id"]) for row in await town.rows("select id from call order by started_at desc, id desc")]
    assert seen == expected

    broken = await office.get("/c/eure/calls?after=notacursor")
    assert broken.status_code == 422


async def test_the_page_refreshes_the_list_alone(town, office, missed):
    part = await office.client.get(
        "/c/eure/calls", headers={"accept": "text/html", "HX-Request": "true", "HX-Target": "calls"}
    )
    assert "<html" not in part.text
    assert str(missed) in part.text


async def test_an_empty_log_says_so(office):
    assert "Aucun appel pour l’instant" in (await office.get("/c/eure/calls")).text


async def test_calls_are_the_offices_alone(town, missed, sign_in, seine_maritime, visitor):
    artisan = await sign_in(Role.MEMBER, town.cooperative)
    assert (await artisan.get(f"/c/eure/calls/{missed}")).status_code == 403
    other = await sign_in(Role.MANAGER, seine_maritime)
    assert (await other.get(f"/c/eure/calls/{missed}")).status_code == 404
    assert (await other.get(f"/c/seine-maritime/calls/{missed}")).status_code == 404
    assert (await other.post(f"/c/seine-maritime/calls/{missed}/callback", {"outcome": "duplicate"})).status_code == 404
    assert (await visitor.get(f"/c/eure/calls/{missed}")).status_code == 303
