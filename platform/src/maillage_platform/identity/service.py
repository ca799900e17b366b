"""Who acts: accounts, hats, sessions. Routes and the request context know only these functions.

Only hashes of tokens are stored. How a person proves who they are (one-time link today) stays behind this module.
"""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.context import Actor, Role
from maillage_kit.crypto import new_token, token_hash
from maillage_kit.db import PlatformSession
from maillage_platform.identity.models import Account, Membership, WebSession

SESSION_LIFE = timedelta(days=14)
SESSION_IDLE = timedelta(days=3)


async def add_account(session: PlatformSession, *, email: str, display_name: str) -> Account:
    """The account of that e-mail address, made if it does not exist yet."""
    email = email.strip().lower()
    found = (await session.scalars(sa.select(Account).where(Account.email == email))).one_or_none()
    if found is None:
        found = Account(email=email, display_name=display_name)
        session.add(found)
        await session.flush()
    return found


async def add_membership(
    session: PlatformSession,
    *,
    account: Account,
    role: Role,
    cooperative_id: UUID | None = None,
    member_id: UUID | None = None,
    technician_id: UUID | None = None,
) -> Membership:
    """Give a person a hat; the same hat twice is one hat."""
    found = (
        await session.scalars(
            sa.select(Membership).where(
                Membership.account_id == account.id,
                Membership.role == role,
                Membership.cooperative_id.is_not_distinct_from(cooperative_id),
            )
        )
    ).one_or_none()
    if found is None:
        found = Membership(account_id=account.id, role=role, cooperative_id=cooperative_id)
        session.add(found)
    found.member_id, found.technician_id = member_id, technician_id
    await session.flush()
    return found


async def open_session(session: PlatformSession, *, membership: Membership, user_agent: str = "") -> str:
    """Open a browser session for one hat. Returns the token for the cookie: it is not stored and never shown again."""
    token = new_token()
    now = clock.now()
    session.add(
        WebSession(
            token_hash=token_hash(token),
            account_id=membership.account_id,
            membership_id=membership.id,
            last_seen_at=now,
            expires_at=now + SESSION_LIFE,
            user_agent=user_agent[:200],
        )
    )
    await session.flush()
    return token


async def actor_of(session: PlatformSession, *, token: str) -> Actor | None:
    """The person behind a session cookie, or None when it is unknown, expired, idle too long, revoked or disabled."""
    now = clock.now()
    row = (
        await session.execute(
            sa.select(WebSession, Account, Membership)
            .join(Account, Account.id == WebSession.account_id)
            .join(Membership, Membership.id == WebSession.membership_id)
            .where(
                WebSession.token_hash == token_hash(token),
                WebSession.revoked_at.is_(None),
                WebSession.expires_at > now,
                WebSession.last_seen_at > now - SESSION_IDLE,
                Account.disabled_at.is_(None),
            )
        )
    ).one_or_none()
    if row is None:
        return None
    web_session, account, membership = row
    if now - web_session.last_seen_at > timedelta(minutes=5):
        web_session.last_seen_at = now
    return Actor(
        account_id=account.id,
        display_name=account.display_name,
        email=account.email,
        role=Role(membership.role),
        cooperative_id=membership.cooperative_id,
        member_id=membership.member_id,
        technician_id=membership.technician_id,
    )


async def close_session(session: PlatformSession, *, token: str) -> None:
    """Sign out: the cookie's session is revoked."""
    await session.execute(
        sa.update(WebSession).where(WebSession.token_hash == token_hash(token)).values(revoked_at=clock.now())
    )
