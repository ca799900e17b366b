"""The signature against the example that the authors of the standard publish; when a try comes again."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maillage_platform.webhooks import rules
from maillage_platform.webhooks.rules import Problem

NOW = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)


def test_the_published_example_is_signed_alike() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    message: dict[str, Any] = {"message_id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "timestamp": 1614265330}
    body = b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert rules.signature([secret], body=body, **message) == expected
    other = rules.new_secret(b"x" * 32)
    two = rules.signature([other, secret], body=body, **message).split(" ")
    assert (len(two), two[1]) == (2, expected)
    assert two[0] != expected


@pytest.mark.parametrize(
    ("secret", "good"),
    [(rules.new_secret(b"x" * size), 24 <= size <= 64) for size in (0, 23, 24, 32, 64, 65)]
    + [("", False), ("whsec_", False), ("whsec_é", False), (base64.b64encode(b"x" * 32).decode(), False)],
)
def test_a_secret_has_its_mark_and_a_length(secret: str, good: bool) -> None:
    assert rules.is_secret(secret) is good


@pytest.mark.parametrize(
    ("status", "problem"),
    [(200, None), (204, None), (299, None), (199, Problem.STATUS), (301, Problem.REDIRECT), (308, Problem.REDIRECT),
     (400, Problem.STATUS), (410, Problem.STATUS), (503, Problem.STATUS)],
)  # fmt: skip
def test_only_a_success_takes_an_event(status: int, problem: Problem | None) -> None:
    assert rules.problem_of(status) is problem


def test_the_last_try_is_three_days_after_the_first() -> None:
    almost = NOW + rules.TRIED_FOR - timedelta(seconds=1)
    assert rules.next_try(1, tried_from=NOW, now=NOW) == NOW + timedelta(seconds=10)
    assert rules.next_try(10**6, tried_from=NOW, now=NOW) == NOW + timedelta(hours=8)
    assert rules.next_try(20, tried_from=NOW, now=almost) == NOW + rules.TRIED_FOR
    assert rules.next_try(21, tried_from=NOW, now=NOW + rules.TRIED_FOR) is None
