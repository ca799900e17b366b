"""Duties in people's own calendars: a secret address, read back by another library than the one that writes."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from icalendar import Calendar

from maillage_kit.clock import MovableClock, paris_instant
from maillage_tenants import rota
from maillage_tenants.rota.models_swaps import CalendarFeed

BASE = "/c/eure"
FRIDAY = paris_instant(date(2027, 3, 19), time(18))
WEEK = timedelta(days=7)


@pytest.fixture
async def guild(guild):
    for name in ("Ana", "Bilal"):
        await guild.joins(name)
    return guild


def address_in(page) -> str:
    found = re.search(r'value="https?://[^/"]+(/p/eure/agenda/[\w-]+\.ics)"', page.text)
    assert found
    return found[1]


async def events(visitor, address: str) -> dict[str, tuple[int, str, datetime, datetime, str]]:
    answer = await visitor.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    calendar: Any = Calendar.from_ical(answer.content)
    assert len(calendar.walk("VTIMEZONE")) == 1
    return {
        str(one["UID"]): (
            int(one["SEQUENCE"]),
            str(one["STATUS"]),
            one["DTSTART"].dt.astimezone(UTC),
            one["DTEND"].dt.astimezone(UTC),
            str(one["SUMMARY"]),
        )
        for one in calendar.walk("VEVENT")
    }


async def replaced(guild, duty_id, name: str, *, over: rota.Period | None = None):
    async with guild.session() as session:
        fresh = await rota.change_duty(
            session, duty_id=duty_id, technician_id=guild.id_of(name), by="bureau", reason="Maladie", over=over
        )
        return fresh.id


async def test_a_feed_follows_what_happens_to_a_duty(guild, visitor, moved_clock: MovableClock) -> None:
    """The week crosses the night of 28 March; it is lost, comes back, then is shortened: one event all along."""
    week = await guild.on_duty("Ana", FRIDAY + WEEK, FRIDAY + 2 * WEEK)
    ana = await guild.phone("Ana")
    made = await ana.post(f"{BASE}/field/duties/calendar")
    address = address_in(made)
    ((uid, first),) = (await events(visitor, address)).items()
    assert first[:4] == (0, "CONFIRMED", FRIDAY + WEEK, FRIDAY + 2 * WEEK - timedelta(hours=0))
    assert "Pont-Audemer" in first[4]

    moved_clock.advance(hours=1)
    fresh = await replaced(guild, week, "Bilal")
    lost = (await events(visitor, address))[uid]
    assert lost[:2] == (1, "CANCELLED")
    moved_clock.advance(hours=1)
    back = await replaced(guild, fresh, "Ana")
    again = (await events(visitor, address))[uid]
    assert again[:2] == (2, "CONFIRMED")
    moved_clock.advance(hours=1)
    sunday = FRIDAY + WEEK + timedelta(days=2)
    await replaced(guild, back, "Bilal", over=rota.Period(sunday, FRIDAY + 2 * WEEK))
    found = await events(visitor, address)
    assert list(found) == [uid]
    assert found[uid][:4] == (4, "CONFIRMED", FRIDAY + WEEK, sunday)


async def test_the_secret_is_hashed_shown_once_and_can_be_changed_and_cut(guild, visitor) -> None:
    await guild.on_duty("Ana", FRIDAY, FRIDAY + WEEK)
    ana = await guild.phone("Ana")
    first = address_in(await ana.post(f"{BASE}/field/duties/calendar"))
    token = first.rsplit("/", 1)[1].removesuffix(".ics")
    assert token not in (await ana.get(f"{BASE}/field/duties/calendar")).text
    async with guild.session() as session:
        (kept,) = await session.scalars(sa.select(CalendarFeed.token_hash))
    assert token not in kept
    second = address_in(await ana.post(f"{BASE}/field/duties/calendar"))
    assert (await visitor.get(first)).status_code == 404
    assert len(await events(visitor, second)) == 1
    assert (await visitor.get(second.removesuffix(".ics"))).status_code == 404
    assert (await visitor.get(second.replace("/p/eure/", "/p/seine-maritime/"))).status_code == 404
    assert (await ana.post(f"{BASE}/field/duties/calendar/revoke")).status_code == 303
    assert (await visitor.get(second)).status_code == 404
    assert (await ana.post(f"{BASE}/field/duties/calendar/revoke")).status_code == 404


async def test_the_feed_of_a_sector_says_who_and_the_office_cuts_it(guild, visitor, moved_clock: MovableClock) -> None:
    week = await guild.on_duty("Ana", FRIDAY, FRIDAY + WEEK)
    await guild.on_duty("Bilal", FRIDAY, FRIDAY + WEEK, rank=2)
    await guild.joins("Chloé")
    office = await guild.office()
    made = await office.post(f"{BASE}/rota/calendars/{guild.sector_id}")
    address = address_in(made)
    before = await events(visitor, address)
    assert sorted(one[4].split(",")[0] for one in before.values()) == ["Ana Test", "Bilal Test"]
    moved_clock.advance(hours=1)
    await replaced(guild, week, "Chloé")
    after = await events(visitor, address)
    assert set(after) == set(before)  # the same events: one has changed hands
    changed = [uid for uid in after if after[uid] != before[uid]]
    assert [(before[uid][4][:3], after[uid][4][:5], after[uid][0]) for uid in changed] == [("Ana", "Chloé", 2)]
    assert "+336" not in (await visitor.get(address)).text
    page = await office.get(f"{BASE}/rota/calendars")
    cut = re.search(rf'action="({BASE}/rota/calendars/feeds/[0-9a-f-]+/revoke)"', page.text)
    assert cut
    assert (await office.post(cut[1])).status_code == 303
    assert (await visitor.get(address)).status_code == 404
    assert (await office.post(f"{BASE}/rota/calendars/{guild.rota_id}")).status_code == 404
