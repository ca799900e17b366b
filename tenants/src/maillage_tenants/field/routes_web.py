"""The artisan's pages on the phone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import TenantSession
from maillage_kit.errors import Forbidden, NotFound
from maillage_kit.permissions import Permission, Role
from maillage_kit.phone import show_phone
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, base_path, own_technician, page, requires, see_other, text
from maillage_tenants import customers, interventions, masking, messages
from maillage_tenants.casefile import attempt, case_for, case_view, case_words, is_own, words_of
from maillage_tenants.field import queries, rules
from maillage_tenants.interventions import HoldReason, Intervention, State, TriageIncomplete

RECENT = timedelta(days=7)


@get("/field", guards=[requires(Permission.FIELD_WORK)])
async def my_cases(request: AnyRequest, session: TenantSession, actor: Actor, trades: TradeRegistry) -> Template:
    """Offers first, then what is under way, then the last days."""
    return page(request, "field/home.html", **await _home(session, actor, trades))


@get("/field/list", guards=[requires(Permission.FIELD_WORK)])
async def my_cases_live(request: AnyRequest, session: TenantSession, actor: Actor, trades: TradeRegistry) -> Template:
    """The list alone, as the live page fetches it again."""
    return page(request, "field/_list.html", **await _home(session, actor, trades))


async def _home(session: TenantSession, actor: Actor, trades: TradeRegistry) -> dict[str, Any]:
    whole_business = None if actor.role is Role.TECHNICIAN else actor.member_id
    cases = (
        await queries.cases_of(
            session, member_id=whole_business, technician_id=actor.technician_id, since=clock.now() - RECENT
        )
        if whole_business or actor.technician_id
        else ()
    )
    over = ("closed", "cancelled", "redirected")
    return {
        "offers": await queries.offers_to(session, technician_id=actor.technician_id) if actor.technician_id else (),
        "current": [case for case in cases if case.state not in over],
        "recent": [case for case in cases if case.state in over],
        "type_labels": {kind.code: kind.label for plugin in trades for kind in plugin.types},
        "trade_labels": {plugin.trade.code: plugin.trade.label for plugin in trades},
        "trade_icons": {plugin.trade.code: plugin.trade.icon for plugin in trades},
    }


@get("/field/cases/{case_id:uuid}", guards=[requires(Permission.FIELD_WORK)])
async def my_case(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    case_id: UUID,
) -> Template:
    """The case of his own, or the offer made to him. Anybody else's does not exist."""
    row = await interventions.case(session, case_id=case_id)
    if actor.technician_id is not None:
        await messages.mark_read(session, intervention_id=case_id, technician_id=actor.technician_id)
    if is_own(row, actor):
        return await _case_page(request, session, cooperative, trades, case_id)
    offer = await queries.offer_for_case(session, case_id=case_id, technician_id=own_technician(actor))
    if offer is None:
        raise NotFound
    kinds = {kind.code: kind.label for plugin in trades for kind in plugin.types}
    return page(
        request,
        "field/offer.html",
        offer=offer,
        type_label=kinds.get(offer.type_code or "", ""),
        trade_label=trades.label(offer.trade) if offer.trade else "",
    )


async def _case_page(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    case_id: UUID,
    *,
    access_notes: str | None = None,
    answers: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Template:
    at = clock.now()
    view = await case_view(session, case_id=case_id, trades=trades, at=at)
    case, state = view.case, State(view.case.state)
    site = await customers.site_card(session, site_id=case.site_id) if case.site_id else None
    known = await interventions.clocks(session, case_id=case_id)
    given = case.triage.get("answers", {}) if answers is None else answers
    return page(
        request,
        "field/case.html",
        status_code=status_code,
        view=view,
        case=case,
        site=site,
        masked=await masking.number_of(session, case_id=case_id, technician_id=case.technician_id)
        if case.technician_id
        else None,
        may_mask=await _may_mask(session, cooperative, case),
        here=f"{base_path(cooperative)}/field/cases/{case_id}",
        acts=f"{base_path(cooperative)}/cases/{case_id}",
        next_step=rules.NEXT.get(state),
        notes_open=bool(site and site.has_access_notes)
        and rules.may_read_access_notes(state, clocks=known, closed_at=case.closed_at, at=at),
        access_notes=access_notes,
        triage=interventions.triage_form(view.plugin, given, errors=errors) if view.plugin else None,
        now_price=await interventions.present_price(
            session, cooperative=cooperative, trade_plugin=view.plugin, answers=given, at=at
        )
        if view.plugin and not case.type_code
        else None,
        hold_reasons=[(reason.value, interventions.HOLD_LABELS[reason]) for reason in HoldReason],
        **case_words(),
    )


async def _may_mask(session: TenantSession, cooperative: CooperativeContext, case: Intervention) -> bool:
    """Whether a masked number may be lent to the artisan of this case now."""
    if not cooperative.pool_numbers or case.technician_id is None or case.state in masking.OVER:
        return False
    artisan = await interventions.technician_phone(session, technician_id=case.technician_id)
    return await masking.may_lend(session, artisan_phone=artisan, customer_phone=case.caller_phone)


@post("/field/cases/{case_id:uuid}/masked", guards=[requires(Permission.FIELD_WORK)], status_code=303)
async def ask_masked_number(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Lend a number to this artisan and this customer, until 24 hours after the end of the case."""
    row = await case_for(session, case_id=case_id, actor=actor)
    back = f"{base_path(cooperative)}/field/cases/{case_id}"
    number = None
    if await _may_mask(session, cooperative, row) and row.technician_id is not None:
        number = await masking.lend(
            session,
            case_id=case_id,
            technician_id=row.technician_id,
            artisan_phone=await interventions.technician_phone(session, technician_id=row.technician_id),
            customer_phone=row.caller_phone,
        )
    if number is None:
        return see_other(back, flash="Aucun numéro masqué n’est libre.", tone="danger")
    return see_other(back, flash=f"Appelez le client au {show_phone(number)} : il ne verra pas votre numéro.")


@post("/field/cases/{case_id:uuid}/access", status_code=200, guards=[requires(Permission.FIELD_WORK)])
async def read_access(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    cipher: FieldCipher,
    case_id: UUID,
) -> Template:
    """Door codes and keys, only while the case is his and for a day after: each reading is audited (R72)."""
    row = await case_for(session, case_id=case_id, actor=actor)
    known = await interventions.clocks(session, case_id=case_id)
    if row.site_id is None or not rules.may_read_access_notes(
        State(row.state), clocks=known, closed_at=row.closed_at, at=clock.now()
    ):
        raise Forbidden("Les accès ne se lisent que pendant l’intervention et 24 heures après.")
    notes = await customers.read_access_notes(
        session, site_id=row.site_id, cipher=cipher, by=actor.display_name, why=f"intervention {row.number}"
    )
    return await _case_page(request, session, cooperative, trades, case_id, access_notes=notes)


@post("/field/cases/{case_id:uuid}/triage", guards=[requires(Permission.FIELD_WORK)])
async def qualify(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    case_id: UUID,
) -> Template | Redirect:
    """The artisan took the call himself: he qualifies, the price is announced, the promises start (R2, R85)."""
    row = await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    trade = row.trade if row.trade in trades else text(form, "trade")
    if trade is None or trade not in trades:
        raise NotFound
    answers = interventions.answers_of(form)
    here = f"{base_path(cooperative)}/field/cases/{case_id}"
    try:
        async with session.begin_nested():
            result = await interventions.triage_case(
                session,
                cooperative=cooperative,
                case_id=case_id,
                trade_plugin=trades.get(trade),
                answers=answers,
                at=clock.now(),
                by=actor.display_name,
            )
    except TriageIncomplete as refusal:
        return await _case_page(
            request,
            session,
            cooperative,
            trades,
            case_id,
            answers=answers,
            errors=refusal.fields,
            status_code=422,
        )
    if result.redirect is not None and result.redirect.blocks_dispatch:
        return see_other(here, flash=f"Réorientée : {result.redirect.label}", tone="warning")
    accepted = await interventions.accept_price(
        session, case_id=case_id, key=text(form, "price_accepted"), at=clock.now(), by=actor.display_name
    )
    return see_other(
        here, flash="Demande qualifiée." if accepted else "Demande qualifiée : annoncez le prix au client."
    )


@post("/field/offers/{offer_id:uuid}/accept", guards=[requires(Permission.FIELD_WORK)])
async def accept(session: TenantSession, cooperative: CooperativeContext, actor: Actor, offer_id: UUID) -> Redirect:
    """Take the case: the first wins."""
    offer = await interventions.offer(session, offer_id=offer_id)
    if offer is None or offer.technician_id != own_technician(actor):
        raise NotFound
    refusal = await attempt(
        session,
        interventions.accept_offer(
            session,
            offer_id=offer_id,
            technician_id=own_technician(actor),
            at=clock.now(),
            by=actor.display_name,
        ),
    )
    if refusal is not None:
        return see_other(f"{base_path(cooperative)}/field", flash=words_of(refusal), tone="warning")
    return see_other(
        f"{base_path(cooperative)}/field/cases/{offer.intervention_id}",
        flash="Elle est à vous. Rappelez le client avant de partir.",
    )


@post("/field/offers/{offer_id:uuid}/decline", guards=[requires(Permission.FIELD_WORK)])
async def decline(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, settings: Settings, offer_id: UUID
) -> Redirect:
    """Say no: the next one is asked at once."""
    offer = await interventions.offer(session, offer_id=offer_id)
    if offer is None or offer.technician_id != own_technician(actor):
        raise NotFound
    refusal = await attempt(
        session,
        interventions.decline_offer(
            session,
            offer_id=offer_id,
            technician_id=own_technician(actor),
            at=clock.now(),
            by=actor.display_name,
            case_url=interventions.case_url(settings, cooperative, offer.intervention_id),
        ),
    )
    if refusal is not None:
        return see_other(f"{base_path(cooperative)}/field", flash=words_of(refusal), tone="warning")
    return see_other(f"{base_path(cooperative)}/field", flash="C’est noté : le suivant est prévenu.")


ROUTES = (my_cases, my_cases_live, my_case, ask_masked_number, read_access, qualify, accept, decline)
