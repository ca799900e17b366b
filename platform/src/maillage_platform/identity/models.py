"""Accounts, the hats they wear, one-time links, sessions. Only hashes of secrets are stored."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.context import Role
from maillage_kit.db import PlatformBase
from maillage_platform.identity.rules import SignInMethod


class Account(PlatformBase):
    """A person who can sign in. The e-mail is kept in lower case."""

    __tablename__ = "account"

    id: Mapped[Key]
    email: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[Created]


class Membership(PlatformBase):
    """One hat of one person: a role in one cooperative, or the federation's role in none."""

    __tablename__ = "membership"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "cooperative_id", "role", postgresql_nulls_not_distinct=True),
        one_of("role", Role),
        sa.CheckConstraint("(role = 'federation') = (cooperative_id is null)", name="federation_has_no_cooperative"),
        {"schema": "platform"},
    )

    id: Mapped[Key]
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.account.id"))
    cooperative_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("platform.cooperative.id"))
    role: Mapped[str]
    member_id: Mapped[UUID | None]
    technician_id: Mapped[UUID | None]
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
