"""Duties change hands by agreement: exchanges, gifts, the office that asks, somebody who takes over at night."""

import asyncio
import re
from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from maillage_kit.clock import MovableClock, paris_instant
from maillage_tenants import rota
from maillage_tenants.messages.models import Message
from maillage_tenants.rota import service
from maillage_tenants.rota.errors import DutyBegun, DutyChanged, SwapOver
from maillage_tenants.rota.models import Duty
from maillage_tenants.rota.models_swaps import Swap
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.tasks import look_for_stale_swaps

BASE = "/c/eure"


def friday(weeks: int, hour: int = 18) -> datetime:
    """So many weeks after Friday 5 March; today is Monday the first."""
    return paris_instant(date(2027, 3, 5) + timedelta(weeks=weeks), time(hour))


MIDWEEK = timedelta(days=3)


@pytest.fixture
async def guild(guild):
    """Ana, Bilal and Chloé share the weeks to come at rank 1, Denis backs them all."""
    for name in ("Ana", "Bilal", "Chloé", "Denis"):
        await guild.joins(name)
    return guild


def paths(page, pattern: str) -> list[str]:
    return re.findall(rf'action="({BASE}/field/{pattern})"', page.text)


async def swaps(guild) -> list[tuple[str, str]]:
    async with guild.session() as session:
        rows = await session.execute(sa.select(Swap.kind, Swap.state).order_by(Swap.created_at, Swap.id))
        return [tuple(row) for row in rows]


async def test_two_weeks_are_exchanged_once_both_agree_and_the_past_stays_provable(
    guild, moved_clock: MovableClock
) -> None:
    ana_week = await guild.on_duty("Ana", friday(3), friday(4))
    bilal_week = await guild.on_duty("Bilal", friday(5), friday(6))
    ana, bilal, chloe = [await guild.phone(name) for name in ("Ana", "Bilal", "Chloé")]
    page = await ana.get(f"{BASE}/field/duties/{ana_week}")
    assert "Bilal Test" in page.text
    assert (await chloe.get(f"{BASE}/field/duties/{ana_week}")).status_code == 404
    asked = await ana.post(f"{BASE}/field/duties/{ana_week}/exchange", {"wanted": str(bilal_week), "reason": "Mariage"})
    assert asked.status_code == 303
    assert await guild.who(friday(3) + MIDWEEK) == "Ana"  # nothing changes before the answer
    (words,) = await guild.told("Bilal")
    assert words.startswith("Ana Test vous propose son astreinte du 26/03/2027 18:00 au 02/04/2027 18:00")
    again = await ana.post(f"{BASE}/field/duties/{ana_week}/give", {})
    assert again.status_code == 422
    assert "Une proposition est déjà en attente" in again.text

    assert "On attend votre réponse" in (await bilal.get(f"{BASE}/field/duties")).text
    market = await bilal.get(f"{BASE}/field/duties/market")
    (accept,) = paths(market, "swaps/[0-9a-f-]+/accept")
    assert (await chloe.post(accept)).status_code == 404  # asked of somebody else
    before = moved_clock.now()
    moved_clock.advance(hours=1)
    assert (await bilal.post(accept)).headers["location"] == f"{BASE}/field/duties"
    assert [await guild.who(friday(week) + MIDWEEK) for week in (3, 5)] == ["Bilal", "Ana"]
    assert [await guild.who(friday(week) + MIDWEEK, known_at=before) for week in (3, 5)] == ["Ana", "Bilal"]
    assert await swaps(guild) == [("exchange", "accepted")]
    async with guild.session() as session:
        reasons = set(await session.scalars(sa.select(Duty.reason).where(Duty.superseded_at.is_(None))))
    assert reasons == {"Échange entre Ana Test et Bilal Test : Mariage"}
    assert (await bilal.post(accept)).headers["location"] == f"{BASE}/field/duties/market"  # too late to say it twice
    assert [await guild.who(friday(week) + MIDWEEK) for week in (3, 5)] == ["Bilal", "Ana"]
    office = await guild.office()
    assert "Accepté" in (await office.get(f"{BASE}/rota/swaps")).text


async def test_a_refusal_changes_nothing_and_is_told(guild) -> None:
    ana_week = await guild.on_duty("Ana", friday(3), friday(4))
    bilal_week = await guild.on_duty("Bilal", friday(5), friday(6))
    ana, bilal = await guild.phone("Ana"), await guild.phone("Bilal")
    await ana.post(f"{BASE}/field/duties/{ana_week}/exchange", {"wanted": str(bilal_week)})
    (decline,) = paths(await bilal.get(f"{BASE}/field/duties/market"), "swaps/[0-9a-f-]+/decline")
    assert (await bilal.post(decline)).status_code == 303
    assert await swaps(guild) == [("exchange", "declined")]
    assert await guild.who(friday(3) + MIDWEEK) == "Ana"
    assert any("a refusé" in words for words in await guild.told("Ana"))


async def test_an_exchange_that_breaks_a_rule_is_refused_at_once(guild) -> None:
    """Absence granted, papers that end, an employee without rest: said before anybody is asked."""
    await guild.joins("Élise", employed=True)
    await guild.joins("Farid", papers_until=date(2027, 3, 31))
    ana_week = await guild.on_duty("Ana", friday(3), friday(4))
    bilal_week = await guild.on_duty("Bilal", friday(5), friday(6))
    elise_week = await guild.on_duty("Élise", friday(7), friday(8))
    await guild.on_duty("Élise", friday(4), friday(5), rank=2)
    farid_week = await guild.on_duty("Farid", friday(1), friday(2))
    async with guild.session() as session:
        await rota.add_absence(
            session,
            technician_id=guild.id_of("Bilal"),
            starts_at=friday(3),
            ends_at=friday(3) + MIDWEEK,
            hard=True,
        )
    ana = await guild.phone("Ana")
    for wanted, why in (
        (bilal_week, "Bilal Test : absent du 26/03/2027"),
        (elise_week, "Élise Test : repos de 0 h au lieu de"),
        (farid_week, "Farid Test : Responsabilité civile professionnelle expirée"),
        (ana_week, "Choisissez l’astreinte d’un collègue"),
    ):
        refused = await ana.post(f"{BASE}/field/duties/{ana_week}/exchange", {"wanted": str(wanted)})
        assert refused.status_code == 422
        assert why in refused.text, why
    assert await swaps(guild) == []


async def test_a_duty_given_away_goes_to_the_first_who_takes_it(guild) -> None:
    week = await guild.on_duty("Ana", friday(3), friday(4))
    await guild.on_duty("Chloé", friday(3), friday(4), rank=2)  # she is on call herself: neither told nor able
    ana = await guild.phone("Ana")
    assert (await ana.post(f"{BASE}/field/duties/{week}/give", {"reason": "Voyage"})).status_code == 303
    assert "elle reste à vous" in (await ana.get(f"{BASE}/field/duties/market")).text
    assert [bool(await guild.told(name)) for name in ("Bilal", "Chloé", "Denis", "Ana")] == [True, False, True, False]
    async with guild.session() as session:  # three weeks ahead: it waits for the end of quiet hours
        assert set(await session.scalars(sa.select(Message.urgency))) == {"routine"}
    assert await guild.desk() == []
    bilal, chloe, denis = [await guild.phone(name) for name in ("Bilal", "Chloé", "Denis")]
    assert "Rien à prendre" in (await chloe.get(f"{BASE}/field/duties/market")).text
    (take,) = paths(await bilal.get(f"{BASE}/field/duties/market"), "swaps/[0-9a-f-]+/accept")
    assert (await bilal.post(take)).status_code == 303
    assert await guild.who(friday(3) + MIDWEEK) == "Bilal"
    late = await denis.post(take)
    assert late.headers["location"] == f"{BASE}/field/duties/market"
    assert "Trop tard" in (await denis.get(late.headers["location"])).text
    assert await guild.who(friday(3) + MIDWEEK) == "Bilal"


async def test_only_saturday_is_given_away_and_the_rest_stays(guild) -> None:
    week = await guild.on_duty("Ana", friday(3), friday(4))
    ana, bilal = await guild.phone("Ana"), await guild.phone("Bilal")
    part = {"starts_at": "2027-03-27T08:00", "ends_at": "2027-03-28T08:00"}
    wrong = await ana.post(f"{BASE}/field/duties/{week}/give", {**part, "ends_at": "2027-05-01T08:00"})
    assert wrong.status_code == 422
    await ana.post(f"{BASE}/field/duties/{week}/give", part)
    (take,) = paths(await bilal.get(f"{BASE}/field/duties/market"), "swaps/[0-9a-f-]+/accept")
    await bilal.post(take)
    saturday = paris_instant(date(2027, 3, 27), time(8))
    sunday = paris_instant(date(2027, 3, 28), time(8))  # the night of the time change: 23 hours (R65)
    minute = timedelta(minutes=1)
    seen = [await guild.who(at) for at in (saturday - minute, saturday, sunday - minute, sunday)]
    assert seen == ["Ana", "Bilal", "Bilal", "Ana"]
    assert sunday - saturday == timedelta(hours=23)


async def test_two_who_tap_at_the_same_instant_do_not_both_get_it(guild) -> None:
    week = await guild.on_duty("Ana", friday(3), friday(4))
    async with guild.session() as session:
        swap = await service.give_away(session, duty_id=week, technician_id=guild.id_of("Ana"), by="Ana")

    async def take(name: str) -> str:
        try:
            async with guild.session() as session:
                await service.accept_swap(session, swap_id=swap.id, technician_id=guild.id_of(name), by=name)
        except (SwapOver, DutyChanged):
            return "late"
        return name

    outcome = await asyncio.gather(*(take(name) for name in ("Bilal", "Chloé", "Denis")))
    assert sorted(outcome).count("late") == 2
    (winner,) = [name for name in outcome if name != "late"]
    assert await guild.who(friday(3) + MIDWEEK) == winner
    async with guild.session() as session:
        current = await session.scalars(sa.select(Duty.technician_id).where(Duty.superseded_at.is_(None)))
        assert list(current) == [guild.id_of(winner)]


async def test_two_exchanges_that_cross_both_happen_or_wait_for_each_other(guild) -> None:
    """Ana ↔ Bilal and Chloé ↔ Denis agree at the same instant: nobody waits for ever, nothing is lost."""
    weeks = [await guild.on_duty(name, friday(n + 3), friday(n + 4)) for n, name in enumerate(guild.people)]
    names = list(guild.people)
    async with guild.session() as session:
        asked = [
            await service.ask_exchange(
                session,
                duty_id=weeks[giver],
                wanted_duty_id=weeks[other],
                technician_id=guild.id_of(names[giver]),
                by=names[giver],
            )
            for giver, other in ((0, 1), (3, 2))
        ]

    async def agree(swap: Swap, name: str) -> None:
        async with guild.session() as session:
            await service.accept_swap(session, swap_id=swap.id, technician_id=guild.id_of(name), by=name)

    await asyncio.wait_for(asyncio.gather(agree(asked[0], "Bilal"), agree(asked[1], "Chloé")), timeout=30)
    assert [await guild.who(friday(n + 3) + MIDWEEK) for n in range(4)] == ["Bilal", "Ana", "Denis", "Chloé"]


async def test_the_office_replaces_what_is_left_of_a_duty_under_way(guild, moved_clock: MovableClock) -> None:
    week = await guild.on_duty("Ana", friday(0), friday(1))
    moved_clock.move_to(paris_instant(date(2027, 3, 7), time(10)))
    page = await (await guild.office()).get(f"{BASE}/rota/duties/{week}")
    assert 'name="starts_at" value="2027-03-07T10:00"' in page.text
    sent = {"starts_at": "2027-03-07T10:00", "ends_at": "2027-03-12T18:00", "agreement": "given"}
    assert (await change(guild, week, "Bilal", **sent)).status_code == 303
    assert [await guild.who(paris_instant(date(2027, 3, 7), time(hour))) for hour in (9, 10)] == ["Ana", "Bilal"]


async def test_crossing_exchanges_of_one_duty_end_with_one_of_them(guild) -> None:
    """Ana asks Bilal, Bilal's week is taken over by the office meanwhile: the agreement comes too late, whole."""
    ana_week = await guild.on_duty("Ana", friday(3), friday(4))
    bilal_week = await guild.on_duty("Bilal", friday(5), friday(6))
    async with guild.session() as session:
        swap = await service.ask_exchange(
            session, duty_id=ana_week, wanted_duty_id=bilal_week, technician_id=guild.id_of("Ana"), by="Ana"
        )
    async with guild.session() as session:
        await rota.change_duty(
            session, duty_id=bilal_week, technician_id=guild.id_of("Chloé"), by="bureau", reason="Maladie"
        )
    with pytest.raises(DutyChanged):
        async with guild.session() as session:
            await service.accept_swap(session, swap_id=swap.id, technician_id=guild.id_of("Bilal"), by="Bilal")
    assert [await guild.who(friday(week) + MIDWEEK) for week in (3, 5)] == ["Ana", "Chloé"]
    async with guild.session() as session:
        await look_for_stale_swaps(session)
    assert await swaps(guild) == [("exchange", "cancelled")]


async def test_somebody_falls_ill_tonight_a_colleague_takes_over_in_two_taps(guild, moved_clock: MovableClock) -> None:
    week = await guild.on_duty("Ana", friday(0), friday(1))
    await guild.on_duty("Denis", friday(0), friday(1), rank=2)
    night = moved_clock.move_to(paris_instant(date(2027, 3, 7), time(3, 12)))
    ana, bilal = await guild.phone("Ana"), await guild.phone("Bilal")
    assert (await ana.post(f"{BASE}/field/duties/{week}/give", {})).status_code == 303
    assert await guild.desk() == ["Ana Test cherche un remplaçant"]

    first_tap = await bilal.get(f"{BASE}/field/duties/takeover")
    assert "Ana Test" in first_tap.text
    takes = paths(first_tap, "duties/[0-9a-f-]+/takeover")
    assert f"{BASE}/field/duties/{week}/takeover" in takes
    moved_clock.advance(minutes=1)
    second_tap = await bilal.post(f"{BASE}/field/duties/{week}/takeover")
    assert second_tap.headers["location"] == f"{BASE}/field/duties"
    assert await guild.who(moved_clock.now()) == "Bilal"
    assert await guild.who(night) == "Ana"
    assert await guild.who(friday(1) - timedelta(minutes=1)) == "Bilal"
    assert any("vous êtes remplacé" in words for words in await guild.told("Ana"))
    assert "Bilal Test remplace Ana Test" in await guild.desk()
    async with guild.session() as session:
        await look_for_stale_swaps(session)
    assert "Ana Test cherche un remplaçant" not in await guild.desk()


async def test_who_may_not_take_over_is_told_why(guild, moved_clock: MovableClock) -> None:
    week = await guild.on_duty("Ana", friday(0), friday(1))
    later = await guild.on_duty("Ana", friday(3), friday(4))
    await guild.on_duty("Denis", friday(0), friday(1), rank=2)
    moved_clock.move_to(friday(0) + timedelta(hours=1))
    denis, bilal = await guild.phone("Denis"), await guild.phone("Bilal")
    assert "Personne à remplacer" in (await denis.get(f"{BASE}/field/duties/takeover")).text
    refused = await denis.post(f"{BASE}/field/duties/{week}/takeover")
    assert refused.headers["location"] == f"{BASE}/field/duties/takeover"
    assert "déjà d’astreinte" in (await denis.get(f"{BASE}/field/duties/takeover")).text
    too_early = await bilal.post(f"{BASE}/field/duties/{later}/takeover")
    assert too_early.headers["location"] == f"{BASE}/field/duties/takeover"
    assert await guild.who(friday(3) + MIDWEEK) == "Ana"
    moved_clock.move_to(friday(1))
    with pytest.raises(DutyBegun):
        async with guild.session() as session:
            await service.take_over(session, duty_id=week, technician_id=guild.id_of("Bilal"), by="Bilal")


async def change(guild, duty_id: UUID, name: str, **more: str):
    office = await guild.office()
    return await office.post(
        f"{BASE}/rota/duties/{duty_id}/change", {"technician": str(guild.id_of(name)), "reason": "Maladie", **more}
    )


async def test_fifteen_days_before_the_office_asks_and_the_person_agrees(guild) -> None:
    """R63: locked at J-15; later a change needs a reason and the agreement of who gets the duty."""
    week = await guild.on_duty("Ana", friday(1), friday(2))
    far = await guild.on_duty("Ana", friday(3), friday(4))
    assert (await change(guild, far, "Bilal")).status_code == 303
    assert await guild.who(friday(3) + MIDWEEK) == "Bilal"  # more than 15 days ahead: a reason is enough
    page = await (await guild.office()).get(f"{BASE}/rota/duties/{week}")
    assert "Accord de la personne" in page.text
    silent = await change(guild, week, "Bilal")
    assert silent.status_code == 422
    assert "indiquez qu’elle a accepté de vive voix" in silent.text
    no_reason = await change(guild, week, "Bilal", agreement="ask", reason=" ")
    assert no_reason.status_code == 422
    assert (await change(guild, week, "Bilal", agreement="ask")).status_code == 303
    assert await guild.who(friday(1) + MIDWEEK) == "Ana"
    assert any(words.startswith("La coopérative vous demande") for words in await guild.told("Bilal"))
    bilal = await guild.phone("Bilal")
    (accept,) = paths(await bilal.get(f"{BASE}/field/duties/market"), "swaps/[0-9a-f-]+/accept")
    await bilal.post(accept)
    assert await guild.who(friday(1) + MIDWEEK) == "Bilal"
    assert ("request", "accepted") in await swaps(guild)


async def test_who_refuses_the_office_keeps_out_and_the_desk_knows(guild) -> None:
    week = await guild.on_duty("Ana", friday(1), friday(2))
    await change(guild, week, "Bilal", agreement="ask")
    bilal = await guild.phone("Bilal")
    (decline,) = paths(await bilal.get(f"{BASE}/field/duties/market"), "swaps/[0-9a-f-]+/decline")
    await bilal.post(decline)
    assert await guild.desk() == ["Bilal Test ne prend pas l’astreinte demandée"]
    assert await guild.who(friday(1) + MIDWEEK) == "Ana"
    assert (await change(guild, week, "Chloé", agreement="given")).status_code == 303
    async with guild.session() as session:
        reason = await session.scalar(sa.select(Duty.reason).where(Duty.superseded_at.is_(None)))
    assert reason == "Maladie (accord donné de vive voix à Camille Test)"


async def test_an_employee_is_not_asked_with_less_than_one_clear_day(guild, moved_clock: MovableClock) -> None:
    """R63: L3121-12. Taking over by oneself stays possible: nobody orders it."""
    await guild.joins("Élise", employed=True)
    week = await guild.on_duty("Ana", friday(0), friday(1))
    moved_clock.move_to(paris_instant(date(2027, 3, 4), time(9)))
    for agreement in ("ask", "given"):
        refused = await change(guild, week, "Élise", agreement=agreement)
        assert refused.status_code == 422
        assert "un jour franc" in refused.text
    assert (await change(guild, week, "Bilal", agreement="given")).status_code == 303
    moved_clock.move_to(friday(0) + timedelta(hours=2))
    elise = await guild.phone("Élise")
    async with guild.session() as session:
        (current,) = await session.scalars(sa.select(Duty.id).where(Duty.superseded_at.is_(None)))
    await elise.post(f"{BASE}/field/duties/{current}/takeover")
    assert await guild.who(moved_clock.now()) == "Élise"


async def test_a_hole_close_by_is_filled_with_somebody_who_agreed(guild) -> None:
    office = await guild.office()
    form = {
        "post": str(guild.posts[1]),
        "technician": str(guild.id_of("Ana")),
        "starts_at": "2027-03-05T18:00",
        "ends_at": "2027-03-12T18:00",
        "reason": "Démission",
    }
    path = f"{BASE}/rota/{guild.rota_id}/fill"
    assert (await office.post(path, form)).status_code == 422
    assert (await office.post(path, {**form, "agreement": "given"})).status_code == 303
    assert await guild.who(friday(0) + MIDWEEK) == "Ana"


async def test_the_office_takes_a_proposal_back(guild) -> None:
    week = await guild.on_duty("Ana", friday(1), friday(2))
    await change(guild, week, "Bilal", agreement="ask")
    office = await guild.office()
    page = await office.get(f"{BASE}/rota/swaps?show=open")
    (cancel,) = re.findall(rf'action="({BASE}/rota/swaps/[0-9a-f-]+/cancel)"', page.text)
    assert (await office.post(cancel)).status_code == 303
    assert await swaps(guild) == [("request", "cancelled")]
    assert "Rien à prendre" in (await (await guild.phone("Bilal")).get(f"{BASE}/field/duties/market")).text


async def test_a_published_duty_cannot_be_rewritten_even_by_hand(guild) -> None:
    """Rule 3: who was on call stays provable."""
    week = await guild.on_duty("Ana", friday(1), friday(2))
    for statement in (
        sa.update(Duty).where(Duty.id == week).values(technician_id=guild.id_of("Bilal")),
        sa.delete(Duty).where(Duty.id == week),
    ):
        with pytest.raises(sa.exc.IntegrityError):
            async with guild.session() as session:
                await session.execute(statement)
    assert await guild.who(Period(friday(1), friday(2)).starts_at) == "Ana"
