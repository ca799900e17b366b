"""Signed-in browsers: opened, followed, listed, ended. The cookie holds a secret, the database its hash.

A session is only ever found by a secret made here, so an identifier chosen by a client is worth nothing; each sign-in
and each change of hat makes a new secret and ends the one before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy import orm

from maillage_kit import clock
from maillage_kit.context import Actor
from maillage_kit.crypto import new_token, token_hash
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Forbidden
from maillage_kit.permissions import ROLE_LABELS, Role
from maillage_platform.cooperatives.models import Cooperative
from maillage_platform.identity.models import Account, IdentityProvider, Membership, WebSession
from maillage_platform.identity.rules import METHOD_LABELS, SignInMethod, device_name, limits_of

log = structlog.get_logger(__name__)
_another = orm.aliased(Membership)
_OTHER_HATS = sa.exists().where(_another.account_id == Account.id, _another.id != Membership.id)
_TOUCH_AFTER = timedelta(minutes=5)  # a page every second is not a write every second


@dataclass(frozen=True, slots=True)
class OpenIdProof:
    """What is kept of a provider's word, to end the session with it. `id_token` is sealed."""

    provider_id: UUID
    subject: str
    sid: str | None
    id_token: bytes


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One live session as its owner sees it."""

    id: UUID
    device: str
    address: str
    hat: str
    method: str
    opened_at: datetime
    last_seen_at: datetime
    ends_at: datetime


async def open_session(
    session: PlatformSession,
    *,
    membership: Membership,
    user_agent: str = "",
    address: str = "",
    method: SignInMethod = SignInMethod.LINK,
    replaces: str | None = None,
    openid: OpenIdProof | None = None,
) -> str:
    """Open a browser session for one hat. Returns the secret for the cookie: it is not stored and never shown again.

    `replaces`: the secret this browser held before; that session ends (no session is ever carried over a sign-in).
    `openid`: the provider that vouched; such a session never leaves the provider's own cooperative.
    """
    if replaces:
        await close_session(session, token=replaces)
    token, now = new_token(), clock.now()
    limits = limits_of(Role(membership.role))
    opened = WebSession(
        token_hash=token_hash(token),
        account_id=membership.account_id,
        membership_id=membership.id,
        last_seen_at=now,
        idle_until=now + limits.idle,
        expires_at=now + limits.life,
        user_agent=user_agent[:200],
        address=address[:64],
        method=method,
        provider_id=openid.provider_id if openid else None,
        openid_subject=openid.subject if openid else None,
        openid_sid=openid.sid if openid else None,
        id_token=openid.id_token if openid else None,
        second_factor_at=now if method is SignInMethod.PASSKEY else None,
    )
    session.add(opened)
    await session.flush()
    log.info("signed_in", session=str(opened.id), method=method.value, role=membership.role)
    return token


async def switch_hat(session: PlatformSession, *, current: WebSession, membership: Membership) -> tuple[str, timedelta]:
    """Put another hat on: a fresh session takes the place of `current`, which ends. Returns its secret and its life.

    Changing hats never makes a sign-in last longer, and a session that a provider opened stays in the provider's
    cooperative. Raises Forbidden for another's hat or another place.
    """
    if membership.account_id != current.account_id:
        raise Forbidden
    if current.provider_id is not None:
        provider = await session.get_one(IdentityProvider, current.provider_id)
        if membership.cooperative_id != provider.cooperative_id:
            raise Forbidden("Pour travailler ailleurs, entrez par un lien reçu par e-mail.")
    token, now = new_token(), clock.now()
    limits = limits_of(Role(membership.role))
    expires_at = min(current.expires_at, now + limits.life)
    opened = WebSession(
        token_hash=token_hash(token),
        account_id=membership.account_id,
        membership_id=membership.id,
        last_seen_at=now,
        idle_until=now + limits.idle,
        expires_at=expires_at,
        user_agent=current.user_agent,
        address=current.address,
        method=current.method,
        provider_id=current.provider_id,
        openid_subject=current.openid_subject,
        openid_sid=current.openid_sid,
        id_token=current.id_token,
        second_factor_at=current.second_factor_at,
    )
    session.add(opened)
    await _revoke(session, WebSession.id == current.id, reason="switched")
    await session.flush()
    log.info("hat_switched", session=str(opened.id), role=membership.role)
    return token, expires_at - now


async def add_second_factor(session: PlatformSession, *, current: WebSession) -> tuple[str, timedelta]:
    """A passkey or a recovery code was shown in this session. It goes on under a new secret: returns that and its
    remaining life."""
    token, now = new_token(), clock.now()
    current.token_hash, current.second_factor_at = token_hash(token), now
    await session.flush()
    log.info("second_factor", session=str(current.id))
    return token, current.expires_at - now


async def actor_of(session: PlatformSession, *, token: str) -> Actor | None:
    """The person behind a session cookie, or None when it is unknown, expired, idle too long, revoked or disabled."""
    now = clock.now()
    row = (
        await session.execute(
            sa.select(WebSession, Account, Membership, _OTHER_HATS)
            .join(Account, Account.id == WebSession.account_id)
            .join(Membership, Membership.id == WebSession.membership_id)
            .where(WebSession.token_hash == token_hash(token), *_live(now), Account.disabled_at.is_(None))
        )
    ).one_or_none()
    if row is None:
        return None
    web_session, account, membership, has_other_hats = row
    if now - web_session.last_seen_at > _TOUCH_AFTER:
        web_session.last_seen_at = now
        web_session.idle_until = now + limits_of(Role(membership.role)).idle
    return Actor(
        account_id=account.id,
        display_name=account.display_name,
        email=account.email,
        role=Role(membership.role),
        cooperative_id=membership.cooperative_id,
        member_id=membership.member_id,
        technician_id=membership.technician_id,
        customer_id=membership.customer_id,
        has_other_hats=has_other_hats,
        has_second_factor=web_session.second_factor_at is not None,
    )


async def live_session(session: PlatformSession, *, token: str) -> WebSession | None:
    """The session of a cookie while it lives."""
    found = await session.scalars(
        sa.select(WebSession).where(WebSession.token_hash == token_hash(token), *_live(clock.now()))
    )
    return found.one_or_none()


async def sessions_of(
    session: PlatformSession, *, seen_from: WebSession, before: UUID | None, limit: int
) -> Sequence[OpenSession]:
    """The live sessions of a person, the one opened last first, after `before`; at most `limit`."""
    statement = (
        sa.select(WebSession, Membership.role, Cooperative.name)
        .join(Membership, Membership.id == WebSession.membership_id)
        .outerjoin(Cooperative, Cooperative.id == Membership.cooperative_id)
        .where(*_reach(seen_from), *_live(clock.now()))
        .order_by(WebSession.id.desc())
        .limit(limit)
    )
    if before:
        statement = statement.where(WebSession.id < before)
    return [
        OpenSession(
            id=row.id,
            device=device_name(row.user_agent),
            address=row.address,
            hat=f"{ROLE_LABELS[Role(role)]} · {name or 'Maillage'}",
            method=METHOD_LABELS[SignInMethod(row.method)],
            opened_at=row.created_at,
            last_seen_at=row.last_seen_at,
            ends_at=min(row.idle_until, row.expires_at),
        )
        for row, role, name in (await session.execute(statement)).all()
    ]


async def close_session(session: PlatformSession, *, token: str) -> None:
    """Sign out: the cookie's session is revoked."""
    await _revoke(session, WebSession.token_hash == token_hash(token), reason="signed_out")


async def revoke_session(session: PlatformSession, *, seen_from: WebSession, session_id: UUID) -> bool:
    """End one session of that person. False when it is not one of the live ones in reach."""
    live = _live(clock.now())
    return bool(await _revoke(session, *_reach(seen_from), *live, WebSession.id == session_id, reason="by_owner"))


async def revoke_sessions(session: PlatformSession, *, seen_from: WebSession, here_too: bool) -> int:
    """End every other session of that person in reach, with `here_too` this one as well. Returns how many."""
    spared = None if here_too else seen_from.id
    which = (*_reach(seen_from), WebSession.id.is_distinct_from(spared))
    return await _revoke(session, *which, reason="all_by_owner")


async def revoke_of_provider(
    session: PlatformSession, *, provider_id: UUID, subject: str | None, sid: str | None
) -> int:
    """End what the provider says is over: its session `sid`, or without one everything of `subject`."""
    which = [WebSession.provider_id == provider_id]
    if subject is not None:
        which.append(WebSession.openid_subject == subject)
    if sid is not None and subject is not None:  # a session that was opened without a name may be the one meant
        which.append(sa.or_(WebSession.openid_sid == sid, WebSession.openid_sid.is_(None)))
    elif sid is not None:
        which.append(WebSession.openid_sid == sid)
    return await _revoke(session, *which, reason="by_provider")


async def revoke_of_account_at(session: PlatformSession, *, account_id: UUID, provider_id: UUID) -> int:
    """End what a provider opened for one person."""
    which = (WebSession.account_id == account_id, WebSession.provider_id == provider_id)
    return await _revoke(session, *which, reason="unlinked")


async def revoke_all_of_provider(session: PlatformSession, *, provider_id: UUID) -> int:
    """End every session that this provider opened. Returns how many."""
    return await _revoke(session, WebSession.provider_id == provider_id, reason="provider_closed")


async def revoke_everything(session: PlatformSession, *, account_id: UUID, reason: str) -> int:
    """End every session of an account, wherever."""
    return await _revoke(session, WebSession.account_id == account_id, reason=reason)


async def _revoke(session: PlatformSession, *which: sa.ColumnElement[bool], reason: str) -> int:
    ended = (
        await session.scalars(
            sa.update(WebSession)
            .where(*which, WebSession.revoked_at.is_(None))
            .values(revoked_at=clock.now())
            .returning(WebSession.id)
            .execution_options(synchronize_session=False)
        )
    ).all()
    for session_id in ended:
        log.info("session_ended", session=str(session_id), reason=reason)
    return len(ended)


def _reach(seen_from: WebSession) -> tuple[sa.ColumnElement[bool], ...]:
    """What a session may see and end: the whole account; opened on a provider's word, only what this provider opened.

    A cooperative chooses its provider: whatever that says must not reach the same person elsewhere.
    """
    mine = (WebSession.account_id == seen_from.account_id,)
    return mine if seen_from.provider_id is None else (*mine, WebSession.provider_id == seen_from.provider_id)


def _live(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (WebSession.revoked_at.is_(None), WebSession.expires_at > now, WebSession.idle_until > now)
