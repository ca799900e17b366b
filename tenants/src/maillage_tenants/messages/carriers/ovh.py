"""Text messages through the OVHcloud API: every request signed, receipts by its callback or by asking, replies by
asking."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import structlog

from maillage_kit import clock
from maillage_kit.http_client import http_client
from maillage_kit.phone import caller_number
from maillage_tenants.messages.carriers.ports import (
    TIMEOUT_SECONDS,
    AddressDead,
    CarrierRefused,
    CarrierUnavailable,
    OnReceipt,
    OnReply,
    Receipt,
    Reply,
    Text,
)
from maillage_tenants.messages.models import Failure
from maillage_tenants.messages.rules import is_gsm7

log = structlog.get_logger(__name__)
NAME = "ovh"
ASK_EVERY_SECONDS = 15
DELIVERED = 1
FAILED = (2, 16)
"""Values of `dlr` and `deliveryReceipt`: 2 not delivered, 16 refused by the network; 4 and 8 are on their way."""


def signature(*, secret: str, consumer: str, method: str, url: str, body: str, timestamp: str) -> str:
    """`$1$` and the SHA-1 of the six facts joined by `+`, as the API wants it."""
    joined = "+".join((secret, consumer, method, url, body, timestamp))
    return "$1$" + hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()


class OvhSmsSender:
    """`POST /sms/{service}/jobs`. Without `sender` a short number is used, which recipients can answer."""

    name = NAME

    def __init__(
        self,
        endpoint: str,
        *,
        application_key: str,
        application_secret: str,
        consumer_key: str,
        service: str,
        sender: str,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._key = application_key
        self._secret = application_secret
        self._consumer = consumer_key
        self._service = f"{self._endpoint}/sms/{quote(service, safe='')}"
        self._sender = sender
        self.answerable = not sender
        self._skew: int | None = None

    async def send(self, text: Text) -> str:
        body: dict[str, Any] = {
            "charset": "UTF-8",
            "class": "phoneDisplay",
            "coding": "7bit" if is_gsm7(text.body) else "8bit",
            "message": text.body,
            "noStopClause": True,
            "priority": "high" if text.urgent else "medium",
            "receivers": [text.to],
            "tag": _tag(text),
            "validityPeriod": 2880 if not text.urgent else 60,
        }
        body |= {"sender": self._sender} if self._sender else {"senderForResponse": True}
        said = await self._ask("POST", f"{self._service}/jobs", body)
        if not isinstance(said, dict):
            raise CarrierUnavailable("réponse incompréhensible d’OVHcloud")
        if said.get("invalidReceivers"):
            raise AddressDead("OVHcloud : numéro non valable")
        ids = said.get("ids")
        if not isinstance(ids, list) or not ids:
            raise CarrierUnavailable("réponse incompréhensible d’OVHcloud")
        return str(ids[0])

    async def find(self, text: Text, *, since: datetime) -> str | None:  # noqa: ARG002 - the tag is enough
        try:
            said = await self._ask("GET", f"{self._service}/outgoing?tag={_tag(text)}")
        except (CarrierRefused, CarrierUnavailable):
            return None
        return str(said[0]) if isinstance(said, list) and said else None

    async def receipt_of(self, reference: str) -> Receipt | None:
        """Ask for the receipt of one text: for installations whose callback cannot be reached. None while it is on its
        way or when OVHcloud is in trouble."""
        try:
            said = await self._ask("GET", f"{self._service}/outgoing/{quote(reference, safe='')}")
        except (CarrierRefused, CarrierUnavailable):
            return None
        return receipt(reference, said.get("deliveryReceipt")) if isinstance(said, dict) else None

    async def run(self, *, on_receipt: OnReceipt, on_reply: OnReply) -> None:  # noqa: ARG002 - receipts have their own way
        """Ask for replies every few seconds, until cancelled: its callback for them is set on its own pages only."""
        heard: set[str] = set()
        while True:
            try:
                for reply in await self._replies(heard):
                    await on_reply(reply)
                    heard.add(reply.reference)
            except (CarrierRefused, CarrierUnavailable) as exc:
                log.warning("ovh_replies_not_read", detail=str(exc))
            except Exception:
                log.exception("ovh_reply_not_written")
            await asyncio.sleep(ASK_EVERY_SECONDS)

    async def _replies(self, heard: set[str]) -> list[Reply]:
        """What came in since yesterday and is not in `heard`."""
        since = (clock.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        ids = await self._ask("GET", f"{self._service}/incoming?creationDatetime.from={quote(since, safe='')}")
        replies = []
        for number in ids if isinstance(ids, list) else ():
            if str(number) in heard:
                continue
            said = await self._ask("GET", f"{self._service}/incoming/{quote(str(number), safe='')}")
            if isinstance(said, dict) and said.get("sender"):
                sender = str(said["sender"])
                known = caller_number(sender) or sender
                replies.append(Reply(NAME, str(number), known, str(said.get("message") or ""), clock.now()))
        return replies

    async def _ask(self, method: str, url: str, document: Mapping[str, Any] | None = None) -> Any:
        url = str(httpx.URL(url))  # as it will travel: the signature covers it
        body = "" if document is None else json.dumps(document, ensure_ascii=False)
        try:
            async with http_client(timeout=TIMEOUT_SECONDS) as client:
                timestamp = str(await self._time(client))
                answer = await client.request(
                    method,
                    url,
                    content=body.encode() if body else None,
                    headers={
                        "Content-Type": "application/json; charset=utf-8",
                        "X-Ovh-Application": self._key,
                        "X-Ovh-Consumer": self._consumer,
                        "X-Ovh-Timestamp": timestamp,
                        "X-Ovh-Signature": signature(
                            secret=self._secret,
                            consumer=self._consumer,
                            method=method,
                            url=url,
                            body=body,
                            timestamp=timestamp,
                        ),
                    },
                )
        except httpx.HTTPError as exc:
            raise CarrierUnavailable(f"OVHcloud injoignable : {type(exc).__name__}") from exc
        try:
            said = answer.json()
        except json.JSONDecodeError:
            said = None
        if answer.is_success:
            return said
        detail = said.get("message", "") if isinstance(said, dict) else ""
        reason = f"OVHcloud : {answer.status_code} {detail}".strip()
        if "signature" in str(detail).lower() or "timestamp" in str(detail).lower():
            self._skew = None  # its clock is asked again next time
            raise CarrierUnavailable(reason)
        later = answer.status_code in (401, 402, 403, 408, 429) or not answer.is_client_error
        raise CarrierUnavailable(reason) if later else CarrierRefused(reason)

    async def _time(self, client: httpx.AsyncClient) -> int:
        """Its clock's second now: ours moved by the difference, asked once, since a signature is dated by it."""
        ours = int(clock.now().timestamp())
        if self._skew is None:
            answer = await client.get(f"{self._endpoint}/auth/time")
            told = answer.text.strip()
            if not answer.is_success or not told.isdecimal():
                raise CarrierUnavailable("OVHcloud ne donne pas l’heure")
            self._skew = int(told) - ours
        return ours + self._skew


def receipt(reference: str, dlr: object) -> Receipt | None:
    """What a `dlr` says; None while the text is on its way or for nonsense."""
    told = str(dlr)
    if not told.isdecimal() or len(told) > 4:
        return None
    value = int(told)
    if value == DELIVERED:
        return Receipt(NAME, reference, "dlr 1", delivered=True)
    if value in FAILED:
        return Receipt(NAME, reference, f"dlr {value}", delivered=False, failure=Failure.UNDELIVERED)
    return None


def _tag(text: Text) -> str:
    """Twenty characters are allowed: the end of the key, which is the random half."""
    return text.key.hex[-20:]
