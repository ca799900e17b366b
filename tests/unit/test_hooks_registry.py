"""What start-up takes from a trade, and how it refuses one: always naming the plugin."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

import pytest

import maillage_glazing
import maillage_locksmith
import maillage_plumbing
from maillage_hooks import PluginError, TradeRegistry, hookimpl
from maillage_hooks.types import TriageResult

THREE: Mapping[str, object] = {
    "plumbing": maillage_plumbing,
    "locksmith": maillage_locksmith,
    "glazing": maillage_glazing,
}
HOOKS = (
    "maillage_trade",
    "maillage_intervention_types",
    "maillage_triage",
    "maillage_sla_rules",
    "maillage_pricing",
    "maillage_report",
)


def a_trade(without: str = "", /, **overrides: Callable[[], Any]) -> object:
    """A plugin like plumbing, with another code and key, some hooks replaced and one left out."""
    other = replace(maillage_plumbing.maillage_trade(), code="chimney", keypad_digit=8)
    hooks: dict[str, Callable[[], Any]] = {name: getattr(maillage_plumbing, name) for name in HOOKS}
    hooks |= {"maillage_trade": lambda: other, **overrides}
    hooks.pop(without, None)
    return type("Plugin", (), {name: staticmethod(hookimpl(hook)) for name, hook in hooks.items()})()


def load(plugin: object) -> TradeRegistry:
    return TradeRegistry.from_modules({**THREE, "ramonage": plugin})


def refusal(plugin: object) -> str:
    with pytest.raises(PluginError) as refused:
        load(plugin)
    return str(refused.value)


def fails() -> Any:
    raise RuntimeError("panne interne")


# ------------------------------------------------------------------------------------------------- what each hook gives


def test_maillage_trade_gives_code_label_and_keypad_order() -> None:
    registry = TradeRegistry.from_modules({name: THREE[name] for name in reversed(list(THREE))})
    assert [(plugin.trade.keypad_digit, plugin.trade.label, plugin.trade.icon) for plugin in registry] == [
        (1, "Plomberie", "droplet"),
        (2, "Serrurerie", "key"),
        (3, "Vitrerie", "window"),
    ]


def test_maillage_intervention_types_are_found_by_code() -> None:
    plumbing = TradeRegistry.from_modules(THREE).get("plumbing")
    assert plumbing.types_by_code["FUITE_ACTIVE"].label == "Fuite sur canalisation, raccord ou flexible"


def test_maillage_triage_answers_without_any_answer() -> None:
    for plugin in TradeRegistry.from_modules(THREE):
        assert plugin.triage.assess({}).type_code in plugin.types_by_code


def test_maillage_sla_rules_are_tried_at_start() -> None:
    message = refusal(a_trade(maillage_sla_rules=lambda: 5))
    assert "« ramonage » échoue à l’essai de démarrage" in message


def test_maillage_pricing_refuses_an_item_declared_twice() -> None:
    twice = replace(maillage_plumbing.pricing.PRICING, catalogue=(*maillage_plumbing.pricing.CATALOGUE[:2],) * 2)
    assert "« ramonage » est refusé : article du catalogue en double" in refusal(
        a_trade(maillage_pricing=lambda: twice)
    )


def test_maillage_report_refuses_a_document_declared_twice() -> None:
    report = maillage_plumbing.report.REPORT
    twice = replace(report, documents=[*report.documents, *report.documents])
    assert "« ramonage » est refusé : document en double" in refusal(a_trade(maillage_report=lambda: twice))


# --------------------------------------------------------------------------------------------- what stops the process


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_raises_stops_the_start_naming_the_plugin(hook: str) -> None:
    message = refusal(a_trade("", **{hook: fails}))
    assert "« ramonage »" in message
    assert hook in message
    assert "panne interne" in message


@pytest.mark.parametrize("hook", HOOKS)
def test_a_missing_hook_stops_the_start_naming_the_plugin(hook: str) -> None:
    assert refusal(a_trade(hook)) == f"le métier « ramonage » ne répond pas à {hook}"


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_returns_something_else_stops_the_start_naming_the_plugin(hook: str) -> None:
    assert "« ramonage »" in refusal(a_trade("", **{hook: lambda: 5}))


def test_a_misspelt_hook_stops_the_start_naming_the_plugin() -> None:
    plugin = a_trade()
    type(plugin).maillage_tirage = staticmethod(hookimpl(lambda: None))  # type: ignore[attr-defined]
    message = refusal(plugin)
    assert "« ramonage »" in message
    assert "maillage_tirage" in message


def test_a_hook_with_an_unknown_argument_stops_the_start_naming_the_plugin() -> None:
    plugin = a_trade("maillage_report")

    def maillage_report(session: object) -> object:
        return session

    type(plugin).maillage_report = staticmethod(hookimpl(maillage_report))  # type: ignore[attr-defined]
    assert "« ramonage » ne se charge pas" in refusal(plugin)


def test_another_version_of_the_contract_stops_the_start_naming_the_plugin() -> None:
    newer = replace(maillage_plumbing.maillage_trade(), code="chimney", keypad_digit=8, api_version=2)
    message = refusal(a_trade(maillage_trade=lambda: newer))
    assert message == "le métier « ramonage » est refusé : version d’interface 2, attendue 1"


def test_two_trades_with_one_code_stop_the_start_naming_both() -> None:
    twin = replace(maillage_plumbing.maillage_trade(), keypad_digit=8)
    assert refusal(a_trade(maillage_trade=lambda: twin)) == (
        "les métiers « plumbing » et « ramonage » ont pris le code « plumbing »"
    )


def test_two_trades_on_one_key_stop_the_start_naming_both() -> None:
    twin = replace(maillage_plumbing.maillage_trade(), code="chimney", keypad_digit=3)
    assert refusal(a_trade(maillage_trade=lambda: twin)) == (
        "les métiers « glazing » et « ramonage » ont pris la touche « 3 »"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code": "Ramonage été"}, "code de métier"),
        ({"keypad_digit": 0}, "entre 1 et 9"),
        ({"keypad_digit": 10}, "entre 1 et 9"),
    ],
)
def test_an_impossible_code_or_key_is_refused(changes: dict[str, Any], reason: str) -> None:
    trade = replace(maillage_plumbing.maillage_trade(), **{"code": "chimney", "keypad_digit": 8, **changes})
    message = refusal(a_trade(maillage_trade=lambda: trade))
    assert "« ramonage » est refusé" in message
    assert reason in message


def test_a_triage_that_leads_nowhere_is_refused() -> None:
    class Nowhere:
        questions = maillage_plumbing.triage.QUESTIONS

        def assess(self, answers: Mapping[str, str]) -> TriageResult:
            return replace(maillage_plumbing.triage.PlumbingTriage().assess(answers), type_code="AILLEURS")

    assert "« ramonage » est refusé : le triage renvoie le type inconnu « AILLEURS »" in refusal(
        a_trade(maillage_triage=Nowhere)
    )


def test_a_trade_without_types_is_refused() -> None:
    assert "« ramonage » est refusé : aucun type" in refusal(a_trade(maillage_intervention_types=lambda: ()))


def test_a_package_that_does_not_import_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("ramonage", "maillage_package_absent", "maillage.trades")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [broken])
    with pytest.raises(PluginError, match="« ramonage » ne se charge pas"):
        TradeRegistry.from_entry_points()


# ---------------------------------------------------------------------------------------------------------- look-ups


def test_the_installed_trades_are_found() -> None:
    assert TradeRegistry.from_entry_points().codes == ("plumbing", "locksmith", "glazing")


def test_a_cooperative_sees_the_trades_it_switched_on() -> None:
    registry = TradeRegistry.from_modules(THREE).enabled(["glazing", "plumbing", "absent"])
    assert registry.codes == ("plumbing", "glazing")
    assert "locksmith" not in registry
    assert len(registry) == 2


def test_history_stays_readable_when_a_trade_is_gone() -> None:
    registry = TradeRegistry.from_modules(THREE)
    assert registry.label("plumbing") == "Plomberie"
    assert registry.label("chimney") == "chimney"
    with pytest.raises(KeyError):
        registry.get("chimney")
