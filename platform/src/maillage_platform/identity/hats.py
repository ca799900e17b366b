"""The hats of a person: which roles, in which cooperatives, and where each one starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import PlatformSession
from maillage_kit.permissions import FIELD_ROLES, ROLE_LABELS, Role, start_of
from maillage_platform.cooperatives.models import Cooperative
from maillage_platform.identity.models import IdentityProvider, Membership, WebSession


@dataclass(frozen=True, slots=True)
class Hat:
    """One role a person may sign in with."""

    membership_id: UUID
    role: Role
    cooperative_name: str
    cooperative_slug: str | None

    @property
    def label(self) -> str:
        return f"{ROLE_LABELS[self.role]} · {self.cooperative_name}"

    @property
    def home(self) -> str:
        """Where this role starts."""
        start = start_of(self.role)
        return start if self.role.of_federation else f"/c/{self.cooperative_slug}{start}"

    @property
    def icon(self) -> str:
        """A pictogram beside the name: the federation, an office, the field."""
        if self.role.of_federation:
            return "shield"
        return "wrench" if self.role in FIELD_ROLES else "home"


async def hats_of(
    session: PlatformSession, *, account_id: UUID, vouched_by: IdentityProvider | None = None
) -> list[Hat]:
    """Every hat of an account, by cooperative; `vouched_by` keeps those of that provider's cooperative only."""
    statement = (
        sa.select(Membership, Cooperative.name, Cooperative.slug)
        .outerjoin(Cooperative, Cooperative.id == Membership.cooperative_id)
        .where(Membership.account_id == account_id)
        .order_by(Cooperative.name, Membership.role)
    )
    if vouched_by is not None:
        statement = statement.where(Membership.cooperative_id.is_not_distinct_from(vouched_by.cooperative_id))
    rows = await session.execute(statement)
    return [
        Hat(membership.id, Role(membership.role), name or "Maillage", slug) for membership, name, slug in rows.all()
    ]


async def preferred_hat(session: PlatformSession, *, account_id: UUID, hats: Sequence[Hat]) -> Hat:
    """Of these, the hat worn last, else the first. `hats` is not empty."""
    last = await session.scalar(
        sa.select(WebSession.membership_id)
        .where(WebSession.account_id == account_id, WebSession.membership_id.in_([hat.membership_id for hat in hats]))
        .order_by(WebSession.id.desc())
        .limit(1)
    )
    return next((hat for hat in hats if hat.membership_id == last), hats[0])
