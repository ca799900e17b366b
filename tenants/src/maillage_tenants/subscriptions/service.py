"""Acts on plans and subscriptions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.db import TenantSession, insert_once
from maillage_kit.errors import Conflict, Invalid
from maillage_kit.ids import new_id
from maillage_kit.money import Money
from maillage_tenants import audit, numbering
from maillage_tenants.customers.models import Customer, Site
from maillage_tenants.subscriptions import rules
from maillage_tenants.subscriptions.errors import (
    AlreadySubscribed,
    InsuranceLike,
    PlanFixed,
    PlanNotSold,
    UnknownPlan,
    UnknownSubscription,
)
from maillage_tenants.subscriptions.models import (
    ContractChannel,
    LegalNature,
    Plan,
    PlanState,
    Subscription,
    SubscriptionSite,
    SubscriptionState,
)
from maillage_tenants.subscriptions.queries import facts_of
from maillage_tenants.subscriptions.rules import PlanFacts

_CODE = re.compile(r"^[a-z][a-z0-9-]{1,30}$")
_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class SubscriptionRef:
    id: UUID
    number: str


# --- plans ------------------------------------------------------------------


async def create_plan(session: TenantSession, *, facts: PlanFacts, trades: TradeRegistry, by: str) -> UUID:
    """Write a new plan: a draft, or for legal review when it looks like insurance (R28). Raises Invalid by field, also
    for a word of insurers in its texts."""
    _check(facts, trades)
    plan_id = await insert_once(
        session, Plan, unique=[Plan.code], state=_state(facts), created_at=clock.now(), **_columns(facts)
    )
    if plan_id is None:
        raise Invalid(fields={"code": "Ce code est déjà pris."})
    await _record(session, by, "create_plan", plan_id, code=facts.code)
    return plan_id


async def change_plan(
    session: TenantSession, *, plan_id: UUID, facts: PlanFacts, trades: TradeRegistry, by: str
) -> None:
    """Rewrite a plan that is not published yet. A legal opinion was about the plan as it was: it is dropped when
    anything changes. Raises UnknownPlan, PlanFixed, Invalid."""
    _check(facts, trades)
    plan = await _plan(session, plan_id)
    if plan.state not in (PlanState.DRAFT, PlanState.LEGAL_REVIEW):
        raise PlanFixed
    if facts.code != plan.code and await session.scalar(sa.select(Plan.id).where(Plan.code == facts.code)):
        raise Invalid(fields={"code": "Ce code est déjà pris."})
    if facts != facts_of(plan):
        plan.legal_opinion = None
    for name, value in _columns(facts).items():
        setattr(plan, name, value)
    plan.state = _state(facts)
    await session.flush()
    await _record(session, by, "change_plan", plan_id)


async def attach_legal_opinion(session: TenantSession, *, plan_id: UUID, opinion: str, by: str) -> None:
    """Attach the opinion that allows a plan which looks like insurance (R28): who gave it, when, its reference, or the
    insurer and its ORIAS number. Raises UnknownPlan, PlanFixed, Invalid."""
    if len(opinion.strip()) < 20:
        raise Invalid(fields={"legal_opinion": "Dites qui a donné l’avis, quand et sous quelle référence."})
    plan = await _plan(session, plan_id)
    if plan.state not in (PlanState.DRAFT, PlanState.LEGAL_REVIEW):
        raise PlanFixed
    plan.legal_opinion = opinion.strip()
    await session.flush()
    await _record(session, by, "attach_legal_opinion", plan_id, opinion=plan.legal_opinion)


async def publish_plan(session: TenantSession, *, plan_id: UUID, by: str) -> None:
    """Offer the plan to customers. Raises InsuranceLike while it looks like insurance and has no legal opinion (R28),
    Conflict when it is not waiting to be published, UnknownPlan."""
    plan = await _plan(session, plan_id)
    if plan.state not in (PlanState.DRAFT, PlanState.LEGAL_REVIEW):
        raise Conflict("Cette formule est déjà publiée ou retirée.")
    facts = facts_of(plan)
    features = rules.insurance_features(facts)
    if features and not plan.legal_opinion:
        raise InsuranceLike(f"{InsuranceLike.message} Elle prévoit {', '.join(features)}.")
    if not may_use_insurance_words(facts) and rules.insurance_words(f"{facts.name} {facts.description}"):
        raise InsuranceLike
    plan.state = PlanState.PUBLISHED
    await session.flush()
    await _record(session, by, "publish_plan", plan_id)


async def withdraw_plan(session: TenantSession, *, plan_id: UUID, by: str) -> None:
    """Stop offering a published plan. Subscriptions to it go on to their last day. Raises UnknownPlan, Conflict."""
    plan = await _plan(session, plan_id)
    if plan.state != PlanState.PUBLISHED:
        raise Conflict("Seule une formule publiée peut être retirée.")
    plan.state = PlanState.WITHDRAWN
    await session.flush()
    await _record(session, by, "withdraw_plan", plan_id)


async def install_default_plans(session: TenantSession, *, trades: TradeRegistry, by: str) -> None:
    """Three published plans of service for a new cooperative, over its trades; those whose code exists are left, and
    nothing is written without a trade."""
    for facts in default_plans(tuple(trades.codes)) if trades.codes else ():
        if await session.scalar(sa.select(Plan.id).where(Plan.code == facts.code)) is None:
            plan_id = await create_plan(session, facts=facts, trades=trades, by=by)
            await publish_plan(session, plan_id=plan_id, by=by)


def default_plans(trades: tuple[str, ...]) -> tuple[PlanFacts, ...]:
    """The plans a cooperative starts with: the fee buys a delay, every intervention is billed (R28)."""
    return (
        PlanFacts(
            code="essentiel",
            name="Essentiel",
            description="Un numéro unique, jour et nuit, et un artisan sur place dans le délai promis. "
            "Chaque intervention est facturée au barème de la coopérative, annoncé avant le départ.",
            trades=trades,
            yearly_price=Money.euros(60),
            accept_minutes=15,
            arrive_minutes_urban=120,
            arrive_minutes_rural=180,
        ),
        PlanFacts(
            code="serenite",
            name="Sérénité",
            description="Vous passez en priorité, de jour comme de nuit, avec un délai d’arrivée plus court. "
            "Chaque intervention est facturée au barème de la coopérative, annoncé avant le départ.",
            trades=trades,
            yearly_price=Money.euros(110),
            accept_minutes=10,
            arrive_minutes_urban=90,
            arrive_minutes_rural=120,
        ),
        PlanFacts(
            code="bailleur",
            name="Bailleur",
            description="Pour les bailleurs et les syndics, logement par logement : vos locataires appellent le numéro "
            "unique et vous suivez chaque intervention. Chaque intervention est facturée au barème de la coopérative.",
            trades=trades,
            yearly_price=Money.euros(45),
            accept_minutes=15,
            arrive_minutes_urban=120,
            arrive_minutes_rural=180,
        ),
    )


# --- subscriptions ----------------------------------------------------------


async def subscribe(
    session: TenantSession,
    *,
    customer_id: UUID,
    plan_id: UUID,
    site_ids: Sequence[UUID],
    channel: ContractChannel,
    signed_on: date,
    starts_on: date,
    ends_on: date | None = None,
    by: str,
) -> SubscriptionRef:
    """Write a customer's contract on a published plan for some of its sites, for one year unless `ends_on` is given.

    Raises Invalid by field, PlanNotSold, AlreadySubscribed when a site has the plan on one of these days.
    """
    last = ends_on or rules.one_year(starts_on)
    plan = await _plan(session, plan_id)
    if plan.state != PlanState.PUBLISHED:
        raise PlanNotSold(fields={"plan_id": PlanNotSold.message})
    sites = frozenset(site_ids)
    errors = contract_errors(signed_on=signed_on, starts_on=starts_on, last=last, sites=sites)
    if errors:
        raise Invalid(fields=errors)
    # The customer's row is locked: two contracts written at once for one site would not see each other otherwise.
    await session.execute(sa.select(Customer.id).where(Customer.id == customer_id).with_for_update())
    own = set(await session.scalars(sa.select(Site.id).where(Site.customer_id == customer_id)))
    if not sites <= own:
        raise Invalid(fields={"site_ids": "Un de ces lieux n’est pas à ce client."})
    if await _covered(session, plan_id=plan_id, sites=sites, starts_on=starts_on, ends_on=last):
        raise AlreadySubscribed(fields={"site_ids": AlreadySubscribed.message})
    subscription = Subscription(
        id=new_id(),
        number=await numbering.next_number(session, prefix="S", at=clock.now()),
        customer_id=customer_id,
        plan_id=plan_id,
        channel=channel,
        state=SubscriptionState.ACTIVE,
        signed_on=signed_on,
        starts_on=starts_on,
        ends_on=last,
    )
    session.add(subscription)
    await session.flush()
    session.add_all(SubscriptionSite(subscription_id=subscription.id, site_id=site) for site in sorted(sites))
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="subscriptions.subscribe",
        subject_type="subscription",
        subject_id=subscription.id,
        detail={"customer_id": customer_id, "plan": plan.code, "sites": sorted(str(site) for site in sites)},
    )
    return SubscriptionRef(subscription.id, subscription.number)


async def end_subscription(session: TenantSession, *, subscription_id: UUID, on: date, by: str) -> None:
    """End a contract early; it binds until that last day included. Raises UnknownSubscription, or Invalid when the
    day is not one of the contract's."""
    subscription = await session.get(Subscription, subscription_id, with_for_update=True)
    if subscription is None:
        raise UnknownSubscription
    if subscription.state == SubscriptionState.ENDED or not subscription.starts_on <= on <= subscription.ends_on:
        raise Invalid(fields={"on": "Ce jour n’est pas dans la durée du contrat."})
    detail = {"from": subscription.ends_on, "to": on}
    subscription.ends_on = on
    subscription.state = SubscriptionState.ENDED
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="subscriptions.end",
        subject_type="subscription",
        subject_id=subscription_id,
        detail=detail,
    )


# --- inside -----------------------------------------------------------------


def contract_errors(*, signed_on: date, starts_on: date, last: date, sites: frozenset[UUID]) -> dict[str, str]:
    """What is wrong with the days and places of a contract, by field."""
    errors: dict[str, str] = {}
    if signed_on > clock.paris(clock.now()).date():
        errors["signed_on"] = "Le contrat ne peut pas être signé dans l’avenir."
    if starts_on < signed_on:
        errors["starts_on"] = "Le contrat ne peut pas commencer avant sa signature."
    if last < starts_on:
        errors["ends_on"] = "Le contrat ne peut pas finir avant d’avoir commencé."
    if not sites:
        errors["site_ids"] = "Choisissez au moins un lieu."
    return errors


def may_use_insurance_words(facts: PlanFacts) -> bool:
    """Only the contract of a partner insurer speaks as insurers do (R28, R29)."""
    return facts.legal_nature is LegalNature.PARTNER_INSURANCE


def _state(facts: PlanFacts) -> PlanState:
    return PlanState.LEGAL_REVIEW if rules.insurance_features(facts) else PlanState.DRAFT


def _columns(facts: PlanFacts) -> dict[str, Any]:
    return {
        "code": facts.code,
        "name": facts.name.strip(),
        "description": facts.description.strip(),
        "trades": list(facts.trades),
        "yearly_price": facts.yearly_price,
        "vat_basis_points": facts.vat_basis_points,
        "legal_nature": facts.legal_nature,
        "accept_minutes": facts.accept_minutes,
        "arrive_minutes_urban": facts.arrive_minutes_urban,
        "arrive_minutes_rural": facts.arrive_minutes_rural,
        "included_interventions": facts.included_interventions,
        "cost_cap": facts.cost_cap,
        "reimbursement": facts.reimbursement,
        "waiting_period_days": facts.waiting_period_days,
        "covers_parts": facts.covers_parts,
    }


def _check(facts: PlanFacts, trades: TradeRegistry) -> None:
    errors: dict[str, str] = {}
    if not _CODE.match(facts.code):
        errors["code"] = "De 2 à 31 minuscules, chiffres ou tirets, en commençant par une lettre."
    if not facts.name.strip():
        errors["name"] = "Donnez un nom à la formule."
    if not facts.trades or rules.unknown_trades(facts.trades, trades.codes):
        errors["trades"] = "Choisissez au moins un métier de la coopérative."
    if facts.yearly_price <= Money.zero():
        errors["yearly_price"] = "Indiquez un prix supérieur à zéro."
    for name in ("accept_minutes", "arrive_minutes_urban", "arrive_minutes_rural"):
        minutes = getattr(facts, name)
        if minutes is not None and not 1 <= minutes <= _A_DAY:
            errors[name] = "De 1 à 1 440 minutes."
    if facts.included_interventions < 0:
        errors["included_interventions"] = "Pas moins de zéro."
    if facts.waiting_period_days < 0:
        errors["waiting_period_days"] = "Pas moins de zéro."
    if not may_use_insurance_words(facts):
        for name, said in (("name", facts.name), ("description", facts.description)):
            words = rules.insurance_words(said)
            if words:
                quoted = ", ".join(f"« {word} »" for word in words)
                errors[name] = f"Ces mots sont ceux d’une assurance, dites-le autrement : {quoted}."
    if errors:
        raise Invalid(fields=errors)


async def _plan(session: TenantSession, plan_id: UUID) -> Plan:
    plan = await session.get(Plan, plan_id, with_for_update=True)
    if plan is None:
        raise UnknownPlan
    return plan


async def _covered(
    session: TenantSession, *, plan_id: UUID, sites: frozenset[UUID], starts_on: date, ends_on: date
) -> bool:
    found = await session.scalar(
        sa.select(Subscription.id)
        .join(SubscriptionSite, SubscriptionSite.subscription_id == Subscription.id)
        .where(
            SubscriptionSite.site_id.in_(sites),
            Subscription.plan_id == plan_id,
            Subscription.starts_on <= ends_on,
            Subscription.ends_on >= starts_on,
        )
        .limit(1)
    )
    return found is not None


async def _record(session: TenantSession, by: str, act: str, plan_id: UUID, **detail: object) -> None:
    await audit.record(
        session, actor=by, action=f"subscriptions.{act}", subject_type="plan", subject_id=plan_id, detail=detail
    )
