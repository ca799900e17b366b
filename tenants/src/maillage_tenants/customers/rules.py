"""Pure rules of customers: how they are found, what consumer law sees, who may be rung for sales."""

import re
from collections.abc import Iterable
from datetime import datetime

from maillage_kit.phone import show_phone
from maillage_tenants.customers.models import ConsumerStatus, CustomerKind
from maillage_tenants.territory import search_key

_PHONE_LIKE = re.compile(r"^\+?[\d\s.()/-]{4,}$")
_EMAIL = re.compile(r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]{2,}$")
_JOKER = re.compile(r"[\\%_]")
CONSUMER_STATUSES = {
    CustomerKind.PERSON: (
        ConsumerStatus.CONSUMER,
        ConsumerStatus.SMALL_PROFESSIONAL,
        ConsumerStatus.PROFESSIONAL,
    ),
    CustomerKind.ORGANISATION: (
        ConsumerStatus.NON_PROFESSIONAL,
        ConsumerStatus.SMALL_PROFESSIONAL,
        ConsumerStatus.PROFESSIONAL,
        ConsumerStatus.PUBLIC,
    ),
}
"""What consumer law may see in each kind (R11): an organisation is never a consumer, a person never a public body."""

NEAR_LETTERS = 3
"""How many first letters of each word must be right for a name to be proposed as close."""


def search_words(texts: Iterable[str], phones: Iterable[str]) -> list[str]:
    """The words a customer is found by: of its names and addresses, without accents, and of its E.164 numbers, as they
    are dialled in France and with the country's code. Sorted, each once."""
    words = {word for text in texts for word in search_key(text).split()}
    for phone in phones:
        words.add(phone.removeprefix("+"))
        words.add(re.sub(r"\D", "", show_phone(phone)))
    return sorted(words - {""})


def wanted_words(text: str) -> list[str]:
    """The beginnings of words that somebody typed looks for; a phone number typed with spaces or dots is one word."""
    if _PHONE_LIKE.match(text.strip()):
        digits = re.sub(r"\D", "", text)
        if text.strip().startswith("+33") or digits.startswith("0033"):
            digits = "0" + digits.removeprefix("00").removeprefix("33").removeprefix("0")
        return [digits] if digits else []
    return search_key(text).split()[:8]


ACCENTED, PLAIN = "àâäáãéèêëîïíôöóõùûüúçñ’'", "aaaaaeeeeiiioooouuuucn  "
"""Letters, and the plain ones that they are compared as, position by position; the ligature œ is written out."""


def patterns_of(text: str) -> list[str]:
    """What a text must be LIKE, each of them, to hold these words anywhere: lower case, without accents. The signs of a
    reference stay (`%res/12-a%`), and none is a joker."""
    plain = text.casefold().replace("œ", "oe").translate(str.maketrans(ACCENTED, PLAIN))
    return [f"%{word}%" for word in _JOKER.sub(r"\\\g<0>", plain).split()[:8]]


def near_words(words: Iterable[str]) -> list[str]:
    """Shorter beginnings, for a name that was heard or typed wrong; empty when nothing shorter can be looked for."""
    given = [word for word in words if not word.isdigit()]
    shorter = [word[:NEAR_LETTERS] for word in given if len(word) >= NEAR_LETTERS]
    return shorter if any(len(word) > NEAR_LETTERS for word in given) else []


def prefix_query(words: Iterable[str]) -> str:
    """The tsquery for « every word begins so ». The words hold letters and digits only, so that nothing is escaped."""
    return " & ".join(f"'{word}':*" for word in words)


def looks_like_email(text: str) -> bool:
    return bool(_EMAIL.match(text)) and len(text) <= 254


def may_ring_for_sales(*, opt_in_at: datetime | None, opt_in_revoked_at: datetime | None) -> bool:
    """R23: a commercial call needs a consent given before, and not withdrawn. No consent recorded is a no."""
    return opt_in_at is not None and (opt_in_revoked_at is None or opt_in_revoked_at < opt_in_at)
