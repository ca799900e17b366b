"""Answers kept a day under their Idempotency-Key, in the transaction of the act: a key without effect never stays."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.rest import KeptAnswer, KeyReused
from maillage_tenants.partners.models import ApiAnswer

KEPT_FOR = timedelta(hours=24)
SWEPT_AT_ONCE = 100


class Answers:
    """`maillage_kit.rest.KeptAnswers` in the cooperative's own tables."""

    async def claim(self, session: TenantSession, *, client_id: str, key: str, fingerprint: str) -> KeptAnswer | None:
        """Take the key. The database makes a twin wait here until the first one has ended, well or not.

        Raises KeyReused when the key served another request.
        """
        now = clock.now()
        await _sweep(session, before=now - KEPT_FOR)
        taken = await session.execute(
            insert(ApiAnswer)
            .values(client_id=client_id, key=key, fingerprint=fingerprint, status=0, body=b"", created_at=now)
            .on_conflict_do_nothing()
            .returning(ApiAnswer.key)
        )
        if taken.scalar_one_or_none() is not None:
            return None
        found = await session.get_one(ApiAnswer, (client_id, key))
        if found.fingerprint != fingerprint:
            raise KeyReused
        return KeptAnswer(found.status, found.body)

    async def keep(self, session: TenantSession, *, client_id: str, key: str, answer: KeptAnswer) -> None:
        await session.execute(
            sa.update(ApiAnswer)
            .where(ApiAnswer.client_id == client_id, ApiAnswer.key == key)
            .values(status=answer.status, body=answer.body)
        )


async def _sweep(session: TenantSession, *, before: datetime) -> None:
    """Forget what is over, a little at a time, and never what another transaction is sweeping."""
    over = (
        sa.select(ApiAnswer.client_id, ApiAnswer.key)
        .where(ApiAnswer.created_at <= before)
        .limit(SWEPT_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await session.execute(sa.delete(ApiAnswer).where(sa.tuple_(ApiAnswer.client_id, ApiAnswer.key).in_(over)))
