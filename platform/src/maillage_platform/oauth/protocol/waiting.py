"""The way between Authlib, which is synchronous, and our coroutines."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.util import await_only, greenlet_spawn

T = TypeVar("T")


async def calling(function: Callable[..., T], *args: Any) -> T:
    """Call synchronous code from which `wait` may be used."""
    return await greenlet_spawn(function, *args)


def wait(coroutine: Awaitable[T]) -> T:
    """Wait for a coroutine inside `calling`: the loop goes on with other requests."""
    return await_only(coroutine)
