"""The selects behind what partners follow: cases within a client's reach, each list in a fixed number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from maillage_kit.db import TenantSession
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_instant, read_number
from maillage_kit.rest import Reach
from maillage_tenants import partners
from maillage_tenants.customers.models import Site
from maillage_tenants.interventions import partner_words, queries, rules
from maillage_tenants.interventions.errors import CaseNotFound
from maillage_tenants.interventions.models import (
    Attachment,
    Clock,
    Hold,
    HoldReason,
    Intervention,
    InterventionClock,
    InterventionEvent,
    State,
)
from maillage_tenants.members.models import Member, Technician


@dataclass(frozen=True, slots=True)
class Filters:
    """What a partner asks for; None: whatever it is. Periods are half-open, on the instant of the request.

    `text` stands in the number, the address, the partner's reference of the case or of the dwelling.
    """

    status: partner_words.Status | None = None
    customer_id: UUID | None = None
    site_id: UUID | None = None
    reference: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    only_open: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class FollowedCase:
    """One case with what surrounds it, as a partner follows it."""

    case: Intervention
    status: str
    clocks: Mapping[Clock, datetime]
    delays: tuple[rules.Delay, ...]
    hold_reason: HoldReason | None
    artisan: tuple[str, str] | None
    order: partners.PartnerOrder | None


async def case_within(session: TenantSession, *, case_id: UUID, reach: Reach) -> Intervention:
    """Raises CaseNotFound, also for a case out of reach."""
    row = await queries.case(session, case_id=case_id)
    if not reach.allows(row.customer_id):
        raise CaseNotFound
    return row


async def cases_page(
    session: TenantSession, *, reach: Reach, filters: Filters, page: PageRequest, at: datetime
) -> Page[FollowedCase]:
    """Cases within reach, the latest first, one page."""
    wanted = (
        sa.select(Intervention)
        .where(reach.where(Intervention.customer_id), *_conditions(filters, reach))
        .order_by(Intervention.requested_at.desc(), Intervention.id.desc())
        .limit(page.limit + 1)
    )
    if (last := page.position(read_instant, read_id)) is not None:
        wanted = wanted.where(sa.tuple_(Intervention.requested_at, Intervention.id) < last)
    rows = (await session.scalars(wanted)).all()
    cut = cut_page(rows, page, lambda row: (row.requested_at.isoformat(), row.id))
    return Page(
        items=await followed(session, cut.items, at=at),
        next_cursor=cut.next_cursor,
        limit=cut.limit,
        is_first=cut.is_first,
    )


async def followed(session: TenantSession, rows: Sequence[Intervention], *, at: datetime) -> tuple[FollowedCase, ...]:
    """What surrounds these cases: one query, however many there are."""
    known = await session.execute(_SURROUNDINGS, {"cases": [row.id for row in rows]})
    around = {each.id: each for each in known}
    found = []
    for row in rows:
        near = around[row.id]
        clocks = {Clock(code): instant for code, instant in zip(near.codes, near.instants, strict=True)}
        pauses = [rules.Pause(begun, over) for begun, over in zip(near.begun, near.over, strict=True)]
        reasons = [reason for reason, over in zip(near.reasons, near.over, strict=True) if over is None]
        reason = HoldReason(reasons[-1]) if reasons else None
        promised = rules.Deadlines(row.accept_by, row.arrive_by, row.safe_by)
        found.append(
            FollowedCase(
                case=row,
                status=rules.public_status(State(row.state), hold_reason=reason, was_partial=near.was_partial),
                clocks=clocks,
                delays=rules.delays(promised, clocks, pauses, at=at),
                hold_reason=reason,
                artisan=(near.person, near.business) if near.person is not None else None,
                order=near.PartnerOrder,
            )
        )
    return tuple(found)


def _all_of(column: Any, order: Any, case: Any) -> sa.ColumnElement[Any]:
    """An array of one column of the rows of a case, in that order; empty when there are none."""
    kind: Any = postgresql.ARRAY(column.type)
    listed = sa.select(sa.func.array_agg(postgresql.aggregate_order_by(column, order), type_=kind))
    of_the_case = listed.where(case == Intervention.id).correlate(Intervention).scalar_subquery()
    return sa.func.coalesce(of_the_case, sa.cast(postgresql.array([]), kind))


def _surroundings() -> sa.Select[Any]:
    """Of each case: its clocks, its pauses, its order, its artisan (person and business; no number: the cooperative's
    own is the one to ring), and whether it was left partial."""
    clock, hold = InterventionClock, Hold
    return (
        sa.select(
            Intervention.id,
            _all_of(clock.code, clock.code, clock.intervention_id).label("codes"),
            _all_of(clock.at, clock.code, clock.intervention_id).label("instants"),
            _all_of(hold.started_at, hold.id, hold.intervention_id).label("begun"),
            _all_of(hold.ended_at, hold.id, hold.intervention_id).label("over"),
            _all_of(hold.reason, hold.id, hold.intervention_id).label("reasons"),
            (Technician.first_name + " " + Technician.last_name).label("person"),
            Member.name.label("business"),
            sa.exists()
            .where(InterventionEvent.intervention_id == Intervention.id, InterventionEvent.kind == "partial")
            .label("was_partial"),
            partners.PartnerOrder,
        )
        .outerjoin(Technician, Technician.id == Intervention.technician_id)
        .outerjoin(Member, Member.id == Technician.member_id)
        .outerjoin(partners.PartnerOrder, partners.PartnerOrder.intervention_id == Intervention.id)
        .where(Intervention.id == sa.any_(sa.bindparam("cases", type_=postgresql.ARRAY(sa.Uuid))))
    )


_SURROUNDINGS = _surroundings()


async def story_page(session: TenantSession, *, case_id: UUID, page: PageRequest) -> Page[InterventionEvent]:
    """The lines of the story that a partner reads, oldest first."""
    wanted = (
        sa.select(InterventionEvent)
        .where(
            InterventionEvent.intervention_id == case_id,
            InterventionEvent.kind.in_(partner_words.PARTNER_KINDS),
        )
        .order_by(InterventionEvent.at, InterventionEvent.id)
        .limit(page.limit + 1)
    )
    if (last := page.position(read_instant, read_number)) is not None:
        wanted = wanted.where(sa.tuple_(InterventionEvent.at, InterventionEvent.id) > last)
    return cut_page((await session.scalars(wanted)).all(), page, lambda row: (row.at.isoformat(), row.id))


async def files_page(session: TenantSession, *, case_id: UUID, page: PageRequest) -> Page[Attachment]:
    """Photos and documents of a case without their content, in the order of their ids."""
    wanted = (
        sa.select(Attachment).where(Attachment.intervention_id == case_id).order_by(Attachment.id).limit(page.limit + 1)
    )
    if (last := page.position(read_id)) is not None:
        wanted = wanted.where(Attachment.id > last[0])
    return cut_page((await session.scalars(wanted)).all(), page, lambda row: (row.id,))


def _conditions(filters: Filters, reach: Reach) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if filters.status is not None:
        found.append(_has_status(filters.status))
    if filters.customer_id is not None:
        found.append(Intervention.customer_id == filters.customer_id)
    if filters.site_id is not None:
        found.append(Intervention.site_id == filters.site_id)
    if filters.since is not None:
        found.append(Intervention.requested_at >= filters.since)
    if filters.until is not None:
        found.append(Intervention.requested_at < filters.until)
    if filters.only_open:
        found.append(Intervention.state.in_(partner_words.OPEN_STATES))
    if filters.text:
        found.append(_says(filters.text))
    if filters.reference is not None:
        order = partners.PartnerOrder
        found.append(
            sa.exists().where(
                order.intervention_id == Intervention.id,
                order.client_id == reach.client_id,
                order.reference == filters.reference,
            )
        )
    return found


def _says(text: str) -> sa.ColumnElement[bool]:
    order = partners.PartnerOrder
    ordered = sa.exists().where(
        order.intervention_id == Intervention.id, order.reference.icontains(text, autoescape=True)
    )
    placed = sa.exists().where(Site.id == Intervention.site_id, Site.reference.icontains(text, autoescape=True))
    return sa.or_(
        Intervention.number.icontains(text, autoescape=True),
        Intervention.address.icontains(text, autoescape=True),
        ordered,
        placed,
    )


def _has_status(status: partner_words.Status) -> sa.ColumnElement[bool]:
    states = partner_words.states_of(status)
    absent = sa.exists().where(
        Hold.intervention_id == Intervention.id, Hold.ended_at.is_(None), Hold.reason.in_(partner_words.ABSENT)
    )
    partial = sa.exists().where(
        InterventionEvent.intervention_id == Intervention.id, InterventionEvent.kind == "partial"
    )
    split = {
        State.ON_HOLD: absent if status is partner_words.Status.OCCUPANT_ABSENT else ~absent,
        State.CLOSED: partial if status is partner_words.Status.PARTIAL_REPAIR else ~partial,
    }
    return sa.or_(
        *(
            sa.and_(Intervention.state == state, split[state]) if state in split else Intervention.state == state
            for state in states
        )
    )
