"""Turns: in order, a few at a time, and nobody is held up for long by who is stuck."""

import asyncio

import pytest

from maillage_kit.turns import Turns

LONG = 60.0


async def test_a_few_at_a_time_in_the_order_of_arrival() -> None:
    turns = Turns(2, patience_seconds=LONG)
    inside, most, order = 0, 0, []

    async def one(number: int) -> None:
        nonlocal inside, most
        async with turns.turn():
            inside += 1
            most = max(most, inside)
            order.append(number)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(one(number) for number in range(9)))
    assert most == 2
    assert order == list(range(9))


async def test_who_waited_long_enough_goes_in_beside_the_stuck_and_the_count_stays_right() -> None:
    turns = Turns(1, patience_seconds=0.01)
    stuck, served = asyncio.Event(), []

    async def one(name: str) -> None:
        async with turns.turn():
            if name == "stuck":
                await stuck.wait()
            served.append(name)

    first = asyncio.create_task(one("stuck"))
    await asyncio.sleep(0)
    await asyncio.gather(one("second"), one("third"))
    assert served == ["second", "third"]
    stuck.set()
    await first
    # One inside at a time again: a new one waits for the one before.
    gone = asyncio.Event()

    async def held() -> None:
        async with turns.turn():
            await gone.wait()

    holder = asyncio.create_task(held())
    await asyncio.sleep(0)
    patient = Turns.turn(turns)
    entering = asyncio.create_task(patient.__aenter__())
    await asyncio.sleep(0)
    assert not entering.done()
    gone.set()
    await asyncio.gather(holder, entering)
    await patient.__aexit__(None, None, None)


async def test_who_gives_up_while_waiting_takes_no_turn_with_them() -> None:
    turns = Turns(1, patience_seconds=LONG)
    async with turns.turn():
        waiting = asyncio.create_task(_through(turns))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await asyncio.wait_for(_through(turns), 1)


async def test_who_gives_up_at_the_very_moment_of_their_turn_hands_it_on() -> None:
    turns = Turns(1, patience_seconds=LONG)
    async with turns.turn():
        waiting, next_one = asyncio.create_task(_through(turns)), asyncio.create_task(_through(turns))
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait_for(next_one, 1)
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_error_inside_ends_the_turn() -> None:
    turns = Turns(1, patience_seconds=LONG)
    with pytest.raises(ZeroDivisionError):
        async with turns.turn():
            _ = 1 / 0
    await asyncio.wait_for(_through(turns), 1)


async def _through(turns: Turns) -> None:
    async with turns.turn():
        pass
