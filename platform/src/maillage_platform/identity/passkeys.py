"""Passkeys (WebAuthn) and recovery codes: registered, asked for, lost, taken back.

A passkey is always asked to verify its user (fingerprint, face, PIN), so it stands alone as a sign-in and serves as the
second factor after a link or a provider. What an authenticator answers is verified by `webauthn` (py_webauthn).
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa
import structlog
import webauthn
from webauthn.helpers import options_to_json, parse_client_data_json
from webauthn.helpers.base64url_to_bytes import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from maillage_kit import clock
from maillage_kit.crypto import token_hash
from maillage_kit.db import PlatformSession
from maillage_kit.errors import AppError, Forbidden
from maillage_platform.identity import sessions
from maillage_platform.identity.models import (
    Account,
    Letter,
    Membership,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    SignInLink,
)
from maillage_platform.identity.rate_limit import attempts
from maillage_platform.identity.rules import ASKING_WINDOW, PasskeyPurpose

log = structlog.get_logger(__name__)
CHALLENGE_LIFE = timedelta(minutes=5)
RECOVERY_CODES = 10
_TRIES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no letter that looks like another


class PasskeyRefused(AppError):
    """What the authenticator answered cannot be accepted. `detail` goes to the log only."""

    code = "passkey_refused"
    status = 400
    message = "Cette clé d’accès n’a pas pu être vérifiée. Recommencez, ou recevez un lien par e-mail."

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__()


class RecoveryRefused(AppError):
    code = "recovery_refused"
    status = 422
    message = "Ce code n’est pas valable, ou a déjà servi."


@dataclass(frozen=True, slots=True)
class Site:
    """Us, as authenticators see us: the domain keys are bound to, and the origin pages come from."""

    rp_id: str
    origin: str

    @classmethod
    def of(cls, public_url: str) -> "Site":
        parts = urlsplit(public_url)
        return cls(parts.hostname or "localhost", f"{parts.scheme}://{parts.netloc}")


async def passkeys_of(session: PlatformSession, *, account_id: UUID) -> Sequence[Passkey]:
    """The passkeys of an account, oldest first. A handful at most."""
    found = await session.scalars(
        sa.select(Passkey).where(Passkey.account_id == account_id).order_by(Passkey.created_at, Passkey.id)
    )
    return found.all()


async def registration_options(session: PlatformSession, *, site: Site, account: Account, browser_hash: str) -> str:
    """What the browser is asked to make a key with, as JSON."""
    options = webauthn.generate_registration_options(
        rp_id=site.rp_id,
        rp_name="Maillage",
        user_id=account.id.bytes,
        user_name=account.email,
        user_display_name=account.display_name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=key.credential_id)
            for key in await passkeys_of(session, account_id=account.id)
        ],
    )
    _remember(session, options.challenge, PasskeyPurpose.REGISTER, browser_hash, account.id)
    return options_to_json(options)


async def register(
    session: PlatformSession,
    *,
    site: Site,
    account: Account,
    browser_hash: str,
    credential: Mapping[str, Any],
    name: str,
) -> Passkey:
    """Keep a new key. Raises PasskeyRefused."""
    challenge = await _take_challenge(session, PasskeyPurpose.REGISTER, browser_hash, account.id, credential)
    try:
        made = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as exc:
        raise PasskeyRefused(f"{type(exc).__name__}: {exc}") from exc
    if await session.scalar(sa.select(Passkey.id).where(Passkey.credential_id == made.credential_id)):
        raise PasskeyRefused("known already")
    told = credential.get("response")
    transports = told.get("transports") if isinstance(told, Mapping) else None
    key = Passkey(
        account_id=account.id,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=[str(each)[:20] for each in transports[:8]] if isinstance(transports, list) else [],
        name=name[:60] or "Clé d’accès",
        synced=made.credential_backed_up,
    )
    session.add(key)
    await session.flush()
    log.info("passkey_registered", account=str(account.id), passkey=str(key.id), synced=key.synced)
    return key


async def sign_in_options(
    session: PlatformSession, *, site: Site, browser_hash: str, account_id: UUID | None = None
) -> str:
    """What the browser is asked to sign, as JSON: with any key of this site, or with one of an account's."""
    keys = await passkeys_of(session, account_id=account_id) if account_id else ()
    options = webauthn.generate_authentication_options(
        rp_id=site.rp_id,
        user_verification=UserVerificationRequirement.REQUIRED,
        allow_credentials=[PublicKeyCredentialDescriptor(id=key.credential_id) for key in keys],
    )
    purpose = PasskeyPurpose.SECOND if account_id else PasskeyPurpose.SIGN_IN
    _remember(session, options.challenge, purpose, browser_hash, account_id)
    return options_to_json(options)


async def verify(
    session: PlatformSession,
    *,
    site: Site,
    browser_hash: str,
    credential: Mapping[str, Any],
    account_id: UUID | None = None,
) -> Account:
    """Whose key signed. With `account_id`, it must be one of that account's. Raises PasskeyRefused."""
    purpose = PasskeyPurpose.SECOND if account_id else PasskeyPurpose.SIGN_IN
    challenge = await _take_challenge(session, purpose, browser_hash, account_id, credential)
    try:
        credential_id = base64url_to_bytes(str(credential.get("id", "")))
    except ValueError as exc:
        raise PasskeyRefused("malformed id") from exc
    key = (
        await session.scalars(sa.select(Passkey).where(Passkey.credential_id == credential_id).with_for_update())
    ).one_or_none()
    if key is None or (account_id is not None and key.account_id != account_id):
        raise PasskeyRefused("unknown key")
    try:
        seen = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as exc:
        raise PasskeyRefused(f"{type(exc).__name__}: {exc}") from exc
    account = await session.get_one(Account, key.account_id)
    if account.disabled_at is not None:
        raise PasskeyRefused("account disabled")
    key.sign_count, key.last_used_at, key.synced = seen.new_sign_count, clock.now(), seen.credential_backed_up
    return account


async def remove(session: PlatformSession, *, account_id: UUID, passkey_id: UUID) -> bool:
    """Forget one key of an account. False when it has no such key."""
    gone = await session.scalar(
        sa.delete(Passkey).where(Passkey.id == passkey_id, Passkey.account_id == account_id).returning(Passkey.id)
    )
    if gone is not None:
        log.info("passkey_removed", account=str(account_id), passkey=str(gone))
    return gone is not None


async def new_recovery_codes(session: PlatformSession, *, account_id: UUID) -> list[str]:
    """Ten fresh codes; those before are worth nothing any more. They are shown now and never again."""
    await session.execute(sa.delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    codes = [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4)) for _ in range(RECOVERY_CODES)
    ]
    session.add_all(RecoveryCode(account_id=account_id, code_hash=_code_hash(account_id, code)) for code in codes)
    log.info("recovery_codes_made", account=str(account_id))
    return codes


async def codes_left(session: PlatformSession, *, account_id: UUID) -> int:
    """How many recovery codes of an account have not served."""
    counted = await session.scalar(
        sa.select(sa.func.count()).where(RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None))
    )
    return int(counted or 0)


async def use_recovery_code(session: PlatformSession, *, account_id: UUID, typed: str) -> None:
    """Use a code up. Raises RecoveryRefused, also after too many tries: only who holds the first factor gets here, so
    nobody else can use the tries up."""
    tries = await attempts(session, key=f"recovery:{account_id}", window=ASKING_WINDOW)
    if tries > _TRIES:
        raise RecoveryRefused("Trop d’essais. Patientez un quart d’heure, ou utilisez une clé d’accès.")
    used = await session.scalar(
        sa.update(RecoveryCode)
        .where(
            RecoveryCode.account_id == account_id,
            RecoveryCode.code_hash == _code_hash(account_id, typed),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=clock.now())
        .returning(RecoveryCode.id)
    )
    log.info("recovery_code", account=str(account_id), accepted=used is not None)
    if used is None:
        raise RecoveryRefused


async def reset(session: PlatformSession, *, account: Account, cooperative_id: UUID | None, by: str) -> None:
    """Forget every key and code of somebody who lost them all, end every session and one-time link, and tell them.

    A cooperative resets people who work there only: elsewhere the keys guard more than it may open. The federation
    (None) resets anybody. Raises Forbidden.
    """
    elsewhere = await session.scalar(
        sa.select(sa.func.count()).where(
            Membership.account_id == account.id, Membership.cooperative_id.is_distinct_from(cooperative_id)
        )
    )
    if elsewhere and cooperative_id is not None:
        raise Forbidden("Cette personne travaille aussi ailleurs : adressez-vous à la fédération.")
    await session.execute(sa.delete(Passkey).where(Passkey.account_id == account.id))
    await session.execute(sa.delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    await session.execute(
        sa.update(SignInLink)
        .where(SignInLink.account_id == account.id, SignInLink.used_at.is_(None))
        .values(used_at=clock.now())
    )
    await sessions.revoke_everything(session, account_id=account.id, reason="reset")
    session.add(
        Letter(
            recipient=account.email,
            subject="Vos clés d’accès à Maillage ont été effacées",
            body=(
                f"Bonjour {account.display_name},\n\n"
                f"{by} a effacé vos clés d’accès et vos codes de secours, et vous a déconnecté partout. "
                "À votre prochaine connexion, vous pourrez créer une nouvelle clé.\n"
                "Si vous n’avez rien demandé, appelez tout de suite votre coopérative.\n"
            ),
        )
    )
    log.info("keys_reset", account=str(account.id))


def _remember(
    session: PlatformSession, challenge: bytes, purpose: PasskeyPurpose, browser_hash: str, account_id: UUID | None
) -> None:
    session.add(
        PasskeyChallenge(
            challenge=challenge,
            browser_hash=browser_hash,
            purpose=purpose,
            account_id=account_id,
            expires_at=clock.now() + CHALLENGE_LIFE,
        )
    )


async def _take_challenge(
    session: PlatformSession,
    purpose: PasskeyPurpose,
    browser_hash: str,
    account_id: UUID | None,
    credential: Mapping[str, Any],
) -> bytes:
    """The challenge that this answer says it signed, when it is ours, for this; used up by the call."""
    response = credential.get("response")
    try:
        said = parse_client_data_json(base64url_to_bytes(response["clientDataJSON"]))  # type: ignore[index]
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise PasskeyRefused("malformed answer") from exc
    taken = await session.scalar(
        sa.update(PasskeyChallenge)
        .where(
            PasskeyChallenge.challenge == said.challenge,
            PasskeyChallenge.purpose == purpose,
            PasskeyChallenge.browser_hash == browser_hash,
            PasskeyChallenge.account_id.is_not_distinct_from(account_id),
            PasskeyChallenge.used_at.is_(None),
            PasskeyChallenge.expires_at > clock.now(),
        )
        .values(used_at=clock.now())
        .returning(PasskeyChallenge.challenge)
    )
    if taken is None:
        raise PasskeyRefused("unknown, used or old challenge")
    return bytes(taken)


def _new_code() -> str:
    """Sixteen letters and figures in fours: 79 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def _code_hash(account_id: UUID, typed: str) -> str:
    letters = "".join(letter for letter in typed.lower() if letter.isalnum())
    return token_hash(f"{account_id}:{letters}")
