"""The people of a cooperative, or of the federation, who may sign in: listed, invited, their access taken back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog

from maillage_kit import clock
from maillage_kit.context import ROLE_LABELS, Role
from maillage_kit.crypto import new_token, token_hash
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Invalid
from maillage_platform.identity import service
from maillage_platform.identity.models import Account, Letter, Membership, SignInLink, WebSession

log = structlog.get_logger(__name__)
INVITATION_LIFE = timedelta(days=7)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Colleague:
    """One hat of somebody here."""

    membership_id: UUID
    name: str
    email: str
    role: str
    role_code: str
    last_seen_at: datetime | None


async def colleagues(
    session: PlatformSession, *, cooperative_id: UUID | None, after: tuple[str, str] | None, limit: int
) -> Sequence[Colleague]:
    """The hats of a cooperative (of the federation: None) by e-mail and hat, after that place; at most `limit`."""
    seen = (
        sa.select(sa.func.max(WebSession.last_seen_at))
        .where(WebSession.membership_id == Membership.id)
        .scalar_subquery()
    )
    statement = (
        sa.select(Membership.id, Account.display_name, Account.email, Membership.role, seen)
        .join(Account, Account.id == Membership.account_id)
        .where(Membership.cooperative_id.is_not_distinct_from(cooperative_id), Account.disabled_at.is_(None))
        .order_by(Account.email, Membership.role)
        .limit(limit)
    )
    if after:
        statement = statement.where(sa.tuple_(Account.email, Membership.role) > sa.tuple_(*map(sa.literal, after)))
    return [
        Colleague(key, name, email, ROLE_LABELS[Role(role)], role, last)
        for key, name, email, role, last in (await session.execute(statement)).all()
    ]


async def invite(
    session: PlatformSession,
    *,
    cooperative_id: UUID | None,
    place_name: str,
    email: str,
    name: str,
    by: str,
    public_url: str,
) -> None:
    """Give somebody the office's hat here (in the federation, the federation's) and send the invitation.

    The link is good once, for a week; its page also offers the place's identity providers. Inviting the same person
    again only sends another letter. Raises Invalid.
    """
    email = email.strip().lower()
    fields = {}
    if not _EMAIL.fullmatch(email) or len(email) > 200:
        fields["email"] = "Écrivez une adresse e-mail complète, comme nom@exemple.fr."
    if not name:
        fields["name"] = "Écrivez son nom."
    if fields:
        raise Invalid(fields=fields)
    account = await service.add_account(session, email=email, display_name=name)
    role = Role.FEDERATION if cooperative_id is None else Role.OFFICE
    held = await session.scalar(
        sa.select(Membership.id).where(
            Membership.account_id == account.id,
            Membership.role == role,
            Membership.cooperative_id.is_not_distinct_from(cooperative_id),
        )
    )
    if held is None:
        await service.add_membership(session, account=account, role=role, cooperative_id=cooperative_id)
    token, now = new_token(), clock.now()
    session.add(SignInLink(account_id=account.id, token_hash=token_hash(token), expires_at=now + INVITATION_LIFE))
    session.add(
        Letter(
            recipient=account.email,
            subject=f"Invitation à rejoindre {place_name} sur Maillage",
            body=(
                f"Bonjour {account.display_name},\n\n"
                f"{by} vous invite à travailler avec {place_name} sur Maillage.\n"
                f"Ouvrez ce lien, puis choisissez comment entrer :\n{public_url}/signin/{token}\n\n"
                "Il ne sert qu’une fois et reste valable sept jours. "
                "Si vous n’attendiez pas cette invitation, ignorez ce message.\n"
            ),
        )
    )
    log.info("person_invited", account=str(account.id), role=role.value)


async def hat_here(session: PlatformSession, *, cooperative_id: UUID | None, membership_id: UUID) -> Membership | None:
    """One hat of this cooperative (of the federation: None)."""
    held = await session.get(Membership, membership_id)
    return held if held is not None and held.cooperative_id == cooperative_id else None


async def take_access_back(
    session: PlatformSession, *, cooperative_id: UUID | None, membership_id: UUID, by_account: UUID
) -> bool:
    """Take one hat away, with the sessions that wear it. False when there is no such hat here. Raises Invalid for
    one's own: nobody locks themselves out by mistake."""
    held = await hat_here(session, cooperative_id=cooperative_id, membership_id=membership_id)
    if held is None:
        return False
    if held.account_id == by_account:
        raise Invalid("Vous ne pouvez pas retirer votre propre accès.")
    await session.execute(sa.delete(WebSession).where(WebSession.membership_id == held.id))
    await session.delete(held)
    log.info("access_taken_back", account=str(held.account_id), role=held.role)
    return True
