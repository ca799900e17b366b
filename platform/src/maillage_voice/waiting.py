"""One small thing that every script does: wait for the first of several things."""

import asyncio
from typing import Any


async def first_of(*futures: "asyncio.Future[Any]", timeout: float | None = None) -> None:
    """Until one is done or the time is over. None of them is cancelled; the caller looks which one it was."""
    await asyncio.wait(futures, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
