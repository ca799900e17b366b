"""R40: a continuous sequence without gaps, under concurrency and with transactions that fail."""

import asyncio
from datetime import UTC, datetime

import pytest

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_tenants import numbering

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


async def test_numbers_follow_each_other_per_series_and_year_of_paris(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:

        async def number(prefix: str, at: datetime) -> str:
            return await numbering.next_number(session, prefix=prefix, at=at)

        assert await number("I", NOON) == "I-2027-000001"
        assert await number("I", NOON) == "I-2027-000002"
        assert await number("D", NOON) == "D-2027-000001"
        # 23:30 UTC on 31 December is already 2028 in Paris
        assert await number("I", datetime(2027, 12, 31, 23, 30, tzinfo=UTC)) == "I-2028-000001"
        assert await number("I", datetime(2027, 12, 31, 22, 30, tzinfo=UTC)) == "I-2027-000003"


async def test_fifty_parallel_transactions_some_of_which_fail_leave_no_gap_and_no_duplicate(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    class Failure(Exception):
        pass

    async def one(turn: int) -> str | None:
        try:
            async with runtime.database.tenant(eure.tenant) as session:
                number = await numbering.next_number(session, prefix="F", at=NOON)
                await asyncio.sleep(0.002)
                if turn % 3 == 0:
                    raise Failure
                return number
        except Failure:
            return None

    numbers = await asyncio.gather(*(one(turn) for turn in range(50)))
    kept = sorted(number for number in numbers if number is not None)
    assert len(kept) == 33
    assert kept == [f"F-2027-{rank:06d}" for rank in range(1, 34)]


async def test_each_cooperative_counts_for_itself(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext
) -> None:
    for cooperative in (eure, seine_maritime):
        async with runtime.database.tenant(cooperative.tenant) as session:
            assert await numbering.next_number(session, prefix="F", at=NOON) == "F-2027-000001"


@pytest.mark.parametrize("prefix", ["", "f", "F1", "ABCDE", "É", "F-"])
async def test_an_odd_series_is_refused(runtime: Runtime, eure: CooperativeContext, prefix: str) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        with pytest.raises(ValueError, match="not a series"):
            await numbering.next_number(session, prefix=prefix, at=NOON)


async def test_many_at_once_follow_what_was_given_before(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        first = await numbering.next_number(session, prefix="C", at=NOON)
        many = await numbering.next_numbers(session, prefix="C", at=NOON, count=3)
        last = await numbering.next_number(session, prefix="C", at=NOON)
        with pytest.raises(ValueError, match="cannot give"):
            await numbering.next_numbers(session, prefix="C", at=NOON, count=0)
    assert [first, *many, last] == [f"C-2027-{place:06d}" for place in range(1, 6)]
