"""Who came first is served first: a few at a time, and nobody waits long for it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """At most `at_once` inside, in the order of arrival; whoever has waited `patience_seconds` goes in all the same.

    A process that works at everything at once finishes everything late. In turns the same work ends sooner for nearly
    everybody, and a few that are stuck hold nobody back for longer than the patience.
    """

    def __init__(self, at_once: int, *, patience_seconds: float) -> None:
        self._free = at_once
        self._patience = patience_seconds
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One turn, from when it begins to when it ends."""
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait()
        try:
            yield
        finally:
            self._leave()

    async def _wait(self) -> None:
        """Until somebody leaves, or the patience ends: then there is one more inside, and one more leaves."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append(mine)
        impatient = loop.call_later(self._patience, self._enter_anyway, mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._leave()
            raise
        finally:
            impatient.cancel()

    def _enter_anyway(self, mine: asyncio.Future[None]) -> None:
        if not mine.done():
            self._free -= 1
            mine.set_result(None)

    def _leave(self) -> None:
        self._free += 1
        while self._free > 0 and self._waiting:
            following = self._waiting.popleft()
            if not following.done():
                self._free -= 1
                following.set_result(None)
