"""Signed proofs of applications: each serves once."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from maillage_kit.db import PlatformSession
from maillage_platform.oauth.models import UsedAssertion


async def first_use(session: PlatformSession, *, client_id: UUID, assertion_hash: str, expires_at: int) -> bool:
    """Keep that this proof was used, until it expires (seconds since 1970). False when it was used before."""
    kept = await session.scalar(
        insert(UsedAssertion)
        .values(
            client_id=client_id, assertion_hash=assertion_hash, expires_at=datetime.fromtimestamp(expires_at, tz=UTC)
        )
        .on_conflict_do_nothing()
        .returning(UsedAssertion.client_id)
    )
    return kept is not None
