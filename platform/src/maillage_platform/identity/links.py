"""One-time sign-in links by e-mail: asked for with an address, used once, by POST, within a quarter of an hour."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.crypto import new_token, token_hash
from maillage_kit.db import PlatformSession
from maillage_kit.errors import AppError
from maillage_platform.identity.hats import Hat, hats_of
from maillage_platform.identity.models import Account, Letter, Membership, SignInLink
from maillage_platform.identity.rate_limit import attempts
from maillage_platform.identity.rules import ASKING_WINDOW, wait_before_letter

LINK_LIFE = timedelta(minutes=15)


class LinkUnusable(AppError):
    """The link is unknown, used already or too old; the three are not told apart."""

    code = "link_unusable"
    status = 410
    message = "Ce lien de connexion n’est plus valable. Demandez-en un nouveau."


async def make_link(session: PlatformSession, *, account: Account, wait: timedelta = timedelta(0)) -> str:
    """A fresh one-time token for that account, good for `LINK_LIFE` once `wait` is over; only its hash is stored."""
    token = new_token()
    expires_at = clock.now() + wait + LINK_LIFE
    session.add(SignInLink(account_id=account.id, token_hash=token_hash(token), expires_at=expires_at))
    await session.flush()
    return token


async def mail_link(session: PlatformSession, *, email: str, public_url: str, address: str) -> timedelta:
    """Write the letter with a link to an enabled account of that address; for another address, write nothing.

    Returns how long the letter waits, which depends on how often this e-mail and this network address asked, never on
    whether the account exists: an address cannot be probed. Nobody is refused (`wait_before_letter`); while a letter
    waits, asking again adds none.
    """
    email = email.strip().lower()
    wait = wait_before_letter(
        asked_for_email=await attempts(session, key=f"signin:email:{email}", window=ASKING_WINDOW),
        asked_from_address=await attempts(session, key=f"signin:address:{address}", window=ASKING_WINDOW),
    )
    now = clock.now()
    account = (
        await session.scalars(sa.select(Account).where(Account.email == email, Account.disabled_at.is_(None)))
    ).one_or_none()
    if account is None:
        return wait
    waiting = await session.scalar(
        sa.select(sa.func.count()).where(Letter.recipient == email, Letter.sent_at.is_(None), Letter.send_after > now)
    )
    if waiting:
        return wait
    token = await make_link(session, account=account, wait=wait)
    session.add(
        Letter(
            recipient=account.email,
            subject="Votre lien de connexion à Maillage",
            body=(
                f"Bonjour {account.display_name},\n\n"
                f"Pour vous connecter, ouvrez ce lien puis confirmez :\n{public_url}/signin/{token}\n\n"
                "Il ne sert qu’une fois et expire dans 15 minutes. "
                "Si vous n’avez rien demandé, ignorez ce message : personne n’est entré.\n"
            ),
            send_after=now + wait if wait else None,
        )
    )
    return wait


async def hats_of_link(session: PlatformSession, *, token: str) -> Sequence[Hat]:
    """The hats a valid link opens, without using it. Raises LinkUnusable."""
    link = await _valid(session, token)
    return await hats_of(session, account_id=link.account_id)


async def account_of_link(session: PlatformSession, *, token: str) -> SignInLink:
    """A valid link, without using it. Raises LinkUnusable."""
    return await _valid(session, token)


async def use_link(
    session: PlatformSession, *, token: str, membership_id: UUID | None
) -> tuple[Membership, Hat] | None:
    """Use the link for one hat; None when the person has several and none was chosen (the link is then still good).

    Raises LinkUnusable, also for a hat that is not the person's.
    """
    link = await _valid(session, token, lock=True)
    hats = await hats_of(session, account_id=link.account_id)
    if membership_id is None and len(hats) > 1:
        return None
    chosen = next((hat for hat in hats if membership_id in (None, hat.membership_id)), None)
    if chosen is None:
        raise LinkUnusable
    membership = await session.get_one(Membership, chosen.membership_id)
    link.used_at = clock.now()
    return membership, chosen


async def _valid(session: PlatformSession, token: str, *, lock: bool = False) -> SignInLink:
    statement = (
        sa.select(SignInLink)
        .join(Account, Account.id == SignInLink.account_id)
        .where(
            SignInLink.token_hash == token_hash(token),
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > clock.now(),
            Account.disabled_at.is_(None),
        )
    )
    if lock:
        statement = statement.with_for_update(of=SignInLink)
    link = (await session.scalars(statement)).one_or_none()
    if link is None:
        raise LinkUnusable
    return link
