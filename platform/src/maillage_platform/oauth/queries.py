"""Reads of the authorization server."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from maillage_kit.db import PlatformSession
from maillage_kit.permissions import Permission, roles_with
from maillage_platform.cooperatives.models import Cooperative, CooperativeState
from maillage_platform.identity.models import Account, Membership
from maillage_platform.oauth.models import (
    ApiClient,
    AuthorizationCode,
    Consent,
    RefreshToken,
    RevokedToken,
    SigningKey,
)

_person = orm.aliased(Account)


@dataclass(frozen=True, slots=True)
class Registered:
    """A live application and its open cooperative."""

    client: ApiClient
    slug: str
    cooperative_name: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What an access token is worth at this moment, whatever is written in it."""

    client_name: str
    cooperative_id: UUID
    scopes: tuple[str, ...]
    account_id: UUID | None


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """A live consent as the office sees it."""

    id: UUID
    person: str
    scopes: tuple[str, ...]
    given_at: datetime
    expires_at: datetime


async def clients_of(
    session: PlatformSession, *, cooperative_id: UUID, after: tuple[str, UUID] | None, limit: int
) -> Sequence[ApiClient]:
    """The applications of a cooperative by name, revoked ones too, after that place; at most `limit`."""
    statement = (
        sa.select(ApiClient)
        .where(ApiClient.cooperative_id == cooperative_id)
        .order_by(ApiClient.name, ApiClient.id)
        .limit(limit)
    )
    if after:
        statement = statement.where(sa.tuple_(ApiClient.name, ApiClient.id) > after)
    return (await session.scalars(statement)).all()


async def client_of(session: PlatformSession, *, client_id: UUID, cooperative_id: UUID) -> ApiClient | None:
    """One application of that cooperative, revoked or not."""
    found = await session.scalars(
        sa.select(ApiClient).where(ApiClient.id == client_id, ApiClient.cooperative_id == cooperative_id)
    )
    return found.one_or_none()


async def registered(session: PlatformSession, *, client_id: UUID) -> Registered | None:
    """None when the application is unknown or revoked, or its cooperative closed."""
    row = (
        await session.execute(
            sa.select(ApiClient, Cooperative)
            .join(Cooperative, Cooperative.id == ApiClient.cooperative_id)
            .where(
                ApiClient.id == client_id,
                ApiClient.revoked_at.is_(None),
                Cooperative.state == CooperativeState.ACTIVE,
            )
        )
    ).one_or_none()
    if row is None:
        return None
    client, cooperative = row
    return Registered(client, cooperative.slug, cooperative.name)


def _works_there() -> sa.ColumnElement[bool]:
    """The person of a consent has sat in the office of the application's cooperative ever since they gave it."""
    return (
        sa.exists()
        .where(
            Membership.account_id == Consent.account_id,
            Membership.cooperative_id == ApiClient.cooperative_id,
            Membership.role.in_(roles_with([Permission.API_MANAGE])),
            Membership.created_at <= Consent.created_at,
            _person.id == Membership.account_id,
            _person.disabled_at.is_(None),
        )
        .correlate(Consent, ApiClient)
    )


def _lives(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return Consent.revoked_at.is_(None), Consent.expires_at > now, _works_there()


async def live_consent(session: PlatformSession, *, consent_id: UUID, now: datetime) -> Consent | None:
    """A consent while nobody took it back and its person may still give it."""
    found = await session.scalars(
        sa.select(Consent)
        .join(ApiClient, ApiClient.id == Consent.client_id)
        .where(Consent.id == consent_id, *_lives(now))
    )
    return found.one_or_none()


async def consents_of(
    session: PlatformSession, *, client_id: UUID, now: datetime, before: UUID | None, limit: int
) -> Sequence[GivenConsent]:
    """The live consents given to an application, the latest first, after `before`; at most `limit`."""
    statement = (
        sa.select(Consent, Account.display_name)
        .join(ApiClient, ApiClient.id == Consent.client_id)
        .join(Account, Account.id == Consent.account_id)
        .where(Consent.client_id == client_id, *_lives(now))
        .order_by(Consent.id.desc())
        .limit(limit)
    )
    if before:
        statement = statement.where(Consent.id < before)
    return [
        GivenConsent(consent.id, name, tuple(consent.scopes), consent.created_at, consent.expires_at)
        for consent, name in (await session.execute(statement)).all()
    ]


@dataclass(frozen=True, slots=True)
class OwnConsent:
    """What a person lets an application do, as they see it. `serves`: they may still lend it that."""

    id: UUID
    application: str
    cooperative: str
    scopes: tuple[str, ...]
    given_at: datetime
    expires_at: datetime
    serves: bool


async def consents_given_by(
    session: PlatformSession,
    *,
    account_id: UUID,
    within: frozenset[UUID] | None,
    now: datetime,
    before: UUID | None,
    limit: int,
) -> Sequence[OwnConsent]:
    """What a person allowed and nobody took back, the latest first, after `before`; at most `limit`. `within`: only in
    those cooperatives."""
    statement = (
        sa.select(Consent, ApiClient.name, Cooperative.name, _works_there())
        .join(ApiClient, ApiClient.id == Consent.client_id)
        .join(Cooperative, Cooperative.id == ApiClient.cooperative_id)
        .where(*_kept_by(account_id, within), Consent.expires_at > now)
        .order_by(Consent.id.desc())
        .limit(limit)
    )
    if before:
        statement = statement.where(Consent.id < before)
    return [
        OwnConsent(
            consent.id, application, place, tuple(consent.scopes), consent.created_at, consent.expires_at, serves
        )
        for consent, application, place, serves in (await session.execute(statement)).all()
    ]


async def consent_given_by(
    session: PlatformSession, *, account_id: UUID, within: frozenset[UUID] | None, consent_id: UUID
) -> tuple[Consent, ApiClient] | None:
    """One of those, with its application."""
    row = (
        await session.execute(
            sa.select(Consent, ApiClient)
            .join(ApiClient, ApiClient.id == Consent.client_id)
            .where(*_kept_by(account_id, within), Consent.id == consent_id)
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def _kept_by(account_id: UUID, within: frozenset[UUID] | None) -> list[sa.ColumnElement[bool]]:
    kept = [Consent.account_id == account_id, Consent.revoked_at.is_(None), ApiClient.revoked_at.is_(None)]
    return kept if within is None else [*kept, ApiClient.cooperative_id.in_(within)]


async def clients_named(
    session: PlatformSession, *, cooperative_id: UUID, names: Iterable[str]
) -> Mapping[str, ApiClient]:
    """The applications that a cooperative knows by these client ids, revoked or not; what names none is left out."""
    found = await session.scalars(
        sa.select(ApiClient).where(
            ApiClient.cooperative_id == cooperative_id, sa.cast(ApiClient.id, sa.Text).in_(list(names))
        )
    )
    return {str(client.id): client for client in found}


async def code_for_use(session: PlatformSession, *, code_hash: str) -> tuple[AuthorizationCode, UUID] | None:
    """A code and its application, locked: of two exchanges at once, the second sees that the first used it."""
    row = (
        await session.execute(
            sa.select(AuthorizationCode, Consent.client_id)
            .join(Consent, Consent.id == AuthorizationCode.consent_id)
            .where(AuthorizationCode.code_hash == code_hash)
            .with_for_update(of=AuthorizationCode)
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


async def refresh_token_for_use(session: PlatformSession, *, token_hash: str) -> tuple[RefreshToken, UUID] | None:
    """A refresh token and its application, locked as codes are."""
    row = (
        await session.execute(
            sa.select(RefreshToken, Consent.client_id)
            .join(Consent, Consent.id == RefreshToken.consent_id)
            .where(RefreshToken.token_hash == token_hash)
            .with_for_update(of=RefreshToken)
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


async def standing_of(
    session: PlatformSession, *, client_id: UUID, consent_id: UUID | None, token_id: str, now: datetime
) -> Standing | None:
    """None when the token was taken back, its consent ended, or its application or cooperative is closed."""
    person: Any = sa.null() if consent_id is None else Consent.account_id
    statement = (
        sa.select(ApiClient.name, ApiClient.cooperative_id, ApiClient.scopes, person)
        .join_from(ApiClient, Cooperative, Cooperative.id == ApiClient.cooperative_id)
        .where(
            ApiClient.id == client_id,
            ApiClient.revoked_at.is_(None),
            Cooperative.state == CooperativeState.ACTIVE,
            ~sa.exists().where(RevokedToken.token_id == token_id),
        )
    )
    if consent_id is not None:
        given = sa.and_(Consent.client_id == ApiClient.id, Consent.id == consent_id, *_lives(now))
        statement = statement.join(Consent, given)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Standing(row[0], row[1], tuple(row[2]), row[3])


async def listed_keys(session: PlatformSession, *, now: datetime) -> Sequence[SigningKey]:
    """The keys whose tokens may still be running, and the one that will sign next; the newest first."""
    found = await session.scalars(
        sa.select(SigningKey)
        .where(sa.or_(SigningKey.listed_until.is_(None), SigningKey.listed_until > now))
        .order_by(SigningKey.signs_from.desc(), SigningKey.kid)
    )
    return found.all()
