"""Telephone numbers: E.164 inside, checked at the door, never a reason to lose a call (R22, R102, R103)."""

import pytest

from maillage_kit.errors import Invalid
from maillage_kit.phone import caller_number, parse_phone, require_unsurcharged, show_phone


@pytest.mark.parametrize("typed", ["06 12 34 56 78", "+33 6 12 34 56 78", "0033612345678", "06.12.34.56.78"])
def test_numbers_typed_by_people(typed: str) -> None:
    assert parse_phone(typed) == "+33612345678"


@pytest.mark.parametrize("typed", ["", "bonjour", "06 12 34", "00 00 00 00 00", "+33 6 12 34 56 78 90 12"])
def test_impossible_numbers_are_refused_with_the_field(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_phone(typed, field="mobile")
    assert set(refused.value.fields) == {"mobile"}


@pytest.mark.parametrize("said", [None, "", "anonymous", "Restricted", "+266696687", "sip:x@y", "\x00"])
def test_a_masked_or_odd_caller_never_raises(said: str | None) -> None:
    assert caller_number(said) in (None, "+266696687")


def test_a_french_number_as_carriers_write_it_is_what_the_numbering_plan_makes_of_it() -> None:
    for prefix in range(1000, 10000):
        said = f"+33{prefix}23456"
        assert caller_number(said) == caller_number(f" {said} ") == said  # spaces: read by the numbering plan


@pytest.mark.parametrize("said", ["+33012345678", "+3323240272", "+332324027270", "+33２32402727", "+33232402727\n"])
def test_what_only_looks_like_one_is_read_by_the_numbering_plan(said: str) -> None:
    assert caller_number(said) == caller_number(f" {said}")


@pytest.mark.parametrize("number", ["+33232402727", "+33912345678", "+33800123456", "+33805123456"])
def test_ordinary_numbers_may_be_the_single_number(number: str) -> None:
    assert require_unsurcharged(number) == number


@pytest.mark.parametrize("number", ["+33899402727", "+33810123456", "+33820123456", "+33612345678", "+33806123456"])
def test_surcharged_and_mobile_numbers_may_not(number: str) -> None:
    with pytest.raises(Invalid):
        require_unsurcharged(number)


def test_numbers_are_shown_the_french_way() -> None:
    assert show_phone("+33232402727") == "02 32 40 27 27"
    assert show_phone("+442071838750") == "+44 20 7183 8750"
    assert show_phone(None) == "numéro masqué"
