"""The triage as a form: questions that follow from answers, and silence after danger (R85, R87)."""

from maillage_hooks import TradeRegistry
from maillage_tenants.interventions import answers_of, triage_form


def test_danger_first_and_nothing_more_after_it(trades: TradeRegistry) -> None:
    for plugin in trades:
        empty = triage_form(plugin, {})
        assert empty.questions[0].name == "q_danger" and not empty.blocked and not empty.complete
        red = triage_form(plugin, {"danger": "gas_smell", "problem": "leak"})
        assert red.blocked and not red.complete
        assert {question.name for question in red.questions} <= {"q_danger", "q_problem"}
        assert red.result.redirect is not None and red.result.redirect.phone_numbers


def test_answers_bring_questions_and_complete_the_form(trades: TradeRegistry) -> None:
    plugin = trades.get("plumbing")
    names = {question.name for question in triage_form(plugin, {"danger": "none", "problem": "leak"}).questions}
    assert "q_flow" in names and "q_only_wc" not in names
    done = {
        "danger": "none", "problem": "leak", "flow": "burst", "shut_off": "no", "pipe_owner": "private",
        "wet_electricity": "no", "neighbour_hit": "no", "vulnerable": "no",
    }  # fmt: skip
    assert triage_form(plugin, done).complete


def test_the_public_wording_is_for_the_customer(trades: TradeRegistry) -> None:
    plugin = trades.get("plumbing")
    assert triage_form(plugin, {}, public=True).questions[1].text == "Quel est votre problème ?"


def test_only_prefixed_text_fields_are_answers() -> None:
    form = {"q_danger": " none ", "q_empty": " ", "trade": "plumbing", "q_file": object(), "q_long": "x" * 900}
    assert answers_of(form) == {"danger": "none", "long": "x" * 500}
