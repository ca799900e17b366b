"""Applications, what people allowed them, codes and refresh tokens, the keys that sign. Of a secret, only its hash."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import PlatformBase
from maillage_platform.oauth.rules import AuthMethod


class ApiClient(PlatformBase):
    """An application of one cooperative. It proves itself by a secret, or signs with a key of its `jwks`.

    After a rotation, the former secret serves until `former_secret_until`.
    """

    __tablename__ = "oauth_client"
    __table_args__ = (
        one_of("auth_method", AuthMethod),
        sa.Index(None, "cooperative_id", "name"),
        {"schema": "platform"},
    )

    id: Mapped[Key]
    cooperative_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.cooperative.id"))
    name: Mapped[str]
    auth_method: Mapped[str]
    grants: Mapped[list[str]]
    redirect_uris: Mapped[list[str]]
    scopes: Mapped[list[str]]
    jwks: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    secret_hash: Mapped[str | None]
    former_secret_hash: Mapped[str | None]
    former_secret_until: Mapped[datetime | None]
    created_at: Mapped[Created]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Consent(PlatformBase):
    """What one person allowed one application: every token that comes from it ends with it."""

    __tablename__ = "oauth_consent"

    id: Mapped[Key]
    client_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.oauth_client.id"), index=True)
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.account.id"), index=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[Created]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_why: Mapped[str | None]


class AuthorizationCode(PlatformBase):
    """A code given to the browser; exchanged once. A second time ends its consent."""

    __tablename__ = "oauth_code"

    id: Mapped[Key]
    consent_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.oauth_consent.id", ondelete="cascade"), index=True)
    code_hash: Mapped[str] = mapped_column(unique=True)
    redirect_uri: Mapped[str]
    code_challenge: Mapped[str]
    created_at: Mapped[Created]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RefreshToken(PlatformBase):
    """One link of a chain: each use makes the next one. A link used twice ends its consent, hence the whole chain."""

    __tablename__ = "oauth_refresh_token"

    id: Mapped[Key]
    consent_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.oauth_consent.id", ondelete="cascade"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[Created]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RevokedToken(PlatformBase):
    """An access token taken back before its time (RFC 7009)."""

    __tablename__ = "oauth_revoked_token"

    token_id: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


class UsedAssertion(PlatformBase):
    """A signed proof of a client already received: the same one again proves nothing (RFC 7523)."""

    __tablename__ = "oauth_used_assertion"

    client_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.oauth_client.id"), primary_key=True)
    assertion_hash: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


class SigningKey(PlatformBase):
    """A key pair that signs access tokens from `signs_from` on; listed until the last token it signed has expired.

    The private half is sealed with the settings' field keys.
    """

    __tablename__ = "oauth_signing_key"

    kid: Mapped[str] = mapped_column(primary_key=True)
    public_jwk: Mapped[dict[str, Any]]
    private_jwk: Mapped[bytes]
    created_at: Mapped[Created]
    signs_from: Mapped[datetime]
    listed_until: Mapped[datetime | None]
