"""Accounts, the hats they wear, one-time links, sessions. Only hashes of secrets are stored."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import PlatformBase
from maillage_kit.permissions import Role
from maillage_platform.identity.rules import PasskeyPurpose, SignInMethod


class Account(PlatformBase):
    """A person who can sign in. The e-mail is kept in lower case."""

    __tablename__ = "account"

    id: Mapped[Key]
    email: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[Created]


class Membership(PlatformBase):
    """One hat of one person: a role in one cooperative, or a role of the federation in none.

    `customer_id`: the one customer of the cooperative whose things a partner sees. `created_at`: since when this role.
    """

    __tablename__ = "membership"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "cooperative_id", "role", postgresql_nulls_not_distinct=True),
        one_of("role", Role),
        sa.CheckConstraint(
            "(role in ('operator', 'analyst', 'support')) = (cooperative_id is null)",
            name="federation_has_no_cooperative",
        ),
        sa.CheckConstraint("(role = 'partner') = (customer_id is not null)", name="partner_has_a_customer"),
        {"schema": "platform"},
    )

    id: Mapped[Key]
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.account.id"))
    cooperative_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("platform.cooperative.id"))
    role: Mapped[str]
    member_id: Mapped[UUID | None]
    technician_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    created_at: Mapped[Created]


class SignInLink(PlatformBase):
    """A one-time link sent by e-mail; used by POST only, once, before it expires."""

    __tablename__ = "sign_in_link"

    id: Mapped[Key]
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.account.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[Created]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class WebSession(PlatformBase):
    """A signed-in browser. `membership_id` is the hat worn: one session never reaches two cooperatives at once.

    It ends at `idle_until` when nothing is done, at `expires_at` whatever is done, or when it is revoked.
    """

    __tablename__ = "web_session"
    __table_args__ = (one_of("method", SignInMethod), {"schema": "platform"})

    id: Mapped[Key]
    token_hash: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.account.id"), index=True)
    membership_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.membership.id"))
    created_at: Mapped[Created]
    last_seen_at: Mapped[datetime]
    idle_until: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    user_agent: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    method: Mapped[str] = mapped_column(default=SignInMethod.LINK)
    provider_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("platform.identity_provider.id"), index=True)
    openid_subject: Mapped[str | None]
    openid_sid: Mapped[str | None]
    id_token: Mapped[bytes | None]
    second_factor_at: Mapped[datetime | None]


class IdentityProvider(PlatformBase):
    """Where the people of a cooperative (of the federation: none) may sign in. The secret is sealed.

    What it says opens this cooperative only. `allowed_domains`: whoever has a verified e-mail there may come without
    an invitation.
    """

    __tablename__ = "identity_provider"
    __table_args__ = (
        sa.UniqueConstraint("cooperative_id", "issuer", "client_id", postgresql_nulls_not_distinct=True),
        {"schema": "platform"},
    )

    id: Mapped[Key]
    cooperative_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("platform.cooperative.id"))
    name: Mapped[str]
    issuer: Mapped[str]
    client_id: Mapped[str]
    client_secret: Mapped[bytes | None]
    allowed_domains: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[Created]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class ExternalIdentity(PlatformBase):
    """A person's account at a provider: the subject that its issuer verified, never an e-mail address."""

    __tablename__ = "external_identity"
    __table_args__ = (sa.UniqueConstraint("provider_id", "issuer", "subject"), {"schema": "platform"})

    id: Mapped[Key]
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.account.id"), index=True)
    provider_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.identity_provider.id"))
    issuer: Mapped[str]
    subject: Mapped[str]
    linked_at: Mapped[Created]
    last_used_at: Mapped[datetime | None]


class OpenIdAttempt(PlatformBase):
    """A sign-in sent to a provider: what must come back, in the same browser, once, within ten minutes."""

    __tablename__ = "openid_attempt"

    id: Mapped[Key]
    provider_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.identity_provider.id"))
    state_hash: Mapped[str] = mapped_column(unique=True)
    browser_hash: Mapped[str]
    nonce: Mapped[str]
    verifier: Mapped[bytes]
    link_account_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("platform.account.id"))
    sign_in_link_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("platform.sign_in_link.id"))
    created_at: Mapped[Created]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class OpenIdLogout(PlatformBase):
    """A logout token already received: the same one again changes nothing."""

    __tablename__ = "openid_logout"

    provider_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.identity_provider.id"), primary_key=True)
    jti: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


class Passkey(PlatformBase):
    """A key pair of a person's phone, computer or security key; only its public half is here."""

    __tablename__ = "passkey"

    id: Mapped[Key]
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.account.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(sa.BigInteger)
    transports: Mapped[list[str]]
    name: Mapped[str]
    synced: Mapped[bool]
    created_at: Mapped[Created]
    last_used_at: Mapped[datetime | None]


class PasskeyChallenge(PlatformBase):
    """What an authenticator is asked to sign, in one browser, for one purpose, once, within five minutes."""

    __tablename__ = "passkey_challenge"
    __table_args__ = (one_of("purpose", PasskeyPurpose), {"schema": "platform"})

    id: Mapped[Key]
    challenge: Mapped[bytes] = mapped_column(unique=True)
    browser_hash: Mapped[str]
    purpose: Mapped[str]
    account_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("platform.account.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryCode(PlatformBase):
    """A code kept on paper for the day the keys are lost; only its hash is here, and it serves once."""

    __tablename__ = "recovery_code"

    id: Mapped[Key]
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.account.id"), index=True)
    code_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[Created]
    used_at: Mapped[datetime | None]


class Letter(PlatformBase):
    """An e-mail of the platform itself (sign-in links); shown in the development mailbox."""

    __tablename__ = "letter"

    id: Mapped[Key]
    recipient: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[Created]
    send_after: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None]


class RateLimit(PlatformBase):
    """Attempts counted per key in a window, shared by every process."""

    __tablename__ = "rate_limit"

    key: Mapped[str] = mapped_column(primary_key=True)
    window_start: Mapped[datetime]
    count: Mapped[int]
