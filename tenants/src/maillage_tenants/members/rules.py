"""Who may be sent to a customer on a given day (R8, R52, R61). Pure: no database, no clock.

Days are calendar days in Paris; a document is valid on `[valid_from, valid_to]`, both included.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from maillage_tenants.members.models import Category, DocumentKind

DOCUMENT_LABELS = {
    DocumentKind.LIABILITY: "Responsabilité civile professionnelle",
    DocumentKind.DECENNIAL: "Assurance décennale",
    DocumentKind.QUALIFICATION: "Qualification",
    DocumentKind.GAS: "Qualification gaz (PG)",
    DocumentKind.REGISTER: "Extrait du RNE",
    DocumentKind.SOCIAL: "Attestation de vigilance URSSAF",
}
CATEGORY_LABELS = {
    Category.ARTISAN: "Artisan",
    Category.COMPLEMENTARY: "Activité complémentaire",
    Category.INVESTOR: "Associé non coopérateur (apport en capital)",
    Category.UNION: "Union de coopératives",
}
REQUIRED = (DocumentKind.LIABILITY, DocumentKind.DECENNIAL, DocumentKind.QUALIFICATION)
"""What must be valid on the day of the work: both insurances (R8) and the qualification for the trade (R61)."""
WARNING_DAYS = 45
"""From how many days before its end a document is shown as « expire bientôt »."""
_PLAIN_FORMS = {
    DocumentKind.LIABILITY: "Responsabilité civile professionnelle",
    DocumentKind.DECENNIAL: "Assurance décennale",
    DocumentKind.QUALIFICATION: "Qualification pour ce métier",
}


@dataclass(frozen=True, slots=True)
class Validity:
    """The days a document proves something for a trade, or for every trade when `trade` is None."""

    kind: str
    trade: str | None
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that decides whether a technician may be sent."""

    technician_id: UUID
    member_id: UUID
    active: bool
    category: str
    joined_on: date
    left_on: date | None
    trades: frozenset[str]
    documents: tuple[Validity, ...]


@dataclass(frozen=True, slots=True)
class Assignability:
    """`reason` is in French, fit to be shown, and empty when `ok`."""

    ok: bool
    reason: str = ""


ASSIGNABLE = Assignability(True)


def assignability_over(standing: Standing, trade: str, first: date, last: date) -> Assignability:
    """May this technician be sent for `trade` on every day from `first` to `last`, both included?

    Refused, in this order: an inactive person, a business that is not (or no longer) a member, an investor (R52), a
    trade the member does not practise, then the first required document that is missing on one of those days (R8, R61).
    """
    if not standing.active:
        return Assignability(False, "Technicien inactif")
    if first < standing.joined_on:
        return Assignability(False, f"Associé seulement à partir du {standing.joined_on:%d/%m/%Y}")
    if standing.left_on is not None and last >= standing.left_on:
        return Assignability(False, f"Associé sorti le {standing.left_on:%d/%m/%Y}")
    if standing.category == Category.INVESTOR:
        return Assignability(False, "Associé non coopérateur : il n’intervient jamais (R52)")
    if trade not in standing.trades:
        return Assignability(False, "N’exerce pas ce métier dans la coopérative")
    for kind in REQUIRED:
        held = sorted(_days(standing, kind, trade), key=lambda days: days[0])
        missing = _first_uncovered(held, first, last)
        if missing is not None:
            return Assignability(False, _why(_PLAIN_FORMS[kind], held, missing))
    return ASSIGNABLE


def assignability_on(standing: Standing, trade: str, day: date) -> Assignability:
    """May this technician be sent for `trade` on that day?"""
    return assignability_over(standing, trade, day, day)


def assignable_days(standing: Standing, trade: str, first: date, last: date) -> tuple[tuple[date, date], ...]:
    """The days of `[first, last]` on which the technician may be sent, as whole periods, in order."""
    if not standing.active or standing.category == Category.INVESTOR or trade not in standing.trades:
        return ()
    end = last if standing.left_on is None else min(last, standing.left_on - timedelta(days=1))
    periods: list[tuple[date, date]] = [(max(first, standing.joined_on), end)]
    for kind in REQUIRED:
        periods = _common(periods, _merged(_days(standing, kind, trade)))
    return tuple((start, stop) for start, stop in periods if start <= stop)


def _days(standing: Standing, kind: str, trade: str) -> list[tuple[date, date]]:
    """Insurances may name one trade or cover all; a qualification always names its trade."""
    return [
        (document.valid_from, document.valid_to)
        for document in standing.documents
        if document.kind == kind
        and (document.trade == trade or (document.trade is None and kind != DocumentKind.QUALIFICATION))
    ]


def _first_uncovered(held: Sequence[tuple[date, date]], first: date, last: date) -> date | None:
    day = first
    for start, stop in held:
        if start <= day <= stop:
            if stop >= last:
                return None
            day = stop + timedelta(days=1)
    return day


def _why(label: str, held: Sequence[tuple[date, date]], missing: date) -> str:
    before = [stop for _, stop in held if stop < missing]
    after = [start for start, _ in held if start > missing]
    if before:
        return f"{label} expirée le {max(before):%d/%m/%Y}"
    if after:
        return f"{label} valable seulement à partir du {min(after):%d/%m/%Y}"
    return f"{label} absente du dossier"


def _merged(periods: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
    merged: list[tuple[date, date]] = []
    for start, stop in sorted(periods):
        if merged and start <= merged[-1][1] + timedelta(days=1):
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _common(one: Iterable[tuple[date, date]], other: Sequence[tuple[date, date]]) -> list[tuple[date, date]]:
    return [
        (max(start, begin), min(stop, end))
        for start, stop in one
        for begin, end in other
        if max(start, begin) <= min(stop, end)
    ]


class DocumentState(StrEnum):
    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    FUTURE = "future"


def document_state(valid_from: date, valid_to: date, today: date) -> DocumentState:
    """How a document stands today."""
    if today > valid_to:
        return DocumentState.EXPIRED
    if today < valid_from:
        return DocumentState.FUTURE
    return DocumentState.EXPIRING if valid_to - today <= timedelta(days=WARNING_DAYS) else DocumentState.VALID


@dataclass(frozen=True, slots=True)
class Papers:
    """How the papers of a business stand, in one line: `state` and a French sentence naming the worst."""

    state: DocumentState
    text: str


def papers(category: str, trades: Iterable[str], documents: Sequence[Validity], today: date) -> Papers | None:
    """The worst of what is required for the trades of a member (R8, R61). None when nothing is required: an investor
    or a member without a trade."""
    practised = tuple(trades)
    if category == Category.INVESTOR or not practised:
        return None
    anybody = Standing(UUID(int=0), UUID(int=0), True, category, date.min, None, frozenset(practised), tuple(documents))
    soon = today + timedelta(days=WARNING_DAYS)
    for trade in practised:
        verdict = assignability_on(anybody, trade, today)
        if not verdict.ok:
            return Papers(DocumentState.EXPIRED, verdict.reason)
    for trade in practised:
        periods = assignable_days(anybody, trade, today, soon)
        if periods and periods[0][1] < soon:
            return Papers(DocumentState.EXPIRING, f"Plus assignable après le {periods[0][1]:%d/%m/%Y}")
    return Papers(DocumentState.VALID, "À jour")
