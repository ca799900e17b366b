"""Everything around one case, and the list of cases: joins over the domains below, read only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from maillage_kit.db import TenantSession
from maillage_kit.money import Money
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_instant
from maillage_tenants.calls.models import Call, CallLeg, LadderStep
from maillage_tenants.customers.models import Customer
from maillage_tenants.interventions.models import Intervention
from maillage_tenants.invoices.models import Invoice, InvoiceKind, Payment
from maillage_tenants.ledger.models import LedgerEntry
from maillage_tenants.members.models import Member, MemberTrade, Technician
from maillage_tenants.messages.models import Message
from maillage_tenants.subscriptions.models import Plan, Subscription
from maillage_tenants.territory.models import Commune, Sector


@dataclass(frozen=True, slots=True)
class Names:
    """The words for what the case points to; None where it points to nothing."""

    commune: str | None
    sector: str | None
    member: str | None
    technician: str | None
    technician_phone: str | None
    customer: str | None
    customer_number: str | None
    referring_member: str | None
    subscription: str | None
    plan: str | None
    origin_number: str | None


def _word(found: Any, *where: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    """One word of one row that the case points to, or null."""
    return sa.select(found).where(*where).correlate(Intervention).scalar_subquery()


_REFERRING, _ORIGIN = aliased(Member), aliased(Intervention)
_NAMES = sa.select(
    _word(Commune.name, Commune.insee == Intervention.insee),
    _word(Sector.name, Sector.id == Intervention.sector_id),
    _word(Member.name, Member.id == Intervention.member_id),
    _word(Technician.first_name + " " + Technician.last_name, Technician.id == Intervention.technician_id),
    _word(Technician.phone, Technician.id == Intervention.technician_id),
    _word(Customer.name, Customer.id == Intervention.customer_id),
    _word(Customer.number, Customer.id == Intervention.customer_id),
    _word(_REFERRING.name, _REFERRING.id == Intervention.referring_member_id),
    _word(Subscription.number, Subscription.id == Intervention.subscription_id),
    _word(Plan.name, Plan.id == Subscription.plan_id, Subscription.id == Intervention.subscription_id),
    _word(_ORIGIN.number, _ORIGIN.id == Intervention.follow_up_of),
).where(Intervention.id == sa.bindparam("case_id"))
"""Words looked up one by one: PostgreSQL plans this in 0.7 ms, the same as nine joins in 3.8."""


async def names(session: TenantSession, *, case_id: UUID) -> Names:
    """The names of whoever and whatever the case points to."""
    return Names(*(await session.execute(_NAMES, {"case_id": case_id})).one())


@dataclass(frozen=True, slots=True)
class LadderLine:
    """One step of the ladder as it was frozen, and what became of it."""

    position: int
    kind: str
    display_name: str
    phone: str | None
    reason: str
    skipped: str | None
    state: str | None
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class CallStory:
    id: UUID
    caller: str | None
    state: str
    outcome: str | None
    started_at: datetime
    answered_at: datetime | None
    connected_at: datetime | None
    ended_at: datetime | None
    routing_note: str
    ladder: tuple[LadderLine, ...]


async def call_story(session: TenantSession, *, call_id: UUID) -> CallStory | None:
    """The call and its frozen ladder, with the reason of each step (rule 3)."""
    call = await session.get(Call, call_id)
    if call is None:
        return None
    rows = await session.execute(
        sa.select(LadderStep, CallLeg)
        .outerjoin(CallLeg, sa.and_(CallLeg.call_id == LadderStep.call_id, CallLeg.position == LadderStep.position))
        .where(LadderStep.call_id == call_id)
        .order_by(LadderStep.position)
    )
    legs: list[tuple[LadderStep, CallLeg | None]] = [(step, leg) for step, leg in rows]
    ladder = tuple(
        LadderLine(
            position=step.position,
            kind=step.kind,
            display_name=step.display_name,
            phone=step.phone,
            reason=step.reason,
            skipped=step.skipped,
            state=leg.state if leg is not None else None,
            started_at=leg.started_at if leg is not None else None,
            ended_at=leg.ended_at if leg is not None else None,
        )
        for step, leg in legs
    )
    return CallStory(
        id=call.id,
        caller=call.caller,
        state=call.state,
        outcome=call.outcome,
        started_at=call.started_at,
        answered_at=call.answered_at,
        connected_at=call.connected_at,
        ended_at=call.ended_at,
        routing_note=call.routing_note,
        ladder=ladder,
    )


@dataclass(frozen=True, slots=True)
class InvoiceOfCase:
    id: UUID
    number: str
    kind: str
    gross: Money
    issued_at: datetime
    credit_of: UUID | None
    paid: Money

    @property
    def balance(self) -> Money:
        """What is still owed."""
        return self.gross - self.paid


async def invoices_of(session: TenantSession, *, case_id: UUID) -> tuple[InvoiceOfCase, ...]:
    paid = (
        sa.select(sa.func.coalesce(sa.cast(sa.func.sum(Payment.amount), sa.BigInteger), 0))
        .where(Payment.invoice_id == Invoice.id)
        .correlate(Invoice)
        .scalar_subquery()
    )
    rows = await session.execute(
        sa.select(Invoice.id, Invoice.number, Invoice.kind, Invoice.gross, Invoice.issued_at, Invoice.credit_of, paid)
        .where(Invoice.intervention_id == case_id)
        .order_by(Invoice.issued_at, Invoice.number)
    )
    return tuple(
        InvoiceOfCase(
            id=invoice_id,
            number=number,
            kind=kind,
            gross=gross,
            issued_at=issued_at,
            credit_of=credit_of,
            paid=Money(cents),
        )
        for invoice_id, number, kind, gross, issued_at, credit_of, cents in rows
    )


def standing(invoices: Sequence[InvoiceOfCase]) -> tuple[InvoiceOfCase, ...]:
    """Those of a case's notes and invoices that no credit note took back, in the order given."""
    credited = {invoice.credit_of for invoice in invoices if invoice.credit_of}
    return tuple(i for i in invoices if i.kind != InvoiceKind.CREDIT_NOTE and i.id not in credited)


async def standing_notes(session: TenantSession, *, case_id: UUID) -> tuple[InvoiceOfCase, ...]:
    """The notes and invoices of the case that no credit note took back, oldest first."""
    return standing(await invoices_of(session, case_id=case_id))


async def note_of(session: TenantSession, *, case_id: UUID) -> InvoiceOfCase | None:
    """The last standing note of the case."""
    notes = await standing_notes(session, case_id=case_id)
    return notes[-1] if notes else None


@dataclass(frozen=True, slots=True)
class PaymentOfCase:
    invoice_number: str
    method: str
    amount: Money
    reference: str
    received_at: datetime
    recorded_by: str


async def payments_of(session: TenantSession, *, case_id: UUID) -> tuple[PaymentOfCase, ...]:
    rows = await session.execute(
        sa.select(
            Invoice.number,
            Payment.method,
            Payment.amount,
            Payment.reference,
            Payment.received_at,
            Payment.recorded_by,
        )
        .join(Invoice, Invoice.id == Payment.invoice_id)
        .where(Invoice.intervention_id == case_id)
        .order_by(Payment.sequence)
    )
    return tuple(PaymentOfCase(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class LedgerOfCase:
    """`amount` excludes VAT (R56)."""

    member: str
    amount: Money
    occurred_at: datetime


async def ledger_of(session: TenantSession, *, case_id: UUID) -> tuple[LedgerOfCase, ...]:
    rows = await session.execute(
        sa.select(Member.name, LedgerEntry.amount, LedgerEntry.occurred_at)
        .join(Member, Member.id == LedgerEntry.member_id)
        .where(LedgerEntry.intervention_id == case_id)
        .order_by(LedgerEntry.occurred_at)
    )
    return tuple(LedgerOfCase(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class MessageOfCase:
    channel: str
    recipient: str
    purpose: str
    state: str
    created_at: datetime
    id: UUID
    error: str | None


async def messages_of(session: TenantSession, *, case_id: UUID) -> tuple[MessageOfCase, ...]:
    rows = await session.execute(
        sa.select(
            Message.channel,
            Message.recipient,
            Message.purpose,
            Message.state,
            Message.created_at,
            Message.id,
            Message.error,
        )
        .where(Message.intervention_id == case_id)
        .order_by(Message.created_at)
    )
    return tuple(MessageOfCase(*row) for row in rows)


async def technicians_for(session: TenantSession, *, trade: str) -> tuple[tuple[UUID, UUID, str], ...]:
    """(technician, member, words) of everybody active who practises the trade, by name."""
    rows = await session.execute(
        sa.select(Technician.id, Member.id, Technician.last_name + " " + Technician.first_name + ", " + Member.name)
        .join(Member, Member.id == Technician.member_id)
        .join(MemberTrade, sa.and_(MemberTrade.member_id == Member.id, MemberTrade.trade == trade))
        .where(Technician.active, Member.left_on.is_(None))
        .order_by(Technician.last_name, Technician.first_name)
        .limit(500)
    )
    return tuple((technician, member, words) for technician, member, words in rows)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list."""

    id: UUID
    number: str
    state: str
    source: str
    trade: str | None
    type_code: str | None
    priority: str | None
    requested_at: datetime
    caller_name: str
    customer: str | None
    address: str
    commune: str | None
    technician: str | None
    member: str | None
    accept_by: datetime | None
    arrive_by: datetime | None


CASE_LINE: Any = (
    sa.select(
        Intervention.id,
        Intervention.number,
        Intervention.state,
        Intervention.source,
        Intervention.trade,
        Intervention.type_code,
        Intervention.priority,
        Intervention.requested_at,
        Intervention.caller_name,
        Customer.name,
        Intervention.address,
        Commune.name,
        Technician.first_name + " " + Technician.last_name,
        Member.name,
        Intervention.accept_by,
        Intervention.arrive_by,
    )
    .outerjoin(Customer, Customer.id == Intervention.customer_id)
    .outerjoin(Commune, Commune.insee == Intervention.insee)
    .outerjoin(Technician, Technician.id == Intervention.technician_id)
    .outerjoin(Member, Member.id == Intervention.member_id)
)


async def list_cases(
    session: TenantSession,
    *,
    page: PageRequest,
    state: str = "",
    trade: str = "",
    sector_id: UUID | None = None,
    text: str = "",
) -> Page[CaseLine]:
    """Cases, latest first. `state` is a state, or `open` for all that are not over; `text` a number or its end."""
    statement = CASE_LINE
    if state == "open":
        statement = statement.where(Intervention.state.not_in(("closed", "cancelled", "redirected")))
    elif state:
        statement = statement.where(Intervention.state == state)
    if trade:
        statement = statement.where(Intervention.trade == trade)
    if sector_id is not None:
        statement = statement.where(Intervention.sector_id == sector_id)
    if text:
        statement = statement.where(
            sa.or_(
                Intervention.number.ilike(f"%{_plain(text)}%"),
                Intervention.caller_name.ilike(f"%{_plain(text)}%"),
                Customer.name.ilike(f"%{_plain(text)}%"),
            )
        )
    if (last := page.position(read_instant, read_id)) is not None:
        statement = statement.where(sa.tuple_(Intervention.requested_at, Intervention.id) < last)
    rows = await session.execute(
        statement.order_by(Intervention.requested_at.desc(), Intervention.id.desc()).limit(page.limit + 1)
    )
    return cut_page([CaseLine(*row) for row in rows], page, lambda line: [line.requested_at.isoformat(), line.id])


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
