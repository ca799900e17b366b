"""What the office and the artisan both do on a case: go, work, quote, sign, report, photos, note, payment, close.

Each act is wholly done or not at all; the person comes back to the page with the result or the refusal in words.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.response import Redirect, Response

from maillage_hooks import TradePlugin, TradeRegistry
from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext, Role
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.money import Money
from maillage_kit.web import AnyRequest, requires, see_other, text
from maillage_tenants import interventions, invoices, quotes
from maillage_tenants.casefile import queries, service
from maillage_tenants.casefile.access import attempt, case_for, case_page, done_or_said, words_of
from maillage_tenants.casefile.errors import NoteMissing
from maillage_tenants.casefile.routes_web import pdf
from maillage_tenants.customers import PremisesUse
from maillage_tenants.interventions import HoldReason
from maillage_tenants.invoices import PaymentMethod

BOTH = requires(Role.OFFICE, Role.MEMBER)
MAX_QUANTITY = Decimal(999)
MAX_PHOTOS = 8
QUANTITY = "qty_"

Advance = Callable[..., Awaitable[None]]
_TRAVEL: Mapping[str, tuple[Advance, str]] = {
    "depart": (interventions.depart, "Départ enregistré."),
    "arrive": (interventions.arrive, "Arrivée enregistrée."),
}
_WORK: Mapping[str, tuple[Advance, str]] = {
    "make_safe": (interventions.make_safe, "Mise en sécurité enregistrée."),
    "finish": (interventions.finish_work, "Travaux terminés."),
}


@post("/cases/{case_id:uuid}/advance", guards=[BOTH])
async def advance(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Left, arrived, made safe, finished. The last two need a signed quote or a written danger (R4, R6)."""
    await case_for(session, case_id=case_id, actor=actor)
    step = text(await request.form(), "step")
    at, by = clock.now(), actor.display_name
    if step in _TRAVEL:
        act, done = _TRAVEL[step]
        doing = act(session, case_id=case_id, at=at, by=by)
    elif step in _WORK:
        act, done = _WORK[step]
        authority = await quotes.work_authority(session, case_id=case_id)
        doing = act(session, case_id=case_id, at=at, by=by, authority=authority)
    else:
        raise NotFound
    return await done_or_said(session, doing, back=case_page(cooperative, actor, case_id), done=done)


@post("/cases/{case_id:uuid}/hold", guards=[BOTH])
async def hold(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Pause for a reason of the closed list (R20)."""
    await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    back = case_page(cooperative, actor, case_id)
    if text(form, "reason") not in set(HoldReason):
        return see_other(back, flash="Choisissez un motif d’attente.", tone="danger")
    return await done_or_said(
        session,
        interventions.hold_case(
            session,
            case_id=case_id,
            reason=HoldReason(text(form, "reason")),
            note=text(form, "note")[:500],
            at=clock.now(),
            by=actor.display_name,
        ),
        back=back,
        done="Intervention mise en attente : les délais sont suspendus.",
    )


@post("/cases/{case_id:uuid}/resume", guards=[BOTH])
async def resume(session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID) -> Redirect:
    """End of the pause."""
    await case_for(session, case_id=case_id, actor=actor)
    return await done_or_said(
        session,
        interventions.resume_case(session, case_id=case_id, at=clock.now(), by=actor.display_name),
        back=case_page(cooperative, actor, case_id),
        done="L’intervention reprend.",
    )


@post("/cases/{case_id:uuid}/partial", guards=[BOTH])
async def partial(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Leave with something still to do."""
    await case_for(session, case_id=case_id, actor=actor)
    return await done_or_said(
        session,
        interventions.leave_partial(
            session,
            case_id=case_id,
            reason=text(await request.form(), "reason"),
            at=clock.now(),
            by=actor.display_name,
        ),
        back=case_page(cooperative, actor, case_id),
        done="Intervention partielle enregistrée.",
    )


@post("/cases/{case_id:uuid}/danger", guards=[BOTH])
async def danger(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Work before the signature because of immediate danger: the reason is written and audited (R6)."""
    await case_for(session, case_id=case_id, actor=actor)
    return await done_or_said(
        session,
        interventions.record_danger(
            session,
            case_id=case_id,
            reason=text(await request.form(), "danger_reason"),
            at=clock.now(),
            by=actor.display_name,
        ),
        back=case_page(cooperative, actor, case_id),
        done="Motif enregistré : mettez en sécurité, puis faites signer le devis.",
    )


@post("/cases/{case_id:uuid}/lead", guards=[BOTH])
async def lead(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Work beyond the emergency, for the member who brought the customer (R15, R60)."""
    await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    return await done_or_said(
        session,
        interventions.create_lead(
            session,
            case_id=case_id,
            title=text(form, "title")[:200],
            detail=text(form, "detail")[:2000],
            at=clock.now(),
            by=actor.display_name,
        ),
        back=case_page(cooperative, actor, case_id),
        done="Travaux à proposer enregistrés.",
    )


@post("/cases/{case_id:uuid}/attachments", guards=[BOTH])
async def attach(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Add photos or a document; none is kept when one is refused."""
    await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    back = case_page(cooperative, actor, case_id)
    files = [file for file in form.getall("photos", []) if isinstance(file, UploadFile) and file.filename]
    if not files or len(files) > MAX_PHOTOS:
        return see_other(back, flash=f"Choisissez de 1 à {MAX_PHOTOS} fichiers.", tone="danger")

    async def keep() -> None:
        for file in files:
            await interventions.add_attachment(
                session,
                case_id=case_id,
                kind=text(form, "kind") or "other",
                filename=file.filename,
                content=await file.read(),
                at=clock.now(),
                by=actor.display_name,
            )

    done = "Photo ajoutée." if len(files) == 1 else f"{len(files)} fichiers ajoutés."
    return await done_or_said(session, keep(), back=back, done=done)


# ------------------------------------------------------------------------------------------------------------- quotes


@post("/cases/{case_id:uuid}/quote", guards=[BOTH])
async def draft_quote(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    case_id: UUID,
) -> Redirect:
    """Price the case with the trade's lines, the quantities as corrected."""
    row = await case_for(session, case_id=case_id, actor=actor)
    plugin = plugin_of(row.trade, trades)
    form = await request.form()
    back = f"{case_page(cooperative, actor, case_id)}#quote"
    quantities = quantities_of(form)
    if quantities is None:
        return see_other(back, flash="Une quantité n’est pas un nombre entre 0 et 999.", tone="danger")
    use = text(form, "premises_use")
    return await done_or_said(
        session,
        quotes.draft_quote(
            session,
            cooperative=cooperative,
            case_id=case_id,
            trade_plugin=plugin,
            by=actor.display_name,
            labour_minutes=0 if text(form, "travel_only") else None,
            parts={} if text(form, "travel_only") else quantities,
            premises_use=PremisesUse(use) if use in set(PremisesUse) else None,
            over_two_years={"yes": True, "no": False}.get(text(form, "over_two_years")),
            certify=text(form, "certify") != "no",
            execution=text(form, "execution")[:200],
        ),
        back=back,
        done="Devis chiffré : relisez-le, puis remettez-le au client.",
    )


def quantities_of(form: Mapping[str, Any]) -> dict[str, Decimal] | None:
    """Item codes with their quantities from fields `qty_<code>`, and the item added; None when one makes no sense."""
    found: dict[str, Decimal] = {}
    try:
        for key, raw in form.items():
            if key.startswith(QUANTITY) and isinstance(raw, str) and raw.strip():
                found[key[len(QUANTITY) :]] = Decimal(raw.strip().replace(",", "."))
        added = text(form, "add_code")
        if added:
            found[added] = found.get(added, Decimal(0)) + Decimal((text(form, "add_quantity") or "1").replace(",", "."))
    except InvalidOperation:
        return None
    if any(not quantity.is_finite() or not 0 <= quantity <= MAX_QUANTITY for quantity in found.values()):
        return None
    return found


def plugin_of(trade: str | None, trades: TradeRegistry) -> TradePlugin:
    """Raises Invalid while the trade of the case is not known or not installed."""
    if trade is None or trade not in trades:
        raise Invalid("Choisissez d’abord le métier de l’intervention.")
    return trades.get(trade)


async def _quote_of(session: TenantSession, *, case_id: UUID, quote_id: UUID) -> quotes.QuoteView:
    """A quote of that very case. Raises NotFound."""
    view = await quotes.quote_view(session, quote_id=quote_id)
    if view.case_id != case_id:
        raise NotFound
    return view


@post("/cases/{case_id:uuid}/quotes/{quote_id:uuid}/send", guards=[BOTH])
async def send_quote(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID, quote_id: UUID
) -> Redirect:
    """Number the quote and freeze what the customer will sign."""
    await case_for(session, case_id=case_id, actor=actor)
    await _quote_of(session, case_id=case_id, quote_id=quote_id)
    return await done_or_said(
        session,
        quotes.send_quote(session, cooperative=cooperative, quote_id=quote_id, by=actor.display_name),
        back=f"{case_page(cooperative, actor, case_id)}#quote",
        done="Devis remis : faites-le signer.",
    )


@post("/cases/{case_id:uuid}/quotes/{quote_id:uuid}/code", guards=[BOTH])
async def send_code(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    case_id: UUID,
    quote_id: UUID,
) -> Redirect:
    """Send the customer a one-time code to sign with."""
    row = await case_for(session, case_id=case_id, actor=actor)
    await _quote_of(session, case_id=case_id, quote_id=quote_id)
    phone = text(await request.form(), "phone") or row.caller_phone or ""
    return await done_or_said(
        session,
        quotes.request_signing_code(session, quote_id=quote_id, phone=phone, by=actor.display_name),
        back=f"{case_page(cooperative, actor, case_id)}#quote",
        done="Code envoyé au client par SMS.",
    )


@post("/cases/{case_id:uuid}/quotes/{quote_id:uuid}/sign", guards=[BOTH])
async def sign_quote(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    case_id: UUID,
    quote_id: UUID,
) -> Redirect:
    """Sign with a finger on this screen, or with the code received."""
    await case_for(session, case_id=case_id, actor=actor)
    await _quote_of(session, case_id=case_id, quote_id=quote_id)
    form = await request.form()
    back = f"{case_page(cooperative, actor, case_id)}#quote"
    name, certified = text(form, "signed_by")[:120], bool(text(form, "vat_certified"))
    if code := text(form, "code"):
        outcome: quotes.SigningOutcome | None = None

        async def with_code() -> None:
            nonlocal outcome
            outcome = await quotes.sign_with_code(
                session,
                cooperative=cooperative,
                quote_id=quote_id,
                code=code,
                signed_by=name,
                vat_certified=certified,
                by=actor.display_name,
            )

        refusal = await attempt(session, with_code())
        if refusal is not None:
            return see_other(back, flash=words_of(refusal), tone="danger")
        if outcome is not None and not outcome.signed:
            return see_other(back, flash=outcome.refusal, tone="danger")
        return see_other(back, flash="Devis signé.")
    return await done_or_said(
        session,
        quotes.sign_drawn(
            session,
            cooperative=cooperative,
            quote_id=quote_id,
            png_data_url=text(form, "signature"),
            signed_by=name,
            vat_certified=certified,
            by=actor.display_name,
        ),
        back=back,
        done="Devis signé.",
    )


@post("/cases/{case_id:uuid}/quotes/{quote_id:uuid}/refuse", guards=[BOTH])
async def refuse_quote(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    case_id: UUID,
    quote_id: UUID,
) -> Redirect:
    """The customer says no."""
    await case_for(session, case_id=case_id, actor=actor)
    await _quote_of(session, case_id=case_id, quote_id=quote_id)
    return await done_or_said(
        session,
        quotes.refuse_quote(
            session, quote_id=quote_id, by=actor.display_name, reason=text(await request.form(), "reason")[:200]
        ),
        back=f"{case_page(cooperative, actor, case_id)}#quote",
        done="Refus enregistré.",
    )


@get("/cases/{case_id:uuid}/quotes/{quote_id:uuid}/pdf", guards=[BOTH])
async def quote_document(session: TenantSession, actor: Actor, case_id: UUID, quote_id: UUID) -> Response[bytes]:
    """The quote as PDF, with its signature once signed."""
    await case_for(session, case_id=case_id, actor=actor)
    file = await quotes.quote_pdf(session, case_id=case_id, quote_id=quote_id)
    return pdf(file.content, file.filename)


# --------------------------------------------------------------------------------------------- report, note, payment


@post("/cases/{case_id:uuid}/report", guards=[BOTH])
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


@post("/cases/{case_id:uuid}/note", guards=[BOTH])
async def issue_note(session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID) -> Redirect:
    """Issue the note from the signed quote, before any payment (R7)."""
    await case_for(session, case_id=case_id, actor=actor)
    return await done_or_said(
        session,
        invoices.issue_note(session, cooperative=cooperative, case_id=case_id, by=actor.display_name),
        back=f"{case_page(cooperative, actor, case_id)}#money",
        done="Note émise.",
    )


@get("/cases/{case_id:uuid}/invoices/{invoice_id:uuid}/pdf", guards=[BOTH])
async def invoice_document(session: TenantSession, actor: Actor, case_id: UUID, invoice_id: UUID) -> Response[bytes]:
    """The note or invoice as it was issued."""
    await case_for(session, case_id=case_id, actor=actor)
    file = await invoices.invoice_pdf(session, case_id=case_id, invoice_id=invoice_id)
    return pdf(file.content, file.filename)


@post("/cases/{case_id:uuid}/payment", guards=[BOTH])
async def take_payment(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Record what the customer paid, once the note exists (R7)."""
    await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    back = f"{case_page(cooperative, actor, case_id)}#money"
    note = await queries.note_of(session, case_id=case_id)
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


@post("/cases/{case_id:uuid}/close", guards=[BOTH])
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


ROUTES = (
    advance,
    hold,
    resume,
    partial,
    danger,
    lead,
    attach,
    draft_quote,
    send_quote,
    send_code,
    sign_quote,
    refuse_quote,
    quote_document,
    save_report,
    issue_note,
    invoice_document,
    take_payment,
    close,
)
