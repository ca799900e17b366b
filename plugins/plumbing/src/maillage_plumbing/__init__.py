"""The plumbing trade (Plomberie): leaks, drains, hot water, heating (R84)."""

from collections.abc import Sequence

from maillage_hooks import hookimpl
from maillage_hooks.specs import Pricing, ReportRules, SlaRules, Triage
from maillage_hooks.types import InterventionType, Trade
from maillage_plumbing import catalogue, pricing, report, sla, triage


@hookimpl
def maillage_trade() -> Trade:
    return Trade(
        code="plumbing", label="Plomberie", icon="droplet", keypad_digit=1, spoken="la plomberie", api_version=1
    )


@hookimpl
def maillage_intervention_types() -> Sequence[InterventionType]:
    return catalogue.TYPES


@hookimpl
def maillage_triage() -> Triage:
    return triage.PlumbingTriage()


@hookimpl
def maillage_sla_rules() -> SlaRules:
    return sla.SLA


@hookimpl
def maillage_pricing() -> Pricing:
    return pricing.PRICING


@hookimpl
def maillage_report() -> ReportRules:
    return report.REPORT
