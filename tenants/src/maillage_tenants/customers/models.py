"""Customers, the sites that are served, the numbers they call from."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase


class CustomerKind(StrEnum):
    PERSON = "person"
    ORGANISATION = "organisation"


class ConsumerStatus(StrEnum):
    """How consumer law sees the customer (R11)."""

    CONSUMER = "consumer"
    NON_PROFESSIONAL = "non_professional"
    SMALL_PROFESSIONAL = "small_professional"
    PROFESSIONAL = "professional"
    PUBLIC = "public"


class PremisesUse(StrEnum):
    """What the VAT rate depends on (R30, R34)."""

    DWELLING = "dwelling"
    BUSINESS = "business"
    MIXED = "mixed"


class Customer(TenantBase):
    """A person or organisation; stays with the member who brought it (R60).

    `sort_name` is the name as it sorts, without accents. `search` holds the words it is found by (`rules.search_words`)
    and is written again whenever the customer, a site or a number changes.
    """

    __tablename__ = "customer"
    __table_args__ = (
        one_of("kind", CustomerKind),
        one_of("consumer_status", ConsumerStatus),
        sa.Index(None, "search", postgresql_using="gin"),
        sa.Index(None, "sort_name", "id"),
        sa.Index(None, "referring_member_id"),
    )

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    consumer_status: Mapped[str]
    name: Mapped[str]
    contact_name: Mapped[str] = mapped_column(default="")
    siren: Mapped[str | None]
    email: Mapped[str | None]
    billing_address: Mapped[str]
    billing_postcode: Mapped[str]
    billing_city: Mapped[str]
    referring_member_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    sort_name: Mapped[str]
    search: Mapped[str] = mapped_column(TSVECTOR)
    created_at: Mapped[Created]


class Site(TenantBase):
    """A place served. `access_notes` holds door codes and the like, encrypted (R72).

    `reference` is what the customer calls it in its own books (a landlord's dwelling), None when it has no name there.
    """

    __tablename__ = "site"
    __table_args__ = (
        one_of("premises_use", PremisesUse),
        sa.Index(None, "customer_id"),
        sa.Index(None, "insee"),
        sa.UniqueConstraint("customer_id", "reference"),
    )

    id: Mapped[Key]
    customer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("customer.id"))
    reference: Mapped[str | None]
    label: Mapped[str]
    address: Mapped[str]
    complement: Mapped[str] = mapped_column(default="")
    insee: Mapped[str] = mapped_column(sa.ForeignKey("commune.insee"))
    postcode: Mapped[str]
    premises_use: Mapped[str]
    over_two_years: Mapped[bool | None]
    occupant_name: Mapped[str] = mapped_column(default="")
    occupant_phone: Mapped[str | None]
    access_notes: Mapped[bytes | None]
    created_at: Mapped[Created]


class CustomerPhone(TenantBase):
    """A number the customer calls from, with the record of consent to commercial calls (R23)."""

    __tablename__ = "customer_phone"
    __table_args__ = (sa.Index(None, "phone"), sa.UniqueConstraint("customer_id", "phone"))

    id: Mapped[Key]
    customer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("customer.id"))
    site_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("site.id"))
    phone: Mapped[str]
    label: Mapped[str] = mapped_column(default="")
    opt_in_at: Mapped[datetime | None]
    opt_in_source: Mapped[str | None]
    opt_in_wording: Mapped[str | None]
    opt_in_proof: Mapped[str | None]
    opt_in_revoked_at: Mapped[datetime | None]
