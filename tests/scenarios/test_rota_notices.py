"""What people are told before a duty: three days, one hour, and a desk that knows a week ahead who cannot be rung."""

from datetime import date, datetime, time, timedelta

import pytest
import sqlalchemy as sa

from maillage_app.messaging import carriers_of
from maillage_app.worker import build_worker, tenant_handlers
from maillage_kit.clock import MovableClock, paris_instant
from maillage_tenants.members.models import Technician
from maillage_tenants.messages.models import Message, MessageAddress
from maillage_tenants.rota import tasks

FRIDAY = paris_instant(date(2027, 3, 5), time(18))
WEEK = timedelta(days=7)


@pytest.fixture
async def guild(guild):
    for name in ("Ana", "Bilal"):
        await guild.joins(name)
    return guild


async def look(guild) -> None:
    """The minute passes: twice, as a worker that was restarted would."""
    for _ in range(2):
        for sweep in (tasks.look_for_reminders, tasks.look_for_handovers, tasks.look_for_unreachable):
            async with guild.session() as session:
                await sweep(session)


async def state_of(guild, purpose: str) -> str:
    await build_worker(guild.runtime, carriers_of(guild.runtime.settings)).run_due()
    async with guild.session() as session:
        return str((await session.scalars(sa.select(Message.state).where(Message.purpose == purpose))).one())


def test_the_worker_knows_the_sweeps() -> None:
    assert {"rota.look_for_reminders", "rota.look_for_handovers", "rota.look_for_unreachable"} <= set(tenant_handlers())


async def test_three_days_ahead_one_is_told_once_and_not_at_night(guild, moved_clock: MovableClock) -> None:
    await guild.on_duty("Ana", FRIDAY + WEEK, FRIDAY + 2 * WEEK)
    moved_clock.move_to(FRIDAY + WEEK - timedelta(days=3, minutes=1))
    await look(guild)
    assert await guild.told("Ana") == []
    moved_clock.move_to(FRIDAY + WEEK - timedelta(days=2, hours=20))  # Tuesday 22:00: quiet
    await look(guild)
    assert await guild.told("Ana") == [
        "Vous êtes d’astreinte à partir de vendredi 12/03 à 18:00, jusqu’à vendredi 19/03 à 18:00, "
        "secteur Pont-Audemer – Roumois, rang 1."
    ]
    assert await state_of(guild, "duty_soon") == "held"
    moved_clock.move_to(paris_instant(date(2027, 3, 10), time(8, 1)))
    assert await state_of(guild, "duty_soon") == "sent"


async def test_one_hour_ahead_both_know_who_hands_over_to_whom_at_any_hour(guild, moved_clock: MovableClock) -> None:
    night = paris_instant(date(2027, 3, 6), time(6))
    await guild.on_duty("Ana", FRIDAY - WEEK, night)
    await guild.on_duty("Bilal", night, FRIDAY + WEEK)
    moved_clock.move_to(night - timedelta(minutes=61))
    await look(guild)
    assert not any("À 06:00" in words for words in await guild.told("Bilal"))
    moved_clock.move_to(night - timedelta(minutes=59))  # 05:01, quiet hours
    await look(guild)
    assert [words for words in await guild.told("Bilal") if "À 06:00" in words] == [
        "À 06:00 vous prenez l’astreinte après Ana Test, 06 12 00 00 01, secteur Pont-Audemer – Roumois, rang 1."
    ]
    assert await guild.told("Ana") == [
        "À 06:00 vous passez l’astreinte à Bilal Test, 06 12 00 00 02, secteur Pont-Audemer – Roumois, rang 1."
    ]
    assert await state_of(guild, "handover_in") == "sent"


async def test_who_goes_on_by_himself_hears_nothing_and_a_first_duty_has_nobody_before(
    guild, moved_clock: MovableClock
) -> None:
    await guild.on_duty("Ana", FRIDAY, FRIDAY + WEEK)
    await guild.on_duty("Ana", FRIDAY + WEEK, FRIDAY + 2 * WEEK)
    moved_clock.move_to(FRIDAY - timedelta(minutes=30))
    await look(guild)
    assert "À 18:00 vous prenez l’astreinte, secteur Pont-Audemer – Roumois, rang 1." in await guild.told("Ana")
    heard = len(await guild.told("Ana"))
    moved_clock.move_to(FRIDAY + WEEK - timedelta(minutes=30))
    await look(guild)
    assert len(await guild.told("Ana")) == heard


@pytest.mark.parametrize("trouble", ["number", "dead", "inactive"])
async def test_a_duty_without_a_reachable_phone_alarms_the_desk_a_week_ahead_until_it_rings_again(
    guild, moved_clock: MovableClock, trouble: str
) -> None:
    await guild.on_duty("Ana", FRIDAY + WEEK, FRIDAY + 2 * WEEK)
    await guild.on_duty("Bilal", FRIDAY, FRIDAY + 2 * WEEK, rank=2)
    technician = sa.update(Technician).where(Technician.id == guild.id_of("Ana"))
    async with guild.session() as session:
        if trouble == "number":
            await session.execute(technician.values(phone="+331"))
        elif trouble == "inactive":
            await session.execute(technician.values(active=False))
        else:
            session.add(
                MessageAddress(
                    channel="sms",
                    address="+33612000001",
                    dead_since=datetime.fromisoformat("2027-03-01T00:00Z"),
                    reason="absent",
                )
            )
    moved_clock.move_to(FRIDAY - timedelta(minutes=1))
    await look(guild)
    assert await guild.desk() == []
    moved_clock.move_to(FRIDAY)
    await look(guild)
    assert await guild.desk() == ["Ana Test est d’astreinte sans téléphone joignable"]
    async with guild.session() as session:
        await session.execute(technician.values(phone="+33612000099", active=True))
    await look(guild)
    assert await guild.desk() == []
