"""Reading calls. A webhook gets in one query the locked call, where and who, and the answer it may have had before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from maillage_kit.db import TenantSession, core
from maillage_kit.direct import DirectStatement
from maillage_tenants.calls.models import Call, CallEvent, CallLeg, CallState, LadderStep
from maillage_tenants.calls.plan import Next
from maillage_tenants.calls.signals import Notice
from maillage_tenants.customers.models import Customer, Site
from maillage_tenants.dispatch import StepKind
from maillage_tenants.members.models import Technician
from maillage_tenants.territory.models import Commune, Sector, SectorCommune


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call with the words that describe it. The fields after `may_record` come from other tables."""

    id: UUID
    provider_call_id: str
    called: str
    caller: str | None
    state: str
    outcome: str | None
    started_at: datetime
    answered_at: datetime | None
    connected_at: datetime | None
    ended_at: datetime | None
    line_ended_at: datetime | None
    last_sequence: int
    customer_id: UUID | None
    site_id: UUID | None
    subscription_id: UUID | None
    postcode_typed: str | None
    insee: str | None
    sector_id: UUID | None
    trade: str | None
    position: int | None
    accepted_position: int | None
    routing_note: str
    intervention_id: UUID | None
    watch_id: UUID | None
    may_record: bool
    customer_name: str | None
    referring_member_id: UUID | None
    address: str | None
    premises_use: str | None
    over_two_years: bool | None
    commune: str | None


_CALLS, _EVENTS = core(Call), core(CallEvent)
_CUSTOMERS, _SITES = core(Customer), core(Site)
_COMMUNES, _SECTORS, _SECTOR_COMMUNES = core(Commune), core(Sector), core(SectorCommune)
_OWN = (
    _CALLS.c.id,
    _CALLS.c.provider_call_id,
    _CALLS.c.called,
    _CALLS.c.caller,
    _CALLS.c.state,
    _CALLS.c.outcome,
    _CALLS.c.started_at,
    _CALLS.c.answered_at,
    _CALLS.c.connected_at,
    _CALLS.c.ended_at,
    _CALLS.c.line_ended_at,
    _CALLS.c.last_sequence,
    _CALLS.c.customer_id,
    _CALLS.c.site_id,
    _CALLS.c.subscription_id,
    _CALLS.c.postcode_typed,
    _CALLS.c.insee,
    _CALLS.c.sector_id,
    _CALLS.c.trade,
    _CALLS.c.position,
    _CALLS.c.accepted_position,
    _CALLS.c.routing_note,
    _CALLS.c.intervention_id,
    _CALLS.c.watch_id,
    _CALLS.c.may_record,
)
_AROUND = (
    _CUSTOMERS.c.name,
    _CUSTOMERS.c.referring_member_id,
    _SITES.c.address,
    _SITES.c.premises_use,
    _SITES.c.over_two_years,
    _COMMUNES.c.name,
)
OWN_FIELDS = frozenset(column.key for column in _OWN)

_CALL = (
    sa.select(*_OWN, *_AROUND)
    .select_from(_CALLS)
    .outerjoin(_CUSTOMERS, _CUSTOMERS.c.id == _CALLS.c.customer_id)
    .outerjoin(_SITES, _SITES.c.id == _CALLS.c.site_id)
    .outerjoin(_COMMUNES, _COMMUNES.c.insee == _CALLS.c.insee)
)


@dataclass(frozen=True, slots=True)
class Found:
    """A locked call. `told`: what was answered to this very notice before, and when; None when it is new."""

    call: CallRow
    told: str | None
    told_at: datetime | None = None


def _locked(*, by_id: bool) -> sa.Select[Any]:
    told = (
        sa.select(
            sa.func.jsonb_build_object(
                "told", _EVENTS.c.payload["told"], "at", sa.extract("epoch", _EVENTS.c.received_at)
            )
        )
        .where(_EVENTS.c.fingerprint == sa.bindparam("fingerprint", type_=sa.Text))
        .scalar_subquery()
    )
    statement = (
        _CALL.add_columns(told)
        .where(
            _CALLS.c.provider == sa.bindparam("provider", type_=sa.Text),
            _CALLS.c.provider_call_id == sa.bindparam("call", type_=sa.Text),
        )
        .with_for_update(of=_CALLS)
    )
    return statement.where(_CALLS.c.id == sa.bindparam("call_id", type_=sa.Uuid)) if by_id else statement


_LOCKED = DirectStatement(_locked(by_id=False))
_LOCKED_BY_ID = DirectStatement(_locked(by_id=True))


async def locked_call(session: TenantSession, *, notice: Notice, call_id: UUID | None = None) -> Found | None:
    """Lock the call that a notice is about, and look whether the notice came before. None: there is no such call."""
    asked = {"fingerprint": notice.fingerprint, "provider": notice.provider, "call": notice.call}
    row = await (
        _LOCKED.one_or_none(session, asked)
        if call_id is None
        else _LOCKED_BY_ID.one_or_none(session, {**asked, "call_id": call_id})
    )
    if row is None:
        return None
    before: dict[str, Any] | None = row[-1]
    if before is None:
        return Found(CallRow(*row[:-1]), None)
    return Found(CallRow(*row[:-1]), str(before["told"] or ""), datetime.fromtimestamp(before["at"], tz=UTC))


_LOCKED_ALL = DirectStatement(
    _CALL.where(
        _CALLS.c.provider == sa.bindparam("provider", type_=sa.Text),
        _CALLS.c.provider_call_id == sa.any_(sa.bindparam("calls", type_=ARRAY(sa.Text))),
    )
    .order_by(_CALLS.c.id)
    .with_for_update(of=_CALLS)
)
_LOCKED_ONE = DirectStatement(
    _CALL.where(_CALLS.c.id == sa.bindparam("call_id", type_=sa.Uuid)).with_for_update(of=_CALLS)
)


async def locked_calls(session: TenantSession, *, provider: str, calls: Sequence[str]) -> list[CallRow]:
    """The calls of that carrier that are known by these names, locked in one order, so that two batches cannot wait for
    each other."""
    found = await _LOCKED_ALL.all(session, {"provider": provider, "calls": list(calls)})
    return [CallRow(*row) for row in found]


async def lock_call(session: TenantSession, *, call_id: UUID) -> CallRow | None:
    """One call, locked."""
    row = await _LOCKED_ONE.one_or_none(session, {"call_id": call_id})
    return None if row is None else CallRow(*row)


async def beginnings(session: TenantSession, *, provider: str, calls: Sequence[str]) -> dict[str, datetime]:
    """When those of these names that are calls of this cooperative began."""
    found = await session.execute(
        sa.select(Call.provider_call_id, Call.started_at).where(
            Call.provider == provider, Call.provider_call_id.in_(calls)
        )
    )
    return {call: began for call, began in found}  # noqa: C416 - rows are not pairs to the type checker


async def known_calls(session: TenantSession, *, provider: str, calls: Sequence[str]) -> frozenset[str]:
    """Which of these names are calls of this cooperative."""
    found = await session.scalars(
        sa.select(Call.provider_call_id).where(Call.provider == provider, Call.provider_call_id.in_(calls))
    )
    return frozenset(found)


async def person_at(session: TenantSession, *, phone: str, since: datetime) -> dict[str, object] | None:
    """Who that number was on the latest ladder since then, else the technician who has it, as columns of a step."""
    columns = (
        LadderStep.kind,
        LadderStep.display_name,
        LadderStep.member_id,
        LadderStep.technician_id,
        LadderStep.duty_id,
        LadderStep.sector_id,
    )
    last = await session.execute(
        sa.select(*columns)
        .join(Call, Call.id == LadderStep.call_id)
        .where(LadderStep.phone == phone, Call.started_at > since)
        .order_by(Call.started_at.desc())
        .limit(1)
    )
    row = last.mappings().one_or_none()
    if row is not None:
        return dict(row)
    someone = (
        await session.execute(
            sa.select(Technician.id, Technician.member_id, Technician.first_name, Technician.last_name)
            .where(Technician.phone == phone)
            .order_by(Technician.id)
            .limit(1)
        )
    ).one_or_none()
    if someone is None:
        return None
    return {
        "kind": StepKind.RANK1,
        "display_name": f"{someone.first_name} {someone.last_name}",
        "member_id": someone.member_id,
        "technician_id": someone.id,
    }


@dataclass(frozen=True, slots=True)
class Place:
    """A commune and the sector that serves it for one trade; no sector when the commune is not served."""

    insee: str
    commune: str
    sector_id: UUID | None
    sector_name: str | None


_PLACES = (
    sa.select(_COMMUNES.c.insee, _COMMUNES.c.name, _SECTORS.c.id, _SECTORS.c.name)
    .select_from(_COMMUNES)
    .outerjoin(
        _SECTOR_COMMUNES,
        sa.and_(
            _SECTOR_COMMUNES.c.insee == _COMMUNES.c.insee,
            _SECTOR_COMMUNES.c.trade == sa.bindparam("trade", type_=sa.Text),
            _SECTOR_COMMUNES.c.semester == sa.bindparam("semester", type_=sa.Text),
        ),
    )
    .outerjoin(_SECTORS, _SECTORS.c.id == _SECTOR_COMMUNES.c.sector_id)
    .order_by(_COMMUNES.c.population.desc(), _COMMUNES.c.insee)
)
_PLACE = DirectStatement(_PLACES.where(_COMMUNES.c.insee == sa.bindparam("commune", type_=sa.Text)))
_PLACES_OF_POSTCODE = DirectStatement(
    _PLACES.where(_COMMUNES.c.postcodes.contains(sa.bindparam("postcodes", type_=ARRAY(sa.Text))))
)


async def place_of(session: TenantSession, *, insee: str, trade: str, semester: str) -> Place | None:
    row = await _PLACE.one_or_none(session, {"commune": insee, "trade": trade, "semester": semester})
    return None if row is None else Place(*row)


async def places_of_postcode(session: TenantSession, *, postcode: str, trade: str, semester: str) -> Sequence[Place]:
    """The communes of a postcode with their sectors for the trade: a postcode never tells the sector (R97)."""
    asked = {"postcodes": [postcode], "trade": trade, "semester": semester}
    return [Place(*row) for row in await _PLACES_OF_POSTCODE.all(session, asked)]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the frozen ladder that is to be rung. `rest`: who is rung after, when that was asked."""

    position: int
    kind: str
    phone: str
    display_name: str
    member_id: UUID | None
    technician_id: UUID | None
    duty_id: UUID | None
    ring_seconds: int
    rest: tuple[Next, ...] = ()


_STEPS = core(LadderStep)
_STEP = sa.select(
    _STEPS.c.position,
    _STEPS.c.kind,
    sa.func.coalesce(_STEPS.c.phone, ""),
    _STEPS.c.display_name,
    _STEPS.c.member_id,
    _STEPS.c.technician_id,
    _STEPS.c.duty_id,
    _STEPS.c.ring_seconds,
)


_NEXT_STEPS = DirectStatement(
    _STEP.where(
        _STEPS.c.call_id == sa.bindparam("call", type_=sa.Uuid),
        _STEPS.c.position > sa.bindparam("after", type_=sa.Integer),
        _STEPS.c.skipped.is_(None),
        _STEPS.c.phone.is_not(None),
    ).order_by(_STEPS.c.position)
)
_STEP_AT = DirectStatement(
    _STEP.where(
        _STEPS.c.call_id == sa.bindparam("call", type_=sa.Uuid),
        _STEPS.c.position == sa.bindparam("place", type_=sa.Integer),
    )
)


async def next_step(session: TenantSession, *, call_id: UUID, after: int) -> Step | None:
    """The first step to ring after a position, with the rest of the ladder; None when it is exhausted."""
    found = [Step(*row) for row in await _NEXT_STEPS.all(session, {"call": call_id, "after": after})]
    if not found:
        return None
    return replace(found[0], rest=tuple(Next(step.position, step.phone, step.ring_seconds) for step in found[1:]))


async def step_at(session: TenantSession, *, call_id: UUID, position: int) -> Step | None:
    row = await _STEP_AT.one_or_none(session, {"call": call_id, "place": position})
    return None if row is None else Step(*row)


@dataclass(frozen=True, slots=True)
class LegRow:
    id: UUID
    position: int
    state: str
    provider_leg_id: str | None
    last_sequence: int
    started_at: datetime
    answered_at: datetime | None


_LEGS = core(CallLeg)
_LEG_AT = DirectStatement(
    sa.select(
        _LEGS.c.id,
        _LEGS.c.position,
        _LEGS.c.state,
        _LEGS.c.provider_leg_id,
        _LEGS.c.last_sequence,
        _LEGS.c.started_at,
        _LEGS.c.answered_at,
    ).where(
        _LEGS.c.call_id == sa.bindparam("call", type_=sa.Uuid),
        _LEGS.c.position == sa.bindparam("place", type_=sa.Integer),
    )
)


async def leg_at(session: TenantSession, *, call_id: UUID, position: int) -> LegRow | None:
    row = await _LEG_AT.one_or_none(session, {"call": call_id, "place": position})
    return None if row is None else LegRow(*row)


async def stuck_calls(session: TenantSession, *, started_before: datetime, connected_before: datetime) -> list[CallRow]:
    """Calls that should have ended long ago, locked; those another transaction holds are left for the next time."""
    found = await session.execute(
        _CALL.where(
            _CALLS.c.state != CallState.ENDED,
            sa.or_(
                sa.and_(_CALLS.c.state != CallState.CONNECTED, _CALLS.c.started_at < started_before),
                sa.and_(_CALLS.c.state == CallState.CONNECTED, _CALLS.c.connected_at < connected_before),
            ),
        )
        .order_by(_CALLS.c.started_at)
        .limit(200)
        .with_for_update(of=_CALLS, skip_locked=True)
    )
    return [CallRow(*tuple(row)) for row in found]
