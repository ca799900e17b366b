"""The desk's pages: the live board and the form of a new request."""

from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.pages import PageRequest
from maillage_kit.permissions import Permission
from maillage_kit.phone import parse_phone
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, base_path, page, requires, see_other
from maillage_tenants import alarms, customers, interventions, territory, watch
from maillage_tenants.customers import PremisesUse
from maillage_tenants.desk.board import board
from maillage_tenants.interventions import NewCase, Source, TriageIncomplete

CUSTOMERS_SHOWN = 8
COMMUNES_SHOWN = 8


@get("/desk", guards=[requires(Permission.DESK_READ)])
async def desk(request: AnyRequest, session: TenantSession, trades: TradeRegistry, settings: Settings) -> Template:
    """The board, which then keeps itself up to date."""
    return page(request, "desk/desk.html", **await _board(session, trades, settings))


@get("/desk/board", guards=[requires(Permission.DESK_READ)])
async def live_board(
    request: AnyRequest, session: TenantSession, trades: TradeRegistry, settings: Settings
) -> Template:
    """The board alone, as the live page fetches it again."""
    return page(request, "desk/_board.html", **await _board(session, trades, settings))


async def _board(session: TenantSession, trades: TradeRegistry, settings: Settings) -> dict[str, Any]:
    return {
        "watch": await watch.standing(session, settings=settings, at=clock.now()),
        "board": await board(session, at=clock.now()),
        "trade_labels": {plugin.trade.code: plugin.trade.label for plugin in trades},
        "trade_icons": {plugin.trade.code: plugin.trade.icon for plugin in trades},
        "type_labels": {kind.code: kind.label for plugin in trades for kind in plugin.types},
    }


@post("/desk/alarms/{alarm_id:uuid}/acknowledge", guards=[requires(Permission.CASES_WRITE)])
async def acknowledge(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, alarm_id: UUID
) -> Redirect:
    """Somebody looks after it."""
    await alarms.acknowledge_alarm(session, alarm_id=alarm_id, by=actor.display_name)
    return see_other(f"{base_path(cooperative)}/desk", flash="Alarme prise en charge.")


@post("/desk/alarms/{alarm_id:uuid}/resolve", guards=[requires(Permission.CASES_WRITE)])
async def resolve(session: TenantSession, cooperative: CooperativeContext, actor: Actor, alarm_id: UUID) -> Redirect:
    """It is settled."""
    key = next((alarm.dedupe_key for alarm in await alarms.open_alarms(session) if alarm.id == alarm_id), None)
    if key is None:
        raise NotFound
    await alarms.resolve_alarm(session, dedupe_key=key, by=actor.display_name)
    return see_other(f"{base_path(cooperative)}/desk", flash="Alarme résolue.")


# -------------------------------------------------------------------------------------------------------- new request


@get("/desk/new", guards=[requires(Permission.CASES_WRITE)])
async def new_request(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry
) -> Template:
    """An empty form, or one filled from a customer's site (`site`) or a caller's number (`phone`)."""
    query = request.query_params
    given: dict[str, str] = {"caller_phone": query.get("phone", "")}
    site_id = _uuid(query.get("site", ""))
    if site_id is not None:
        card = await customers.site_card(session, site_id=site_id)
        given |= {
            "site_id": str(site_id),
            "caller_name": card.occupant_name or card.customer_name,
            "caller_phone": given["caller_phone"] or card.occupant_phone or "",
            "address": card.address,
            "insee": card.insee,
            "premises_use": card.premises_use,
            "over_two_years": {True: "yes", False: "no", None: ""}[card.over_two_years],
        }
    return await _form(request, session, cooperative, trades, given)


async def _form(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    given: dict[str, str],
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Template:
    errors = errors or {}
    chosen = given.get("trade", "")
    plugin = trades.get(chosen) if chosen in trades else None
    answers = interventions.answers_of(given)
    card = None
    if site_id := _uuid(given.get("site_id", "")):
        card = await customers.site_card(session, site_id=site_id)
    commune = await territory.commune(session, insee=given["insee"]) if given.get("insee") else None
    found = () if commune else await territory.search_commune(session, text=given.get("commune", ""), limit=8)
    return page(
        request,
        "desk/new.html",
        status_code=status_code,
        given=given,
        errors=errors,
        card=card,
        commune=commune,
        communes=found,
        triage=interventions.triage_form(
            plugin, answers, errors={k[2:]: v for k, v in errors.items() if k.startswith("q_")}
        )
        if plugin
        else None,
        now_price=await interventions.present_price(
            session, cooperative=cooperative, trade_plugin=plugin, answers=answers, at=clock.now()
        )
        if plugin
        else None,
        refresh_url=f"{base_path(cooperative)}/cases/triage-questions",
        trade_choices=[(p.trade.code, p.trade.label, "", p.trade.icon) for p in trades],
    )


@get("/desk/new/customers", guards=[requires(Permission.CASES_WRITE)])
async def find_customers(request: AnyRequest, session: TenantSession) -> Template:
    """Customers whose name, number or place begins so, with their sites to choose."""
    wanted = request.query_params.get("who", "").strip()
    rows: list[customers.CustomerCard] = []
    if len(wanted) >= 2:
        shown, _ = await customers.list_customers(session, page=PageRequest(limit=CUSTOMERS_SHOWN), text=wanted)
        rows = [await customers.customer_card(session, customer_id=row.id) for row in shown.items]
    return page(request, "desk/_customers.html", rows=rows, wanted=wanted)


@get("/desk/new/communes", guards=[requires(Permission.CASES_WRITE)])
async def find_communes(request: AnyRequest, session: TenantSession) -> Template:
    """Communes somebody may mean, to choose one: a postcode never tells the commune (R97)."""
    found = await territory.search_commune(session, text=request.query_params.get("commune", ""), limit=COMMUNES_SHOWN)
    return page(request, "desk/_communes.html", communes=found, chosen="")


@post("/desk/new", guards=[requires(Permission.CASES_WRITE)])
async def open_request(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    settings: Settings,
) -> Template | Redirect:
    """Open the case, qualify it and look for an artisan; a red situation is redirected instead (R87)."""
    form = await request.form()
    given = {key: value.strip() for key, value in form.items() if isinstance(value, str)}
    errors: dict[str, str] = {}
    phone = ""
    try:
        phone = parse_phone(given["caller_phone"], field="caller_phone") if given.get("caller_phone") else ""
    except Invalid as refusal:
        errors |= refusal.fields
    trade = given.get("trade", "")
    if trade not in trades:
        errors["trade"] = "Choisissez un métier."
    if not given.get("insee"):
        matches = await territory.search_commune(session, text=given.get("commune", ""), limit=2)
        if len(matches) == 1:
            given["insee"] = matches[0].insee
    if not given.get("insee") or await territory.commune(session, insee=given["insee"]) is None:
        given.pop("insee", None)
        errors["commune"] = "Choisissez la commune dans la liste."
    answers = interventions.answers_of(given)
    blocked = trade in trades and interventions.triage_form(trades.get(trade), answers).blocked
    if errors and not blocked:
        return await _form(request, session, cooperative, trades, given, errors, 422)
    card = await _site(session, given)
    facts = NewCase(
        source=Source.DESK,
        requested_at=clock.now(),
        by=actor.display_name,
        caller_name=given.get("caller_name", "")[:120],
        caller_phone=phone or None,
        address=given.get("address", "")[:200],
        insee=given.get("insee"),
        trade=trade,
        request_words=given.get("words", "")[:1000],
        customer_id=card.customer_id if card else None,
        site_id=card.site_id if card else None,
        referring_member_id=card.referring_member_id if card else None,
        premises_use=given["premises_use"] if given.get("premises_use") in set(PremisesUse) else None,
        over_two_years={"yes": True, "no": False}.get(given.get("over_two_years", "")),
    )
    case: interventions.CaseRef | None = None
    try:
        async with session.begin_nested():
            case = await interventions.open_case(session, facts=facts)
            result = await interventions.triage_case(
                session,
                cooperative=cooperative,
                case_id=case.id,
                trade_plugin=trades.get(trade),
                answers=answers,
                at=clock.now(),
                by=actor.display_name,
            )
    except TriageIncomplete as refusal:
        asked = {f"q_{code}": why for code, why in refusal.fields.items()}
        return await _form(request, session, cooperative, trades, given, asked, 422)
    here = f"{base_path(cooperative)}/cases/{case.id}"
    if result.redirect is not None and result.redirect.blocks_dispatch:
        return see_other(here, flash=f"Réorientée : {result.redirect.label}", tone="warning")
    await interventions.accept_price(
        session, case_id=case.id, key=given.get("price_accepted", ""), at=clock.now(), by=actor.display_name
    )
    if given.get("dispatch"):
        await interventions.dispatch_case(
            session, cooperative=cooperative, settings=settings, case_id=case.id, at=clock.now(), by=actor.display_name
        )
        return see_other(here, flash=f"{case.number} ouverte : la recherche d’un artisan est lancée.")
    return see_other(here, flash=f"{case.number} ouverte.")


async def _site(session: TenantSession, given: dict[str, str]) -> customers.SiteCard | None:
    site_id = _uuid(given.get("site_id", ""))
    return await customers.site_card(session, site_id=site_id) if site_id else None


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


ROUTES = (
    desk,
    live_board,
    acknowledge,
    resolve,
    new_request,
    find_customers,
    find_communes,
    open_request,
)
