"""Attempts per key in a fixed window, counted in PostgreSQL: one count for every process."""

from datetime import timedelta

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.db import PlatformSession

_COUNT = sa.text(
    "insert into platform.rate_limit (key, window_start, count) values (:key, :now, 1) "
    "on conflict (key) do update set "
    "count = case when rate_limit.window_start <= :floor then 1 else rate_limit.count + 1 end, "
    "window_start = case when rate_limit.window_start <= :floor then :now else rate_limit.window_start end "
    "returning count"
)


async def attempts(session: PlatformSession, *, key: str, window: timedelta) -> int:
    """Count one attempt; returns how many this key has made in the current window, this one included."""
    now = clock.now()
    return int((await session.execute(_COUNT, {"key": key, "now": now, "floor": now - window})).scalar_one())
