"""What a carrier tells us, in words that no carrier owns. Adapters make these; the service acts on them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Notice:
    """The envelope of every signal, stored as it came. `fingerprint` is the same when a carrier repeats itself.

    `call` is the carrier's name of the caller's line, also when the signal is about the person rung. `caller` is the
    number that placed the line the signal is about, when the carrier says it. `believed_for`: how long after the first
    time a repeat is the carrier's own; later it is somebody's who kept it. None: always, whoever tells proves itself.
    """

    provider: str
    call: str
    kind: str
    fingerprint: str
    sequence: int | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    caller: str | None = None
    believed_for: timedelta | None = None


class Ending(StrEnum):
    """How an attempt to reach somebody ended, as far as the carrier can tell."""

    COMPLETED = "completed"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class InboundCall:
    """Somebody rings the single number. `caller` is E.164, None when masked or unusable (R103)."""

    notice: Notice
    called: str
    caller: str | None


@dataclass(frozen=True, slots=True)
class KeysTyped:
    """The caller's answer to a menu; empty when nothing was typed. `gone`: the caller has hung up meanwhile.

    `at`, here and below: when it happened, where the carrier says it.
    """

    notice: Notice
    digits: str
    gone: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttemptOver:
    """The attempt on a ladder step is over.

    `bridged`: whether the two people were put through, None when the carrier does not say. `gone`: the caller has hung
    up.
    """

    notice: Notice
    ending: Ending
    leg: str | None
    bridged: bool | None
    gone: bool
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LegProgress:
    """News of the line to the person rung: `answered`, or its end; neither while it only rings."""

    notice: Notice
    leg: str
    answered: bool
    ending: Ending | None


class News(StrEnum):
    """What a carrier that tells each leg may tell, afterwards and at the time it says.

    The caller's line: `arrived`, `decided` (by us), `decided_alone` (by what was remembered while we were silent),
    `voice` (the menu answered), `line_over`, `talk_over` (the menu has finished with it). A leg: from `rung` to
    `not_accepted`; `direct`: answered and put through at once, nobody was asked for a key; `declined` by a person,
    `withdrawn` by us. `told`: nothing to act on.
    """

    ARRIVED = "arrived"
    DECIDED = "decided"
    DECIDED_ALONE = "decided_alone"
    VOICE = "voice"
    LINE_OVER = "line_over"
    TALK_OVER = "talk_over"
    RUNG = "rung"
    ANSWERED = "answered"
    DIRECT = "direct"
    ACCEPTED = "accepted"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"
    WITHDRAWN = "withdrawn"
    NOT_ACCEPTED = "not_accepted"
    LEG_OVER = "leg_over"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class CallNews:
    """One event of a call, told at least once and in any order. `at` is when it happened.

    `position` is the ladder step it is about, with the number that was rung when the carrier says it; None when it is
    about the caller's line.
    """

    notice: Notice
    news: News
    at: datetime
    called: str
    caller: str | None
    position: int | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class LegKey:
    """The key typed by the person rung; empty when they only picked up."""

    notice: Notice
    leg: str
    digits: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LineProgress:
    """News of the caller's line; `ended` when it is over. `seconds` is how long it lasted, when known."""

    notice: Notice
    called: str
    caller: str | None
    ended: bool
    seconds: int | None


@dataclass(frozen=True, slots=True)
class RecordingNews:
    """A recording that the carrier holds: its name for it, where it is, how long it lasts when it says so."""

    reference: str
    url: str
    seconds: int | None
