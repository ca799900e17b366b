"""Writing a call: what a webhook changes is gathered on `OpenCall` and written once, with the event that caused it."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_hooks import TradeRegistry
from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession, core
from maillage_kit.direct import DirectStatement
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
    """A locked call and what this webhook changes of it.

    `tells_each_leg`: its carrier tells the end of every leg itself, maybe later: nothing is concluded meanwhile.
    """

    def __init__(self, row: CallRow, *, tells_each_leg: bool = False) -> None:
        self.row = row
        self.tells_each_leg = tells_each_leg
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


# A value is never named like a column: the insert and the update would take it for the column's.
_CALL, _CALL_EVENT = core(Call), core(CallEvent)
_ID = sa.bindparam("this_call", type_=sa.Uuid)
_EVENT = (
    "provider",
    "provider_call_id",
    "kind",
    "sequence",
    "fingerprint",
    "payload",
    "received_at",
)


def _given(table: sa.Table, names: Iterable[str]) -> dict[str, sa.BindParameter[Any]]:
    """A value to be given for each column: `:call_state`, `:call_event_kind`…"""
    return {name: sa.bindparam(f"{table.name}_{name}", type_=table.c[name].type) for name in names}


def _values(table: sa.Table, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{table.name}_{name}": value for name, value in values.items()}


def _new() -> sa.Select[Any]:
    """A call, its event, the notice to open pages. No row when the call or the event is known."""
    new_call = (
        insert(_CALL)
        .values(_given(_CALL, ["provider", *OWN_FIELDS]))
        .on_conflict_do_nothing()
        .returning(_CALL.c.id)
        .cte("new_call")
    )
    event = (
        insert(_CALL_EVENT)
        .from_select(["call_id", *_EVENT], sa.select(new_call.c.id, *_given(_CALL_EVENT, _EVENT).values()))
        .returning(_CALL_EVENT.c.call_id)
        .cte("event")
    )
    return sa.select(event.c.call_id, outside.notice("calls", sa.cast(event.c.call_id, sa.Text)))


@functools.cache
def _changing(names: frozenset[str]) -> DirectStatement:
    """An event and what it changes of its call; the notice to open pages, unless nothing that they show changed. No row
    when the event is known."""
    event = (
        insert(_CALL_EVENT)
        .values(call_id=_ID, **_given(_CALL_EVENT, _EVENT))
        .on_conflict_do_nothing(index_elements=[_CALL_EVENT.c.fingerprint])
        .returning(_CALL_EVENT.c.call_id)
        .cte("event")
    )
    seen = names - {"last_sequence"}
    shown = [outside.notice("calls", sa.cast(event.c.call_id, sa.Text))] if seen else []
    statement = sa.select(event.c.call_id, *shown)
    if names:
        changed = sa.update(_CALL).where(_CALL.c.id == _ID).values(_given(_CALL, names))
        statement = statement.add_cte(changed.cte("changed"))
    return DirectStatement(statement)


_NEW = DirectStatement(_new())


async def write_new(session: TenantSession, *, row: CallRow, notice: Notice, told: str) -> bool:
    """Write a call that begins, with its event, in one statement. False when the call or the notice is known."""
    values = {
        **_values(_CALL, {"provider": notice.provider, **{name: getattr(row, name) for name in OWN_FIELDS}}),
        **_values(_CALL_EVENT, _event(notice, told=told)),
    }
    return await _NEW.one_or_none(session, values) is not None


async def write(session: TenantSession, *, call: OpenCall, notice: Notice, told: str) -> None:
    """Write what changed of a call and the event that changed it, in one statement. Raises ToldBefore."""
    values = {
        "this_call": call.row.id,
        **_values(_CALL, call.changes),
        **_values(_CALL_EVENT, _event(notice, told=told)),
    }
    if await _changing(frozenset(call.changes)).one_or_none(session, values) is None:
        raise ToldBefore


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
        line_ended_at=None,
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
        watch_id=None,
        may_record=False,
        customer_name=None,
        referring_member_id=None,
        address=None,
        premises_use=None,
        over_two_years=None,
        commune=None,
    )
