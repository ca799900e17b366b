"""Attempts per key in a fixed window, counted in PostgreSQL: one count for every process."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.db import Database, PlatformSession

_COUNTING = (
    "insert into platform.rate_limit (key, window_start, count) values (:key, :now, 1) "
    "on conflict (key) do update set "
    "count = case when rate_limit.window_start <= :floor then 1 else rate_limit.count + 1 end, "
    "window_start = case when rate_limit.window_start <= :floor then :now else rate_limit.window_start end "
    "returning count, window_start"
)
_COUNT = sa.text(_COUNTING)
_COUNT_ALONE = sa.text(f"{_COUNTING}, set_config('synchronous_commit', 'off', true)")


@dataclass(frozen=True, slots=True)
class Window:
    """How many attempts a key made in its present window, and when the next window begins at the latest."""

    count: int
    ends_at: datetime


async def attempts(session: PlatformSession, *, key: str, window: timedelta) -> int:
    """Count one attempt; returns how many this key has made in the current window, this one included."""
    now = clock.now()
    count, _ = (await session.execute(_COUNT, {"key": key, "now": now, "floor": now - window})).one()
    return int(count)


async def count_alone(database: Database, *, key: str, window: timedelta) -> Window:
    """Count one attempt in one round trip, for what comes often: not waiting for the disk, a crash of the database
    forgets the attempts of its last instant. With the end of the window: for who must say when to come back."""
    now = clock.now()
    count, began, _ = await database.alone(_COUNT_ALONE, {"key": key, "now": now, "floor": now - window})
    return Window(int(count), began + window)
