"""The one place that talks to pluggy. Everything else sees `TradeRegistry` and typed `TradePlugin` objects."""

import importlib.metadata
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import pluggy

from maillage_hooks import specs
from maillage_hooks.types import (
    InterventionType,
    Place,
    PlanPromise,
    Priority,
    SlaRequest,
    TimeBand,
    Trade,
)


class PluginError(RuntimeError):
    """A trade plugin cannot be used. The message names the plugin; the process must not start without it."""


@dataclass(frozen=True)
class TradePlugin:
    """One trade, as its plugin declared it at start-up."""

    name: str
    trade: Trade
    types: tuple[InterventionType, ...]
    triage: specs.Triage
    sla: specs.SlaRules
    pricing: specs.Pricing
    report: specs.ReportRules

    @cached_property
    def types_by_code(self) -> Mapping[str, InterventionType]:
        return {kind.code: kind for kind in self.types}


class TradeRegistry:
    """The trades of this process, validated. Lookups by trade code; iteration in keypad order."""

    def __init__(self, plugins: Iterable[TradePlugin]) -> None:
        ordered = sorted(plugins, key=lambda plugin: (plugin.trade.keypad_digit, plugin.trade.code))
        self._by_code = {plugin.trade.code: plugin for plugin in ordered}

    @classmethod
    def from_entry_points(cls) -> Self:
        """Load every installed plugin of the group `maillage.trades`. Raises PluginError naming the first bad one."""
        manager = _manager()
        for entry in sorted(importlib.metadata.entry_points(group=specs.ENTRY_POINT_GROUP), key=lambda e: e.name):
            try:
                manager.register(entry.load(), name=entry.name)
            except Exception as exc:
                raise PluginError(f"le métier « {entry.name} » ne se charge pas : {exc}") from exc
        return cls._compile(manager)

    @classmethod
    def from_modules(cls, modules: Mapping[str, object]) -> Self:
        """The same from objects already imported, by plugin name: for tests."""
        manager = _manager()
        for name, module in modules.items():
            try:
                manager.register(module, name=name)
            except Exception as exc:
                raise PluginError(f"le métier « {name} » ne se charge pas : {exc}") from exc
        return cls._compile(manager)

    @classmethod
    def _compile(cls, manager: pluggy.PluginManager) -> Self:
        try:
            manager.check_pending()
        except pluggy.PluginValidationError as exc:
            name = manager.get_name(exc.plugin)
            raise PluginError(f"le métier « {name} » déclare un point d’entrée inconnu : {exc}") from exc
        named = [(name, plugin) for name, plugin in manager.list_name_plugin() if plugin is not None]
        compiled = [_call_every_hook(manager, name, plugin) for name, plugin in named]
        _refuse_twins(compiled)
        return cls(compiled)

    def __iter__(self) -> Iterator[TradePlugin]:
        return iter(self._by_code.values())

    def __len__(self) -> int:
        return len(self._by_code)

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self._by_code)

    def get(self, code: str) -> TradePlugin:
        """Raises KeyError for a trade that is not installed or not enabled."""
        return self._by_code[code]

    def label(self, code: str) -> str:
        """The trade's label, or its code when the plugin is gone: history stays readable."""
        plugin = self._by_code.get(code)
        return plugin.trade.label if plugin else code

    def enabled(self, codes: Iterable[str]) -> "TradeRegistry":
        """The trades a cooperative has switched on; codes that are not installed are left out."""
        wanted = set(codes)
        return TradeRegistry(plugin for code, plugin in self._by_code.items() if code in wanted)


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(sys.modules[specs.__name__])
    return manager


def _call_every_hook(manager: pluggy.PluginManager, name: str, plugin: object) -> TradePlugin:
    others = [other for other in manager.get_plugins() if other is not plugin]
    declared: dict[str, Any] = {}
    for hook in specs.HOOK_NAMES:
        try:
            declared[hook] = manager.subset_hook_caller(hook, remove_plugins=others)()
        except Exception as exc:
            raise PluginError(f"le métier « {name} » échoue dans {hook} : {exc}") from exc
        if declared[hook] is None:
            raise PluginError(f"le métier « {name} » ne répond pas à {hook}")
    try:
        compiled = TradePlugin(
            name=name,
            trade=declared["maillage_trade"],
            types=tuple(declared["maillage_intervention_types"]),
            triage=declared["maillage_triage"],
            sla=declared["maillage_sla_rules"],
            pricing=declared["maillage_pricing"],
            report=declared["maillage_report"],
        )
        _validate(compiled)
    except PluginError:
        raise
    except Exception as exc:
        raise PluginError(f"le métier « {name} » échoue à l’essai de démarrage : {exc}") from exc
    return compiled


def _validate(plugin: TradePlugin) -> None:
    def refuse(reason: str) -> PluginError:
        return PluginError(f"le métier « {plugin.name} » est refusé : {reason}")

    trade = plugin.trade
    if trade.api_version != specs.API_VERSION:
        raise refuse(f"version d’interface {trade.api_version}, attendue {specs.API_VERSION}")
    if not (trade.code.isascii() and trade.code.isidentifier() and trade.code.islower()):
        raise refuse(f"code de métier « {trade.code} » (minuscules ASCII attendues)")
    if not 1 <= trade.keypad_digit <= 9:
        raise refuse("la touche du clavier doit être entre 1 et 9")
    if not plugin.types:
        raise refuse("aucun type d’intervention")
    _refuse_duplicates(refuse, "type d’intervention", [kind.code for kind in plugin.types])
    _refuse_duplicates(refuse, "question", [question.code for question in plugin.triage.questions])
    _refuse_duplicates(refuse, "article du catalogue", [item.code for item in plugin.pricing.catalogue])
    _refuse_duplicates(refuse, "document", [document.code for document in plugin.report.documents])
    result = plugin.triage.assess({})
    if result.type_code not in plugin.types_by_code:
        raise refuse(f"le triage renvoie le type inconnu « {result.type_code} »")
    for kind in plugin.types:
        _refuse_duplicates(refuse, f"champ du rapport {kind.code}", [f.code for f in plugin.report.fields(kind.code)])
        for priority in Priority:
            plugin.sla.targets(
                SlaRequest(
                    type_code=kind.code,
                    priority=priority,
                    bands=frozenset({TimeBand.DAY}),
                    place=Place.URBAN,
                    plan=PlanPromise("check", None, None, None),
                )
            )


def _refuse_duplicates(refuse: Any, what: str, codes: list[str]) -> None:
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise refuse(f"{what} en double : {', '.join(twice)}")


def _refuse_twins(plugins: list[TradePlugin]) -> None:
    owners: dict[tuple[str, object], str] = {}
    for plugin in plugins:
        for claim in (("le code", plugin.trade.code), ("la touche", plugin.trade.keypad_digit)):
            other = owners.setdefault(claim, plugin.name)
            if other != plugin.name:
                what, value = claim
                raise PluginError(f"les métiers « {other} » et « {plugin.name} » ont pris {what} « {value} »")
