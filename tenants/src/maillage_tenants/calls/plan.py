"""What a phone line must do next, in words that no carrier owns. A carrier adapter renders a plan in its own language.

A plan is done in order. `Gather` stops it when keys are typed and goes on with `then`; untouched, it falls through.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Ask(StrEnum):
    """What the caller is asked by keypad."""

    START = "start"
    SITE = "site"
    POSTCODE = "postcode"
    COMMUNE = "commune"


@dataclass(frozen=True, slots=True)
class MenuTurn:
    """Come back with the keys the caller typed. `attempt` starts at 1."""

    ask: Ask
    attempt: int


@dataclass(frozen=True, slots=True)
class StepTurn:
    """Come back when the attempt on that ladder step is over. `direct`: it was bridged without asking for a key."""

    position: int
    direct: bool = False


@dataclass(frozen=True, slots=True)
class KeyTurn:
    """Come back with the key typed by the person rung on that step."""

    position: int


@dataclass(frozen=True, slots=True)
class RescueTurn:
    """Come back after the attempt on that emergency number, when the database cannot say what to do."""

    position: int


Turn: TypeAlias = MenuTurn | StepTurn | KeyTurn | RescueTurn


@dataclass(frozen=True, slots=True)
class Say:
    """Read out in French."""

    text: str


@dataclass(frozen=True, slots=True)
class Gather:
    """Read out `say` and wait for `digits` keys, `timeout_seconds` after the last word or key."""

    say: tuple[str, ...]
    digits: int
    timeout_seconds: int
    then: Turn


@dataclass(frozen=True, slots=True)
class GoOn:
    """Ask what comes next without waiting."""

    then: Turn


@dataclass(frozen=True, slots=True)
class Dial:
    """Ring one number. With `whisper`, who answers is asked for a key before being put through; else bridged at once.

    `caller_id` is the cooperative's own number (R103).
    """

    phone: str
    caller_id: str
    ring_seconds: int
    then: StepTurn | RescueTurn
    whisper: bool = True


@dataclass(frozen=True, slots=True)
class Hangup:
    """End this line."""


Verb: TypeAlias = Say | Gather | GoOn | Dial | Hangup
Plan: TypeAlias = tuple[Verb, ...]
BRIDGE: Plan = ()
"""For the person rung: nothing more to say, put the caller through."""
