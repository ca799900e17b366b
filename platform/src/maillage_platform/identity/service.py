"""Accounts and the hats they wear: who exists, before anybody signs in."""

from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import PlatformSession
from maillage_kit.errors import Conflict
from maillage_kit.permissions import Role
from maillage_platform.identity.models import Account, Membership


async def add_account(session: PlatformSession, *, email: str, display_name: str) -> Account:
    """The account of that e-mail address, made if it does not exist yet."""
    email = email.strip().lower()
    found = await account_by_email(session, email=email)
    if found is None:
        found = Account(email=email, display_name=display_name)
        session.add(found)
        await session.flush()
    return found


async def account_by_email(session: PlatformSession, *, email: str) -> Account | None:
    """The account of that address, open or closed."""
    found = await session.scalars(sa.select(Account).where(Account.email == email.strip().lower()))
    return found.one_or_none()


async def add_membership(
    session: PlatformSession,
    *,
    account: Account,
    role: Role,
    cooperative_id: UUID | None = None,
    member_id: UUID | None = None,
    technician_id: UUID | None = None,
    customer_id: UUID | None = None,
) -> Membership:
    """Give a person a hat; the same hat twice is one hat. A partner's hat never goes from one customer to another:
    Raises Conflict."""
    found = (
        await session.scalars(
            sa.select(Membership).where(
                Membership.account_id == account.id,
                Membership.role == role,
                Membership.cooperative_id.is_not_distinct_from(cooperative_id),
            )
        )
    ).one_or_none()
    if found is None:
        found = Membership(account_id=account.id, role=role, cooperative_id=cooperative_id, customer_id=customer_id)
        session.add(found)
    elif found.customer_id != customer_id:
        raise Conflict("Cette personne suit déjà un autre client : retirez-lui d’abord cet accès.")
    found.member_id, found.technician_id = member_id, technician_id
    await session.flush()
    return found
