"""Acts on messages: writing one. Giving it to a carrier is `delivery.py`."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_tenants.messages.models import Channel, Message, MessageState

DELIVER = "messages.deliver"


async def send_sms(
    session: TenantSession,
    *,
    to: str,
    body: str,
    purpose: str,
    dedupe_key: str,
    call_id: UUID | None = None,
    intervention_id: UUID | None = None,
) -> UUID | None:
    """Write a text message and ask for its delivery once this transaction commits.

    `to` is E.164. `purpose` is a code (`case_taken`). Writing twice with one `dedupe_key` sends once: the id, or None
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
        call_id=call_id,
        intervention_id=intervention_id,
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
    call_id: UUID | None,
    intervention_id: UUID | None,
) -> UUID | None:
    if not recipient.strip() or not body.strip():
        raise Invalid("Un message a un destinataire et un texte.")
    added = await session.execute(
        insert(Message)
        .values(
            id=new_id(),
            channel=channel,
            recipient=recipient.strip(),
            subject=subject,
            body=body,
            purpose=purpose,
            dedupe_key=dedupe_key,
            call_id=call_id,
            intervention_id=intervention_id,
            state=MessageState.QUEUED,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=[Message.dedupe_key])
        .returning(Message.id)
    )
    message_id = added.scalar_one_or_none()
    if message_id is not None:
        await outside.defer(session, DELIVER, {"message_id": message_id})
    return message_id
