"""Pages of the accounts: a member's operations, the register of notes, corrections (R40, R42, R56)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris_instant
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError, Invalid, NotFound
from maillage_kit.money import Money
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, Sent, base_path, page, page_request, requires, see_other, text, url_with
from maillage_tenants import invoices, members
from maillage_tenants.invoices import METHOD_LABELS, InvoiceKind, PaymentMethod
from maillage_tenants.ledger import queries, service

_FIRST_YEAR = 2020


# -------------------------------------------------------------------------------------------------- a member's account


@get("/members/{member_id:uuid}/ledger", guards=[requires(Permission.MONEY_READ)])
async def member_ledger(
    request: AnyRequest, session: TenantSession, trades: TradeRegistry, member_id: UUID
) -> Template:
    """The operations of a member with the cooperative, by trade and by year (R56)."""
    member = await members.get_member(session, member_id=member_id)
    return page(
        request,
        "ledger/member.html",
        member_name=member.name,
        back_href=f"{request.url.path.rsplit('/', 1)[0]}",
        **await _statement(request, session, trades, member_id),
    )


@get("/field/ledger", guards=[requires(Permission.FIELD_LEDGER)])
async def own_ledger(request: AnyRequest, session: TenantSession, actor: Actor, trades: TradeRegistry) -> Template:
    """The member's own operations."""
    if actor.member_id is None:
        raise NotFound
    return page(request, "ledger/own.html", **await _statement(request, session, trades, actor.member_id))


# ------------------------------------------------------------------------------------------------ the register of notes


@get("/notes", guards=[requires(Permission.MONEY_READ)])
async def register(request: AnyRequest, session: TenantSession) -> Template:
    """Everything issued, with what the monthly closing checks: no number missing (R40), the journal's chain (R42)."""
    found = await invoices.register(session, request=page_request(request))
    return page(
        request,
        "ledger/register.html",
        found=replace(found, base_url=url_with(request, after=None, limit=None)),
        gaps=await invoices.sequence_gaps(session),
        journal=await invoices.verify_journal(session),
        labels=_KIND_LABELS,
    )


@get("/notes/{invoice_id:uuid}", guards=[requires(Permission.MONEY_READ)])
async def one_note(request: AnyRequest, session: TenantSession, invoice_id: UUID) -> Template:
    return await _note_page(request, session, invoice_id)


@post("/notes/{invoice_id:uuid}/credit", status_code=303, guards=[requires(Permission.MONEY_WRITE)])
async def credit(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, invoice_id: UUID
) -> Redirect | Template:
    """Cancel a note by a credit note (R40)."""
    form = _typed(await request.form())
    try:
        async with session.begin_nested():
            written = await service.cancel_note(
                session, invoice_id=invoice_id, reason=text(form, "reason"), by=actor.display_name
            )
    except AppError as wrong:
        return await _note_page(request, session, invoice_id, form=form, wrong=wrong)
    return see_other(f"{base_path(cooperative)}/notes/{written.id}", flash=f"Avoir {written.number} émis.")


@post("/notes/{invoice_id:uuid}/refund", status_code=303, guards=[requires(Permission.MONEY_WRITE)])
async def refund(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, invoice_id: UUID
) -> Redirect | Template:
    """Write money given back."""
    form = _typed(await request.form())
    try:
        async with session.begin_nested():
            entry = await invoices.record_refund(
                session,
                invoice_id=invoice_id,
                method=_method(form),
                amount=_amount(form),
                reference=text(form, "reference"),
                by=actor.display_name,
            )
    except AppError as wrong:
        return await _note_page(request, session, invoice_id, form=form, wrong=wrong)
    return see_other(f"{base_path(cooperative)}/notes/{invoice_id}", flash=f"Remboursement de {-entry.amount} écrit.")


@post(
    "/notes/{invoice_id:uuid}/payments/{payment_id:uuid}/correct",
    status_code=303,
    guards=[requires(Permission.MONEY_WRITE)],
)
async def correct(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    invoice_id: UUID,
    payment_id: UUID,
) -> Redirect | Template:
    """Cancel an entry written by mistake with the opposite one (R42)."""
    note = await invoices.invoice_view(session, invoice_id=invoice_id)
    if payment_id not in {payment.id for payment in note.payments}:
        raise NotFound
    form = _typed(await request.form())
    try:
        async with session.begin_nested():
            await invoices.correct_payment(
                session, payment_id=payment_id, reason=text(form, "reason"), by=actor.display_name
            )
    except AppError as wrong:
        return await _note_page(request, session, invoice_id, form=form, wrong=wrong)
    return see_other(f"{base_path(cooperative)}/notes/{invoice_id}", flash="Écriture annulée par l’écriture contraire.")


ROUTES = (member_ledger, own_ledger, register, one_note, credit, refund, correct)

_KIND_LABELS = {
    InvoiceKind.NOTE: "Note",
    InvoiceKind.INVOICE: "Facture",
    InvoiceKind.CREDIT_NOTE: "Avoir",
}


async def _statement(
    request: AnyRequest, session: TenantSession, trades: TradeRegistry, member_id: UUID
) -> dict[str, Any]:
    current = clock.paris(clock.now()).year
    asked = request.query_params.get("year", "")
    year = int(asked) if asked.isascii() and asked.isdecimal() and _FIRST_YEAR <= int(asked) <= current else current
    since, until = paris_instant(date(year, 1, 1)), paris_instant(date(year + 1, 1, 1))
    sums = await queries.sums_by_trade(session, member_id=member_id, since=since, until=until)
    found = await queries.statement(
        session, member_id=member_id, request=page_request(request), since=since, until=until
    )
    return {
        "year": year,
        "years": [(str(one), str(one)) for one in range(current, _FIRST_YEAR - 1, -1)],
        "found": replace(found, base_url=url_with(request, after=None, limit=None)),
        "sums": [(trades.label(trade), amount) for trade, amount in sums.items()],
        "total": Money.sum(sums.values()),
        "trade_label": trades.label,
        "here": request.url.path,
    }


async def _note_page(
    request: AnyRequest,
    session: TenantSession,
    invoice_id: UUID,
    *,
    form: Mapping[str, str] | None = None,
    wrong: AppError | None = None,
) -> Template:
    note = await invoices.invoice_view(session, invoice_id=invoice_id)
    related = [other for other in (note.credit_of, note.credited_by) if other is not None]
    return page(
        request,
        "ledger/note.html",
        status_code=wrong.status if wrong else 200,
        note=note,
        related=[await invoices.invoice_view(session, invoice_id=other) for other in related],
        methods=[(method.value, label) for method, label in METHOD_LABELS.items()],
        method_labels=METHOD_LABELS,
        credit_kind=InvoiceKind.CREDIT_NOTE,
        form=Sent(form or {}),
        errors=Sent(wrong.fields or {"": wrong.message}) if wrong else Sent(),
    )


def _typed(form: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in form.items() if isinstance(value, str)}


def _method(form: Mapping[str, str]) -> PaymentMethod:
    try:
        return PaymentMethod(text(form, "method"))
    except ValueError as exc:
        raise Invalid(fields={"method": "Choisissez un moyen de paiement."}) from exc


def _amount(form: Mapping[str, str]) -> Money:
    try:
        return Money.typed(text(form, "amount"))
    except ValueError as exc:
        raise Invalid(fields={"amount": "Un montant en euros est attendu, comme 128,50."}) from exc
