"""Money: integer cents, half up, never a float."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage_kit.money import Money

cents = st.integers(-(10**12), 10**12).map(Money)


def test_built_from_euros_and_written_the_french_way() -> None:
    assert Money.euros("1234.5").cents == 123450
    assert str(Money.euros("1234567.5")) == "1\u202f234\u202f567,50\u00a0€"
    assert str(Money(-5)) == "-0,05\u00a0€"


@pytest.mark.parametrize(("factor", "expected"), [("0.25", 3), ("0.5", 5), ("1.5", 15), ("-0.25", -3)])
def test_multiplying_rounds_half_up(factor: str, expected: int) -> None:
    assert Money(10).times(Decimal(factor)).cents == expected


def test_percentages_are_basis_points() -> None:
    assert Money.euros(100).percent(2000) == Money.euros(20)
    assert Money(25).percent(1000).cents == 3  # 2.5 rounds up


def test_floats_are_refused_everywhere() -> None:
    half: Any = 0.5
    for make in (Money, Money.euros, Money(1).times):
        with pytest.raises(TypeError):
            make(half)
    with pytest.raises(TypeError):
        Money(True)


@given(cents, cents, cents)
def test_adding_is_exact(a: Money, b: Money, c: Money) -> None:
    assert (a + b) + c == a + (b + c)
    assert a - a == Money.zero()
    assert Money.sum([a, b, c]) == a + b + c
    assert (a < b) == (a.cents < b.cents)
