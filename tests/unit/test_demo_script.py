"""The story of the night is complete and makes sense; `docs/howto/demo.md` says how many calls it has."""

from datetime import timedelta
from pathlib import Path

import pytest

from maillage_app.demo import script
from maillage_app.demo.plans import COOPERATIVES
from maillage_app.demo.script import CallerKind, Does, Setup, read_night
from maillage_app.demo.signature import drawn_signature
from maillage_app.demo.visit import answers_for, report_for, round_up
from maillage_hooks import TradeRegistry
from maillage_hooks.types import FieldKind
from maillage_kit.clock import paris
from maillage_tenants.interventions.reports import check_report
from maillage_tenants.quotes.rules import drawn_signature as readable_signature

NIGHT = read_night()


def test_the_night_has_every_kind_of_call_that_was_asked_for() -> None:
    assert len(NIGHT) >= 40
    assert {CallerKind.CUSTOMER, CallerKind.STRANGER, CallerKind.MASKED} <= {call.caller for call in NIGHT}
    assert {Does.MACHINE, Does.NO_ANSWER, Does.CALLER_LEAVES} <= {does for call in NIGHT for does in call.people}
    assert {call.setup for call in NIGHT} >= set(Setup)
    assert any(call.danger for call in NIGHT)
    assert any(call.expect == "missed" for call in NIGHT)
    assert any((a.at, a.coop, a.sector) == (b.at, b.coop, b.sector) for a in NIGHT for b in NIGHT if a.id < b.id)
    crossing = next(call for call in NIGHT if f"{paris(call.at):%H:%M}" == "01:59")
    assert f"{paris(crossing.at + timedelta(seconds=20)):%H:%M}" == "03:00"


def test_calls_name_sectors_and_trades_of_their_cooperative() -> None:
    plans = {plan.slug: plan for plan in COOPERATIVES}
    for call in NIGHT:
        trade = plans[call.coop].trades[call.trade]
        codes = {code for code, _, _ in trade.merged} or {f"S{n}" for n in range(1, len(trade.businesses) + 1)}
        assert call.sector in codes | {""}, call.id


@pytest.mark.parametrize("call", [call for call in NIGHT if call.answers], ids=lambda call: call.id)
def test_the_answers_lead_to_a_complete_triage_and_a_complete_report(
    call: script.Script, trades: TradeRegistry
) -> None:
    plugin = trades.get(call.trade)
    result = plugin.triage.assess(answers_for(plugin, call.answers))
    assert result.missing == ()
    assert (result.redirect is not None and result.redirect.blocks_dispatch) == (call.work is script.Work.REDIRECTED)
    fields = plugin.report.fields(result.type_code)
    filled = report_for(fields, call.at)
    checked = check_report(fields, {name.removeprefix("r_"): value for name, value in filled.items()}, complete=True)
    assert set(checked) >= {field.code for field in fields if field.required}
    assert all(checked[field.code] is True for field in fields if field.required and field.kind is FieldKind.BOOLEAN)


def test_a_bad_call_is_refused() -> None:
    good = {"id": "x", "title": "x", "at": "20:00", "coop": "eure", "trade": "plumbing", "expect": "accepted"}
    with pytest.raises(ValueError, match="not a valid"):
        script._script({**good, "caller": "somebody"})
    with pytest.raises(ValueError, match="needs a town"):
        script._script({**good, "caller": "masked"})
    with pytest.raises(TypeError):
        script._script({**good, "caller": "customer", "sektor": "S1"})


def test_signatures_are_sound_pictures_one_per_name() -> None:
    ana, bilal = drawn_signature("Ana Leroy"), drawn_signature("Bilal Morin")
    assert ana == drawn_signature("Ana Leroy") != bilal
    assert readable_signature(ana).startswith(b"\x89PNG")


def test_people_act_at_round_five_minutes() -> None:
    at = NIGHT[0].at
    assert round_up(at + timedelta(seconds=1)) == at + timedelta(minutes=1)  # 20:04 → 20:05
    assert round_up(round_up(at)) == round_up(at)


def test_the_how_to_tells_the_number_of_calls() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/howto/demo.md").read_text("utf-8")
    assert f"{len(NIGHT)} calls" in text
