"""What sign-in has written in the audit log of the cooperative that it is about."""

from maillage_kit.context import Actor
from maillage_kit.db import PlatformSession
from maillage_kit.permissions import ROLE_LABELS, Role
from maillage_kit.witness import Witness
from maillage_platform.identity.models import Account, Membership
from maillage_platform.identity.rules import METHOD_LABELS, SignInMethod


async def saw_sign_in(
    witness: Witness, session: PlatformSession, *, membership: Membership, method: SignInMethod | None
) -> None:
    """Somebody comes in with this hat; `method` None: they were in already and changed hats."""
    account = await session.get_one(Account, membership.account_id)
    await witness(
        membership.cooperative_id,
        actor=account.display_name,
        action="identity.signed_in",
        subject_type="account",
        subject_id=account.id,
        detail={
            "role": ROLE_LABELS[Role(membership.role)],
            "method": METHOD_LABELS[method] if method else "Changement de rôle",
        },
    )


async def saw_people_change(
    witness: Witness, session: PlatformSession, *, action: str, membership: Membership, by: Actor, before: str = ""
) -> None:
    """Somebody's access here was given, changed, taken back or reset by a colleague."""
    account = await session.get_one(Account, membership.account_id)
    role = ROLE_LABELS[Role(membership.role)]
    await witness(
        membership.cooperative_id,
        actor=by.display_name,
        action=action,
        subject_type="account",
        subject_id=account.id,
        detail={"person": account.display_name, "role": role, **({"before": before} if before else {})},
    )
