"""Decisions about a call that need neither the database nor the clock."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from maillage_kit.context import CooperativeContext
from maillage_tenants.calls import words
from maillage_tenants.calls.models import CallOutcome, LegState
from maillage_tenants.calls.plan import Dial, Hangup, MaskedTurn, Plan, RescueTurn, Say
from maillage_tenants.calls.signals import Ending
from maillage_tenants.dispatch import StepKind

T = TypeVar("T")
MENU_TRIES = 2
KEYPAD_CHOICES = 9
OTHER_COMMUNE_KEY = "9"
MESSAGE_SECONDS = 120
MASKED_RING_SECONDS = 30
CALLBACK_WITHIN = timedelta(minutes=5)
STUCK_AFTER = timedelta(minutes=30)
LONGEST_TALK = timedelta(hours=4)
REMEMBERED_FOR = timedelta(days=1)
STILL_NEWS = timedelta(hours=1)
RESCUE_POSITION = 100
"""Ladder positions from here on are emergency numbers, rung while the database could not say whom to ring."""

LEG_OF_ENDING = {
    Ending.COMPLETED: LegState.NOT_ACCEPTED,
    Ending.NO_ANSWER: LegState.NO_ANSWER,
    Ending.BUSY: LegState.BUSY,
    Ending.FAILED: LegState.UNREACHABLE,
    Ending.CANCELLED: LegState.CANCELLED,
}
"""What an attempt that was not accepted becomes: answered without the key is an answering machine, not a person."""


def offered(places: Sequence[T]) -> Sequence[T]:
    """The communes that one key can choose, of a list in the order of their population: all, or the eight with the most
    people when there are more than nine; the ninth key is then for any other."""
    return places if len(places) <= KEYPAD_CHOICES else places[: KEYPAD_CHOICES - 1]


def outcome_of(kind: StepKind) -> CallOutcome:
    return CallOutcome.FALLBACK if kind is StepKind.FALLBACK else CallOutcome.ACCEPTED


def masked_plan(phone: str, *, shown: str, masked_call: UUID) -> Plan:
    """Join two people; who is rung is shown the pool's number (R103)."""
    return (
        Say(words.MASKED_HOLD),
        Dial(
            phone=phone,
            caller_id=shown,
            ring_seconds=MASKED_RING_SECONDS,
            then=MaskedTurn(masked_call),
            whisper=False,
        ),
    )


def rescue_numbers(cooperative: CooperativeContext | None, last_resort: str | None) -> tuple[tuple[str, str], ...]:
    """(name, number) of the humans who can be rung without any database: fallback, manager, last resort."""
    known: list[tuple[str, str]] = []
    if cooperative is not None:
        known = [
            ("Numéro de repli", cooperative.fallback_phone),
            (cooperative.manager_name, cooperative.manager_phone),
        ]
    if last_resort:
        known.append(("Numéro de dernier recours", last_resort))
    return tuple((name, phone) for i, (name, phone) in enumerate(known) if phone not in {p for _, p in known[:i]})


def rescue_plan(
    cooperative: CooperativeContext | None,
    *,
    last_resort: str | None,
    caller_id: str,
    ring_seconds: int,
    position: int = 0,
    preamble: str = words.RESCUE,
) -> Plan:
    """Ring the emergency number at `position`, bridged at once; after the last one, tell the caller what to do."""
    numbers = rescue_numbers(cooperative, last_resort)
    if position >= len(numbers):
        return (Say(words.NOBODY_AT_ALL), Hangup())
    said = preamble if position == 0 else words.RESCUE_NEXT
    return (
        Say(said),
        Dial(
            phone=numbers[position][1],
            caller_id=cooperative.public_number if cooperative else caller_id,
            ring_seconds=ring_seconds,
            then=RescueTurn(position),
            whisper=False,
        ),
    )
