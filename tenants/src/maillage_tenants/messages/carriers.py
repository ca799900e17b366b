"""The two ports through which a message leaves, and what stands behind them: an SMTP server, a text-message API."""

import asyncio
import json
import smtplib
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

import httpx

from maillage_kit.settings import MailSettings, Settings, SmsSettings

TIMEOUT_SECONDS = 10
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class CarrierRefused(Exception):
    """The carrier will not take this message, now or later: trying again is useless."""


class CarrierUnavailable(Exception):
    """The carrier could not be reached or asks to come back later."""


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail to send. `message_id` is stable, so that a server may drop a second copy."""

    to: str
    subject: str
    body: str
    message_id: str
    sender_name: str
    reply_to: str


class SmsSender(Protocol):
    async def send(self, *, to: str, body: str) -> str:
        """Give a text to the carrier; its reference. Raises CarrierRefused or CarrierUnavailable."""
        ...


class MailSender(Protocol):
    async def send(self, mail: Mail) -> str:
        """Give an e-mail to the carrier; its reference. Raises CarrierRefused or CarrierUnavailable."""
        ...


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
            raise CarrierRefused(f"adresse inutilisable : {exc}") from exc
        try:
            with self._connect() as server:
                server.send_message(message, from_addr=self._address, to_addrs=[mail.to])
        except smtplib.SMTPRecipientsRefused as exc:
            code, reason = next(iter(exc.recipients.values()))
            raise _smtp_failure(code, reason) from exc
        except smtplib.SMTPResponseException as exc:
            raise _smtp_failure(exc.smtp_code, exc.smtp_error) from exc
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


class RestSmsSender:
    """A text-message API of the form that Twilio made common: `POST …/Accounts/{sid}/Messages.json`."""

    def __init__(self, base_url: str, *, account_sid: str, auth_token: str, sender: str) -> None:
        self._url = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{quote(account_sid, safe='')}/Messages.json"
        self._auth = httpx.BasicAuth(account_sid, auth_token)
        self._sender = sender

    async def send(self, *, to: str, body: str) -> str:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                answer = await client.post(
                    self._url, auth=self._auth, data={"To": to, "From": self._sender, "Body": body}
                )
        except httpx.HTTPError as exc:
            raise CarrierUnavailable(f"opérateur de SMS injoignable : {type(exc).__name__}") from exc
        try:
            said = answer.json()
        except json.JSONDecodeError:
            said = None
        said = said if isinstance(said, dict) else {}
        if answer.is_success:
            if not said.get("sid"):
                raise CarrierUnavailable("réponse incompréhensible de l’opérateur de SMS")
            return str(said["sid"])
        reason = f"opérateur de SMS : {answer.status_code} {said.get('message', '')}".strip()
        later = answer.status_code in (401, 403, 408, 429) or not answer.is_client_error
        raise CarrierUnavailable(reason) if later else CarrierRefused(reason)


@dataclass(frozen=True, slots=True)
class Carriers:
    """What this process can send with; None where nothing is set."""

    mail: MailSender | None
    sms: SmsSender | None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Carriers":
        return cls(mail=_mail_sender(settings.mail), sms=_sms_sender(settings.sms))


def _mail_sender(settings: MailSettings) -> MailSender | None:
    url = settings.smtp_url.get_secret_value() if settings.smtp_url else ""
    return SmtpMailSender(url, sender=settings.sender) if url else None


def _sms_sender(settings: SmsSettings) -> SmsSender | None:
    if not settings.account_sid or settings.auth_token is None:
        return None
    return RestSmsSender(
        settings.base_url,
        account_sid=settings.account_sid,
        auth_token=settings.auth_token.get_secret_value(),
        sender=settings.sender,
    )


def _smtp_failure(code: int, reason: bytes | str) -> Exception:
    """A 5xx about the message or its recipient is final; a refused password (530, 535, 534) is for us to mend."""
    said = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    text = f"serveur de courriel : {code} {said}"
    final = 500 <= code < 600 and code not in (530, 534, 535, 538)
    return CarrierRefused(text) if final else CarrierUnavailable(text)
