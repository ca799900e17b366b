"""Plans and the customers' subscriptions to them. The whole life of a contract comes later; its promises are here."""

from datetime import date
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase
from maillage_kit.money import Money


class LegalNature(StrEnum):
    """R29."""

    SERVICE = "service"
    MAINTENANCE = "maintenance"
    PARTNER_INSURANCE = "partner_insurance"


class PlanState(StrEnum):
    """`legal_review`: has a feature that makes it look like insurance; not published without an opinion (R28)."""

    DRAFT = "draft"
    LEGAL_REVIEW = "legal_review"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class ContractChannel(StrEnum):
    """How the contract was made (R5)."""

    IN_PREMISES = "in_premises"
    DISTANCE_PHONE = "distance_phone"
    DISTANCE_WEB = "distance_web"
    OFF_PREMISES = "off_premises"


class SubscriptionState(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    ENDED = "ended"


class Plan(TenantBase):
    """What is promised: delays in minutes, trades, hours; with the fields that tell service from insurance (R28)."""

    __tablename__ = "plan"
    __table_args__ = (one_of("legal_nature", LegalNature), one_of("state", PlanState))

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    trades: Mapped[list[str]]
    legal_nature: Mapped[str] = mapped_column(default=LegalNature.SERVICE)
    yearly_price: Mapped[Money]
    vat_basis_points: Mapped[int] = mapped_column(default=2000)
    accept_minutes: Mapped[int | None]
    arrive_minutes_urban: Mapped[int | None]
    arrive_minutes_rural: Mapped[int | None]
    included_interventions: Mapped[int] = mapped_column(default=0)
    cost_cap: Mapped[Money | None]
    reimbursement: Mapped[bool] = mapped_column(default=False)
    waiting_period_days: Mapped[int] = mapped_column(default=0)
    covers_parts: Mapped[bool] = mapped_column(default=False)
    legal_opinion: Mapped[str | None]
    state: Mapped[str] = mapped_column(default=PlanState.DRAFT)
    created_at: Mapped[Created]


class Subscription(TenantBase):
    """A customer's contract on a plan, over `[starts_on, ends_on]`."""

    __tablename__ = "subscription"
    __table_args__ = (
        one_of("state", SubscriptionState),
        one_of("channel", ContractChannel),
        sa.Index(None, "customer_id"),
    )

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("customer.id"))
    plan_id: Mapped[UUID] = mapped_column(sa.ForeignKey("plan.id"))
    channel: Mapped[str]
    state: Mapped[str]
    signed_on: Mapped[date]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    created_at: Mapped[Created]


class SubscriptionSite(TenantBase):
    __tablename__ = "subscription_site"
    __table_args__ = (sa.Index(None, "site_id"),)

    subscription_id: Mapped[UUID] = mapped_column(sa.ForeignKey("subscription.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(sa.ForeignKey("site.id"), primary_key=True)
