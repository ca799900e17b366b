"""What a phone line must do next, in words that no carrier owns. A carrier adapter renders a plan in its own language.

A plan is done in order. `Gather` stops it when keys are typed and goes on with `then`; untouched, it falls through.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID


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


@dataclass(frozen=True, slots=True)
class MaskedTurn:
    """Come back when the attempt to join two people through a number of the pool is over."""

    masked_call: UUID


Turn: TypeAlias = MenuTurn | StepTurn | KeyTurn | RescueTurn | MaskedTurn


class Spoken(str):
    """A fixed sentence: its words, and the stable name under which a cooperative's own recording may replace them."""

    __slots__ = ("prompt",)
    prompt: str

    def __new__(cls, prompt: str, words: str) -> "Spoken":
        sentence = super().__new__(cls, words)
        sentence.prompt = prompt
        return sentence


def prompt_of(text: str) -> str | None:
    """The name of a fixed sentence, None for words made for one call."""
    return text.prompt if isinstance(text, Spoken) else None


@dataclass(frozen=True, slots=True)
class Say:
    """Read out in French."""

    text: str

    @property
    def prompt(self) -> str | None:
        """The name of the sentence when it is a fixed one."""
        return prompt_of(self.text)


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
class Next:
    """Who would be rung after: a step of the same ladder."""

    position: int
    phone: str
    ring_seconds: int


@dataclass(frozen=True, slots=True)
class Dial:
    """Ring one number. With `whisper`, who answers is asked for a key before being put through; else bridged at once.

    `caller_id` is the cooperative's own number (R103). `record`: keep the conversation (R70). `rest` is the ladder
    after this step, for a carrier that goes down it by itself; the others come back and ask after each.
    """

    phone: str
    caller_id: str
    ring_seconds: int
    then: StepTurn | RescueTurn | MaskedTurn
    whisper: bool = True
    record: bool = False
    rest: tuple[Next, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """After a tone, keep what the caller says, until they hang up, press # or fall silent; then go on."""

    max_seconds: int


@dataclass(frozen=True, slots=True)
class Hangup:
    """End this line."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Stay on the line in silence."""

    seconds: int


@dataclass(frozen=True, slots=True)
class TypeKeys:
    """Type keys towards the other end: what the test artisan of a watch call does."""

    digits: str


@dataclass(frozen=True, slots=True)
class NobodyElse:
    """Whatever breaks from here on, no human is rung instead: our own watch call. Nothing is heard of it."""


Verb: TypeAlias = Say | Gather | GoOn | Dial | Record | Hangup | Pause | TypeKeys | NobodyElse
Plan: TypeAlias = tuple[Verb, ...]
BRIDGE: Plan = ()
"""For the person rung: nothing more to say, put the caller through."""
TEST_ARTISAN: Plan = (Pause(4), TypeKeys("1"), Pause(50), Hangup())
"""The line of the test artisan: picks up, listens a little, presses 1, stays until the other end hangs up."""
