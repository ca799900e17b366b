"""A semester is solved in the background, explained, compared, published and repaired: through HTTP and the worker."""

import asyncio
import re
from datetime import date
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from maillage_app.runtime import Runtime
from maillage_app.testing.plumbers import S2
from maillage_kit.clock import MovableClock, paris_instant
from maillage_kit.context import CooperativeContext
from maillage_kit.pages import PageRequest
from maillage_kit.permissions import Role
from maillage_tenants import rota
from maillage_tenants.rota import queries_planning, runner
from maillage_tenants.rota.service.drafting import ensure_posts
from maillage_tenants.rota.service.facts import gather


def link(page: httpx.Response, pattern: str) -> str:
    found = re.search(pattern, page.text)
    assert found, f"no {pattern} in the page"
    return found[1].replace("&amp;", "&")


ASKED = {"semester": "2027-S2", "seconds": "8", "seed": "7", "label": "Premier essai"}


async def test_a_semester_is_solved_watched_and_opened(
    runtime: Runtime, plumbers: CooperativeContext, team, sign_in, work
) -> None:
    office = await sign_in(Role.MANAGER, plumbers)
    page = await office.get("/c/eure/rota/drafts?semester=2027-S2")
    assert "Aucun planning pour ce semestre" in page.text
    refused = await office.post("/c/eure/rota/runs", {**ASKED, "seconds": "0"})
    assert refused.status_code == 422
    assert "Entre 2 secondes et 30 minutes." in refused.text
    asked = await office.post("/c/eure/rota/runs", ASKED)
    assert asked.status_code == 303
    run_path = asked.headers["location"]
    waiting = await office.get(run_path)
    assert "En attente" in waiting.text
    assert f'action="{run_path}/stop"' in waiting.text

    await work()
    done = await office.get(run_path)
    assert "Terminé" in done.text
    assert "Tous les postes sont tenus, jour et nuit, tout le semestre" in done.text
    assert "aucun planning ne peut descendre sous" in done.text
    draft = await office.get(link(done, r'href="(/c/eure/rota\?semester=2027-S2&amp;rota=[0-9a-f-]{36})"'))
    assert "Tous les postes sont tenus, jour et nuit, tout le semestre" in draft.text
    assert "Brouillon" in draft.text
    listed = await office.get("/c/eure/rota/drafts?semester=2027-S2&show=runs")
    assert "Premier essai" in listed.text


async def test_a_search_is_stopped_keeps_the_best_and_the_same_seed_gives_the_same_plan(
    runtime: Runtime, plumbers: CooperativeContext, team, sign_in, work
) -> None:
    office = await sign_in(Role.MANAGER, plumbers)
    asked = await office.post("/c/eure/rota/runs", {**ASKED, "seconds": "600"})
    run_path = asked.headers["location"]
    worker = asyncio.create_task(work())
    async with asyncio.timeout(60):
        while "Étapes" not in (await office.get(f"{run_path}/status")).text:
            await asyncio.sleep(0.3)
    live = await office.get(run_path)
    assert "En cours" in live.text
    assert "Places tenues" in live.text
    assert (await office.post(f"{run_path}/stop")).status_code == 303
    async with asyncio.timeout(90):
        await worker
    done = await office.get(run_path)
    assert "Terminé" in done.text
    assert "/rota?semester=2027-S2&amp;rota=" in done.text
    assert (await office.post(f"{run_path}/stop")).status_code == 409

    first = await office.post("/c/eure/rota/runs", {**ASKED, "seconds": "6"})
    await work()
    again = await office.post(f"{first.headers['location']}/again")
    await work()
    replayed = (await office.get(again.headers["location"])).text
    assert "Le même planning que la première fois" in replayed


async def test_a_search_that_breaks_says_so_and_one_that_does_not_stop_is_ended(
    runtime: Runtime, plumbers: CooperativeContext, team, sign_in, work, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await sign_in(Role.MANAGER, plumbers)
    first = await office.post("/c/eure/rota/runs", ASKED)
    second = await office.post("/c/eure/rota/runs", {**ASKED, "seed": "8"})
    third = await office.post("/c/eure/rota/runs", {**ASKED, "seed": "9"})
    assert third.status_code == 422
    assert "Deux calculs sont déjà en cours" in third.text
    with monkeypatch.context() as broken:
        broken.setattr(runner, "MODULE", "maillage_tenants.rota.nothing")
        await work()
    for asked in (first, second):
        page = await office.get(asked.headers["location"])
        assert "Sans résultat" in page.text
        assert "Le calcul s’est arrêté sur une erreur." in page.text
    assert (await office.post(f"{first.headers['location']}/again")).status_code == 409

    monkeypatch.setattr(runner, "STOP_SECONDS", 0.0)
    asked = await office.post("/c/eure/rota/runs", {**ASKED, "seconds": "600"})
    run_path = asked.headers["location"]
    worker = asyncio.create_task(work())
    async with asyncio.timeout(90):
        while "Étapes" not in (await office.get(f"{run_path}/status")).text:
            await asyncio.sleep(0.3)
    await office.post(f"{run_path}/stop")
    async with asyncio.timeout(60):
        await worker
    assert "Ouvrir le brouillon" in (await office.get(run_path)).text


async def test_a_large_semester_is_covered_before_anybody_knows_what_they_owe(
    runtime: Runtime, plumbers: CooperativeContext, team, sign_in, work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is shown at once, and kept by a stop. The first search on a machine waits for the compiler."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(runner, "MODULE", "solver_of_a_large_semester")
    office = await sign_in(Role.MANAGER, plumbers)
    asked = await office.post("/c/eure/rota/runs", {**ASKED, "seconds": "600"})
    run_path = asked.headers["location"]
    worker = asyncio.create_task(work())
    async with asyncio.timeout(240):
        while not re.search(r"(\d+) sur \1\b", (live := await office.get(f"{run_path}/status")).text):
            await asyncio.sleep(0.3)
    assert "Parts justes" in live.text
    assert "Plus grand écart" not in live.text
    assert "Marge restante" not in live.text
    await office.post(f"{run_path}/stop")
    async with asyncio.timeout(60):
        await worker
    done = await office.get(run_path)
    assert "Terminé" in done.text
    assert "Plus grand écart" in done.text
    draft = await office.get(link(done, r'href="(/c/eure/rota\?semester=2027-S2&amp;rota=[0-9a-f-]{36})"'))
    assert "Tous les postes sont tenus, jour et nuit, tout le semestre" in draft.text


async def test_holes_are_explained_with_what_would_fill_them(
    runtime: Runtime, plumbers: CooperativeContext, team, sign_in, work
) -> None:
    """Everybody is away on the weekend of 7 August, one of them without an answer yet (R64)."""
    async with runtime.database.tenant(plumbers.tenant) as session:
        for number, person in enumerate(team.everybody):
            absence = await rota.add_absence(
                session,
                technician_id=person,
                starts_at=paris_instant(date(2027, 8, 7)),
                ends_at=paris_instant(date(2027, 8, 9)),
                hard=True,
                reason="congés",
            )
            absence.state = "asked" if number == 0 else "approved"
    office = await sign_in(Role.MANAGER, plumbers)
    asked = await office.post("/c/eure/rota/runs", ASKED)
    await work()
    done = await office.get(asked.headers["location"])
    name = team.sectors[0].name
    title = re.search(
        rf"Semaine 31, secteur {name}, plomberie, rang 1 : (\d+) associés qualifiés, tous absents", done.text
    )
    assert title
    assert int(title[1]) >= 5
    assert "Au moins 14 places restent vides quoi qu’on fasse : c’est prouvé." in done.text
    assert "Refuser l’absence demandée par Prénom1 Nom1 à partir du 07/08/2027 (congés)." in done.text
    assert re.search(r"Demander à Prénom\d+ Nom\d+ de renoncer à son absence du 07/08/2027 \(congés\)\.", done.text)
    async with runtime.database.tenant(plumbers.tenant) as session:
        run = await queries_planning.runs(session, semester=S2, page=PageRequest())
        assert run.items[0].uncovered == 14


async def test_a_hypothesis_is_compared_and_touches_nothing_that_is_published(
    runtime: Runtime, plumbers: CooperativeContext, team, sign_in, work
) -> None:
    published = await team.publish()
    before = await team.held(published)
    missing = team.everybody[0]
    office = await sign_in(Role.MANAGER, plumbers)
    await office.post("/c/eure/rota/runs", {**ASKED, "label": "Sans Nom01", "without": str(missing)})
    await work()
    listed = await office.get("/c/eure/rota/drafts?semester=2027-S2")
    assert "Planning publié" in listed.text
    compare = link(listed, r'href="(/c/eure/rota/compare\?semester=2027-S2&amp;one=[^"]+)"')
    duties = await office.get(compare)
    assert "Sans Nom01" in duties.text
    assert "Prénom1 Nom1" in duties.text
    people = await office.get(f"{compare}&show=people")
    row = re.search(
        r'Prénom1 Nom1 .*?data-label="Astreintes de rang 1"><span>(\d+) → <strong>(\d+)</strong>', people.text, re.S
    )
    assert row
    assert int(row[1]) > 0
    assert row[2] == "0"
    assert await team.held(published) == before
    other = await office.get(f"/c/eure/rota/compare?semester=2027-S2&one={published}&other={UUID(int=1)}")
    assert other.status_code == 404


async def test_everybody_sees_who_does_how_much(
    runtime: Runtime, plumbers: CooperativeContext, team, sign_in, moved_clock: MovableClock
) -> None:
    await team.publish()
    moved_clock.move_to(paris_instant(date(2027, 10, 1)))
    office = await sign_in(Role.MANAGER, plumbers)
    page = await office.get("/c/eure/rota/fairness?semester=2027-S2")
    shown = [
        (int(done), int(planned))
        for done, planned in re.findall(r'data-label="Astreintes de rang 1"><span>(\d+) \+ (\d+) ', page.text)
    ]
    assert len(shown) == len(team.everybody)
    assert sum(done + planned for done, planned in shown) == 7 * 28, "28 weeks, two of them cut, in seven sectors"
    assert sum(done for done, _ in shown) == 7 * 13, "those that are over on 1 October"
    owed = [
        float(share.replace(",", "."))
        for share in re.findall(r'de rang 1"><span>[\d +]+<small class="muted">juste : ([\d,]+)', page.text)
    ]
    assert sum(owed) == pytest.approx(7 * 28, abs=2)
    artisan = await sign_in(Role.MEMBER, plumbers, technician_id=team.everybody[0])
    assert "Prénom35 Nom35" in (await artisan.get("/c/eure/field/fairness?semester=2027-S2")).text
    later = await office.get("/c/eure/rota/fairness?semester=2028-S1&kind=sunday")
    assert "Second semestre 2027" in later.text
    assert "Ce semestre n’a pas encore de planning" in later.text


async def test_what_a_semester_is_planned_from_is_chosen_by_those_concerned(
    runtime: Runtime, plumbers: CooperativeContext, team, sign_in
) -> None:
    person = team.everybody[0]
    artisan = await sign_in(Role.MEMBER, plumbers, technician_id=person)
    form = {"first_day": "2027-08-02", "last_day": "2027-08-15", "wanted": "0", "weight": "3"}
    backwards = await artisan.post("/c/eure/field/wishes", {**form, "last_day": "2027-08-01"})
    assert backwards.status_code == 422
    assert "La fin est avant le début." in backwards.text
    assert (await artisan.post("/c/eure/field/wishes", form)).status_code == 303
    assert (await artisan.post("/c/eure/field/preferences", {"spare_school_holidays": "2"})).status_code == 303
    own = await artisan.get("/c/eure/field/wishes")
    assert "Plutôt pas" in own.text

    office = await sign_in(Role.MANAGER, plumbers)
    assert "Prénom1 Nom1" in (await office.get("/c/eure/rota/wishes")).text
    preference = {"technician": str(person), "spare_school_holidays": "2", "backup_only": "1"}
    assert (await office.post("/c/eure/rota/preferences", preference)).status_code == 303
    rules = {"school_zone": "B", "promised_minutes": "45", "max_weeks_running": "1", "max_units_a_week": "2",
             "rest_hours": "11", "employee_rest_hours": "10", "employee_weekly_rest_hours": "35"}  # fmt: skip
    unlawful = await office.post("/c/eure/rota/planning/policy", rules)
    assert unlawful.status_code == 422
    assert "Au moins 11 heures : c’est la loi (R63)." in unlawful.text
    assert (
        await office.post("/c/eure/rota/planning/policy", {**rules, "employee_rest_hours": "11"})
    ).status_code == 303
    assert "Été" in (await office.get("/c/eure/rota/planning")).text
    sector = team.sectors[0]
    pattern = {"code": "days_and_nights", "handover_weekday": "4", "handover_at": "19:00", "day_starts": "07:00",
               "holidays_apart": "1"}  # fmt: skip
    path = f"/c/eure/rota/planning/sectors/{sector.id}"
    assert (await office.post(path, {**pattern, "day_starts": "20:00"})).status_code == 422
    assert (await office.post(path, pattern)).status_code == 303

    async with runtime.database.tenant(plumbers.tenant) as session:
        trades = runtime.trades.enabled(plumbers.trades)
        await ensure_posts(session, semester=S2, trades=trades)
        made = await gather(session, semester=S2, trades=trades, department="27", name="essai")
    (known,) = [one for one in made.people if one.id == person]
    assert known.ranks == (2,)
    assert known.spare_school_holidays == 2
    assert [(wish.wanted, wish.weight) for wish in known.wishes] == [(False, 3)]
    assert made.rules.max_weeks_running == 1
    assert {desk.promised_minutes for desk in made.desks} == {45}
    assert [days.first for days in made.school_holidays] == [date(2027, 7, 3), date(2027, 10, 23), date(2027, 12, 18)]
    assert {one.pattern.code for one in made.sectors if one.id == sector.id} == {"days_and_nights"}
    assert {one.pattern.code for one in made.sectors if one.id != sector.id} == {"whole_weeks"}
    assert all(one.neighbours for one in made.sectors)
    removed = await artisan.post(link(own, r'action="(/c/eure/field/wishes/[0-9a-f-]{36}/remove)"'))
    assert removed.status_code == 303
