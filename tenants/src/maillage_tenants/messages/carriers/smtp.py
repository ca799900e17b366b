"""E-mail through an SMTP server."""

import asyncio
import re
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from maillage_tenants.messages.carriers.ports import (
    TIMEOUT_SECONDS,
    AddressDead,
    CarrierRefused,
    CarrierUnavailable,
    Mail,
)

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
NO_SUCH_ADDRESS = re.compile(r"\b5\.1\.(1|2|3|6|10)\b|\b5\.2\.1\b")
"""RFC 3463: the mailbox or its domain does not exist, has moved, or is disabled."""
_OURS_TO_MEND = (530, 534, 535, 538)
_RECIPIENT_CODES = (550, 551, 553)


class SmtpMailSender:
    """An SMTP server: `smtp://user:password@host:587` (STARTTLS when offered) or `smtps://…:465`.

    A password is never sent in clear, except to this machine itself.
    """

    def __init__(self, url: str, *, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("MAILLAGE_MAIL__SMTP_URL is smtp://… or smtps://…")
        self._implicit_tls = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or (465 if self._implicit_tls else 587)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._address = parseaddr(sender)[1]

    async def send(self, mail: Mail) -> str:
        return await asyncio.to_thread(self._send, mail)

    def _send(self, mail: Mail) -> str:
        try:
            message = self._compose(mail)
        except (ValueError, IndexError) as exc:
            raise AddressDead(f"adresse inutilisable : {exc}") from exc
        try:
            with self._connect() as server:
                server.send_message(message, from_addr=mail.return_path or self._address, to_addrs=[mail.to])
        except smtplib.SMTPRecipientsRefused as exc:
            code, reason = next(iter(exc.recipients.values()))
            raise smtp_failure(code, reason, recipient=True) from exc
        except smtplib.SMTPResponseException as exc:
            raise smtp_failure(exc.smtp_code, exc.smtp_error) from exc
        except (smtplib.SMTPException, OSError) as exc:
            raise CarrierUnavailable(f"serveur de courriel injoignable : {exc}") from exc
        return mail.message_id

    def _compose(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = Address(mail.sender_name, addr_spec=self._address)
        message["To"] = Address(addr_spec=mail.to)
        message["Reply-To"] = Address(mail.sender_name, addr_spec=mail.reply_to)
        message["Subject"] = mail.subject
        message["Message-ID"] = f"<{mail.message_id}@{self._address.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.body, cte="quoted-printable")  # every server takes it
        return message

    def _connect(self) -> smtplib.SMTP:
        if self._implicit_tls:
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_SECONDS, context=context)
            private = True
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
            server.ehlo()
            private = server.has_extn("starttls")
            if private:
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
        if self._user:
            if not private and self._host not in _LOOPBACK:
                server.close()
                raise CarrierUnavailable("le serveur de courriel ne chiffre pas la connexion : mot de passe non envoyé")
            server.login(self._user, self._password)
        return server


def smtp_failure(code: int, reason: bytes | str, *, recipient: bool = False) -> Exception:
    """What an SMTP answer means: a 5xx about the recipient is a dead mailbox, any other 5xx a refusal, a 4xx a later;
    a refused password (530, 534, 535, 538) is for us to mend and tried again."""
    said = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    text = f"serveur de courriel : {code} {said}"
    if not 500 <= code < 600 or code in _OURS_TO_MEND:
        return CarrierUnavailable(text)
    enhanced = re.match(r"\s*5\.\d+\.\d+", said)
    no_such = bool(NO_SUCH_ADDRESS.search(said)) if enhanced else recipient and code in _RECIPIENT_CODES
    return AddressDead(text) if no_such else CarrierRefused(text)
