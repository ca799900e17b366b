"""Signature of Standard Webhooks, its secrets, when to try again and when to give up."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

FORMER_SECRET_LIFE = timedelta(hours=24)
TRIED_FOR = timedelta(days=3)
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=8)
LEASE = timedelta(seconds=60)
DELIVERED_KEPT = timedelta(days=30)
DEAD_KEPT = timedelta(days=90)
MAX_ENDPOINTS = 50
SECRET_BYTES = 32
_SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark of the standard, not a secret


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


class Problem(StrEnum):
    """Why a try gave nothing."""

    ADDRESS = "address"
    SILENCE = "silence"
    REDIRECT = "redirect"
    STATUS = "status"


STATE_LABELS = {
    DeliveryState.WAITING: "En attente",
    DeliveryState.DELIVERED: "Remis",
    DeliveryState.DEAD: "Abandonné",
}
PROBLEM_LABELS = {
    Problem.ADDRESS: "Adresse refusée : elle n’est pas publique",
    Problem.SILENCE: "Pas de réponse",
    Problem.REDIRECT: "Redirection refusée",
    Problem.STATUS: "Refusé par le serveur",
}
GONE = 410


def new_secret(raw: bytes) -> str:
    """The text form of a secret: `whsec_` and the base64 of its bytes."""
    return _SECRET_PREFIX + base64.b64encode(raw).decode()


def secret_bytes(secret: str) -> bytes:
    """The bytes that sign. Raises ValueError for what is no secret of the standard."""
    if not secret.startswith(_SECRET_PREFIX):
        raise ValueError("a secret starts with whsec_")
    try:
        return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error as exc:
        raise ValueError("a secret is base64 after whsec_") from exc


def is_secret(secret: str) -> bool:
    """Whether it is a secret of the standard, of a length that it allows: 24 to 64 bytes."""
    try:
        return 24 <= len(secret_bytes(secret)) <= 64
    except ValueError:
        return False


def signature(secrets: Sequence[str], *, message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one `v1,<base64 HMAC-SHA256>` of `<id>.<timestamp>.<body>` per secret."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = (hmac.digest(secret_bytes(secret), signed, hashlib.sha256) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in made)


def problem_of(status: int) -> Problem | None:
    """None for an answer that takes the event: 2xx, nothing else."""
    if 200 <= status < 300:
        return None
    return Problem.REDIRECT if 300 <= status < 400 else Problem.STATUS


def next_try(attempts: int, *, tried_from: datetime, now: datetime) -> datetime | None:
    """When to try again after so many failures: three times later each time, at most eight hours; the last try is
    three days after the first. None: give up."""
    ends = tried_from + TRIED_FOR
    if now >= ends:
        return None
    wait = min(FIRST_WAIT * int(3 ** min(max(attempts - 1, 0), 20)), LONGEST_WAIT)
    return min(now + wait, ends)
