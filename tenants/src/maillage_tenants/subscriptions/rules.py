"""Pure rules of plans and subscriptions: what makes a plan look like insurance (R28), whether a contract binds."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from maillage_kit.money import Money
from maillage_tenants.subscriptions.models import LegalNature, SubscriptionState
from maillage_tenants.territory import search_key

_INSURANCE_WORDS = (
    ("assurance", r"assurances?|assureurs?"),
    ("prime", r"primes?"),
    ("sinistre", r"sinistres?"),
    ("garantie panne", r"garanties? (?:de |des |contre les )?pannes?"),
    ("franchise", r"franchises?"),
    ("indemnité", r"indemnites?|indemnisations?"),
    ("délai de carence", r"(?:delais? de )?carence"),
    ("prise en charge à 100 %", r"pris(?:e|es)? en charge (?:a |totale |integrale )?100"),
)
_PATTERNS = tuple((word, re.compile(rf"\b(?:{pattern})\b")) for word, pattern in _INSURANCE_WORDS)


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """A plan as it is written. Delays in minutes, None: nothing promised. `yearly_price` is excluding VAT.

    The last five fields tell service from insurance (R28): a plan of service leaves them at nothing.
    """

    code: str
    name: str
    description: str
    trades: tuple[str, ...]
    yearly_price: Money
    vat_basis_points: int = 2000
    legal_nature: LegalNature = LegalNature.SERVICE
    accept_minutes: int | None = None
    arrive_minutes_urban: int | None = None
    arrive_minutes_rural: int | None = None
    included_interventions: int = 0
    cost_cap: Money | None = None
    reimbursement: bool = False
    waiting_period_days: int = 0
    covers_parts: bool = False


def insurance_features(plan: PlanFacts) -> tuple[str, ...]:
    """What in the plan makes it look like insurance, in French, empty for a plan of service (R28).

    The fee of a service buys availability and delays, and every intervention is billed. A fee that pays for random
    interventions, up to an amount, after a waiting period, or that reimburses, is insurance.
    """
    found = []
    if plan.included_interventions > 0:
        plural = "s" if plan.included_interventions > 1 else ""
        found.append(f"{plan.included_interventions} intervention{plural} comprise{plural} dans le prix")
    if plan.cost_cap is not None:
        found.append(f"des réparations payées jusqu’à {plan.cost_cap}")
    if plan.reimbursement:
        found.append("un remboursement au client")
    if plan.waiting_period_days > 0:
        found.append(f"un délai d’attente de {plan.waiting_period_days} jours avant d’y avoir droit")
    if plan.covers_parts:
        found.append("des pièces comprises dans le prix")
    if plan.legal_nature is LegalNature.PARTNER_INSURANCE:
        found.append("un contrat d’un assureur partenaire")
    return tuple(found)


def insurance_words(text: str) -> tuple[str, ...]:
    """The words of insurers in a text, accents and plurals aside (R28)."""
    plain = search_key(text)
    return tuple(word for word, pattern in _PATTERNS if pattern.search(plain))


class Standing(StrEnum):
    """A subscription on a day."""

    DRAFT = "draft"
    COMING = "coming"
    ACTIVE = "active"
    ENDED = "ended"


STANDING_LABELS = {
    Standing.DRAFT: "À confirmer",
    Standing.COMING: "À venir",
    Standing.ACTIVE: "En cours",
    Standing.ENDED: "Terminé",
}


def standing(state: str, *, starts_on: date, ends_on: date, on: date) -> Standing:
    """Where a subscription stands on a day. Both its days count; one ended early bound until its last day."""
    if state == SubscriptionState.DRAFT:
        return Standing.DRAFT
    if on < starts_on:
        return Standing.COMING
    return Standing.ACTIVE if on <= ends_on else Standing.ENDED


def one_year(starts_on: date) -> date:
    """The last day of a contract of one year: the eve of its anniversary."""
    try:
        return starts_on.replace(year=starts_on.year + 1) - timedelta(days=1)
    except ValueError:  # 29 February
        return date(starts_on.year + 1, 2, 28)


def with_vat(price: Money, vat_basis_points: int) -> Money:
    """The price as customers see it (R2: prices are announced with taxes)."""
    return price + price.percent(vat_basis_points)


def unknown_trades(wanted: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(wanted) - set(known)))
