"""What the cooperative tells your address: genuine or not, and which case it is about (Standard Webhooks).

A message says that something happened, never what to believe: read the case itself (`Following.told`).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from maillage_client.errors import NotGenuine

TOLERANCE = 300.0
"""Seconds that the instant of a message may be from ours."""
_MARK = "whsec_"


@dataclass(frozen=True)
class Notice:
    """A genuine message. `id` is the same each time it is sent: what you have seen, ignore. `type` with its version:
    ignore those you do not know. `data`: ids, codes and instants, as docs/howto/webhooks.md lists them."""

    id: str
    type: str
    at: datetime
    data: Mapping[str, Any]

    @property
    def case_id(self) -> UUID | None:
        """The intervention it is about; None for a trial."""
        named = self.data.get("intervention_id")
        return UUID(named) if isinstance(named, str) else None


class _Body(msgspec.Struct):
    type: str
    timestamp: datetime
    data: dict[str, Any]


class Webhooks:
    """Reads what comes to your address, with the secret you gave when you added it (`create_webhook`)."""

    def __init__(self, *known: str, now: Callable[[], float] = time.time) -> None:
        """Several secrets while one replaces another. Raises ValueError for what is not `whsec_` and base64."""
        if not known:
            raise ValueError("a secret is needed")
        self._keys = [_key(secret) for secret in known]
        self._now = now

    def read(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """The message, when it is genuine: signed with a secret of ours, less than five minutes ago, unchanged. `body`
        is what was received, to the byte. Raises NotGenuine."""
        given = {name.lower(): value for name, value in headers.items()}
        sent_id, sent_at = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
        if not sent_id or not sent_at.isdecimal() or abs(self._now() - int(sent_at)) > TOLERANCE:
            raise NotGenuine("no id, no instant, or too long ago")
        signed = f"{sent_id}.{sent_at}.".encode() + body
        mine = [f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}" for key in self._keys]
        each = given.get("webhook-signature", "").split(" ")
        if not any(hmac.compare_digest(one.encode(), theirs.encode()) for one in mine for theirs in each):
            raise NotGenuine("no signature is ours")
        try:
            said = msgspec.json.decode(body, type=_Body)
        except msgspec.MsgspecError as wrong:
            raise NotGenuine("signed, but not a message") from wrong
        return Notice(sent_id, said.type, said.timestamp, said.data)


def new_secret() -> str:
    """A secret for a new address: give it to `create_webhook`, keep it for `Webhooks`."""
    return _MARK + base64.b64encode(secrets.token_bytes(32)).decode()


def _key(secret: str) -> bytes:
    if not secret.startswith(_MARK):
        raise ValueError("a secret begins with whsec_")
    try:
        return base64.b64decode(secret.removeprefix(_MARK), validate=True)
    except binascii.Error as wrong:
        raise ValueError("a secret is base64 after whsec_") from wrong
