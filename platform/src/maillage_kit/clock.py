"""The one clock. Code asks `now()`; tests and the demo move it with `frozen` and `advance`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class MovableClock:
    """A clock that stands still until it is moved. Never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = require_aware(start).astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, **delta: float) -> datetime:
        step = timedelta(**delta)
        if step < timedelta(0):
            raise ValueError("time does not go back")
        self._now += step
        return self._now

    def move_to(self, instant: datetime) -> datetime:
        instant = require_aware(instant).astimezone(UTC)
        if instant < self._now:
            raise ValueError("time does not go back")
        self._now = instant
        return self._now


_system = SystemClock()
_process_clock: list[Clock] = [_system]
_clock: ContextVar[Clock | None] = ContextVar("maillage_clock", default=None)


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return (_clock.get() or _process_clock[0]).now()


@contextmanager
def using(clock: Clock, *, whole_process: bool = False) -> Iterator[Clock]:
    """Replace the clock for this context, or for the whole process (servers under test, the demo)."""
    if whole_process:
        before, _process_clock[0] = _process_clock[0], clock
        try:
            yield clock
        finally:
            _process_clock[0] = before
    else:
        token = _clock.set(clock)
        try:
            yield clock
        finally:
            _clock.reset(token)


def require_aware(instant: datetime) -> datetime:
    """Return `instant` unchanged. Raises ValueError when it carries no time zone."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError("a time zone is required")
    return instant


def paris(instant: datetime) -> datetime:
    """The same instant on a clock in Paris."""
    return require_aware(instant).astimezone(PARIS)


def paris_instant(day: date, at: time = time(0)) -> datetime:
    """The instant, in UTC, of a wall-clock time in Paris.

    In the repeated hour of October the first passage is meant; in the missing hour of March the instant after the
    change, so that consecutive half-open periods always meet (R105).
    """
    wall = datetime.combine(day, at.replace(tzinfo=None), tzinfo=PARIS)
    return wall.astimezone(UTC)


class SharedClock:
    """A movable clock that several processes read from one small file: the demo and the scenarios move a whole server.

    Refused in production by the settings. The file holds the present instant as microseconds since 1970, 8 bytes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            self.move_to(datetime.now(UTC))

    def now(self) -> datetime:
        micros = int.from_bytes(self._path.read_bytes()[:8], "big")
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)

    def move_to(self, instant: datetime) -> datetime:
        instant = require_aware(instant).astimezone(UTC)
        micros = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        fresh = self._path.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(micros.to_bytes(8, "big"))
        fresh.replace(self._path)
        return instant

    def advance(self, **delta: float) -> datetime:
        return self.move_to(self.now() + timedelta(**delta))


def use_for_process(clock: Clock) -> None:
    """Install `clock` for the whole process: called once, by the composition root."""
    _process_clock[0] = clock


def is_moved() -> bool:
    """Whether time is moved by hand here (tests, the demo) instead of flowing."""
    return not isinstance(_clock.get() or _process_clock[0], SystemClock)
