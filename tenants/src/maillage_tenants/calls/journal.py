"""Reading calls for people: the log, one call with all that explains it, the callbacks owed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.clock import paris, paris_instant
from maillage_kit.db import TenantSession
from maillage_kit.errors import NotFound
from maillage_kit.look import Look
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_instant
from maillage_tenants.calls import labels
from maillage_tenants.calls.models import Call, Callback, CallEvent, CallLeg, CallOutcome, LadderStep
from maillage_tenants.calls.telling import EventLine, line_of
from maillage_tenants.customers.models import Customer, Site
from maillage_tenants.interventions.models import Intervention
from maillage_tenants.territory.models import Commune, Sector


class Show(StrEnum):
    """The filters of the log."""

    ALL = "all"
    TODAY = "today"
    MISSED = "missed"
    CALLBACKS = "callbacks"


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call in a list."""

    id: UUID
    started_at: datetime
    ended_at: datetime | None
    caller: str | None
    customer_name: str | None
    commune: str | None
    postcode_typed: str | None
    trade: str | None
    state: str
    outcome: str | None
    taken_by: str | None
    case_id: UUID | None
    case_number: str | None
    callback_due_at: datetime | None

    @property
    def look(self) -> Look:
        return labels.call_look(self.state, self.outcome)


_LINE = (
    sa.select(
        Call.id,
        Call.started_at,
        Call.ended_at,
        Call.caller,
        Customer.name,
        Commune.name,
        Call.postcode_typed,
        Call.trade,
        Call.state,
        Call.outcome,
        LadderStep.display_name,
        Intervention.id,
        Intervention.number,
        Callback.due_at,
    )
    .select_from(Call)
    .outerjoin(Customer, Customer.id == Call.customer_id)
    .outerjoin(Commune, Commune.insee == Call.insee)
    .outerjoin(LadderStep, sa.and_(LadderStep.call_id == Call.id, LadderStep.position == Call.accepted_position))
    .outerjoin(Intervention, Intervention.id == Call.intervention_id)
    .outerjoin(Callback, sa.and_(Callback.call_id == Call.id, Callback.closed_at.is_(None)))
)


async def call_log(session: TenantSession, *, page: PageRequest, show: Show) -> Page[CallLine]:
    """Calls, the newest first; callbacks owed, the most urgent first. Our own watch calls are not among them."""
    due = show is Show.CALLBACKS
    at: Any = Callback.due_at if due else Call.started_at
    statement = _LINE.where(Call.watch_id.is_(None))
    if due:
        statement = statement.where(Callback.id.is_not(None))
    elif show is Show.TODAY:
        statement = statement.where(Call.started_at >= paris_instant(paris(clock.now()).date()))
    elif show is Show.MISSED:
        statement = statement.where(Call.outcome.in_((CallOutcome.MISSED, CallOutcome.ABANDONED)))
    if (last := page.position(read_instant, read_id)) is not None:
        here = sa.tuple_(at, Call.id)
        statement = statement.where(here > last if due else here < last)
    order = (at, Call.id) if due else (at.desc(), Call.id.desc())
    found = await session.execute(statement.order_by(*order).limit(page.limit + 1))
    rows = [CallLine(*tuple(row)) for row in found]
    return cut_page(rows, page, lambda line: ((line.callback_due_at if due else line.started_at), line.id))


async def callbacks_owed(session: TenantSession) -> int:
    return (
        await session.execute(sa.select(sa.func.count()).select_from(Callback).where(Callback.closed_at.is_(None)))
    ).scalar_one()


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of the frozen ladder and what happened there."""

    position: int
    kind: str
    display_name: str
    phone: str | None
    reason: str
    skipped: str | None
    ring_seconds: int
    leg_state: str | None
    started_at: datetime | None
    answered_at: datetime | None
    accepted_at: datetime | None
    ended_at: datetime | None

    @property
    def look(self) -> Look:
        if self.leg_state is not None:
            return labels.LEGS.get(self.leg_state, (self.leg_state, "neutral", "phone"))
        return labels.SKIPPED if self.skipped else labels.NOT_REACHED

    @property
    def label(self) -> str:
        return labels.STEPS.get(self.kind, self.kind)


@dataclass(frozen=True, slots=True)
class CallbackLine:
    phone: str | None
    opened_at: datetime
    due_at: datetime
    outcome: str | None
    note: str
    closed_at: datetime | None
    closed_by: str | None


@dataclass(frozen=True, slots=True)
class CallStory:
    """Everything about one call."""

    line: CallLine
    called: str
    answered_at: datetime | None
    connected_at: datetime | None
    customer_id: UUID | None
    address: str | None
    sector: str | None
    routing_note: str
    steps: tuple[StepLine, ...]
    events: tuple[EventLine, ...]
    callback: CallbackLine | None

    @property
    def waited(self) -> timedelta | None:
        """From the ring to the conversation."""
        return None if self.connected_at is None else self.connected_at - self.line.started_at


async def call_exists(session: TenantSession, *, call_id: UUID) -> None:
    """Raises NotFound."""
    if await session.scalar(sa.select(Call.id).where(Call.id == call_id)) is None:
        raise NotFound


async def call_story(session: TenantSession, *, call_id: UUID) -> CallStory:
    """One call, why it went where it went, and what happened at each step. Raises NotFound."""
    row = (
        await session.execute(
            _LINE.add_columns(
                Call.called,
                Call.answered_at,
                Call.connected_at,
                Call.customer_id,
                Site.address,
                Sector.name,
                Call.routing_note,
            )
            .outerjoin(Site, Site.id == Call.site_id)
            .outerjoin(Sector, Sector.id == Call.sector_id)
            .where(Call.id == call_id)
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    values = tuple(row)
    called, answered_at, connected_at, customer_id, address, sector, routing_note = values[14:]
    steps = await session.execute(
        sa.select(
            LadderStep.position,
            LadderStep.kind,
            LadderStep.display_name,
            LadderStep.phone,
            LadderStep.reason,
            LadderStep.skipped,
            LadderStep.ring_seconds,
            CallLeg.state,
            CallLeg.started_at,
            CallLeg.answered_at,
            CallLeg.accepted_at,
            CallLeg.ended_at,
        )
        .outerjoin(CallLeg, sa.and_(CallLeg.call_id == LadderStep.call_id, CallLeg.position == LadderStep.position))
        .where(LadderStep.call_id == call_id)
        .order_by(LadderStep.position)
    )
    lines = tuple(StepLine(*tuple(step)) for step in steps)
    told = await session.execute(
        sa.select(CallEvent.received_at, CallEvent.kind, CallEvent.payload)
        .where(
            sa.or_(
                CallEvent.call_id == call_id,
                sa.and_(
                    CallEvent.call_id.is_(None),
                    CallEvent.provider_call_id
                    == sa.select(Call.provider_call_id).where(Call.id == call_id).scalar_subquery(),
                ),
            )
        )
        .order_by(CallEvent.id)
        .limit(500)
    )
    owed = (
        await session.execute(
            sa.select(
                Callback.phone,
                Callback.opened_at,
                Callback.due_at,
                Callback.outcome,
                Callback.note,
                Callback.closed_at,
                Callback.closed_by,
            ).where(Callback.call_id == call_id)
        )
    ).one_or_none()
    return CallStory(
        CallLine(*values[:14]),
        called=called,
        answered_at=answered_at,
        connected_at=connected_at,
        customer_id=customer_id,
        address=address,
        sector=sector,
        routing_note=routing_note,
        steps=lines,
        events=_events(told.all(), lines),
        callback=None if owed is None else CallbackLine(*owed),
    )


def _events(told: Sequence[Any], steps: Sequence[StepLine]) -> tuple[EventLine, ...]:
    """In the order in which things happened, which is not always the one in which they were told."""
    names = {step.position: step.display_name for step in steps}
    lines = [line_of(at, kind, payload, names) for at, kind, payload in told]
    return tuple(sorted(lines, key=lambda line: line.at))
