"""The locksmith trade (Serrurerie): doors, locks, keys, making safe after a break-in (R84)."""

from collections.abc import Sequence

from maillage_hooks import hookimpl
from maillage_hooks.specs import Pricing, ReportRules, SlaRules, Triage
from maillage_hooks.types import InterventionType, Trade
from maillage_locksmith import catalogue, pricing, report, sla, triage


@hookimpl
def maillage_trade() -> Trade:
    return Trade(
        code="locksmith", label="Serrurerie", icon="key", keypad_digit=2, spoken="la serrurerie", api_version=1
    )


@hookimpl
def maillage_intervention_types() -> Sequence[InterventionType]:
    return catalogue.TYPES


@hookimpl
def maillage_triage() -> Triage:
    return triage.LocksmithTriage()


@hookimpl
def maillage_sla_rules() -> SlaRules:
    return sla.SLA


@hookimpl
def maillage_pricing() -> Pricing:
    return pricing.PRICING


@hookimpl
def maillage_report() -> ReportRules:
    return report.REPORT
