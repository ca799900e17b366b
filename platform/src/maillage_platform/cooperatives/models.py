"""The directory of cooperatives."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key
from maillage_kit.context import CooperativeContext, TenantRef
from maillage_kit.db import PlatformBase


class CooperativeState(StrEnum):
    """`provisioning`: its schema is being made; `suspended`: closed to its people, its calls still ring."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Cooperative(PlatformBase):
    """One departmental cooperative. `schema_name` and `role_name` never change; the slug may.

    `schema_revision` is the migration its schema is at, written by provisioning and by the fleet migration.
    `records_calls` and `own_prompts` are written by the cooperative, through `platform.keep_voice`.
    """

    __tablename__ = "cooperative"
    __table_args__ = (
        sa.CheckConstraint("state in ('provisioning','active','suspended')", name="state_known"),
        {"schema": "platform"},
    )

    id: Mapped[Key]
    number: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), unique=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    legal_name: Mapped[str]
    legal_form: Mapped[str]
    siren: Mapped[str] = mapped_column(unique=True)
    department: Mapped[str]
    address: Mapped[str]
    email: Mapped[str]
    public_number: Mapped[str] = mapped_column(unique=True)
    manager_name: Mapped[str]
    manager_phone: Mapped[str]
    fallback_phone: Mapped[str]
    mediator_name: Mapped[str]
    mediator_contact: Mapped[str]
    timezone: Mapped[str] = mapped_column(default="Europe/Paris")
    trades: Mapped[list[str]]
    records_calls: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    own_prompts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=sa.text("'{}'::jsonb"))
    state: Mapped[str] = mapped_column(default=CooperativeState.PROVISIONING)
    schema_name: Mapped[str] = mapped_column(unique=True)
    role_name: Mapped[str] = mapped_column(unique=True)
    schema_revision: Mapped[str | None]
    created_at: Mapped[Created]

    def tenant(self) -> TenantRef:
        return TenantRef(cooperative_id=self.id, schema=self.schema_name, role=self.role_name)

    def context(self, *, pool_numbers: tuple[str, ...] = ()) -> CooperativeContext:
        """The frozen copy handed to the cooperative's own code."""
        return CooperativeContext(
            id=self.id,
            slug=self.slug,
            name=self.name,
            legal_name=self.legal_name,
            legal_form=self.legal_form,
            siren=self.siren,
            department=self.department,
            address=self.address,
            email=self.email,
            public_number=self.public_number,
            manager_name=self.manager_name,
            manager_phone=self.manager_phone,
            fallback_phone=self.fallback_phone,
            mediator_name=self.mediator_name,
            mediator_contact=self.mediator_contact,
            timezone=self.timezone,
            trades=tuple(self.trades),
            tenant=self.tenant(),
            pool_numbers=pool_numbers,
            records_calls=self.records_calls,
            own_prompts=dict(self.own_prompts),
        )


class CooperativeNumber(PlatformBase):
    """A number of a cooperative beside its public one: calls to it are the cooperative's, also without its schema."""

    __tablename__ = "cooperative_number"

    number: Mapped[str] = mapped_column(primary_key=True)
    cooperative_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.cooperative.id"))


class CooperativeChange(PlatformBase):
    """What was changed in the directory, by whom: append-only."""

    __tablename__ = "cooperative_change"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    cooperative_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.cooperative.id"))
    at: Mapped[datetime]
    actor: Mapped[str]
    change: Mapped[str]
