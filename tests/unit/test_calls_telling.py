"""What the edge told of a line, in the words that people read on the call's page."""

from datetime import UTC, datetime

import pytest

from maillage_tenants.calls.telling import line_of

AT = datetime(2027, 3, 1, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "code", "title"),
    [
        ("failed", 404, "Ana : échec de l’appel (réponse 404 de l’opérateur)"),
        ("failed", 403, "Ana : échec de l’appel (réponse 403 de l’opérateur)"),
        ("failed", "<b>", "Ana : échec de l’appel"),
        ("relay_failed", 0, "Ana : échec de l’appel"),
        ("declined", 603, "Ana : a refusé l’appel"),
        ("busy", 486, "Ana : occupé"),
        ("unreachable", 408, "Ana : numéro injoignable"),
    ],
)
def test_a_failure_is_told_with_the_answer_that_the_operator_gave(kind: str, code: object, title: str) -> None:
    """Whoever asks the operator about it needs that number; where a person answered, it says nothing more."""
    event = {"type": kind, "at": AT.timestamp(), "step": "0", "code": code}
    assert line_of(AT, kind, {"event": event}, {0: "Ana"}).title == title
