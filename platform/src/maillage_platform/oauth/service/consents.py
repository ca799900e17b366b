"""What a person allowed an application: given, turned into a chain of refresh tokens, ended.

A consent ends when its person or the office takes it back, when the person leaves the office, after a year, and when
something that serves once is seen twice: one of the two who showed it is a thief, and nobody can tell which
(RFC 9700, section 4.14).
"""

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.api_access import Scope
from maillage_kit.context import Actor
from maillage_kit.crypto import new_token, token_hash
from maillage_kit.db import PlatformSession
from maillage_kit.witness import Witness
from maillage_platform.oauth import queries
from maillage_platform.oauth.access_tokens import AccessToken
from maillage_platform.oauth.models import (
    AuthorizationCode,
    Consent,
    RefreshToken,
    RevokedToken,
)
from maillage_platform.oauth.queries import Registered
from maillage_platform.oauth.rules import (
    ACCESS_TOKEN_LIFE,
    CODE_LIFE,
    CONSENT_LIFE,
    REFRESH_TOKEN_LIFE,
    GrantKind,
    in_order,
)

log = structlog.get_logger(__name__)


async def give_consent(
    session: PlatformSession,
    *,
    witness: Witness,
    registered: Registered,
    person: Actor,
    scopes: frozenset[Scope],
    code: str,
    redirect_uri: str,
    code_challenge: str,
) -> None:
    """A person of the office allows an application to act for them; `code` is what its server may exchange, once."""
    now = clock.now()
    goes_on = GrantKind.REFRESH_TOKEN in registered.client.grants
    consent = Consent(
        client_id=registered.client.id,
        account_id=person.account_id,
        scopes=list(in_order(scopes)),
        expires_at=now + (CONSENT_LIFE if goes_on else CODE_LIFE + ACCESS_TOKEN_LIFE),
    )
    session.add(consent)
    await session.flush()
    session.add(
        AuthorizationCode(
            consent_id=consent.id,
            code_hash=token_hash(code),
            redirect_uri=redirect_uri,
            code_challenge=code_challenge,
            expires_at=now + CODE_LIFE,
        )
    )
    await session.flush()
    await witness(
        registered.client.cooperative_id,
        actor=person.display_name,
        action="oauth.consent",
        subject_type="oauth_client",
        subject_id=registered.client.id,
        detail={"consent": consent.id, "scopes": consent.scopes},
    )


async def usable_code(
    session: PlatformSession, *, witness: Witness, registered: Registered, code: str
) -> tuple[AuthorizationCode, Consent] | None:
    """A code of that application that was not used yet, and its consent. One that comes back ends its consent."""
    now = clock.now()
    found = await queries.code_for_use(session, code_hash=token_hash(code))
    if found is None or found[1] != registered.client.id:
        return None
    kept = found[0]
    if kept.used_at is not None:
        await _theft(session, witness=witness, registered=registered, consent_id=kept.consent_id, why="code_replayed")
        return None
    consent = await queries.live_consent(session, consent_id=kept.consent_id, now=now)
    return None if consent is None or kept.expires_at <= now else (kept, consent)


async def usable_refresh_token(
    session: PlatformSession, *, witness: Witness, registered: Registered, token: str
) -> tuple[RefreshToken, Consent] | None:
    """The last link of a chain of that application, and its consent. An earlier link ends the consent."""
    now = clock.now()
    found = await queries.refresh_token_for_use(session, token_hash=token_hash(token))
    if found is None or found[1] != registered.client.id:
        return None
    kept = found[0]
    if kept.used_at is not None:
        await _theft(session, witness=witness, registered=registered, consent_id=kept.consent_id, why="refresh_reused")
        return None
    consent = await queries.live_consent(session, consent_id=kept.consent_id, now=now)
    return None if consent is None or kept.expires_at <= now else (kept, consent)


async def new_refresh_token(session: PlatformSession, *, consent: Consent) -> str:
    """The next link of the chain; only its hash is kept. It never outlives the consent."""
    token = new_token()
    session.add(
        RefreshToken(
            consent_id=consent.id,
            token_hash=token_hash(token),
            expires_at=min(clock.now() + REFRESH_TOKEN_LIFE, consent.expires_at),
        )
    )
    await session.flush()
    return token


async def withdraw_consent(
    session: PlatformSession,
    *,
    witness: Witness,
    cooperative_id: UUID,
    client_id: UUID,
    consent_id: UUID,
    by: str,
) -> bool:
    """The office takes a consent back, or the person who gave it. False when that application has no such live one."""
    if not await _end(session, consent_id=consent_id, client_id=client_id, why="withdrawn"):
        return False
    await witness(
        cooperative_id,
        actor=by,
        action="oauth.withdraw_consent",
        subject_type="oauth_client",
        subject_id=client_id,
        detail={"consent": consent_id},
    )
    return True


async def revoke_consent(session: PlatformSession, *, client_id: UUID, consent_id: UUID) -> None:
    """The application itself gives a consent back, with every token that comes from it (RFC 7009)."""
    await _end(session, consent_id=consent_id, client_id=client_id, why="given_back")


async def revoke_access_token(session: PlatformSession, *, token: AccessToken) -> None:
    """This access token is refused from now on. Twice is harmless."""
    await session.execute(
        insert(RevokedToken).values(token_id=token.token_id, expires_at=token.until).on_conflict_do_nothing()
    )


async def _theft(
    session: PlatformSession, *, witness: Witness, registered: Registered, consent_id: UUID, why: str
) -> None:
    log.warning("oauth_theft_seen", client=str(registered.client.id), consent=str(consent_id), why=why)
    if not await _end(session, consent_id=consent_id, client_id=registered.client.id, why=why):
        return
    try:
        await witness(
            registered.client.cooperative_id,
            actor=registered.client.name,
            action="oauth.theft_seen",
            subject_type="oauth_client",
            subject_id=registered.client.id,
            detail={"consent": consent_id, "why": why},
        )
    except Exception:  # whatever keeps a cooperative from writing, the thief is shut out
        log.exception("oauth_theft_not_audited", client=str(registered.client.id))


async def _end(session: PlatformSession, *, consent_id: UUID, client_id: UUID, why: str) -> bool:
    ended: Iterable[UUID] = await session.scalars(
        sa.update(Consent)
        .where(Consent.id == consent_id, Consent.client_id == client_id, Consent.revoked_at.is_(None))
        .values(revoked_at=clock.now(), revoked_why=why)
        .returning(Consent.id)
    )
    return bool(list(ended))
