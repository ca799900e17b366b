"""Sends the platform's own letters. Without a mail server (development) they stay for the mailbox page."""

import asyncio
import smtplib
from email.message import EmailMessage
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog

from maillage_kit import clock
from maillage_kit.db import Database
from maillage_kit.settings import MailSettings
from maillage_platform.identity.models import Letter

log = structlog.get_logger(__name__)
BATCH = 20


async def send_waiting_letters(database: Database, mail: MailSettings) -> int:
    """Send letters that are due; a refusal is kept with the letter and tried again next time. Returns how many left."""
    if mail.smtp_url is None:
        return 0
    sent = 0
    async with database.platform() as session:
        letters = (
            await session.scalars(
                sa.select(Letter)
                .where(Letter.sent_at.is_(None), sa.or_(Letter.send_after.is_(None), Letter.send_after <= clock.now()))
                .order_by(Letter.created_at)
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            )
        ).all()
        for letter in letters:
            try:
                await asyncio.to_thread(send_mail, mail, letter.recipient, letter.subject, letter.body)
            except (OSError, smtplib.SMTPException) as exc:
                letter.error = type(exc).__name__
                log.warning("letter_not_sent", letter=str(letter.id), error=letter.error)
            else:
                letter.sent_at, letter.error = clock.now(), None
                sent += 1
    return sent


def send_mail(mail: MailSettings, recipient: str, subject: str, body: str) -> None:
    """Hand one message to the mail server of `mail.smtp_url` (smtp:// or smtps://). Raises OSError or SMTPException."""
    if mail.smtp_url is None:
        raise OSError("no mail server is configured")
    place = urlsplit(mail.smtp_url.get_secret_value())
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = mail.sender, recipient, subject
    message.set_content(body)
    kind = smtplib.SMTP_SSL if place.scheme == "smtps" else smtplib.SMTP
    with kind(place.hostname or "localhost", place.port or 0, timeout=10) as server:
        if place.username:
            server.starttls() if place.scheme == "smtp" else None
            server.login(place.username, place.password or "")
        server.send_message(message)
