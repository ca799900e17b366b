"""Pricing, handing over, signing: the quote comes before the work (R4)."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.datastructures import FormMultiDict
from litestar.response import Redirect, Response

from maillage_hooks import TradePlugin, TradeRegistry
from maillage_hooks.types import LineKind
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, requires, see_other, text
from maillage_tenants import quotes
from maillage_tenants.casefile.access import attempt, case_for, case_page, done_or_said, pdf, words_of
from maillage_tenants.customers import PremisesUse

MAX_QUANTITY = Decimal(999)
MAX_MINUTES = 24 * 60
QUANTITY = "qty_"


@post("/cases/{case_id:uuid}/quote", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
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
    try:
        minutes = minutes_of(text(form, "labour_minutes"))
    except ValueError:
        return see_other(back, flash="Le temps de travail n’est pas un nombre de minutes.", tone="danger")
    if minutes == 0:  # parts alone: the trade's first hour is not due
        hours = (item.code for item in plugin.pricing.catalogue if item.kind is LineKind.LABOUR)
        quantities = {**dict.fromkeys(hours, Decimal(0)), **quantities}
    use, alone = text(form, "premises_use"), bool(text(form, "travel_only"))
    return await done_or_said(
        session,
        quotes.draft_quote(
            session,
            cooperative=cooperative,
            case_id=case_id,
            trade_plugin=plugin,
            by=actor.display_name,
            labour_minutes=0 if alone else minutes,
            parts={} if alone else quantities,
            premises_use=PremisesUse(use) if use in set(PremisesUse) else None,
            over_two_years={"yes": True, "no": False}.get(text(form, "over_two_years")),
            certify=text(form, "certify") != "no",
            execution=text(form, "execution")[:200],
        ),
        back=back,
        done="Devis chiffré : relisez-le, puis remettez-le au client.",
    )


def quantities_of(form: Mapping[str, Any]) -> dict[str, Decimal] | None:
    """Item codes with quantities from fields `qty_<code>`, and the items added; None when one makes no sense."""
    found: dict[str, Decimal] = {}
    try:
        for key, raw in form.items():
            if key.startswith(QUANTITY) and isinstance(raw, str) and raw.strip():
                found[key[len(QUANTITY) :]] = Decimal(raw.strip().replace(",", "."))
        for added, raw in zip(_every(form, "add_code"), _every(form, "add_quantity"), strict=False):
            if added:
                found[added] = found.get(added, Decimal(0)) + Decimal((raw or "1").replace(",", "."))
    except InvalidOperation:
        return None
    if any(not quantity.is_finite() or not 0 <= quantity <= MAX_QUANTITY for quantity in found.values()):
        return None
    return found


def minutes_of(raw: str) -> int | None:
    """Minutes of work, None when nothing is said. Raises ValueError when it is not between nothing and a day."""
    if not raw:
        return None
    if not raw.isascii() or not raw.isdigit() or int(raw) > MAX_MINUTES:
        raise ValueError(raw)
    return int(raw)


def _every(form: Mapping[str, Any], name: str) -> list[str]:
    """All values of a repeated field, stripped."""
    values = form.getall(name, []) if isinstance(form, FormMultiDict) else [form.get(name, "")]
    return [value.strip() for value in values if isinstance(value, str)]


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


@post(
    "/cases/{case_id:uuid}/quotes/{quote_id:uuid}/send",
    guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)],
)
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


@post(
    "/cases/{case_id:uuid}/quotes/{quote_id:uuid}/code",
    guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)],
)
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


@post(
    "/cases/{case_id:uuid}/quotes/{quote_id:uuid}/sign",
    guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)],
)
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


@post(
    "/cases/{case_id:uuid}/quotes/{quote_id:uuid}/refuse",
    guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)],
)
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


@get(
    "/cases/{case_id:uuid}/quotes/{quote_id:uuid}/pdf", guards=[requires(Permission.CASES_READ, Permission.FIELD_WORK)]
)
async def quote_document(session: TenantSession, actor: Actor, case_id: UUID, quote_id: UUID) -> Response[bytes]:
    """The quote as PDF, with its signature once signed."""
    await case_for(session, case_id=case_id, actor=actor)
    file = await quotes.quote_pdf(session, case_id=case_id, quote_id=quote_id)
    return pdf(file.content, file.filename)
