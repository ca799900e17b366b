"""The office's pages on plans and contracts."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError, Invalid
from maillage_kit.money import Money
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, Sent, base_path, page, requires, see_other, text
from maillage_tenants import customers
from maillage_tenants.subscriptions import labels, queries, service
from maillage_tenants.subscriptions.errors import InsuranceLike
from maillage_tenants.subscriptions.models import ContractChannel, LegalNature
from maillage_tenants.subscriptions.rules import PlanFacts

_MAX_CENTS = 10_000_000


# --- plans ------------------------------------------------------------------


@get("/plans", guards=[requires(Permission.SETTINGS_READ)])
async def list_plans(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    return page(
        request,
        "subscriptions/plans.html",
        plans=await queries.list_plans(session, on=_today()),
        states=labels.PLAN_STATES,
        trade_labels=_trade_labels(trades),
    )


@get("/plans/new", guards=[requires(Permission.SETTINGS_WRITE)])
async def new_plan(request: AnyRequest, trades: TradeRegistry) -> Template:
    form = {"legal_nature": LegalNature.SERVICE.value, "vat": "20", "trades": list(trades.codes)}
    return _plan_form(request, trades, form)


@post("/plans", guards=[requires(Permission.SETTINGS_WRITE)], status_code=303)
async def create_plan(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, trades: TradeRegistry
) -> Redirect | Template:
    form = await _form(request)
    try:
        async with session.begin_nested():
            plan_id = await service.create_plan(session, facts=_plan_facts(form), trades=trades, by=actor.display_name)
    except Invalid as refused:
        return _plan_form(request, trades, form, errors=refused)
    return see_other(_plan_path(cooperative, plan_id), flash="Formule enregistrée. Relisez-la avant de la publier.")


@get("/plans/{plan_id:uuid}", guards=[requires(Permission.SETTINGS_READ)])
async def show_plan(request: AnyRequest, session: TenantSession, trades: TradeRegistry, plan_id: UUID) -> Template:
    return await _plan_page(request, session, trades, plan_id)


@get("/plans/{plan_id:uuid}/edit", guards=[requires(Permission.SETTINGS_WRITE)])
async def edit_plan(request: AnyRequest, session: TenantSession, trades: TradeRegistry, plan_id: UUID) -> Template:
    card = await queries.plan_card(session, plan_id=plan_id, on=_today())
    facts = card.facts
    form = {
        "code": facts.code,
        "name": facts.name,
        "description": facts.description,
        "trades": list(facts.trades),
        "legal_nature": facts.legal_nature.value,
        "yearly_price": _amount(facts.yearly_price),
        "vat": str(Decimal(facts.vat_basis_points) / 100).replace(".", ","),
        "accept_minutes": facts.accept_minutes,
        "arrive_minutes_urban": facts.arrive_minutes_urban,
        "arrive_minutes_rural": facts.arrive_minutes_rural,
        "included_interventions": facts.included_interventions or None,
        "cost_cap": _amount(facts.cost_cap),
        "waiting_period_days": facts.waiting_period_days or None,
        "reimbursement": facts.reimbursement,
        "covers_parts": facts.covers_parts,
    }
    return _plan_form(request, trades, form, card=card)


@post("/plans/{plan_id:uuid}/edit", guards=[requires(Permission.SETTINGS_WRITE)], status_code=303)
async def change_plan(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    plan_id: UUID,
) -> Redirect | Template:
    card = await queries.plan_card(session, plan_id=plan_id, on=_today())
    form = await _form(request)
    try:
        async with session.begin_nested():
            await service.change_plan(
                session, plan_id=plan_id, facts=_plan_facts(form), trades=trades, by=actor.display_name
            )
    except Invalid as refused:
        return _plan_form(request, trades, form, card=card, errors=refused)
    return see_other(_plan_path(cooperative, plan_id), flash="Formule enregistrée.")


@post("/plans/{plan_id:uuid}/opinion", guards=[requires(Permission.SETTINGS_WRITE)], status_code=303)
async def attach_opinion(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    plan_id: UUID,
) -> Redirect | Template:
    form = await _form(request)
    try:
        await service.attach_legal_opinion(
            session, plan_id=plan_id, opinion=text(form, "legal_opinion"), by=actor.display_name
        )
    except AppError as refused:
        return await _plan_page(request, session, trades, plan_id, form=form, refused=refused)
    return see_other(_plan_path(cooperative, plan_id), flash="Avis juridique joint.")


@post("/plans/{plan_id:uuid}/publish", guards=[requires(Permission.SETTINGS_WRITE)], status_code=303)
async def publish_plan(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    plan_id: UUID,
) -> Redirect | Template:
    try:
        await service.publish_plan(session, plan_id=plan_id, by=actor.display_name)
    except InsuranceLike as refused:
        return await _plan_page(request, session, trades, plan_id, refused=refused)
    return see_other(_plan_path(cooperative, plan_id), flash="Formule proposée aux clients.")


@post("/plans/{plan_id:uuid}/withdraw", guards=[requires(Permission.SETTINGS_WRITE)], status_code=303)
async def withdraw_plan(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, plan_id: UUID
) -> Redirect:
    await service.withdraw_plan(session, plan_id=plan_id, by=actor.display_name)
    return see_other(_plan_path(cooperative, plan_id), flash="Formule retirée. Les abonnements en cours continuent.")


# --- contracts --------------------------------------------------------------


@get("/customers/{customer_id:uuid}/subscriptions/new", guards=[requires(Permission.CUSTOMERS_WRITE)])
async def new_subscription(request: AnyRequest, session: TenantSession, customer_id: UUID) -> Template:
    card = await customers.customer_card(session, customer_id=customer_id)
    today = _today().isoformat()
    form = {
        "signed_on": today,
        "starts_on": today,
        "channel": ContractChannel.DISTANCE_PHONE.value,
        "site_ids": [str(card.sites[0].site_id)] if len(card.sites) == 1 else [],
    }
    return await _subscription_form(request, session, card, form)


@post("/customers/{customer_id:uuid}/subscriptions", guards=[requires(Permission.CUSTOMERS_WRITE)], status_code=303)
async def subscribe(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, customer_id: UUID
) -> Redirect | Template:
    card = await customers.customer_card(session, customer_id=customer_id)
    form = await _form(request)
    try:
        async with session.begin_nested():
            ref = await service.subscribe(
                session,
                customer_id=customer_id,
                plan_id=_required_uuid(text(form, "plan_id"), "plan_id", "Choisissez une formule."),
                site_ids=[_required_uuid(value, "site_ids", "Choisissez un lieu.") for value in form["site_ids"]],
                channel=_channel(form),
                signed_on=_day(form, "signed_on"),
                starts_on=_day(form, "starts_on"),
                ends_on=_day(form, "ends_on") if text(form, "ends_on") else None,
                by=actor.display_name,
            )
    except Invalid as refused:
        return await _subscription_form(request, session, card, form, errors=refused)
    return see_other(f"{base_path(cooperative)}/customers/{customer_id}", flash=f"Abonnement {ref.number} enregistré.")


@get("/subscriptions/{subscription_id:uuid}/end", guards=[requires(Permission.CUSTOMERS_WRITE)])
async def end_form(request: AnyRequest, session: TenantSession, subscription_id: UUID) -> Template:
    contract = await queries.subscription_row(session, subscription_id=subscription_id, on=_today())
    return page(request, "subscriptions/end.html", contract=contract, form=Sent(on=_today().isoformat()), errors={})


@post("/subscriptions/{subscription_id:uuid}/end", guards=[requires(Permission.CUSTOMERS_WRITE)], status_code=303)
async def end_subscription(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, subscription_id: UUID
) -> Redirect | Template:
    contract = await queries.subscription_row(session, subscription_id=subscription_id, on=_today())
    form = await _form(request)
    try:
        await service.end_subscription(
            session, subscription_id=subscription_id, on=_day(form, "on"), by=actor.display_name
        )
    except Invalid as refused:
        return page(
            request,
            "subscriptions/end.html",
            contract=contract,
            form=Sent(form),
            errors=refused.fields,
            status_code=refused.status,
        )
    return see_other(
        f"{base_path(cooperative)}/customers/{contract.customer_id}", flash=f"Abonnement {contract.number} terminé."
    )


ROUTES = [
    list_plans,
    new_plan,
    create_plan,
    show_plan,
    edit_plan,
    change_plan,
    attach_opinion,
    publish_plan,
    withdraw_plan,
    new_subscription,
    subscribe,
    end_form,
    end_subscription,
]


# --- inside -----------------------------------------------------------------


async def _form(request: AnyRequest) -> dict[str, Any]:
    """The fields sent; `trades` and `site_ids`, several at once, as lists."""
    sent = await request.form()
    lists = {name: [value for value in sent.getall(name, []) if isinstance(value, str)] for name in _MANY}
    return {**dict(sent), **lists}


_MANY = ("trades", "site_ids")


async def _plan_page(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    plan_id: UUID,
    *,
    form: Mapping[str, Any] | None = None,
    refused: AppError | None = None,
) -> Template:
    card = await queries.plan_card(session, plan_id=plan_id, on=_today())
    return page(
        request,
        "subscriptions/plan.html",
        card=card,
        state=labels.PLAN_STATES[card.state],
        nature=labels.LEGAL_NATURES[card.facts.legal_nature],
        trade_labels=_trade_labels(trades),
        form=Sent(form or {"legal_opinion": card.legal_opinion or ""}),
        errors=refused.fields if refused else {},
        refusal=refused.message if refused and not refused.fields else None,
        status_code=refused.status if refused else 200,
    )


def _plan_form(
    request: AnyRequest,
    trades: TradeRegistry,
    form: Mapping[str, Any],
    *,
    card: queries.PlanCard | None = None,
    errors: Invalid | None = None,
) -> Template:
    return page(
        request,
        "subscriptions/plan_form.html",
        card=card,
        form=Sent(form),
        errors=errors.fields if errors else {},
        trade_choices=list(_trade_labels(trades).items()),
        natures=[(code.value, label) for code, label in labels.LEGAL_NATURES.items()],
        status_code=errors.status if errors else 200,
    )


async def _subscription_form(
    request: AnyRequest,
    session: TenantSession,
    card: customers.CustomerCard,
    form: Mapping[str, Any],
    *,
    errors: Invalid | None = None,
) -> Template:
    return page(
        request,
        "subscriptions/subscribe.html",
        card=card,
        plans=await queries.list_plans(session, on=_today(), only_published=True),
        form=Sent(form),
        errors=errors.fields if errors else {},
        channels=[(code.value, label) for code, label in labels.CHANNELS.items()],
        status_code=errors.status if errors else 200,
    )


def _plan_facts(form: Mapping[str, Any]) -> PlanFacts:
    """The plan that was typed. Raises Invalid for what is not a number or an amount."""
    errors: dict[str, str] = {}
    price = _money(form, "yearly_price", errors)
    cap = _money(form, "cost_cap", errors)
    vat = _basis_points(form, errors)
    accept, urban, rural = (
        _count(form, name, errors) for name in ("accept_minutes", "arrive_minutes_urban", "arrive_minutes_rural")
    )
    included = _count(form, "included_interventions", errors)
    waiting = _count(form, "waiting_period_days", errors)
    try:
        nature = LegalNature(text(form, "legal_nature"))
    except ValueError:
        nature = LegalNature.SERVICE
        errors["legal_nature"] = "Choisissez la nature du contrat."
    if errors:
        raise Invalid(fields=errors)
    return PlanFacts(
        code=text(form, "code"),
        name=text(form, "name"),
        description=text(form, "description"),
        trades=tuple(form["trades"]),
        yearly_price=price or Money.zero(),
        vat_basis_points=vat,
        legal_nature=nature,
        accept_minutes=accept,
        arrive_minutes_urban=urban,
        arrive_minutes_rural=rural,
        included_interventions=included or 0,
        cost_cap=cap,
        reimbursement=bool(text(form, "reimbursement")),
        waiting_period_days=waiting or 0,
        covers_parts=bool(text(form, "covers_parts")),
    )


def _decimal(typed: str) -> Decimal | None:
    cleaned = "".join(typed.split()).replace("\u202f", "").replace("€", "").replace(",", ".")
    try:
        value = Decimal(cleaned)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < _MAX_CENTS else None


def _money(form: Mapping[str, Any], name: str, errors: dict[str, str]) -> Money | None:
    if not text(form, name):
        return None
    value = _decimal(text(form, name))
    if value is None or value < 0:
        errors[name] = "Écrivez un montant en euros, comme 128,50."
        return None
    return Money.euros(value)


def _basis_points(form: Mapping[str, Any], errors: dict[str, str]) -> int:
    value = _decimal(text(form, "vat"))
    if value is None or not 0 <= value <= 100:
        errors["vat"] = "Écrivez un taux, comme 20 ou 5,5."
        return 0
    return int(value * 100)


def _count(form: Mapping[str, Any], name: str, errors: dict[str, str]) -> int | None:
    typed = text(form, name)
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 6):
        errors[name] = "Écrivez un nombre entier."
        return None
    return int(typed)


def _amount(amount: Money | None) -> str:
    return "" if amount is None else f"{amount.as_decimal()}".replace(".", ",")


def _day(form: Mapping[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(text(form, name))
    except ValueError as exc:
        raise Invalid(fields={name: "Indiquez une date."}) from exc


def _channel(form: Mapping[str, Any]) -> ContractChannel:
    try:
        return ContractChannel(text(form, "channel"))
    except ValueError as exc:
        raise Invalid(fields={"channel": "Dites comment le contrat a été conclu."}) from exc


def _required_uuid(value: str, field: str, message: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as exc:
        raise Invalid(fields={field: message}) from exc


def _today() -> date:
    return clock.paris(clock.now()).date()


def _trade_labels(trades: TradeRegistry) -> dict[str, str]:
    return {plugin.trade.code: plugin.trade.label for plugin in trades}


def _plan_path(cooperative: CooperativeContext, plan_id: UUID) -> str:
    return f"{base_path(cooperative)}/plans/{plan_id}"
