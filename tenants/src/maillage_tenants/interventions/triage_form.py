"""The triage questions of a trade as a form that four pages share: desk, case page, artisan's phone, public request."""

from collections.abc import Mapping
from dataclasses import dataclass

from maillage_hooks import TradePlugin
from maillage_hooks.questions import asked, choices_of
from maillage_hooks.types import QuestionKind, TriageResult

PREFIX = "q_"
MAX_ANSWER = 500


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One question to show. `options` is empty for a free text."""

    name: str
    text: str
    options: tuple[tuple[str, str], ...]
    value: str
    required: bool
    error: str


@dataclass(frozen=True, slots=True)
class TriageForm:
    """What to ask now and what the answers already say. `complete`: nothing required is missing."""

    trade: str
    trade_label: str
    questions: tuple[AskedQuestion, ...]
    result: TriageResult
    type_label: str
    expected_minutes: int
    answered: bool

    @property
    def blocked(self) -> bool:
        """R87: somebody else must act; nothing more is asked and nobody is sent."""
        return self.result.redirect is not None and self.result.redirect.blocks_dispatch

    @property
    def complete(self) -> bool:
        return not self.blocked and not self.result.missing


def answers_of(form: Mapping[str, object]) -> dict[str, str]:
    """The answers in a posted form: fields named `q_<question code>`."""
    return {
        key[len(PREFIX) :]: value.strip()[:MAX_ANSWER]
        for key, value in form.items()
        if key.startswith(PREFIX) and isinstance(value, str) and value.strip()
    }


def triage_form(
    plugin: TradePlugin,
    answers: Mapping[str, str],
    *,
    public: bool = False,
    errors: Mapping[str, str] | None = None,
) -> TriageForm:
    """`public` uses the wording for customers. After a red answer only the questions answered stay (R87)."""
    result = plugin.triage.assess(answers)
    blocked = result.redirect is not None and result.redirect.blocks_dispatch
    questions = [
        AskedQuestion(
            name=PREFIX + question.code,
            text=question.public_text if public else question.handler_text,
            options=tuple((choice.code, choice.label) for choice in choices_of(question)),
            value=answers.get(question.code, ""),
            required=question.required,
            error=(errors or {}).get(question.code, ""),
        )
        for question in asked(plugin.triage.questions, answers)
        if not blocked or (question.code in answers and question.kind is not QuestionKind.TEXT)
    ]
    kind = plugin.types_by_code[result.type_code]
    return TriageForm(
        trade=plugin.trade.code,
        trade_label=plugin.trade.label,
        questions=tuple(questions),
        result=result,
        type_label=kind.label,
        expected_minutes=kind.expected_minutes,
        answered=any(question.value for question in questions),
    )
