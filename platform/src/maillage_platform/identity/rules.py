"""What sign-in decides without a database or a clock: lives of sessions, waits of letters, names of devices."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from maillage_kit.permissions import FIELD_ROLES, Role

ASKING_WINDOW = timedelta(minutes=15)
_FREE_PER_EMAIL = 3
_FREE_PER_ADDRESS = 20
_FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=5)


class SignInMethod(StrEnum):
    """How a person proved who they are."""

    LINK = "link"
    OPENID = "openid"
    PASSKEY = "passkey"


class PasskeyPurpose(StrEnum):
    """What a challenge is for; an answer to one is never taken for another."""

    REGISTER = "register"
    SIGN_IN = "sign_in"
    SECOND = "second"


METHOD_LABELS = {
    SignInMethod.LINK: "Lien reçu par e-mail",
    SignInMethod.OPENID: "Fournisseur d’identité",
    SignInMethod.PASSKEY: "Clé d’accès",
}


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """A session ends after `idle` without a page, and after `life` whatever happens."""

    idle: timedelta
    life: timedelta


_OFFICE = SessionLimits(idle=timedelta(days=3), life=timedelta(days=14))
# an artisan woken at 3 a.m. finds his phone signed in, even after a quiet month
_FIELD = SessionLimits(idle=timedelta(days=30), life=timedelta(days=90))
_FEDERATION = SessionLimits(idle=timedelta(hours=4), life=timedelta(hours=12))


def limits_of(role: Role) -> SessionLimits:
    """The more a role sees, the shorter its sessions."""
    if role.of_federation:
        return _FEDERATION
    return _FIELD if role in FIELD_ROLES else _OFFICE


def wait_before_letter(*, asked_for_email: int, asked_from_address: int) -> timedelta:
    """How long a sign-in letter waits, after so many requests within `ASKING_WINDOW` (this one counted).

    Nobody is ever refused: too many requests only slow the letter down, never beyond `LONGEST_WAIT`. So whoever asks
    in somebody's name, or from the same address, cannot lock an artisan out.
    """
    # many people may share an address (a mobile network, an office): it slows down ten times less
    beyond = max(asked_for_email - _FREE_PER_EMAIL, (asked_from_address - _FREE_PER_ADDRESS + 9) // 10)
    if beyond <= 0:
        return timedelta(0)
    return min(_FIRST_WAIT * (1 << min(beyond - 1, 10)), LONGEST_WAIT)


def device_name(user_agent: str) -> str:
    """What a person recognises of a browser: « Firefox sur Android ». Never precise, never used to decide."""
    browsers = (
        ("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
    )  # fmt: skip
    systems = (
        ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
        ("Macintosh", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
    )  # fmt: skip
    browser = next((name for mark, name in browsers if mark in user_agent), None)
    system = next((name for mark, name in systems if mark in user_agent), None)
    if browser and system:
        return f"{browser} sur {system}"
    return browser or system or "Appareil inconnu"
