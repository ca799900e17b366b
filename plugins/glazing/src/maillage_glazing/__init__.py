"""The glazing trade (Vitrerie): broken panes, shop windows, making safe (R84)."""

from collections.abc import Sequence

from maillage_glazing import catalogue, pricing, report, sla, triage
from maillage_hooks import hookimpl
from maillage_hooks.specs import Pricing, ReportRules, SlaRules, Triage
from maillage_hooks.types import InterventionType, Trade


@hookimpl
def maillage_trade() -> Trade:
    return Trade(code="glazing", label="Vitrerie", icon="window", keypad_digit=3, spoken="la vitrerie", api_version=1)


@hookimpl
def maillage_intervention_types() -> Sequence[InterventionType]:
    return catalogue.TYPES


@hookimpl
def maillage_triage() -> Triage:
    return triage.GlazingTriage()


@hookimpl
def maillage_sla_rules() -> SlaRules:
    return sla.SLA


@hookimpl
def maillage_pricing() -> Pricing:
    return pricing.PRICING


@hookimpl
def maillage_report() -> ReportRules:
    return report.REPORT
