"""The hooks, one per thing a trade declares. Start-up calls each once; the core then uses what they returned.

Lifecycle: at start-up, in this order: `maillage_trade`, `maillage_intervention_types`, `maillage_triage`,
`maillage_sla_rules`, `maillage_pricing`, `maillage_report`. A plugin implements all six with
`from maillage_hooks import hookimpl`. docs/hooks.md has one section per hook.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import pluggy

from maillage_hooks.types import (
    CatalogueItem,
    DocumentSpec,
    InterventionType,
    LineDraft,
    PricingRequest,
    Question,
    ReportField,
    SlaRequest,
    SlaTargets,
    Trade,
    TriageResult,
)

PROJECT = "maillage"
ENTRY_POINT_GROUP = "maillage.trades"
API_VERSION = 1

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Triage(Protocol):
    """Questions and their assessment. `assess` is pure and total: any answers, even none or unknown, give a result."""

    @property
    def questions(self) -> Sequence[Question]: ...

    def assess(self, answers: Mapping[str, str]) -> TriageResult: ...


class SlaRules(Protocol):
    """The delays promised. Pure and total over the declared types and priorities."""

    def targets(self, request: SlaRequest) -> SlaTargets: ...


class Pricing(Protocol):
    """The catalogue and the lines of a quote. `lines` is pure; it raises only LookupError: no such item or type."""

    @property
    def catalogue(self) -> Sequence[CatalogueItem]: ...

    def lines(self, request: PricingRequest) -> Sequence[LineDraft]: ...


class ReportRules(Protocol):
    """What the artisan's report must hold. `version` changes whenever a field changes meaning."""

    @property
    def version(self) -> int: ...

    def fields(self, type_code: str) -> Sequence[ReportField]: ...

    @property
    def documents(self) -> Sequence[DocumentSpec]: ...


@hookspec(firstresult=True)
def maillage_trade() -> Trade:  # type: ignore[empty-body]
    """Name the trade: code, label, icon, keypad digit, spoken words."""


@hookspec(firstresult=True)
def maillage_intervention_types() -> Sequence[InterventionType]:  # type: ignore[empty-body]
    """List the intervention types of the trade (R84). At least one; codes unique within the trade."""


@hookspec(firstresult=True)
def maillage_triage() -> Triage:  # type: ignore[empty-body]
    """Give the triage questions, safety words and redirects (R85, R86, R87)."""


@hookspec(firstresult=True)
def maillage_sla_rules() -> SlaRules:  # type: ignore[empty-body]
    """Give the promised delays by type, priority, plan, time band and place (R88)."""


@hookspec(firstresult=True)
def maillage_pricing() -> Pricing:  # type: ignore[empty-body]
    """Give the catalogue of priced items and the lines of a quote (R2, R15, R31, R89)."""


@hookspec(firstresult=True)
def maillage_report() -> ReportRules:  # type: ignore[empty-body]
    """Give the report fields per type and the documents that can be printed (R84, R90, R93)."""


HOOK_NAMES = (
    "maillage_trade",
    "maillage_intervention_types",
    "maillage_triage",
    "maillage_sla_rules",
    "maillage_pricing",
    "maillage_report",
)
