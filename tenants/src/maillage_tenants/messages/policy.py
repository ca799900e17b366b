"""Changing what the cooperative and its technicians want."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_tenants.messages import rules
from maillage_tenants.messages.models import MessagePolicy, NotificationPreference
from maillage_tenants.messages.rules import Policy

_LIMIT = range(1, 101)
SMS_AFTER = (0, 20, 60)
"""The waits that a technician may choose before the text message of an emergency, in seconds."""


async def set_policy(session: TenantSession, *, policy: Policy, by: str) -> None:
    """Change quiet hours and the limit of what is not urgent. Raises Invalid for a limit that makes no sense."""
    if policy.routine_per_hour not in _LIMIT:
        raise Invalid("La limite est à corriger.", fields={"routine_per_hour": "De 1 à 100 messages par heure."})
    values = {
        "quiet_from": policy.quiet_from,
        "quiet_to": policy.quiet_to,
        "quiet_sundays": policy.quiet_sundays,
        "quiet_holidays": policy.quiet_holidays,
        "routine_per_hour": policy.routine_per_hour,
        "changed_at": clock.now(),
        "changed_by": by,
    }
    await session.execute(
        insert(MessagePolicy)
        .values(id=1, **values)
        .on_conflict_do_update(index_elements=[MessagePolicy.id], set_=values)
    )


async def set_wishes(
    session: TenantSession, *, technician_id: UUID, channels: Sequence[str], sms_after_seconds: int, voice_call: bool
) -> None:
    """Change how a technician is told. Raises Invalid for a wait that is not offered."""
    if sms_after_seconds not in SMS_AFTER:
        raise Invalid("Le délai est à choisir.", fields={"sms_after": "Choisissez un délai de la liste."})
    values = {
        "channels": [channel.value for channel in rules.order_from(channels)],
        "sms_after_seconds": sms_after_seconds,
        "voice_call": voice_call,
        "changed_at": clock.now(),
    }
    await session.execute(
        insert(NotificationPreference)
        .values(technician_id=technician_id, **values)
        .on_conflict_do_update(index_elements=[NotificationPreference.technician_id], set_=values)
    )
