"""Signing in with an identity provider: sent, received, recognised, linked.

Who somebody is comes from (provider, issuer, subject), never from an e-mail address, which only lets a newcomer in when
the provider verified it and its domain is on the provider's list. Whatever a provider says opens its own cooperative's
hats and nothing else.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog

from maillage_kit import clock
from maillage_kit.crypto import FieldCipher, new_token, token_hash
from maillage_kit.db import PlatformSession
from maillage_kit.permissions import Role
from maillage_platform.identity import service
from maillage_platform.identity.errors import OpenIdRefused
from maillage_platform.identity.hats import Hat, hats_of, preferred_hat
from maillage_platform.identity.links import account_of_link
from maillage_platform.identity.models import (
    Account,
    ExternalIdentity,
    IdentityProvider,
    Membership,
    OpenIdAttempt,
    SignInLink,
)
from maillage_platform.identity.openid_client import OpenIdClient, Person, Relying, browser_hash
from maillage_platform.identity.sessions import OpenIdProof

log = structlog.get_logger(__name__)
ATTEMPT_LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Recognised:
    """Somebody a provider vouched for: the hat to open first, the others, what the session keeps."""

    membership: Membership
    hat: Hat
    hats: tuple[Hat, ...]
    proof: OpenIdProof
    linked_now: bool


async def start(
    session: PlatformSession,
    *,
    openid: OpenIdClient,
    relying: Relying,
    cipher: FieldCipher,
    browser: str,
    link_account_id: UUID | None = None,
    link_token: str | None = None,
) -> str:
    """Remember an attempt; returns where to send the browser. `browser`: the secret of this browser's cookie.

    `link_account_id`: the signed-in person who links this provider. `link_token`: a one-time link or an invitation,
    whose person will be linked; it is used when the provider has answered. Raises OpenIdRefused, LinkUnusable.
    """
    link: SignInLink | None = None
    if link_token is not None:
        link = await account_of_link(session, token=link_token)
        link_account_id = link.account_id
    state, nonce, verifier = new_token(), new_token(), new_token()
    url = await openid.authorization_url(relying, state=state, nonce=nonce, verifier=verifier)
    session.add(
        OpenIdAttempt(
            provider_id=relying.provider_id,
            state_hash=token_hash(state),
            browser_hash=browser_hash(browser),
            nonce=nonce,
            verifier=cipher.encrypt(verifier),
            link_account_id=link_account_id,
            sign_in_link_id=link.id if link else None,
            expires_at=clock.now() + ATTEMPT_LIFE,
        )
    )
    return url


async def finish(
    session: PlatformSession,
    *,
    openid: OpenIdClient,
    provider: IdentityProvider,
    relying: Relying,
    cipher: FieldCipher,
    browser: str,
    query: dict[str, str],
) -> Recognised:
    """Take the provider's answer: who it is, with which hats. The attempt is used up whatever comes out, provided the
    transaction is kept. Raises OpenIdRefused."""
    attempt = await _take_attempt(session, provider=provider, browser=browser, state=query.get("state", ""))
    code = await openid.check_answer(relying, query)
    person = await openid.person(
        relying,
        code=code,
        verifier=cipher.decrypt(attempt.verifier),
        nonce=attempt.nonce,
        want_email=bool(provider.allowed_domains),
    )
    identity, linked_now = await _recognise(session, provider=provider, person=person, attempt=attempt)
    account = await session.get_one(Account, identity.account_id)
    if account.disabled_at is not None:
        raise OpenIdRefused("disabled")
    hats = await hats_of(session, account_id=account.id, vouched_by=provider)
    if not hats:
        raise OpenIdRefused("no_access")
    identity.last_used_at = clock.now()
    hat = await preferred_hat(session, account_id=account.id, hats=hats)
    return Recognised(
        membership=await session.get_one(Membership, hat.membership_id),
        hat=hat,
        hats=tuple(hats),
        proof=OpenIdProof(provider.id, person.subject, person.sid, cipher.encrypt(person.id_token)),
        linked_now=linked_now,
    )


async def linked_identities(session: PlatformSession, *, account_id: UUID) -> list[tuple[ExternalIdentity, str]]:
    """A person's accounts at providers, with the provider's name."""
    rows = await session.execute(
        sa.select(ExternalIdentity, IdentityProvider.name)
        .join(IdentityProvider, IdentityProvider.id == ExternalIdentity.provider_id)
        .where(ExternalIdentity.account_id == account_id)
        .order_by(ExternalIdentity.linked_at)
    )
    return [(identity, name) for identity, name in rows.all()]


async def _take_attempt(
    session: PlatformSession, *, provider: IdentityProvider, browser: str, state: str
) -> OpenIdAttempt:
    found = (
        await session.scalars(
            sa.select(OpenIdAttempt).where(OpenIdAttempt.state_hash == token_hash(state)).with_for_update()
        )
    ).one_or_none()
    if found is None:
        raise OpenIdRefused("state", "unknown state")
    if found.used_at is not None:
        raise OpenIdRefused("state", "used already")
    if found.browser_hash != browser_hash(browser):
        raise OpenIdRefused("state", "another browser")
    found.used_at = clock.now()
    await session.flush()
    if found.expires_at <= clock.now():
        raise OpenIdRefused("state", "too old")
    if found.provider_id != provider.id:
        raise OpenIdRefused("issuer", "the answer came to another provider's address")
    return found


async def _recognise(
    session: PlatformSession, *, provider: IdentityProvider, person: Person, attempt: OpenIdAttempt
) -> tuple[ExternalIdentity, bool]:
    known = (
        await session.scalars(
            sa.select(ExternalIdentity).where(
                ExternalIdentity.provider_id == provider.id,
                ExternalIdentity.issuer == person.issuer,
                ExternalIdentity.subject == person.subject,
            )
        )
    ).one_or_none()
    if attempt.link_account_id is not None:
        if not await hats_of(session, account_id=attempt.link_account_id, vouched_by=provider):
            raise OpenIdRefused("no_access")
        if known is not None and known.account_id != attempt.link_account_id:
            raise OpenIdRefused("already_linked")
        await _use_link(session, attempt)
        if known is not None:
            return known, False
        return await _link(session, provider, person, attempt.link_account_id, how="asked"), True
    if known is not None:
        return known, False
    account = await _newcomer(session, provider=provider, person=person)
    return await _link(session, provider, person, account.id, how="domain"), True


async def _newcomer(session: PlatformSession, *, provider: IdentityProvider, person: Person) -> Account:
    """The account of somebody let in by the domain of a verified e-mail, made when needed."""
    if not provider.allowed_domains:
        raise OpenIdRefused("unknown_person")
    if person.email is None:
        raise OpenIdRefused("email_unverified" if person.email_seen else "unknown_person")
    if person.email.rpartition("@")[2] not in provider.allowed_domains:
        raise OpenIdRefused("unknown_person", "domain not listed")
    name = person.name or person.email.partition("@")[0]
    is_new = await service.make_account(session, email=person.email, display_name=name)
    account = await service.account_by_email(session, email=person.email)
    assert account is not None
    if not is_new:
        # somebody this cooperative already knows is recognised; another cooperative's person proves it by e-mail first
        if not await hats_of(session, account_id=account.id, vouched_by=provider):
            raise OpenIdRefused("email_taken")
        return account
    role = Role.ANALYST if provider.cooperative_id is None else Role.DISPATCHER
    await service.add_membership(session, account=account, role=role, cooperative_id=provider.cooperative_id)
    log.info("account_opened_by_domain", account=str(account.id), provider=str(provider.id), role=role.value)
    return account


async def _link(
    session: PlatformSession, provider: IdentityProvider, person: Person, account_id: UUID, *, how: str
) -> ExternalIdentity:
    identity = ExternalIdentity(
        account_id=account_id, provider_id=provider.id, issuer=person.issuer, subject=person.subject
    )
    session.add(identity)
    await session.flush()
    log.info("openid_linked", account=str(account_id), provider=str(provider.id), how=how)
    return identity


async def _use_link(session: PlatformSession, attempt: OpenIdAttempt) -> None:
    if attempt.sign_in_link_id is None:
        return
    link = await session.get_one(SignInLink, attempt.sign_in_link_id, with_for_update=True)
    if link.used_at is not None:
        raise OpenIdRefused("state", "the one-time link was used meanwhile")
    link.used_at = clock.now()
