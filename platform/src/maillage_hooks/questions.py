"""Which questions of a triage are asked, and which still wait for an answer: for plugins and for the core's forms."""

from collections.abc import Mapping, Sequence

from maillage_hooks.types import Choice, Question, QuestionKind

YES_NO_CHOICES = (Choice("yes", "Oui"), Choice("no", "Non"))


def choices_of(question: Question) -> tuple[Choice, ...]:
    """The answers a question accepts; empty for a free text."""
    return YES_NO_CHOICES if question.kind is QuestionKind.YES_NO else question.choices


def is_answered(question: Question, answers: Mapping[str, str]) -> bool:
    """True when the answer is one of the codes accepted, or a non-blank text."""
    answer = answers.get(question.code, "")
    if question.kind is QuestionKind.TEXT:
        return bool(answer.strip())
    return any(choice.code == answer for choice in choices_of(question))


def asked(questions: Sequence[Question], answers: Mapping[str, str]) -> list[Question]:
    """The questions to ask given the answers so far, in order.

    A conditional question follows the one it depends on: it is asked when that one is asked too and got an accepted
    answer, so an answer left over from another branch asks nothing.
    """
    kept: dict[str, Question] = {}
    for question in questions:
        if question.only_if is not None:
            parent, accepted = question.only_if
            if parent not in kept or answers.get(parent) not in accepted:
                continue
        kept[question.code] = question
    return list(kept.values())


def missing(questions: Sequence[Question], answers: Mapping[str, str]) -> tuple[str, ...]:
    """Codes of the required questions asked and not answered yet, in order."""
    return tuple(
        question.code
        for question in asked(questions, answers)
        if question.required and not is_answered(question, answers)
    )
