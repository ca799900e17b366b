"""The people of a cooperative, or of the federation, who may sign in: listed, invited, their access taken back."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog

from maillage_kit import clock
from maillage_kit.crypto import new_token, token_hash
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Conflict, Invalid
from maillage_kit.permissions import COOPERATIVE_ROLES, FIELD_ROLES, ROLE_LABELS, Role
from maillage_platform.identity import service
from maillage_platform.identity.models import Account, Letter, Membership, SignInLink, WebSession

log = structlog.get_logger(__name__)
INVITATION_LIFE = timedelta(days=7)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Technician:
    """Somebody of a member's business, as the cooperative entered them."""

    member_id: UUID
    technician_id: UUID


TechnicianFinder = Callable[[str], Awaitable[Technician | None]]
"""By e-mail address, the active technician of the cooperative at hand who alone has it."""


def roles_here(cooperative_id: UUID | None) -> tuple[Role, ...]:
    """The roles of a cooperative (of the federation: None); the first one manages the others."""
    return COOPERATIVE_ROLES if cooperative_id is not None else (Role.OPERATOR, Role.ANALYST, Role.SUPPORT)


@dataclass(frozen=True, slots=True)
class Colleague:
    """One hat of somebody here."""

    membership_id: UUID
    name: str
    email: str
    role: str
    role_code: str
    customer_id: UUID | None
    last_seen_at: datetime | None


async def colleagues(
    session: PlatformSession,
    *,
    cooperative_id: UUID | None,
    after: tuple[str, str] | None,
    limit: int,
    customer_id: UUID | None = None,
) -> Sequence[Colleague]:
    """The hats of a cooperative (of the federation: None) by e-mail and hat, after that place; at most `limit`.
    `customer_id`: only the people of that customer."""
    seen = (
        sa.select(sa.func.max(WebSession.last_seen_at))
        .where(WebSession.membership_id == Membership.id)
        .scalar_subquery()
    )
    statement = (
        sa.select(Membership.id, Account.display_name, Account.email, Membership.role, Membership.customer_id, seen)
        .join(Account, Account.id == Membership.account_id)
        .where(Membership.cooperative_id.is_not_distinct_from(cooperative_id), Account.disabled_at.is_(None))
        .order_by(Account.email, Membership.role)
        .limit(limit)
    )
    if after:
        statement = statement.where(sa.tuple_(Account.email, Membership.role) > after)
    if customer_id is not None:
        statement = statement.where(Membership.customer_id == customer_id)
    return [
        Colleague(key, name, email, ROLE_LABELS[Role(role)], role, customer, last)
        for key, name, email, role, customer, last in (await session.execute(statement)).all()
    ]


async def emails_of(session: PlatformSession, *, cooperative_id: UUID, role: Role) -> tuple[str, ...]:
    """The e-mail addresses of those who have this role in a cooperative."""
    found = await session.scalars(
        sa.select(Account.email)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.cooperative_id == cooperative_id, Membership.role == role, Account.disabled_at.is_(None))
        .order_by(Account.email)
    )
    return tuple(found)


async def invite(
    session: PlatformSession,
    *,
    cooperative_id: UUID | None,
    place_name: str,
    email: str,
    name: str,
    role: str,
    by: str,
    public_url: str,
    technician: TechnicianFinder | None = None,
) -> Membership:
    """Give somebody a role here and send the invitation. Returns the hat.

    The link is good once, for a week; its page also offers the place's identity providers. Inviting the same person
    again only sends another letter. A member or a technician is one that the cooperative entered: `technician` finds
    them by that e-mail address. Raises Invalid.
    """
    email, fields = _somebody(email, name)
    if role not in roles_here(cooperative_id):
        fields["role"] = "Choisissez un rôle."
    if fields:
        raise Invalid(fields=fields)
    chosen = Role(role)
    known = await _in_the_field(chosen, email=email, technician=technician)
    account = await service.add_account(session, email=email, display_name=name)
    hat = await service.add_membership(
        session,
        account=account,
        role=chosen,
        cooperative_id=cooperative_id,
        member_id=known.member_id if known else None,
        technician_id=known.technician_id if known else None,
    )
    _send_invitation(
        session,
        account,
        subject=f"Invitation à rejoindre {place_name} sur Maillage",
        what=f"{by} vous invite à travailler avec {place_name} sur Maillage.",
        public_url=public_url,
    )
    log.info("person_invited", account=str(account.id), role=chosen.value)
    return hat


async def invite_partner(
    session: PlatformSession,
    *,
    cooperative_id: UUID,
    place_name: str,
    customer_id: UUID,
    customer_name: str,
    email: str,
    name: str,
    by: str,
    public_url: str,
) -> Membership:
    """Let a person of a customer in, to see what is that customer's and nothing else; as `invite` for the rest.

    Raises Invalid, also for somebody who follows another customer of this cooperative.
    """
    email, fields = _somebody(email, name)
    if fields:
        raise Invalid(fields=fields)
    account = await service.add_account(session, email=email, display_name=name)
    try:
        hat = await service.add_membership(
            session, account=account, role=Role.PARTNER, cooperative_id=cooperative_id, customer_id=customer_id
        )
    except Conflict as taken:
        raise Invalid(fields={"email": taken.message}) from taken
    _send_invitation(
        session,
        account,
        subject=f"{place_name} : suivez les interventions de {customer_name}",
        what=(
            f"{by}, de {place_name}, vous invite à suivre en ligne les interventions, les devis et les notes de "
            f"{customer_name}."
        ),
        public_url=public_url,
    )
    log.info("person_invited", account=str(account.id), role=Role.PARTNER.value)
    return hat


def _somebody(email: str, name: str) -> tuple[str, dict[str, str]]:
    """The address as it is kept, and what is wrong with whom is invited, by field."""
    email, fields = email.strip().lower(), {}
    if not _EMAIL.fullmatch(email) or len(email) > 200:
        fields["email"] = "Écrivez une adresse e-mail complète, comme nom@exemple.fr."
    if not name:
        fields["name"] = "Écrivez son nom."
    return email, fields


def _send_invitation(session: PlatformSession, account: Account, *, subject: str, what: str, public_url: str) -> None:
    """Write the letter, with a link that is good once, for a week."""
    token = new_token()
    session.add(
        SignInLink(account_id=account.id, token_hash=token_hash(token), expires_at=clock.now() + INVITATION_LIFE)
    )
    session.add(
        Letter(
            recipient=account.email,
            subject=subject,
            body=(
                f"Bonjour {account.display_name},\n\n"
                f"{what}\n"
                f"Ouvrez ce lien, puis choisissez comment entrer :\n{public_url}/signin/{token}\n\n"
                "Il ne sert qu’une fois et reste valable sept jours. "
                "Si vous n’attendiez pas cette invitation, ignorez ce message.\n"
            ),
        )
    )


async def hat_here(session: PlatformSession, *, cooperative_id: UUID | None, membership_id: UUID) -> Membership | None:
    """One hat of this cooperative (of the federation: None)."""
    held = await session.get(Membership, membership_id)
    return held if held is not None and held.cooperative_id == cooperative_id else None


async def change_role(
    session: PlatformSession,
    *,
    cooperative_id: UUID | None,
    membership_id: UUID,
    role: str,
    by_account: UUID,
    technician: TechnicianFinder | None = None,
) -> tuple[Role, Membership] | None:
    """Give one hat another role and end the sessions that wear it. Returns the role before and the hat; None when
    there is no such hat here.

    Raises Invalid for one's own, for the last who manages here, for a role that this person already has, and for the
    person of a customer, who is no colleague.
    """
    held = await _to_change(session, cooperative_id=cooperative_id, membership_id=membership_id, by_account=by_account)
    if held is None:
        return None
    if role not in roles_here(cooperative_id):
        raise Invalid("Choisissez un rôle.", fields={"role": "Choisissez un rôle."})
    before, chosen = Role(held.role), Role(role)
    if before is Role.PARTNER:
        raise Invalid(
            "L’accès d’un client partenaire ne devient pas un autre rôle : retirez-le, puis invitez cette personne."
        )
    if chosen is before:
        return before, held
    account = await session.get_one(Account, held.account_id)
    double = await session.scalar(
        sa.select(Membership.id).where(
            Membership.account_id == account.id,
            Membership.role == chosen,
            Membership.cooperative_id.is_not_distinct_from(cooperative_id),
        )
    )
    if double is not None:
        raise Invalid(f"{account.display_name} a déjà ce rôle ici.")
    known = await _in_the_field(chosen, email=account.email, technician=technician)
    held.role = chosen
    held.created_at = clock.now()  # another hat from now on: what was lent with the former one is over
    held.member_id = known.member_id if known else None
    held.technician_id = known.technician_id if known else None
    await session.execute(sa.delete(WebSession).where(WebSession.membership_id == held.id))
    await session.flush()
    log.info("role_changed", account=str(account.id), before=before.value, role=chosen.value)
    return before, held


async def take_access_back(
    session: PlatformSession, *, cooperative_id: UUID | None, membership_id: UUID, by_account: UUID
) -> Membership | None:
    """Take one hat away, with the sessions that wear it. None when there is no such hat here. Raises Invalid for one's
    own and for the last who manages here: nobody locks a cooperative out by mistake."""
    held = await _to_change(session, cooperative_id=cooperative_id, membership_id=membership_id, by_account=by_account)
    if held is None:
        return None
    await session.execute(sa.delete(WebSession).where(WebSession.membership_id == held.id))
    await session.delete(held)
    log.info("access_taken_back", account=str(held.account_id), role=held.role)
    return held


async def _to_change(
    session: PlatformSession, *, cooperative_id: UUID | None, membership_id: UUID, by_account: UUID
) -> Membership | None:
    held = await hat_here(session, cooperative_id=cooperative_id, membership_id=membership_id)
    if held is None:
        return None
    if held.account_id == by_account:
        raise Invalid("Vous ne pouvez ni retirer ni changer votre propre accès.")
    first = roles_here(cooperative_id)[0]
    if held.role == first:
        # locked, so that two who manage cannot take each other's access at the same moment
        managing = await session.scalars(
            sa.select(Membership.account_id)
            .join(Account, Account.id == Membership.account_id)
            .where(
                Membership.role == first,
                Membership.cooperative_id.is_not_distinct_from(cooperative_id),
                Account.disabled_at.is_(None),
            )
            .order_by(Membership.id)
            .with_for_update(of=Membership)
        )
        if not set(managing) - {held.account_id}:
            raise Invalid(f"C’est le dernier accès « {ROLE_LABELS[first]} » : donnez d’abord ce rôle à quelqu’un.")
    return held


async def _in_the_field(role: Role, *, email: str, technician: TechnicianFinder | None) -> Technician | None:
    """Whom of the members' people this account is; None for a role that works at a desk."""
    if role not in FIELD_ROLES:
        return None
    found = await technician(email) if technician else None
    if found is None:
        raise Invalid(
            fields={
                "email": "Aucun intervenant en activité n’est inscrit avec cette adresse : écrivez-la d’abord sur sa "
                "fiche, sous « Associés »."
            }
        )
    return found
