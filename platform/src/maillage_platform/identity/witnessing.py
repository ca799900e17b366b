"""What sign-in has written in the audit log of the cooperative that it is about."""

from collections.abc import Mapping

from maillage_kit.context import Actor
from maillage_kit.db import PlatformSession
from maillage_kit.permissions import ROLE_LABELS, Role
from maillage_kit.witness import Witness
from maillage_platform.identity.models import Account, IdentityProvider, Membership
from maillage_platform.identity.openid_providers import facts_of
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
    witness: Witness,
    session: PlatformSession,
    *,
    action: str,
    membership: Membership,
    by: Actor,
    before: str = "",
    customer: str = "",
) -> None:
    """Somebody's access here was given, changed, taken back or reset by a colleague. `customer`: whose things it
    shows."""
    account = await session.get_one(Account, membership.account_id)
    role = ROLE_LABELS[Role(membership.role)]
    await witness(
        membership.cooperative_id,
        actor=by.display_name,
        action=action,
        subject_type="account",
        subject_id=account.id,
        detail={
            "person": account.display_name,
            "role": role,
            **({"before": before} if before else {}),
            **({"customer": customer} if customer else {}),
        },
    )


_FACTS = {"provider": "nom", "issuer": "émetteur", "client_id": "identifiant de client", "domains": "domaines admis"}


async def saw_provider_saved(
    witness: Witness,
    *,
    provider: IdentityProvider,
    before: Mapping[str, str] | None,
    new_secret: bool,
    by: Actor,
) -> None:
    """Who may vouch for people here was added (`before` None) or changed. Of a secret, only that another was typed."""
    facts = facts_of(provider)
    changed = [] if before is None else [_FACTS[name] for name in facts if facts[name] != before[name]]
    if before is not None and new_secret:
        changed.append("secret")
    await witness(
        provider.cooperative_id,
        actor=by.display_name,
        action="identity.provider_added" if before is None else "identity.provider_changed",
        subject_type="identity_provider",
        subject_id=provider.id,
        detail={**facts, **({"changed": ", ".join(changed)} if changed else {})},
    )


async def saw_provider_switched(witness: Witness, *, provider: IdentityProvider, by: Actor) -> None:
    """Who may vouch for people here serves again, or no more."""
    await witness(
        provider.cooperative_id,
        actor=by.display_name,
        action="identity.provider_switched_on" if provider.active else "identity.provider_switched_off",
        subject_type="identity_provider",
        subject_id=provider.id,
        detail=facts_of(provider),
    )
