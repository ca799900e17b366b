"""Writing a call: what a webhook changes is gathered on `OpenCall` and written once, with the event that caused it."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_hooks import TradeRegistry
from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.settings import TelephonySettings
from maillage_tenants.calls.models import Call, CallEvent, CallState
from maillage_tenants.calls.queries import OWN_FIELDS, CallRow
from maillage_tenants.calls.signals import Notice


@dataclass(frozen=True, slots=True)
class Station:
    """What the switchboard knows of a cooperative without asking the database."""

    cooperative: CooperativeContext
    trades: TradeRegistry
    telephony: TelephonySettings


class OpenCall:
    """A locked call and what this webhook changes of it."""

    def __init__(self, row: CallRow) -> None:
        self.row = row
        self.changes: dict[str, Any] = {}

    @property
    def state(self) -> CallState:
        return CallState(self.row.state)

    def set(self, **values: Any) -> None:
        """Change fields; those of other tables (the customer's name…) only in memory."""
        self.row = dataclasses.replace(self.row, **values)
        self.changes.update({name: value for name, value in values.items() if name in OWN_FIELDS})


class ToldBefore(Exception):
    """The same notice was recorded by another transaction while this one worked: begin again and find its answer."""


async def write_new(session: TenantSession, *, row: CallRow, notice: Notice, told: str) -> bool:
    """Write a call that begins, with its event, in one statement. False when the call or the notice is known."""
    values = {name: getattr(row, name) for name in OWN_FIELDS}
    call = (
        insert(Call)
        .values(provider=notice.provider, **values)
        .on_conflict_do_nothing()
        .returning(Call.id)
        .cte("new_call")
    )
    event = _event(notice, told=told)
    columns = ["call_id", *event]
    written = (
        insert(CallEvent)
        .from_select(
            columns,
            sa.select(
                call.c.id, *(sa.bindparam(None, v, type_=CallEvent.__table__.c[k].type) for k, v in event.items())
            ),
        )
        .returning(CallEvent.id)
    )
    if (await session.execute(written)).one_or_none() is None:
        return False
    await outside.notify(session, "calls", row.id)
    return True


async def write(session: TenantSession, *, call: OpenCall, notice: Notice, told: str) -> None:
    """Write what changed of a call and the event that changed it, in one statement. Raises ToldBefore."""
    event = (
        insert(CallEvent)
        .values(call_id=call.row.id, **_event(notice, told=told))
        .on_conflict_do_nothing(index_elements=[CallEvent.fingerprint])
        .returning(CallEvent.id)
        .cte("event")
    )
    statement = sa.select(sa.func.count()).select_from(event)
    if call.changes:
        changed = sa.update(Call).where(Call.id == call.row.id).values(**call.changes).returning(Call.id).cte("changed")
        statement = statement.add_cte(changed)
    if not (await session.execute(statement)).scalar_one():
        raise ToldBefore
    if call.changes.keys() - {"last_sequence"}:
        await outside.notify(session, "calls", call.row.id)


async def write_changes(session: TenantSession, *, call: OpenCall) -> None:
    """Write what changed of a locked call when no carrier told anything: the sweep."""
    await session.execute(sa.update(Call).where(Call.id == call.row.id).values(**call.changes))
    await outside.notify(session, "calls", call.row.id)


def _event(notice: Notice, *, told: str) -> dict[str, Any]:
    return {
        "provider": notice.provider,
        "provider_call_id": notice.call,
        "kind": notice.kind,
        "sequence": notice.sequence,
        "fingerprint": notice.fingerprint,
        "payload": {**notice.payload, "told": told},
        "received_at": clock.now(),
    }


def new_row(*, call_id: UUID, notice: Notice, called: str, caller: str | None, at: datetime) -> CallRow:
    """A call as it begins: the switchboard answers at once, so T0 and T1 are one instant (R88)."""
    return CallRow(
        id=call_id,
        provider_call_id=notice.call,
        called=called,
        caller=caller,
        state=CallState.MENU,
        outcome=None,
        started_at=at,
        answered_at=at,
        connected_at=None,
        ended_at=None,
        last_sequence=-1,
        customer_id=None,
        site_id=None,
        subscription_id=None,
        postcode_typed=None,
        insee=None,
        sector_id=None,
        trade=None,
        position=None,
        accepted_position=None,
        routing_note="",
        intervention_id=None,
        customer_name=None,
        referring_member_id=None,
        address=None,
        premises_use=None,
        over_two_years=None,
        commune=None,
    )
