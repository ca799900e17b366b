"""How customers are found, and when they may be rung for sales (R23)."""

from datetime import UTC, datetime

import pytest

from maillage_tenants.customers import rules

MARCH, APRIL = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)


def test_words_lose_accents_and_numbers_are_known_both_ways() -> None:
    words = rules.search_words(["Élodie Lefèvre-Œillet", "12 rue St-Jean"], ["+33612345678", "+3222345678"])
    assert words == sorted(
        ["elodie", "lefevre", "oeillet", "12", "rue", "saint", "jean", "33612345678", "0612345678", "3222345678"]
    )


def test_words_looked_for_anywhere_are_plain_and_keep_the_signs_of_a_reference() -> None:
    typed = "  Résidence du Sacré-Cœur, RES/12-A  "
    assert rules.patterns_of(typed) == ["%residence%", "%du%", "%sacre-coeur,%", "%res/12-a%"]
    assert rules.patterns_of("L’Érable") == ["%l%", "%erable%"]
    assert rules.patterns_of("100% a_b c\\d") == [r"%100\%%", r"%a\_b%", r"%c\\d%"]
    assert len(rules.ACCENTED) == len(rules.PLAIN)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("Lefèv élo", ["lefev", "elo"]),
        ("06 12 34", ["061234"]),
        ("06.12.34.56.78", ["0612345678"]),
        ("+33 6 12 34 56 78", ["0612345678"]),
        ("0033 6 12", ["0612"]),
        ("27000", ["27000"]),
        ("C-2027-000012", ["c", "2027", "000012"]),
        ("' | !*:", []),
        ("   ", []),
    ],
)
def test_what_is_typed_becomes_beginnings_of_words(typed: str, words: list[str]) -> None:
    assert rules.wanted_words(typed) == words


def test_a_query_holds_nothing_but_words() -> None:
    assert rules.prefix_query(rules.wanted_words("d'Arc & ('x':*)")) == "'d':* & 'arc':* & 'x':*"


def test_near_names_begin_alike() -> None:
    assert rules.near_words(["lefevbre"]) == ["lef"]
    assert rules.near_words(["lef"]) == []
    assert rules.near_words(["27000"]) == []


@pytest.mark.parametrize(
    ("opt_in_at", "revoked_at", "allowed"),
    [(None, None, False), (MARCH, None, True), (MARCH, APRIL, False), (APRIL, MARCH, True), (None, APRIL, False)],
)
def test_a_sales_call_needs_a_consent_that_stands(
    opt_in_at: datetime | None, revoked_at: datetime | None, allowed: bool
) -> None:
    assert rules.may_ring_for_sales(opt_in_at=opt_in_at, opt_in_revoked_at=revoked_at) is allowed


@pytest.mark.parametrize(
    ("text", "ok"),
    [
        ("ana@client.example", True),
        ("ana", False),
        ("ana@client", False),
        ("a b@c.fr", False),
        ("a@b.fr,c@d.fr", False),
    ],
)
def test_email_addresses(text: str, ok: bool) -> None:
    assert rules.looks_like_email(text) is ok
