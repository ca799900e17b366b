"""The port to the telephone: what the switchboard asks of a carrier, whatever language it speaks.

A carrier checks what comes in, reads it into `signals`, renders `plan`s, and ends a call when it is asked to. Who is
rung, in which order, for how long and why is decided behind the port, where no carrier is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID

from maillage_kit.context import CooperativeContext
from maillage_tenants.calls.plan import Plan
from maillage_tenants.calls.signals import (
    AttemptOver,
    CallNews,
    InboundCall,
    KeysTyped,
    LegKey,
    LegProgress,
    LineProgress,
)

Event: TypeAlias = LegProgress | LineProgress | CallNews


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as it came, believed by nobody yet. `path` has its query string, `headers` are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    client: str | None = None


class Told(Protocol):
    """A request that is the carrier's, read. Each reading raises Invalid when the request does not tell such a thing.

    Nobody's number is ever made up: a masked or odd caller is None (R103).
    """

    def inbound_call(self) -> InboundCall: ...

    def keys_typed(self) -> KeysTyped: ...

    def attempt_over(self) -> AttemptOver: ...

    def leg_key(self, kind: str) -> LegKey: ...

    def events(self) -> Sequence[Event]: ...


@dataclass(frozen=True, slots=True)
class RunningCall:
    """The line to hang up: the carrier's name of it."""

    provider_call_id: str


class TelephonyProvider(Protocol):
    """One carrier. `patience_seconds`: how long it waits for an answer while somebody is on the line.

    `tells_each_leg`: the end of every leg is told as an event, sooner or later; nothing is concluded meanwhile.
    """

    @property
    def name(self) -> str: ...

    @property
    def patience_seconds(self) -> float: ...

    @property
    def tells_each_leg(self) -> bool: ...

    def listen(self, heard: Heard) -> Told:
        """Check that a request is the carrier's, and read it.

        Raises NotFound while no secret is configured, Forbidden for a wrong or missing proof, Invalid for a body that
        this carrier would not send.
        """
        ...

    def welcome(self, plan: Plan, *, cooperative: CooperativeContext | None, call_id: UUID | None) -> str:
        """The answer to an inbound call. `call_id` is None when the call could not be written."""
        ...

    def render(self, plan: Plan, *, cooperative: CooperativeContext | None, call_id: UUID | None) -> str:
        """The plan in the carrier's language. `call_id` is None while the call could not be written."""
        ...

    async def hang_up(self, call: RunningCall) -> None:
        """End both ends of a running call. Raises Unavailable when the carrier cannot, or has no such call."""
        ...
