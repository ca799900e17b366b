"""Errors of this domain."""

from maillage_kit.errors import Conflict, Invalid, NotFound


class UnknownPlan(NotFound):
    code = "unknown_plan"
    message = "Cette formule n’existe pas."


class UnknownSubscription(NotFound):
    code = "unknown_subscription"
    message = "Cet abonnement n’existe pas."


class InsuranceLike(Conflict):
    """R28: what looks like insurance is not sold without a lawyer's opinion."""

    code = "insurance_like"
    message = "Cette formule ressemble à une assurance : elle ne peut pas être publiée sans avis juridique."


class PlanFixed(Conflict):
    code = "plan_fixed"
    message = "Une formule publiée ou retirée ne change plus : des clients y ont souscrit. Créez-en une autre."


class PlanNotSold(Invalid):
    code = "plan_not_sold"
    message = "Cette formule n’est pas proposée aujourd’hui."


class AlreadySubscribed(Invalid):
    code = "already_subscribed"
    message = "Un de ces lieux a déjà cette formule sur cette période."
