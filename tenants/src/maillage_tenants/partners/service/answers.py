"""Answers kept a day under their Idempotency-Key, in the transaction of the act: a key without effect never stays."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.rest import KeptAnswer, KeyReused
from maillage_tenants.partners.models import ApiAnswer

KEPT_FOR = timedelta(hours=24)


class Answers:
    """`maillage_kit.rest.KeptAnswers` in the cooperative's own tables."""

    async def claim(self, session: TenantSession, *, client_id: str, key: str, fingerprint: str) -> KeptAnswer | None:
        """Take the key, one that is over included. The database makes a twin wait here until the first one has ended,
        well or not. Raises KeyReused when the key served another request."""
        now = clock.now()
        values = {"fingerprint": fingerprint, "status": 0, "body": b"", "created_at": now}
        taken = await session.execute(
            insert(ApiAnswer)
            .values(client_id=client_id, key=key, **values)
            .on_conflict_do_update(
                index_elements=[ApiAnswer.client_id, ApiAnswer.key],
                set_=values,
                where=ApiAnswer.created_at <= now - KEPT_FOR,
            )
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


async def forget_answers(session: TenantSession) -> None:
    """Erase the answers that are no longer kept: they hold names and addresses (R68)."""
    await session.execute(sa.delete(ApiAnswer).where(ApiAnswer.created_at <= clock.now() - KEPT_FOR))
