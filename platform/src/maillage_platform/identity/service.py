"""Accounts and the hats they wear: who exists, before anybody signs in."""

from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import PlatformSession, insert_once
from maillage_kit.errors import Conflict
from maillage_kit.permissions import Role
from maillage_platform.identity.models import Account, Membership


async def add_account(session: PlatformSession, *, email: str, display_name: str) -> Account:
    """The account of that e-mail address, made if it does not exist yet; two who add it at once get the same one."""
    found = await account_by_email(session, email=email)
    if found is None:
        await make_account(session, email=email, display_name=display_name)
        found = await account_by_email(session, email=email)
    assert found is not None
    return found


async def make_account(session: PlatformSession, *, email: str, display_name: str) -> bool:
    """Make the account of that e-mail address. False, and nothing written, when there is one already."""
    email = email.strip().lower()
    made = await insert_once(session, Account, unique=[Account.email], email=email, display_name=display_name)
    return made is not None


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
    """Give a person a hat; the same hat twice, or given by two at once, is one hat. A partner's hat never goes from
    one customer to another: Raises Conflict."""
    await insert_once(
        session,
        Membership,
        unique=[Membership.account_id, Membership.cooperative_id, Membership.role],
        account_id=account.id,
        cooperative_id=cooperative_id,
        role=role,
        customer_id=customer_id,
    )
    found = (
        await session.scalars(
            sa.select(Membership).where(
                Membership.account_id == account.id,
                Membership.role == role,
                Membership.cooperative_id.is_not_distinct_from(cooperative_id),
            )
        )
    ).one()
    if found.customer_id != customer_id:
        raise Conflict("Cette personne suit déjà un autre client : retirez-lui d’abord cet accès.")
    found.member_id, found.technician_id = member_id, technician_id
    await session.flush()
    return found
