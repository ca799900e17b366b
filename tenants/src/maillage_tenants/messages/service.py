"""Acts on messages: writing one, ending its chain, noting what a person wants. Giving it to carriers: `delivery.py`."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession, insert_once
from maillage_kit.errors import Invalid
from maillage_tenants.messages.models import Channel, Message, MessageState, Urgency
from maillage_tenants.messages.words import template

DELIVER = "messages.deliver"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a business: told along their own chain. `phone` is E.164."""

    technician_id: UUID
    phone: str
    email: str | None = None


async def send_sms(
    session: TenantSession,
    *,
    to: str,
    body: str,
    purpose: str,
    dedupe_key: str,
    urgency: Urgency | None = None,
    service: bool = True,
    call_id: UUID | None = None,
    intervention_id: UUID | None = None,
) -> UUID | None:
    """Write a text message and ask for its delivery once this transaction commits.

    `to` is E.164. `purpose` is a code of `words.TEMPLATES` (`case_taken`) and gives the urgency unless said. `service`:
    false for what its receiver may stop by STOP (R23). Writing twice with one `dedupe_key` sends once: the id, or None
    when it was already written. Raises Invalid without a recipient or a body.
    """
    return await _write(
        session,
        channel=Channel.SMS,
        recipient=to,
        subject="",
        body=body,
        purpose=purpose,
        dedupe_key=dedupe_key,
        urgency=urgency,
        service=service,
        call_id=call_id,
        intervention_id=intervention_id,
    )


async def send_email(
    session: TenantSession,
    *,
    to: str,
    subject: str,
    body: str,
    purpose: str,
    dedupe_key: str,
    urgency: Urgency | None = None,
    call_id: UUID | None = None,
    intervention_id: UUID | None = None,
) -> UUID | None:
    """Write a plain-text e-mail and ask for its delivery; otherwise as `send_sms`."""
    return await _write(
        session,
        channel=Channel.EMAIL,
        recipient=to,
        subject=" ".join(subject.split()),
        body=body,
        purpose=purpose,
        dedupe_key=dedupe_key,
        urgency=urgency,
        call_id=call_id,
        intervention_id=intervention_id,
    )


async def tell(
    session: TenantSession,
    *,
    person: Person,
    body: str,
    purpose: str,
    dedupe_key: str,
    link: str = "",
    urgency: Urgency | None = None,
    call_id: UUID | None = None,
    intervention_id: UUID | None = None,
) -> UUID | None:
    """Write a message to a technician, who is told by notification, text, call or e-mail (`rules.chain`).

    `link`: the page to open, a path under the cooperative's pages (`/field/cases/…`). Otherwise as `send_sms`.
    """
    return await _write(
        session,
        channel=Channel.SMS,
        recipient=person.phone,
        subject="",
        body=body,
        purpose=purpose,
        dedupe_key=dedupe_key,
        urgency=urgency,
        technician_id=person.technician_id,
        email=person.email,
        link=link,
        call_id=call_id,
        intervention_id=intervention_id,
    )


async def settle(session: TenantSession, *, dedupe_key: str) -> None:
    """Nothing more is to be tried: the person answered, or what it said is over. Harmless when it was never written."""
    await _settle(session, Message.dedupe_key == dedupe_key)


async def mark_read(session: TenantSession, *, intervention_id: UUID, technician_id: UUID) -> None:
    """This person has the case before their eyes: no call is needed to wake them up for it."""
    await _settle(session, Message.intervention_id == intervention_id, Message.technician_id == technician_id)


async def _settle(session: TenantSession, *which: sa.ColumnElement[bool]) -> None:
    """The chain stops at its next step: attempts that wait are ended by `delivery`."""
    await session.execute(
        sa.update(Message)
        .where(*which, Message.settled_at.is_(None), Message.state != MessageState.FAILED)
        .values(settled_at=clock.now())
    )


async def _write(
    session: TenantSession,
    *,
    channel: Channel,
    recipient: str,
    subject: str,
    body: str,
    purpose: str,
    dedupe_key: str,
    urgency: Urgency | None,
    service: bool = True,
    technician_id: UUID | None = None,
    email: str | None = None,
    link: str = "",
    call_id: UUID | None,
    intervention_id: UUID | None,
) -> UUID | None:
    if not recipient.strip() or not body.strip():
        raise Invalid("Un message a un destinataire et un texte.")
    kind = template(purpose)
    message_id = await insert_once(
        session,
        Message,
        unique=[Message.dedupe_key],
        channel=channel,
        recipient=recipient.strip(),
        subject=subject,
        body=body,
        purpose=purpose,
        urgency=urgency or kind.urgency,
        service=service,
        technician_id=technician_id,
        email=(email or "").strip() or None,
        glance=kind.glance,
        link=link,
        dedupe_key=dedupe_key,
        call_id=call_id,
        intervention_id=intervention_id,
        state=MessageState.QUEUED,
        created_at=clock.now(),
    )
    if message_id is not None:
        await outside.defer(session, DELIVER, {"message_id": message_id})
    return message_id
