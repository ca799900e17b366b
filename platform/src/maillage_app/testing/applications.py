"""The web application over a runtime, for tests that ask it in their own process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from maillage_app.app import build_app
from maillage_app.runtime import Runtime
from maillage_kit.settings import Settings

READ_AT_WORK = (
    "database",
    "telephony",
    "mail",
    "sms",
    "ovh",
    "smpp",
    "sms_order",
    "push",
    "alert_call",
    "voice",
    "watch",
)
"""Settings that nothing looks at while an application is made."""


@dataclass(frozen=True)
class _Made:
    """An application, the settings that it was made with, and the runtime that it knows."""

    settings: Settings
    stand_in: Runtime
    app: Any


@dataclass(frozen=True)
class Lent:
    """An application (ASGI) that answers over `runtime`, whatever it answered over before."""

    runtime: Runtime
    made: _Made

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for name, value in vars(self.runtime).items():
            object.__setattr__(self.made.stand_in, name, value)
        await self.made.app(scope, receive, send)


_MADE: list[_Made] = []


def application_of(runtime: Runtime) -> Lent:
    """The web application over that runtime. Making one takes longer than most tests: it is made once for each set of
    the settings that count then, and serves one runtime at a time, whose other settings it reads at work."""
    plain = Settings(environment="test")
    settings = runtime.settings.model_copy(update={name: getattr(plain, name) for name in READ_AT_WORK})
    for made in _MADE:
        if made.settings == settings and made.stand_in.trades is runtime.trades:
            return Lent(runtime, made)
    stand_in = Runtime(**vars(runtime))
    made = _Made(settings, stand_in, build_app(stand_in))
    _MADE.append(made)
    return Lent(runtime, made)


@contextmanager
def made_anew() -> Iterator[None]:
    """For tests of what an application remembers by itself: nothing is left of, or for, another test."""
    others = _MADE.copy()
    _MADE.clear()
    yield
    _MADE[:] = others
