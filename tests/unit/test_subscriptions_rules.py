"""R28: what makes a plan look like insurance, and which words are an insurer's."""

from dataclasses import replace
from datetime import date

import pytest

from maillage_kit.money import Money
from maillage_tenants.subscriptions import rules
from maillage_tenants.subscriptions.models import LegalNature
from maillage_tenants.subscriptions.rules import PlanFacts, Standing
from maillage_tenants.subscriptions.service import default_plans

SERVICE = PlanFacts(
    code="essentiel", name="Essentiel", description="Un délai.", trades=("roofing",), yearly_price=Money.euros(60)
)


@pytest.mark.parametrize(
    "change",
    [
        {"included_interventions": 3},
        {"cost_cap": Money.euros(500)},
        {"cost_cap": Money.zero()},
        {"reimbursement": True},
        {"waiting_period_days": 28},
        {"covers_parts": True},
        {"legal_nature": LegalNature.PARTNER_INSURANCE},
    ],
)
def test_each_feature_of_insurance_is_seen(change: dict[str, object]) -> None:
    assert len(rules.insurance_features(replace(SERVICE, **change))) == 1  # type: ignore[arg-type]


def test_a_plan_of_service_has_none() -> None:
    promises = replace(SERVICE, accept_minutes=10, arrive_minutes_urban=60, arrive_minutes_rural=90)
    assert rules.insurance_features(promises) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Votre assurance dépannage", ("assurance",)),
        ("ASSURANCES", ("assurance",)),
        ("une prime unique, sans franchise", ("prime", "franchise")),
        ("en cas de sinistre", ("sinistre",)),
        ("La garantie panne", ("garantie panne",)),
        ("garanties de pannes", ("garantie panne",)),
        ("une indemnité, des indemnités, une indemnisation", ("indemnité",)),
        ("prise en charge à 100 %", ("prise en charge à 100 %",)),
        ("frais pris en charge à 100%", ("prise en charge à 100 %",)),
        ("délai de carence de 28 jours", ("délai de carence",)),
        ("Un service assuré jour et nuit, au prime abord simple", ("prime",)),
        ("Primeur, franchir, rassurant : un service garanti dans le délai", ()),
    ],
)
def test_the_words_of_insurers_are_found(text: str, words: tuple[str, ...]) -> None:
    assert rules.insurance_words(text) == words


def test_the_default_plans_are_plans_of_service_that_promise_delays() -> None:
    plans = default_plans(("roofing",))
    assert [plan.name for plan in plans] == ["Essentiel", "Sérénité", "Bailleur"]
    for plan in plans:
        assert rules.insurance_features(plan) == ()
        assert rules.insurance_words(f"{plan.name} {plan.description}") == ()
        assert plan.accept_minutes
        assert plan.arrive_minutes_urban
        assert "facturée" in plan.description  # R28: interventions stay billed


@pytest.mark.parametrize(
    ("starts", "last"),
    [
        (date(2027, 3, 1), date(2028, 2, 29)),
        (date(2027, 1, 1), date(2027, 12, 31)),
        (date(2028, 2, 29), date(2029, 2, 28)),
    ],
)
def test_a_year_ends_on_the_eve_of_its_anniversary(starts: date, last: date) -> None:
    assert rules.one_year(starts) == last


def test_both_days_of_a_contract_count() -> None:
    def on(day: date, state: str = "active") -> Standing:
        return rules.standing(state, starts_on=date(2027, 3, 1), ends_on=date(2027, 3, 31), on=day)

    assert on(date(2027, 2, 28)) is Standing.COMING
    assert on(date(2027, 3, 1)) is Standing.ACTIVE
    assert on(date(2027, 3, 31)) is Standing.ACTIVE
    assert on(date(2027, 4, 1)) is Standing.ENDED
    assert on(date(2027, 3, 10), "ended") is Standing.ACTIVE
    assert on(date(2027, 3, 10), "draft") is Standing.DRAFT


def test_prices_are_shown_with_vat() -> None:
    assert str(rules.with_vat(Money.euros(60), 2000)) == "72,00\u00a0€"
