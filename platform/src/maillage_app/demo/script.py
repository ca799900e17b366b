"""The calls of the night as `night.toml` tells them, checked when they are read."""

import importlib.resources
import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from maillage_kit.clock import paris_instant

EVENING, MORNING = date(2027, 3, 27), date(2027, 3, 28)
NOON = time(12)


class CallerKind(StrEnum):
    CUSTOMER = "customer"
    SHOP = "shop"
    TENANT = "tenant"
    TWO_HOMES = "two_homes"
    NO_CONTRACT = "no_contract"
    STRANGER = "stranger"
    MASKED = "masked"

    @property
    def is_known(self) -> bool:
        return self not in (CallerKind.STRANGER, CallerKind.MASKED)


class Does(StrEnum):
    """What somebody does when their phone rings."""

    ACCEPTS = "accepts"
    NO_ANSWER = "no_answer"
    MACHINE = "machine"
    BUSY = "busy"
    DECLINES = "declines"
    REFUSES = "refuses"
    HANGS_UP = "hangs_up"
    CALLER_LEAVES = "caller_leaves"
    CALLER_LEAVES_HEARING = "caller_leaves_hearing"


class Work(StrEnum):
    """What the artisan finds."""

    REPAIR = "repair"
    PARTIAL = "partial"
    HOLD = "hold"
    DANGER = "danger"
    REDIRECTED = "redirected"


class Setup(StrEnum):
    EXPIRED_DOCUMENT = "expired_document"
    WRONG_NUMBER = "wrong_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One call. `expect` is the outcome, with the ladder step that took it for an accepted one."""

    id: str
    title: str
    at: datetime
    coop: str
    trade: str
    caller: CallerKind
    expect: str
    sector: str = ""
    town: str = ""
    same_as: str = ""
    people: tuple[Does, ...] = ()
    others: Does = Does.ACCEPTS
    manager: Does = Does.ACCEPTS
    fallback: Does = Does.ACCEPTS
    answers: dict[str, str] = field(default_factory=dict)
    work: Work = Work.REPAIR
    setup: Setup | None = None
    wrong_postcode: str = ""
    danger: bool = False
    silent: bool = False
    leaves_menu: bool = False
    core: bool = False

    def ended_as_told(self, outcome: str, accepted_kind: str | None) -> bool:
        wanted, _, kind = self.expect.partition(":")
        return outcome == wanted and kind in ("", "any", accepted_kind)


def read_night(*, short: bool = False) -> tuple[Script, ...]:
    """The calls in the order they come; `short`: only the core of the story. Raises ValueError for a bad one."""
    text = importlib.resources.files(__package__).joinpath("night.toml").read_text("utf-8")
    scripts = [_script(call) for call in tomllib.loads(text)["call"]]
    if len({script.id for script in scripts}) != len(scripts):
        raise ValueError("two calls have the same id")
    return tuple(sorted((script for script in scripts if script.core or not short), key=lambda script: script.at))


def _script(call: dict[str, Any]) -> Script:
    known = {
        **call,
        "at": _instant(call["at"]),
        "caller": CallerKind(call["caller"]),
        "people": tuple(Does(does) for does in call.get("people", ())),
        "work": Work(call.get("work", Work.REPAIR)),
        "setup": Setup(call["setup"]) if "setup" in call else None,
    }
    for name in ("others", "manager", "fallback"):
        known[name] = Does(call.get(name, Does.ACCEPTS))
    script = Script(**known)
    if not script.caller.is_known and not script.town:
        raise ValueError(f"{script.id}: somebody unknown needs a town")
    return script


def _instant(wall: str) -> datetime:
    """`23:58` is in the evening of the 27th, `00:09` in the morning of the 28th, on a clock in Paris."""
    at = time.fromisoformat(wall)
    return paris_instant(EVENING if at >= NOON else MORNING, at)
