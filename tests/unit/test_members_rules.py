"""Who may be sent on a given day, and why not (R8, R52, R61)."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage_kit.errors import Invalid
from maillage_kit.registers import parse_siren, parse_siret
from maillage_tenants.members.models import Category, DocumentKind
from maillage_tenants.members.rules import (
    DocumentState,
    Standing,
    Validity,
    assignability_on,
    assignability_over,
    assignable_days,
    document_state,
)

FIRST, LAST = date(2027, 1, 1), date(2027, 6, 30)


def standing(*documents: Validity, **changes: object) -> Standing:
    values: dict[str, object] = {
        "technician_id": UUID(int=1),
        "member_id": UUID(int=2),
        "active": True,
        "category": Category.ARTISAN,
        "joined_on": date(2020, 1, 1),
        "left_on": None,
        "trades": frozenset({"plumbing"}),
        "documents": documents,
    }
    return Standing(**(values | changes))  # type: ignore[arg-type]


def proof(kind: DocumentKind, end: date = LAST, start: date = FIRST, trade: str | None = None) -> Validity:
    return Validity(kind, trade or ("plumbing" if kind is DocumentKind.QUALIFICATION else None), start, end)


FULL = (proof(DocumentKind.LIABILITY), proof(DocumentKind.DECENNIAL), proof(DocumentKind.QUALIFICATION))


def test_everything_valid_is_assignable_on_the_first_and_the_last_day() -> None:
    assert assignability_on(standing(*FULL), "plumbing", FIRST).ok
    assert assignability_on(standing(*FULL), "plumbing", LAST).ok


@pytest.mark.parametrize(
    ("person", "day", "reason"),
    [
        (
            standing(FULL[0], proof(DocumentKind.DECENNIAL, date(2027, 3, 12)), FULL[2]),
            date(2027, 3, 13),
            "Assurance décennale expirée le 12/03/2027",
        ),
        (standing(FULL[1], FULL[2]), FIRST, "Responsabilité civile professionnelle absente du dossier"),
        (
            standing(FULL[0], FULL[1], proof(DocumentKind.QUALIFICATION, trade="glazing")),
            FIRST,
            "Qualification pour ce métier absente du dossier",
        ),
        (
            standing(FULL[0], proof(DocumentKind.DECENNIAL, start=date(2027, 2, 1)), FULL[2]),
            date(2027, 1, 31),
            "Assurance décennale valable seulement à partir du 01/02/2027",
        ),
        (standing(*FULL, active=False), FIRST, "Technicien inactif"),
        (standing(*FULL, category=Category.INVESTOR), FIRST, "Associé non coopérateur : il n’intervient jamais (R52)"),
        (standing(*FULL, trades=frozenset()), FIRST, "N’exerce pas ce métier dans la coopérative"),
        (standing(*FULL, left_on=date(2027, 2, 1)), date(2027, 2, 1), "Associé sorti le 01/02/2027"),
        (standing(*FULL, joined_on=date(2027, 2, 1)), FIRST, "Associé seulement à partir du 01/02/2027"),
    ],
)
def test_the_reason_is_told_in_french(person: Standing, day: date, reason: str) -> None:
    verdict = assignability_on(person, "plumbing", day)
    assert (verdict.ok, verdict.reason) == (False, reason)


def test_a_renewal_that_follows_on_covers_a_period() -> None:
    renewed = standing(
        FULL[0],
        FULL[2],
        proof(DocumentKind.DECENNIAL, date(2027, 3, 31)),
        proof(DocumentKind.DECENNIAL, start=date(2027, 4, 1)),
    )
    assert assignability_over(renewed, "plumbing", FIRST, LAST).ok
    late = standing(
        FULL[0],
        FULL[2],
        proof(DocumentKind.DECENNIAL, date(2027, 3, 31)),
        proof(DocumentKind.DECENNIAL, start=date(2027, 4, 2)),
    )
    assert not assignability_over(late, "plumbing", FIRST, LAST).ok
    assert assignable_days(late, "plumbing", FIRST, LAST) == (
        (FIRST, date(2027, 3, 31)),
        (date(2027, 4, 2), LAST),
    )


days = st.dates(date(2026, 12, 1), date(2027, 7, 31))
documents = st.builds(
    lambda kind, trade, start, length: Validity(kind, trade, start, start + timedelta(days=length)),
    st.sampled_from([DocumentKind.LIABILITY, DocumentKind.DECENNIAL, DocumentKind.QUALIFICATION]),
    st.sampled_from([None, "plumbing", "plumbing", "glazing"]),
    days,
    st.integers(0, 200),
)


@given(st.lists(documents, max_size=10), st.none() | days, days)
def test_whole_periods_agree_with_each_day(held: list[Validity], left: date | None, joined: date) -> None:
    """R61: the days a rota may use are exactly those on which the person may be sent."""
    person = standing(*held, left_on=left, joined_on=joined)
    periods = assignable_days(person, "plumbing", FIRST, LAST)
    day = FIRST
    while day <= LAST:
        assert assignability_on(person, "plumbing", day).ok == any(a <= day <= b for a, b in periods)
        day += timedelta(days=3)
    for start, stop in periods:
        assert assignability_over(person, "plumbing", start, stop).ok


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (date(2026, 12, 31), DocumentState.FUTURE),
        (FIRST, DocumentState.VALID),
        (LAST - timedelta(days=45), DocumentState.EXPIRING),
        (LAST, DocumentState.EXPIRING),
        (LAST + timedelta(days=1), DocumentState.EXPIRED),
    ],
)
def test_state_of_a_document(today: date, state: DocumentState) -> None:
    assert document_state(FIRST, LAST, today) is state


# --- register numbers -------------------------------------------------------


def test_register_numbers_are_checked() -> None:
    assert parse_siret("732 829 320 00074") == "73282932000074"
    assert parse_siren("732.829.320") == "732829320"
    assert parse_siret("35600000049837") == "35600000049837"  # La Poste: digits add up to a multiple of 5


@pytest.mark.parametrize("text", ["73282932000075", "732829320", "", "abcdefghijklmn", "٧٣٢٨٢٩٣٢٠٠٠٠٧٤"])
def test_wrong_siret_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_siret(text)
    assert refused.value.fields == {"siret": "SIRET non valable : 14 chiffres."}


@given(st.integers(0, 10**8 - 1), st.integers(0, 7), st.integers(1, 9))
def test_one_wrong_digit_of_a_siren_is_found(number: int, place: int, shift: int) -> None:
    body = f"{number:08d}"
    (good,) = [body + str(key) for key in range(10) if _accepted(body + str(key))]
    wrong = good[:place] + str((int(good[place]) + shift) % 10) + good[place + 1 :]
    assert not _accepted(wrong)


def _accepted(digits: str) -> bool:
    try:
        parse_siren(digits)
    except Invalid:
        return False
    return True
