"""Public pages under `/p/<slug>`. Nobody is signed in; a tracking link holds a secret of 256 bits."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Response, Template

from maillage_hooks import TradeRegistry
from maillage_hooks.types import Redirect as SafetyRedirect
from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import token_hash
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.phone import parse_phone, show_phone
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, page, public_path, see_other, text
from maillage_tenants import interventions, invoices, quotes, reviews, territory
from maillage_tenants.casefile import attempt, case_view, done_or_said, pdf, words_of
from maillage_tenants.frontdoor import rules, service
from maillage_tenants.frontdoor.service import WebRequest
from maillage_tenants.interventions import State, TriageIncomplete

HONEYPOT = "website"
COMMUNES_SHOWN = 6


@get("/")
async def home(request: AnyRequest, trades: TradeRegistry) -> Template:
    """The number first, then the trades, the request form, the mediator (R21)."""
    return page(request, "frontdoor/home.html", trades=[plugin.trade for plugin in trades])


@get("/demande")
async def ask(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    """The form of a request."""
    return await _form(request, session, trades, {"trade": request.query_params.get("metier", "")})


async def _form(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    given: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    *,
    status_code: int = 200,
    redirect: SafetyRedirect | None = None,
) -> Template:
    cooperative: CooperativeContext = request.scope["state"]["cooperative"]
    errors = errors or {}
    trade = given.get("trade", "")
    plugin = trades.get(trade) if trade in trades else None
    wrong = {key[2:]: why for key, why in errors.items() if key.startswith("q_")}
    found = (
        ()
        if given.get("insee") or not given.get("commune")
        else await territory.search_commune(session, text=given["commune"], limit=COMMUNES_SHOWN)
    )
    commune = await territory.commune(session, insee=given["insee"]) if given.get("insee") else None
    return page(
        request,
        "frontdoor/request.html",
        status_code=status_code,
        given=given,
        errors=errors,
        communes=(commune,) if commune else found,
        triage=interventions.triage_form(plugin, interventions.answers_of(given), public=True, errors=wrong)
        if plugin
        else None,
        now_price=await interventions.present_price(
            session,
            cooperative=cooperative,
            trade_plugin=plugin,
            answers=interventions.answers_of(given),
            at=clock.now(),
        )
        if plugin
        else None,
        refresh_url=f"{public_path(cooperative)}/demande/questions",
        communes_url=f"{public_path(cooperative)}/demande/communes",
        trade_choices=[(p.trade.code, p.trade.label, "", p.trade.icon) for p in trades],
        redirect=redirect,
        honeypot=HONEYPOT,
    )


@post("/demande/questions", status_code=200)
async def questions(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry
) -> Template:
    """The questions that follow from the answers; the words that save as soon as danger is said (R86, R87); the price
    before anything is sent (R2)."""
    form = await request.form()
    trade = text(form, "trade")
    if trade not in trades:
        raise NotFound
    plugin, answers = trades.get(trade), interventions.answers_of(form)
    return page(
        request,
        "interventions/triage_fragment.html",
        triage=interventions.triage_form(plugin, answers, public=True),
        refresh_url=f"{public_path(cooperative)}/demande/questions",
        public=True,
        now_price=await interventions.present_price(
            session, cooperative=cooperative, trade_plugin=plugin, answers=answers, at=clock.now()
        ),
        accepted="",
    )


@get("/demande/communes")
async def communes(request: AnyRequest, session: TenantSession) -> Template:
    """Communes to choose from (R97)."""
    found = await territory.search_commune(
        session, text=request.query_params.get("commune", "")[:80], limit=COMMUNES_SHOWN
    )
    return page(request, "frontdoor/_communes.html", communes=found, chosen="")


@post("/demande")
async def send_request(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    settings: Settings,
) -> Template | Redirect:
    """Open the case and look for an artisan. Danger: nobody is sent, the words and the numbers are shown (R87)."""
    form = await request.form()
    given = {key: value.strip() for key, value in form.items() if isinstance(value, str)}
    if given.get(HONEYPOT):  # only a robot fills a field that nobody sees: it is told that all is well
        return see_other(public_path(cooperative) + "/", flash="Votre demande est envoyée.")
    trade = given.get("trade", "")
    if trade not in trades:
        return await _form(request, session, trades, given, {"trade": "Choisissez un métier."}, status_code=422)
    plugin, answers = trades.get(trade), interventions.answers_of(given)
    triage = interventions.triage_form(plugin, answers, public=True)
    asked, errors = await _checked(session, given)
    if not triage.blocked:
        errors |= {f"q_{code}": "Réponse attendue." for code in triage.result.missing}
        if errors:
            return await _form(request, session, trades, given, errors, status_code=422)
    try:
        opened = await service.open_web_request(
            session,
            cooperative=cooperative,
            settings=settings,
            plugin=plugin,
            answers=answers,
            asked=asked,
            at=clock.now(),
        )
    except TriageIncomplete as refusal:
        raise Invalid("Répondez à toutes les questions.") from refusal
    if opened.redirect is not None:
        return await _form(request, session, trades, given, redirect=opened.redirect)
    return see_other(f"{public_path(cooperative)}/suivi/{opened.token}", flash="Votre demande est envoyée.")


async def _checked(session: TenantSession, given: dict[str, str]) -> tuple[WebRequest, dict[str, str]]:
    errors: dict[str, str] = {}
    phone: str | None = None
    try:
        phone = parse_phone(given.get("phone", ""))
    except Invalid:
        errors["phone"] = "Indiquez un numéro où l’artisan peut vous rappeler."
    if len(given.get("name", "")) < 2:
        errors["name"] = "Indiquez votre nom."
    if len(given.get("address", "")) < 3:
        errors["address"] = "Indiquez l’adresse : numéro, rue, étage."
    insee = given.get("insee") or None
    if insee is None:
        matches = await territory.search_commune(session, text=given.get("commune", ""), limit=2)
        insee = matches[0].insee if len(matches) == 1 else None
    if insee is None or await territory.commune(session, insee=insee) is None:
        insee = None
        errors["commune"] = "Choisissez votre commune dans la liste."
    asked = WebRequest(
        name=given.get("name", "")[:120],
        phone=phone,
        address=given.get("address", "")[:200],
        insee=insee,
        words=given.get("words", "")[:1000],
        price_accepted=given.get("price_accepted", ""),
    )
    return asked, errors


# ----------------------------------------------------------------------------------------------------------- tracking


async def _tracked(session: TenantSession, token: str) -> interventions.Intervention:
    """Raises CaseNotFound for an unknown secret."""
    return await interventions.case_by_token(session, token_hash=token_hash(token))


@get("/suivi/{token:str}")
async def track(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    token: str,
) -> Template:
    """Where the artisan is, what was promised and announced, the quote to read and sign."""
    return page(request, "frontdoor/tracking.html", **await _tracking(session, cooperative, trades, token))


@get("/suivi/{token:str}/etat")
async def track_live(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    token: str,
) -> Template:
    """The moving part of the tracking page."""
    return page(request, "frontdoor/_tracking.html", **await _tracking(session, cooperative, trades, token))


async def _tracking(
    session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry, token: str
) -> dict[str, Any]:
    row = await _tracked(session, token)
    view = await case_view(session, case_id=row.id, trades=trades, at=clock.now())
    title, advice = rules.TRACKING[State(row.state)]
    arrive = next((delay for delay in view.status.delays if delay.code == "arrive"), None)
    return {
        "view": view,
        "rating_labels": reviews.RATINGS,
        "longest": reviews.LONGEST,
        "given": {},
        "errors": {},
        "case": row,
        "title": title,
        "advice": advice,
        "arrive": arrive,
        "quote": view.waiting_quote or view.signed_quote,
        "here": f"{public_path(cooperative)}/suivi/{token}",
        "masked_phone": _masked(row.caller_phone),
    }


def _masked(phone: str | None) -> str:
    """« 06 ·· ·· ·· 78 »: enough to recognise one's own number, nothing to learn."""
    if not phone:
        return ""
    shown = show_phone(phone)
    return f"{shown[:2]} ·· ·· ·· {shown[-2:]}"


async def _quote(session: TenantSession, token: str, quote_id: UUID) -> quotes.QuoteView:
    row = await _tracked(session, token)
    view = await quotes.quote_view(session, quote_id=quote_id)
    if view.case_id != row.id or view.state is quotes.QuoteState.DRAFT:
        raise NotFound
    return view


@get("/suivi/{token:str}/devis/{quote_id:uuid}")
async def quote_document(session: TenantSession, token: str, quote_id: UUID) -> Response[bytes]:
    """The quote as PDF."""
    view = await _quote(session, token, quote_id)
    file = await quotes.quote_pdf(session, case_id=view.case_id, quote_id=quote_id)
    return pdf(file.content, file.filename)


@get("/suivi/{token:str}/notes/{invoice_id:uuid}/pdf")
async def note_document(session: TenantSession, token: str, invoice_id: UUID) -> Response[bytes]:
    """The note, invoice or credit note as it was issued."""
    row = await _tracked(session, token)
    file = await invoices.invoice_pdf(session, case_id=row.id, invoice_id=invoice_id)
    return pdf(file.content, file.filename)


@post("/suivi/{token:str}/devis/{quote_id:uuid}/code")
async def send_code(session: TenantSession, cooperative: CooperativeContext, token: str, quote_id: UUID) -> Redirect:
    """Send the code to the number of the request, and to no other."""
    await _quote(session, token, quote_id)
    row = await _tracked(session, token)
    back = f"{public_path(cooperative)}/suivi/{token}#devis"
    if not row.caller_phone:
        return see_other(back, flash="Signez sur le téléphone de l’artisan.", tone="warning")
    refusal = await attempt(
        session,
        quotes.request_signing_code(session, quote_id=quote_id, phone=row.caller_phone, by=service.BY_WEB),
    )
    if refusal is not None:
        return see_other(back, flash=words_of(refusal), tone="danger")
    return see_other(back, flash="Le code est envoyé par SMS.")


@post("/suivi/{token:str}/devis/{quote_id:uuid}/signer")
async def sign(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, token: str, quote_id: UUID
) -> Redirect:
    """Sign with the code received by SMS."""
    await _quote(session, token, quote_id)
    form = await request.form()
    back = f"{public_path(cooperative)}/suivi/{token}#devis"
    outcomes: list[quotes.SigningOutcome] = []

    async def with_code() -> None:
        outcomes.append(
            await quotes.sign_with_code(
                session,
                cooperative=cooperative,
                quote_id=quote_id,
                code=text(form, "code"),
                signed_by=text(form, "signed_by")[:120],
                vat_certified=bool(text(form, "vat_certified")),
            )
        )

    refusal = await attempt(session, with_code())
    if refusal is not None:
        return see_other(back, flash=words_of(refusal), tone="danger")
    if outcomes and not outcomes[0].signed:
        return see_other(back, flash=outcomes[0].refusal, tone="danger")
    return see_other(back, flash="Devis signé. Merci.")


@post("/suivi/{token:str}/devis/{quote_id:uuid}/refuser")
async def refuse(session: TenantSession, cooperative: CooperativeContext, token: str, quote_id: UUID) -> Redirect:
    """The customer says no."""
    await _quote(session, token, quote_id)
    back = f"{public_path(cooperative)}/suivi/{token}#devis"
    refusal = await attempt(session, quotes.refuse_quote(session, quote_id=quote_id, by=service.BY_WEB))
    if refusal is not None:
        return see_other(back, flash=words_of(refusal), tone="danger")
    return see_other(back, flash="Votre refus est enregistré.")


@post("/suivi/{token:str}/avis")
async def give_review(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    token: str,
) -> Template | Redirect:
    """The customer's review of a closed intervention."""
    row = await _tracked(session, token)
    form = await request.form()
    given = {name: text(form, name) for name in ("rating", "comment")}
    try:
        rating, comment = reviews.read_review(given["rating"], given["comment"])
    except Invalid as wrong:
        shown = await _tracking(session, cooperative, trades, token) | {"given": given, "errors": dict(wrong.fields)}
        return page(request, "frontdoor/tracking.html", status_code=422, **shown)
    return await done_or_said(
        session,
        reviews.give_review(session, case_id=row.id, rating=rating, comment=comment, at=clock.now(), by=service.BY_WEB),
        back=f"{public_path(cooperative)}/suivi/{token}#avis",
        done="Votre avis est enregistré. Merci.",
    )


ROUTES = (
    home,
    ask,
    questions,
    communes,
    send_request,
    track,
    track_live,
    quote_document,
    note_document,
    send_code,
    sign,
    refuse,
    give_review,
)
