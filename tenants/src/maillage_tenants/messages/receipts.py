"""What a carrier says afterwards: it arrived, or it never will. Told twice or out of order, it changes nothing."""

from uuid import UUID

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession
from maillage_tenants.messages import addresses, queries
from maillage_tenants.messages.carriers.ports import Receipt
from maillage_tenants.messages.models import AttemptState, Failure, Message, MessageState, Urgency
from maillage_tenants.messages.service import DELIVER

_MAX_TOLD = 200


async def note_receipt(session: TenantSession, *, attempt_id: UUID, receipt: Receipt) -> None:
    """Write a receipt on its attempt. Raises NotFound for an unknown attempt.

    Arrived: final, whatever comes after. Not arrived: the next way of the chain is tried, unless it arrived meanwhile.
    """
    message, attempt = await queries.locked_attempt(session, attempt_id=attempt_id)
    at = clock.now()
    if attempt.state == AttemptState.DELIVERED or (attempt.state == AttemptState.FAILED and not receipt.delivered):
        return
    attempt.receipt, attempt.ended_at = receipt.told[:_MAX_TOLD], at
    attempt.provider_reference = attempt.provider_reference or receipt.reference or None
    if receipt.delivered:
        attempt.state, attempt.failure = AttemptState.DELIVERED, None
        attempt.given_at = attempt.given_at or at
        message.state, message.error = MessageState.DELIVERED, None
        message.sent_at, message.delivered_at = message.sent_at or at, message.delivered_at or at
        await addresses.revive(session, attempt)
    else:
        attempt.state, attempt.failure = AttemptState.FAILED, receipt.failure or Failure.UNDELIVERED
        attempt.error = f"non remis : {receipt.told}"[:_MAX_TOLD]
        if receipt.failure is Failure.DEAD:
            await addresses.bury(session, attempt, reason=attempt.error, at=at)
    await session.flush()
    if not receipt.delivered or _has_more(message):
        await outside.defer(session, DELIVER, {"message_id": message.id})


def _has_more(message: Message) -> bool:
    return message.urgency == Urgency.EMERGENCY and message.settled_at is None
