"""Erases what sign-in no longer needs: R68 allows access records at most a year."""

from datetime import timedelta

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.db import Database
from maillage_platform.identity.models import (
    Letter,
    OpenIdAttempt,
    OpenIdLogout,
    PasskeyChallenge,
    RateLimit,
    SignInLink,
    WebSession,
)

KEEP_SESSIONS = timedelta(days=365)
KEEP_LINKS = timedelta(days=30)
KEEP_COUNTS = timedelta(days=1)


async def forget_old(database: Database) -> None:
    """Erase sessions a year after they were opened, links and letters after a month, counts after a day."""
    now = clock.now()
    async with database.platform() as session:
        for table, column, keep in (
            (WebSession, WebSession.created_at, KEEP_SESSIONS),
            (OpenIdAttempt, OpenIdAttempt.expires_at, KEEP_COUNTS),
            (PasskeyChallenge, PasskeyChallenge.expires_at, KEEP_COUNTS),
            (OpenIdLogout, OpenIdLogout.expires_at, KEEP_COUNTS),
            (SignInLink, SignInLink.expires_at, KEEP_LINKS),
            (Letter, Letter.created_at, KEEP_LINKS),
            (RateLimit, RateLimit.window_start, KEEP_COUNTS),
        ):
            await session.execute(sa.delete(table).where(column < now - keep))
