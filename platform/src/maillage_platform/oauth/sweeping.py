"""Every hour: the next signing key when it is time, and what the authorization server no longer needs is erased."""

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import Database
from maillage_platform.oauth.models import AuthorizationCode, Consent, RefreshToken, RevokedToken, UsedAssertion
from maillage_platform.oauth.rules import CLOCK_SKEW, CONSENT_LIFE, REFRESH_TOKEN_LIFE
from maillage_platform.oauth.service.keys import turn_keys


async def turn_keys_and_forget(database: Database, *, cipher: FieldCipher) -> None:
    """Codes and refresh tokens stay while one of them seen again could tell of a theft; consents a year (R68)."""
    now = clock.now()
    async with database.platform() as session:
        await turn_keys(session, cipher=cipher)
        for table, before in (
            (RevokedToken, RevokedToken.expires_at < now - CLOCK_SKEW),
            (UsedAssertion, UsedAssertion.expires_at < now - CLOCK_SKEW),
            (AuthorizationCode, AuthorizationCode.expires_at < now - REFRESH_TOKEN_LIFE),
            (RefreshToken, RefreshToken.expires_at < now),
            (Consent, Consent.created_at < now - CONSENT_LIFE),
        ):
            await session.execute(sa.delete(table).where(before))
