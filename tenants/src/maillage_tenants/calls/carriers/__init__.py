"""Adapters, one per carrier language. Each checks what comes in, turns it into signals, and renders plans."""

from typing import Protocol
from uuid import UUID

from maillage_tenants.calls.plan import Plan


class Carrier(Protocol):
    """The half of an adapter that the switchboard needs: rendering. Parsing belongs to each adapter's own routes."""

    @property
    def name(self) -> str: ...

    def render(self, plan: Plan, *, cooperative_id: UUID | None, call_id: UUID | None) -> str:
        """The plan in the carrier's language. `call_id` is None while the call could not be written."""
        ...
