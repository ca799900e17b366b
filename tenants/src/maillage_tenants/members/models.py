"""Members (craft businesses), their technicians, trades, documents and engagement."""

from datetime import date
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase


class Category(StrEnum):
    """Who may be a member (R52). Investors bring capital only and are never on call."""

    ARTISAN = "artisan"
    COMPLEMENTARY = "complementary"
    INVESTOR = "investor"
    UNION = "union"


class VatStatus(StrEnum):
    STANDARD = "standard"
    FRANCHISE = "franchise"


class DocumentKind(StrEnum):
    """Documents that gate assignment (R8, R61)."""

    LIABILITY = "liability"
    DECENNIAL = "decennial"
    QUALIFICATION = "qualification"
    GAS = "gas"
    REGISTER = "register"
    SOCIAL = "social"


class Member(TenantBase):
    """A craft business that belongs to the cooperative."""

    __tablename__ = "member"
    __table_args__ = (one_of("category", Category), one_of("vat_status", VatStatus))

    id: Mapped[Key]
    name: Mapped[str]
    legal_form: Mapped[str]
    siret: Mapped[str] = mapped_column(unique=True)
    category: Mapped[str] = mapped_column(default=Category.ARTISAN)
    vat_status: Mapped[str] = mapped_column(default=VatStatus.STANDARD)
    email: Mapped[str]
    phone: Mapped[str]
    address: Mapped[str]
    postcode: Mapped[str]
    city: Mapped[str]
    joined_on: Mapped[date]
    left_on: Mapped[date | None]


class MemberTrade(TenantBase):
    __tablename__ = "member_trade"

    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    trade: Mapped[str] = mapped_column(primary_key=True)


class MemberSector(TenantBase):
    """A home sector: where the member takes duties first."""

    __tablename__ = "member_sector"

    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    sector_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sector.id"), primary_key=True)


class Technician(TenantBase):
    """A person of a member's business who takes calls. `employed`: the labour code applies (R63)."""

    __tablename__ = "technician"
    __table_args__ = (sa.Index(None, "member_id"), sa.Index(None, "phone"))

    id: Mapped[Key]
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    first_name: Mapped[str]
    last_name: Mapped[str]
    phone: Mapped[str]
    email: Mapped[str | None]
    employed: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)


class MemberDocument(TenantBase):
    """Proof of insurance or qualification, valid on `[valid_from, valid_to]`, both days included."""

    __tablename__ = "member_document"
    __table_args__ = (
        sa.Index(None, "member_id", "kind", "valid_to"),
        one_of("kind", DocumentKind),
        sa.CheckConstraint("valid_to >= valid_from", name="period"),
    )

    id: Mapped[Key]
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    kind: Mapped[str]
    trade: Mapped[str | None]
    reference: Mapped[str]
    issuer: Mapped[str]
    issuer_contact: Mapped[str]
    coverage: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    recorded_at: Mapped[Created]


class Engagement(TenantBase):
    """What the member owes the cooperative (R53): on-call units per semester, customers to bring."""

    __tablename__ = "engagement"
    __table_args__ = (sa.Index(None, "member_id"),)

    id: Mapped[Key]
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    units_per_semester: Mapped[int]
    customers_to_bring: Mapped[int]
    signed_on: Mapped[date]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
