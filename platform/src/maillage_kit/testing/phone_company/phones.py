"""Telephones that may be rung, and what their owners do then."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class UnexpectedCall(AssertionError):
    """A phone rang that nobody told to expect a call."""


class People(Protocol):
    """Real persons at the phones, instead of what was said beforehand: both wait for one of them."""

    async def ring(self, phone: "Phone", patience: float) -> "Ring":
        """This phone rings, for `patience` seconds: what its owner, or the caller meanwhile, does."""
        ...

    async def listen(self, phone: "Phone", ring: "Ring", patience: float) -> str | None:
        """The key pressed on what was read out, None when nothing was. Who hangs up meanwhile is written on `ring`."""
        ...


class Does(StrEnum):
    """What happens when a phone rings."""

    ANSWERS = "answers"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    DECLINES = "declines"
    UNREACHABLE = "failed"
    CALLER_LEAVES = "caller-leaves"


@dataclass
class Ring:
    """What a phone does the next time it rings. Without another word: it rings in vain."""

    does: Does = Does.NO_ANSWER
    after: float = 5.0
    key: str | None = None
    key_after: float = 3.0
    caller_leaves: bool = False
    hangs_up: bool = False

    def presses(self, key: str, *, after: float = 5.0, thinks: float = 3.0) -> None:
        """Pick up `after` seconds, listen, and press `key` after `thinks` seconds."""
        self.does, self.after, self.key, self.key_after = Does.ANSWERS, after, key, thinks

    def is_a_machine(self, *, after: float = 12.0) -> None:
        """An answering machine picks up and never presses a key."""
        self.does, self.after, self.key = Does.ANSWERS, after, None

    voicemail = is_a_machine

    def picks_up_and_hangs_up(self, *, after: float = 5.0) -> None:
        """Pick up, and hang up on hearing what it is about."""
        self.does, self.after, self.key, self.hangs_up = Does.ANSWERS, after, None, True

    def is_busy(self) -> None:
        self.does = Does.BUSY

    def does_not_answer(self) -> None:
        self.does = Does.NO_ANSWER

    def declines(self) -> None:
        """Press the red button: the network says busy."""
        self.does = Does.DECLINES

    def is_unreachable(self) -> None:
        """The number does not exist or the network has lost it."""
        self.does = Does.UNREACHABLE

    def and_the_caller_hangs_up(self, *, after: float = 5.0) -> None:
        """The caller gives up while this phone rings."""
        self.does, self.after = Does.CALLER_LEAVES, after

    def picks_up_and_the_caller_hangs_up(self, *, after: float = 5.0) -> None:
        """The caller gives up while this person listens to what it is about."""
        self.does, self.after, self.caller_leaves = Does.ANSWERS, after, True


@dataclass
class Phone:
    """A phone of somebody who may be rung. `heard` is what was said to it, `rung_by` the number it displayed."""

    name: str
    number: str
    expected: deque[Ring] = field(default_factory=deque)
    habit: Ring | None = None
    heard: list[str] = field(default_factory=list)
    displayed: list[str] = field(default_factory=list)
    times_rung: int = 0
    engaged: bool = False

    def rings(self) -> Ring:
        """Expect one more call; say next what happens then."""
        ring = Ring()
        self.expected.append(ring)
        return ring

    def always(self) -> Ring:
        """From now on, any number of calls, all alike: for the demo and for load."""
        self.habit = Ring()
        return self.habit

    def next_ring(self) -> Ring:
        """What happens this time. Raises UnexpectedCall."""
        self.times_rung += 1
        if self.engaged:
            return self._engaged()
        if self.expected:
            return self.expected.popleft()
        if self.habit is not None:
            return self.habit
        raise UnexpectedCall(f"{self.name} ({self.number}) was rung and was not told to expect it")

    def _engaged(self) -> Ring:
        ring = Ring()
        ring.is_busy()
        return ring
