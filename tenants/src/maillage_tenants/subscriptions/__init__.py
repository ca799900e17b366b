"""Plans and subscriptions: what was promised to whom.

A plan sells availability and delays; one that looks like insurance is not published without a legal opinion (R28).
`active_promise` is one indexed query: it answers while the phone rings.
"""

from . import labels
from .errors import AlreadySubscribed, InsuranceLike, PlanFixed, PlanNotSold, UnknownPlan, UnknownSubscription
from .importing import NewContract, import_subscriptions
from .models import ContractChannel, LegalNature, PlanState
from .queries import ActivePromise, PlanCard, SubscriptionRow, active_promise, list_plans, plan_card, subscriptions_of
from .rules import STANDING_LABELS, PlanFacts, Standing
from .service import (
    SubscriptionRef,
    attach_legal_opinion,
    change_plan,
    create_plan,
    end_subscription,
    install_default_plans,
    publish_plan,
    subscribe,
    withdraw_plan,
)

__all__ = [
    "STANDING_LABELS",
    "ActivePromise",
    "AlreadySubscribed",
    "ContractChannel",
    "InsuranceLike",
    "LegalNature",
    "NewContract",
    "PlanCard",
    "PlanFacts",
    "PlanFixed",
    "PlanNotSold",
    "PlanState",
    "Standing",
    "SubscriptionRef",
    "SubscriptionRow",
    "UnknownPlan",
    "UnknownSubscription",
    "active_promise",
    "attach_legal_opinion",
    "change_plan",
    "create_plan",
    "end_subscription",
    "import_subscriptions",
    "install_default_plans",
    "labels",
    "list_plans",
    "plan_card",
    "publish_plan",
    "subscribe",
    "subscriptions_of",
    "withdraw_plan",
]
