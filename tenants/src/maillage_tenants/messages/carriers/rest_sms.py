"""Text messages through a REST API of the form that Twilio made common (SignalWire speaks it too)."""

import json
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx

from maillage_kit.http_client import http_client
from maillage_tenants.messages.carriers.ports import (
    TIMEOUT_SECONDS,
    AddressDead,
    CarrierRefused,
    CarrierUnavailable,
    Receipt,
    Text,
)
from maillage_tenants.messages.models import Failure

NAME = "twilio"
_DEAD_AT_ONCE = frozenset({21211, 21214, 21217, 21614})
"""The number does not exist, or is no mobile."""
_DEAD_LATER = frozenset({"30005", "30006", "21211", "21614"})
"""Unknown handset, landline: told by a receipt."""
_ON_ITS_WAY = frozenset({"accepted", "scheduled", "queued", "sending", "sent", "receiving"})


class RestSmsSender:
    """`POST …/Accounts/{sid}/Messages.json`; receipts are asked for at `public_url` + the text's receipt path."""

    name = NAME

    def __init__(self, base_url: str, *, account_sid: str, auth_token: str, sender: str, public_url: str) -> None:
        self._url = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{quote(account_sid, safe='')}/Messages.json"
        self._auth = httpx.BasicAuth(account_sid, auth_token)
        self._sender = sender
        self._public_url = public_url.rstrip("/")
        self.answerable = sender.startswith("+")

    async def send(self, text: Text) -> str:
        data = {"To": text.to, "From": self._sender, "Body": text.body}
        if self._public_url.startswith("https://"):  # no carrier can reach a development machine
            data["StatusCallback"] = self._public_url + text.receipt_path
        try:
            async with http_client(timeout=TIMEOUT_SECONDS) as client:
                answer = await client.post(self._url, auth=self._auth, data=data)
        except httpx.HTTPError as exc:
            raise CarrierUnavailable(f"opérateur de SMS injoignable : {type(exc).__name__}") from exc
        said = _document(answer)
        if answer.is_success:
            if not said.get("sid"):
                raise CarrierUnavailable("réponse incompréhensible de l’opérateur de SMS")
            return str(said["sid"])
        reason = f"opérateur de SMS : {answer.status_code} {said.get('message', '')}".strip()
        if said.get("code") in _DEAD_AT_ONCE:
            raise AddressDead(reason)
        later = answer.status_code in (401, 403, 408, 429) or not answer.is_client_error
        raise CarrierUnavailable(reason) if later else CarrierRefused(reason)

    async def find(self, text: Text, *, since: datetime) -> str | None:
        """A text to the same number with the same words since that moment: it can only be this one."""
        query = {"To": text.to, "From": self._sender, "DateSent>": since.date().isoformat(), "PageSize": "20"}
        try:
            async with http_client(timeout=TIMEOUT_SECONDS) as client:
                answer = await client.get(self._url, auth=self._auth, params=query)
        except httpx.HTTPError:
            return None
        found = _document(answer).get("messages") if answer.is_success else None
        for message in found if isinstance(found, list) else ():
            if (
                isinstance(message, dict)
                and message.get("body") == text.body
                and _created(message) >= since - timedelta(seconds=2)
            ):
                return str(message.get("sid") or "") or None
        return None


def receipt(form: dict[str, str]) -> Receipt | None:
    """What a status callback says; None for what is still on its way."""
    status = form.get("MessageStatus") or form.get("SmsStatus") or ""
    if status in _ON_ITS_WAY or not status:
        return None
    code = form.get("ErrorCode", "")
    delivered = status in ("delivered", "read")
    failure = None if delivered else Failure.DEAD if code in _DEAD_LATER else Failure.UNDELIVERED
    told = f"{status} {code}".strip()
    return Receipt(NAME, form.get("MessageSid", ""), told, delivered=delivered, failure=failure)


def _created(message: dict[str, Any]) -> datetime:
    return parsedate_to_datetime(str(message.get("date_created") or "Thu, 01 Jan 1970 00:00:00 +0000"))


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except json.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
