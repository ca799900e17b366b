"""Compressed time: everybody's minutes pass in order, together, and in no time."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from maillage_app.demo.timeline import Timeline
from maillage_kit.clock import MovableClock

START = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)


async def test_people_wake_in_order_and_the_night_takes_no_time() -> None:
    clock = MovableClock(START)
    timeline = Timeline(clock)
    story: list[tuple[str, float]] = []

    async def person(name: str, *waits: float) -> None:
        for wait in waits:
            await timeline.sleep(wait)
            story.append((name, (timeline.now() - START).total_seconds()))

    began = time.monotonic()
    await timeline.run([person("Ana", 60, 3_000), person("Bilal", 90, 30), person("Chloé", 60)])
    assert story == [("Ana", 60), ("Chloé", 60), ("Bilal", 90), ("Bilal", 120), ("Ana", 3_060)]
    assert clock.now() == START + timedelta(seconds=3_060)
    assert time.monotonic() - began < 1


async def test_the_clock_stands_still_while_somebody_acts() -> None:
    clock = MovableClock(START)
    timeline = Timeline(clock)
    seen: list[float] = []

    async def slow() -> None:
        await timeline.sleep(10)
        await asyncio.sleep(0.05)  # a request under way
        seen.append((timeline.now() - START).total_seconds())

    async def other() -> None:
        await timeline.sleep(11)

    await timeline.run([slow(), other()])
    assert seen == [10]


async def test_the_application_may_stop_the_clock_earlier() -> None:
    clock = MovableClock(START)
    stops: list[datetime] = []

    async def settle(target: datetime) -> datetime:
        half = clock.now() + timedelta(seconds=30)
        stops.append(min(half, target))
        return stops[-1]

    timeline = Timeline(clock, settle=settle)
    await timeline.run([timeline.sleep(70)])
    assert [(stop - START).total_seconds() for stop in stops] == [30, 60, 70]


async def test_what_one_person_raises_ends_the_night() -> None:
    timeline = Timeline(MovableClock(START))

    async def breaks() -> None:
        await timeline.sleep(5)
        raise ValueError("broken")

    with pytest.raises(ExceptionGroup) as caught:
        await timeline.run([breaks(), timeline.sleep(5_000)])
    assert caught.group_contains(ValueError, match="broken")


async def test_nobody_makes_an_empty_night() -> None:
    clock = MovableClock(START)
    await Timeline(clock).run([])
    assert clock.now() == START
