"""E-mails that come back: the address they come back to, and what a delivery status notification says (RFC 3464).

Each attempt leaves with an envelope sender of its own (VERP): `retours+<token>@…`. Servers send what they could not
deliver there, whatever they change of the text, so the token finds the attempt; it is sealed, so that nobody can say of
somebody else's address that it is dead. Pure, but for the key of the seal.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Parsed
from uuid import UUID

from maillage_kit.crypto import derived_token, same
from maillage_kit.settings import Settings
from maillage_tenants.messages.carriers.ports import AddressDead, Receipt
from maillage_tenants.messages.carriers.smtp import NO_SUCH_ADDRESS, smtp_failure
from maillage_tenants.messages.models import Failure

CARRIER = "smtp"
_SEAL_BYTES = 9
_TOKEN = re.compile(r"\+([a-z2-7]{40})@", re.IGNORECASE)
_ENVELOPE = ("X-Original-To", "Delivered-To", "Envelope-To", "To")
_NO_SUCH_DOMAIN = re.compile(r"\b5\.4\.4\b")
"""What Postfix and Exchange say when a domain has no mail server."""
_SAYS_NOTHING = re.compile(r"5\.0\.0")
_DIAGNOSTIC = re.compile(r"smtp\s*;\s*(?:<[^>]*>:?\s*)?([2-5]\d\d)[ -]?(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Bounce:
    """One recipient that a server could not deliver to. `status`: RFC 3463; `said`: the server's own words."""

    status: str
    said: str

    @property
    def dead(self) -> bool:
        """Whether no mail can ever arrive there: the mailbox or its domain does not exist, has moved, is disabled."""
        if NO_SUCH_ADDRESS.search(self.status) or _NO_SUCH_DOMAIN.search(self.status):
            return True
        if self.status and not _SAYS_NOTHING.fullmatch(self.status):
            return False
        answer = _DIAGNOSTIC.match(self.said)
        return answer is not None and isinstance(smtp_failure(int(answer[1]), answer[2], recipient=True), AddressDead)

    @property
    def receipt(self) -> Receipt:
        """The same, as any carrier's news of an attempt."""
        told = " ".join(f"courriel revenu : {self.status} {self.said}".split())
        failure = Failure.DEAD if self.dead else Failure.UNDELIVERED
        return Receipt(CARRIER, "", told, delivered=False, failure=failure)


def return_address(settings: Settings, attempt_id: UUID) -> str:
    """Where the e-mail of that attempt comes back to; empty when nobody reads what comes back."""
    if settings.mail.bounces is None:
        return ""
    user, _, domain = settings.mail.bounces.partition("@")
    token = base64.b32encode(attempt_id.bytes + _seal(settings, attempt_id)).decode().lower()
    return f"{user}+{token}@{domain}"


def attempt_of(settings: Settings, address: str) -> UUID | None:
    """The attempt that an envelope address of ours names; None for any other address, and for a made-up one."""
    found = _TOKEN.search(address)
    if found is None:
        return None
    told = base64.b32decode(found[1].upper())
    attempt_id = UUID(bytes=told[:16])
    return attempt_id if same(told[16:].hex(), _seal(settings, attempt_id).hex()) else None


def _seal(settings: Settings, attempt_id: UUID) -> bytes:
    return base64.urlsafe_b64decode(derived_token(settings.web.secret_key, f"bounce:{attempt_id}") + "=")[:_SEAL_BYTES]


def came_back(message: Parsed, recipient: str) -> Iterator[str]:
    """Every address that the message may have come back to: the one that the mail server named, then the headers."""
    yield recipient
    for name in _ENVELOPE:
        yield from (str(value) for value in message.get_all(name, []))


def read_bounce(text: bytes) -> tuple[Parsed, Bounce | None]:
    """The message, and the failure that it reports. None for any other mail, such as an absence or a mere delay."""
    message = message_from_bytes(text)
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            for block in blocks if isinstance(blocks, list) else []:
                if isinstance(block, Parsed) and str(block.get("Action", "")).strip().lower() == "failed":
                    said = re.sub(r"\s+", " ", str(block.get("Diagnostic-Code", ""))).strip()
                    status = re.match(r"\s*([245]\.\d{1,3}\.\d{1,3})", str(block.get("Status", "")))
                    return message, Bounce(status[1] if status else "", said)
    return message, None
