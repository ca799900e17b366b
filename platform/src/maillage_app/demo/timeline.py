"""Compressed time: people wait minutes of the night's clock, the demo takes none of them.

Each person of the night is one coroutine. While anybody acts (an HTTP request is under way), the clock stands still;
when all of them wait, it jumps to the first who wakes. So calls overlap as they would in a real night, two at the same
instant are truly two requests at once, and the delays that the application measures are those of the story.
"""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol


class MovableClock(Protocol):
    def now(self) -> datetime: ...
    def move_to(self, instant: datetime) -> datetime: ...


Settle = Callable[[datetime], Awaitable[datetime]]
"""Called before each jump with the instant aimed at; returns the instant to stop at, which may be earlier (something
of the application is due before)."""


async def _at_once(target: datetime) -> datetime:
    return target


class Timeline:
    """Runs coroutines against one clock. `sleep` and `until` may be called only from people of `run`."""

    def __init__(self, clock: MovableClock, *, settle: Settle = _at_once) -> None:
        self._clock = clock
        self._settle = settle
        self._order = itertools.count()
        self._waiting: list[tuple[datetime, int, asyncio.Event]] = []
        self._living = 0
        self._acting = 0
        self._all_wait = asyncio.Event()
        self._all_over = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    def now(self) -> datetime:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        """Wait that long on the night's clock."""
        await self.until(self.now() + timedelta(seconds=seconds))

    async def until(self, instant: datetime) -> None:
        """Wait for that instant; at once when it has passed."""
        if instant <= self.now():
            return
        woken = asyncio.Event()
        heapq.heappush(self._waiting, (instant, next(self._order), woken))
        self._stop_acting()
        await woken.wait()  # whoever moves the clock counts us as acting again

    async def run(self, people: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Run everybody to the end, those who join on the way too. The first exception ends the night for all."""
        async with asyncio.TaskGroup() as self._group:
            for person in people:
                self.join(person)
            mover = self._group.create_task(self._move())
            if self._living:
                await self._all_over.wait()
            mover.cancel()

    def join(self, person: Coroutine[Any, Any, None]) -> None:
        """One more person acts from now on: may be called by somebody who acts."""
        if self._group is None:
            person.close()
            raise RuntimeError("the night has not begun")
        self._living += 1
        self._acting += 1
        self._group.create_task(self._live(person))

    async def _live(self, person: Coroutine[Any, Any, None]) -> None:
        try:
            await person
        finally:
            self._living -= 1
            if self._living == 0:
                self._all_over.set()
            self._stop_acting()

    def _stop_acting(self) -> None:
        self._acting -= 1
        if self._acting == 0:
            self._all_wait.set()

    async def _move(self) -> None:
        while True:
            await self._all_wait.wait()
            self._all_wait.clear()
            while self._acting == 0 and self._waiting:
                target = self._waiting[0][0]
                reached = self._clock.move_to(max(await self._settle(target), self.now()))
                while self._waiting and self._waiting[0][0] <= reached:
                    self._acting += 1
                    heapq.heappop(self._waiting)[2].set()
