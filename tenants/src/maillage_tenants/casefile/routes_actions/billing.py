"""After the work: report, note, payment, closing (R7, R84)."""

import re
from collections.abc import Awaitable
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Response

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.money import Money
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, requires, see_other, text
from maillage_tenants import interventions, invoices
from maillage_tenants.casefile import queries, service
from maillage_tenants.casefile.access import attempt, case_for, case_page, done_or_said, pdf, words_of
from maillage_tenants.casefile.errors import NoteMissing
from maillage_tenants.casefile.routes_actions.quoting import plugin_of
from maillage_tenants.casefile.routes_web import uuid_of
from maillage_tenants.invoices import PaymentMethod


@post("/cases/{case_id:uuid}/report", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def save_report(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    case_id: UUID,
) -> Redirect:
    """Keep the report: complete when it can be, otherwise as a draft that says what is missing."""
    row = await case_for(session, case_id=case_id, actor=actor)
    plugin = plugin_of(row.trade, trades)
    form = await request.form()
    values = {key[2:]: value for key, value in form.items() if key.startswith("r_") and isinstance(value, str)}
    back = f"{case_page(cooperative, actor, case_id)}#report"

    def keep(complete: bool) -> Awaitable[None]:
        return interventions.save_report(
            session,
            case_id=case_id,
            trade_plugin=plugin,
            values=values,
            complete=complete,
            at=clock.now(),
            by=actor.display_name,
        )

    refusal = await attempt(session, keep(True))
    if refusal is None:
        return see_other(back, flash="Rapport complet.")
    labels = {field.code: field.label for field in plugin.report.fields(row.type_code or "")}
    missing = " ; ".join(
        f"{labels.get(code, code)} : {why.rstrip('.').lower()}" for code, why in refusal.fields.items()
    )
    draft = await attempt(session, keep(False))
    if draft is not None:
        return see_other(back, flash=missing or words_of(draft), tone="danger")
    return see_other(back, flash=f"Brouillon gardé. {missing}", tone="warning")


@post("/cases/{case_id:uuid}/note", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def issue_note(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Issue the note from the signed quote, before any payment (R7). The customer certifies R33 here when the quote
    was not signed: the box ticked, and the name of who certifies."""
    await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    return await done_or_said(
        session,
        invoices.issue_note(
            session,
            cooperative=cooperative,
            case_id=case_id,
            by=actor.display_name,
            quote_id=uuid_of(text(form, "quote_id")),
            certified_by=text(form, "certified_by")[:120] if text(form, "vat_certified") else "",
        ),
        back=f"{case_page(cooperative, actor, case_id)}#money",
        done="Note émise.",
    )


@get(
    "/cases/{case_id:uuid}/invoices/{invoice_id:uuid}/pdf",
    guards=[requires(Permission.CASES_READ, Permission.FIELD_WORK)],
)
async def invoice_document(session: TenantSession, actor: Actor, case_id: UUID, invoice_id: UUID) -> Response[bytes]:
    """The note or invoice as it was issued."""
    await case_for(session, case_id=case_id, actor=actor)
    file = await invoices.invoice_pdf(session, case_id=case_id, invoice_id=invoice_id)
    return pdf(file.content, file.filename)


@post(
    "/cases/{case_id:uuid}/payment",
    guards=[requires(Permission.CASES_WRITE, Permission.MONEY_WRITE, Permission.FIELD_WORK)],
)
async def take_payment(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Record what the customer paid, once the note exists (R7)."""
    await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    back = f"{case_page(cooperative, actor, case_id)}#money"
    notes = await queries.standing_notes(session, case_id=case_id)
    chosen = uuid_of(text(form, "invoice_id"))
    note = next((note for note in reversed(notes) if chosen in (None, note.id)), None)
    if note is None:
        return see_other(back, flash=NoteMissing.message, tone="danger")
    amount = amount_of(text(form, "amount"))
    method = text(form, "method")
    if amount is None or method not in set(PaymentMethod):
        return see_other(back, flash="Indiquez le montant et le moyen de paiement.", tone="danger")
    return await done_or_said(
        session,
        invoices.record_payment(
            session,
            case_id=case_id,
            invoice_id=note.id,
            method=PaymentMethod(method),
            amount=amount,
            reference=text(form, "reference")[:120],
            by=actor.display_name,
        ),
        back=back,
        done=f"Paiement de {amount} enregistré.",
    )


def amount_of(raw: str) -> Money | None:
    """An amount typed in euro: « 128,50 », « 1 280 € »; None when it is not a positive amount."""
    cleaned = re.sub(r"[\s\u00a0\u202f€]", "", raw).replace(",", ".")
    if not re.fullmatch(r"\d{1,7}(\.\d{1,2})?", cleaned):
        return None
    amount = Money.euros(cleaned)
    return amount if amount else None


@post("/cases/{case_id:uuid}/close", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def close(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, trades: TradeRegistry, case_id: UUID
) -> Redirect:
    """Close the case: note issued, report complete, member credited."""
    row = await case_for(session, case_id=case_id, actor=actor)
    plugin = trades.get(row.trade) if row.trade and row.trade in trades else None
    return await done_or_said(
        session,
        service.close_case(session, case_id=case_id, trade_plugin=plugin, at=clock.now(), by=actor.display_name),
        back=case_page(cooperative, actor, case_id),
        done="Dossier clôturé.",
    )
