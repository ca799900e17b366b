"""What may be said when, to whom by which way, and how long a text is. Pure."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from maillage_kit.clock import paris, paris_instant
from maillage_tenants.messages.models import Channel, Urgency

RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=15))
"""How long before each tour of the carriers after the first. Short: an urgent message that is late is of no use, its
alarm is."""
CALL_AFTER = timedelta(seconds=60)
"""An emergency that nobody has read: the phone rings."""
GIVING_LASTS = timedelta(seconds=30)
"""Longer than any carrier's answer may take: after that, who was asking has been killed."""
NEWS_WITHIN = timedelta(hours=48)
"""No receipt after that: none will come."""
DEFAULT_ORDER: tuple[Channel, ...] = (Channel.PUSH, Channel.SMS, Channel.EMAIL)


# ------------------------------------------------------------------------------------------------------- quiet hours


@dataclass(frozen=True, slots=True)
class Policy:
    """When what is not urgent waits, on the clock in Paris, `[quiet_from, quiet_to)`, and how much of it one person
    gets in an hour."""

    quiet_from: time = time(21)
    quiet_to: time = time(8)
    quiet_sundays: bool = True
    quiet_holidays: bool = True
    routine_per_hour: int = 6


def quiet_until(at: datetime, policy: Policy, *, holiday: Callable[[date], bool]) -> datetime | None:
    """When the quiet that covers `at` ends, None when `at` is not quiet. Half-open: at its end, it is over.

    Decided on the wall clock, so that a night of 10 or 12 hours ends at the same time as the others (R105).
    """
    local = paris(at)
    if not _quiet(local, policy, holiday):
        return None
    day = local.date()
    for _ in range(400):
        for wall in sorted({policy.quiet_to, time(0)}):
            end = paris_instant(day, wall)
            if end > at and not _quiet(paris(end), policy, holiday):
                return end
        day += timedelta(days=1)
    return None  # every day is quiet: nothing is held back for ever


def _quiet(local: datetime, policy: Policy, holiday: Callable[[date], bool]) -> bool:
    day, wall = local.date(), local.time().replace(tzinfo=None)
    if (policy.quiet_sundays and day.weekday() == 6) or (policy.quiet_holidays and holiday(day)):
        return True
    start, end = policy.quiet_from, policy.quiet_to
    return start <= wall < end if start <= end else wall >= start or wall < end


# --------------------------------------------------------------------------------------------------------- the chain


@dataclass(frozen=True, slots=True)
class Reach:
    """By which ways a person can be told now."""

    push: bool = False
    sms: bool = False
    call: bool = False
    email: bool = False

    def has(self, channel: Channel) -> bool:
        return bool(getattr(self, channel.value))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain: due `after` the message was written, or as soon as every step before has failed.

    `unless`: not needed once the message is in that condition. A `copy` is sent beside and proves nothing.
    """

    channel: Channel
    after: timedelta = timedelta(0)
    unless: "Unless | None" = None
    copy: bool = False


class Unless(StrEnum):
    """`shown`: a device said that it showed the message; `delivered`: any receipt; `sent`: a carrier has it."""

    SHOWN = "shown"
    DELIVERED = "delivered"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Wishes:
    """A technician's preferences."""

    channels: tuple[Channel, ...] = DEFAULT_ORDER
    sms_after: timedelta = timedelta(0)
    voice_call: bool = True


def chain(urgency: Urgency, reach: Reach, wishes: Wishes, *, technician: bool) -> tuple[Step, ...]:
    """The steps of a message.

    Emergency: a notification at once; a text at once, or `sms_after` unless a device showed the notification; a call
    one minute later unless somebody read it (for who is no technician, unless the text arrived); an e-mail as a copy.
    Otherwise: one way after the other in the order wished, each only when those before failed.
    """
    if urgency is Urgency.EMERGENCY:
        steps = []
        if reach.push:
            steps.append(Step(Channel.PUSH))
        if reach.sms:
            waits = reach.push and bool(wishes.sms_after)
            steps.append(Step(Channel.SMS, wishes.sms_after, unless=Unless.SHOWN) if waits else Step(Channel.SMS))
        if reach.call and (wishes.voice_call or not steps):
            latest = max((step.after for step in steps), default=-CALL_AFTER)
            unless = None if technician else Unless.DELIVERED
            steps.append(Step(Channel.CALL, max(timedelta(0), latest + CALL_AFTER), unless=unless))
        if reach.email:
            steps.append(Step(Channel.EMAIL, copy=bool(steps)))
        return tuple(steps)
    order: list[Channel] = [channel for channel in wishes.channels if channel in DEFAULT_ORDER]
    order += [channel for channel in DEFAULT_ORDER if channel not in order]
    return tuple(Step(channel, unless=Unless.SENT) for channel in order if reach.has(channel))


# ----------------------------------------------------------------------------------------------------- what is typed

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_TWICE = frozenset("^{}\\[~]|€\f")
"""GSM 03.38: these take two places."""
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("’‘ʼ", "'"),
        **dict.fromkeys("«»“”„", '"'),
        **dict.fromkeys("–—‑", "-"),
        **dict.fromkeys("\u00a0\u202f\u2009", " "),
        "…": "...",
        "œ": "oe",
        "Œ": "OE",
        "•": "-",
    }
)


def plain(text: str) -> str:
    """The same words with the typewriter's signs: a curly apostrophe alone would halve what fits in a text message.
    Letters are never touched: names stay names."""
    text = re.sub(r"«[\u00a0\u202f ]", "«", text)
    text = re.sub(r"[\u00a0\u202f ]»", "»", text)
    return unicodedata.normalize("NFC", text).translate(_PLAIN)


def is_gsm7(text: str) -> bool:
    """Whether the text fits the phones' seven-bit alphabet."""
    return all(sign in _GSM7 or sign in _GSM7_TWICE for sign in text)


def segments(text: str) -> int:
    """How many short messages the text takes: 160 or 153 places each in GSM-7, 70 or 67 in UCS-2."""
    if is_gsm7(text):
        size, one, many = sum(2 if sign in _GSM7_TWICE else 1 for sign in text), 160, 153
    else:
        size, one, many = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if size <= one else -(-size // many)


def signed(cooperative: str, body: str) -> str:
    """A text that says who sends it: the cooperative's name first, once."""
    return body if cooperative.casefold() in body.casefold() else f"{cooperative} : {body}"


# ----------------------------------------------------------------------------------------------------------- replies


class Meaning(StrEnum):
    """What a reply says."""

    YES = "yes"
    NO = "no"
    STOP = "stop"
    OTHER = "other"


_YES = frozenset({"1", "oui", "ok", "o", "d accord", "j y vais", "je prends", "j accepte"})
_NO = frozenset({"2", "non", "n", "je ne peux pas", "impossible", "pas dispo", "pas disponible"})
_STOP = frozenset({"stop", "arret", "stop sms", "desabonner"})


def meaning_of(text: str) -> Meaning:
    """« 1 », « Oui. », « OK ! » accept; « 2 », « non » decline; STOP; anything else is for a person to read.

    The whole text has to say it: « oui mais demain » is not a yes.
    """
    letters = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(sign for sign in letters if not unicodedata.combining(sign))
    words = " ".join(re.findall(r"[a-z0-9]+", letters))
    if words in _YES:
        return Meaning.YES
    if words in _NO:
        return Meaning.NO
    return Meaning.STOP if words in _STOP else Meaning.OTHER


def order_from(asked: Sequence[str]) -> tuple[Channel, ...]:
    """A complete order of the three written ways, from what a form or a row says; unknown words are left out."""
    known: Iterable[Channel] = (Channel(code) for code in asked if code in {c.value for c in DEFAULT_ORDER})
    return tuple(dict.fromkeys((*known, *DEFAULT_ORDER)))
