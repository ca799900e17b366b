"""Money: integer cents of euro, half-up rounding, never a float (docs/money.md has the worked examples)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import total_ordering
from typing import Self

_CENT = Decimal(1)
_SPACES = re.compile(r"\s")
_TYPED = re.compile(r"-?\d{1,9}(\.\d{1,2})?")


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in euro, held as integer cents. Adding and comparing are exact; multiplying rounds half up."""

    cents: int

    def __post_init__(self) -> None:
        if isinstance(self.cents, bool) or not isinstance(self.cents, int):
            raise TypeError("Money is built from integer cents")

    @classmethod
    def zero(cls) -> Self:
        return cls(0)

    @classmethod
    def euros(cls, amount: str | int | Decimal) -> Self:
        """Build from an amount in euro. Floats are refused; more than two decimals round half up."""
        if isinstance(amount, float):
            raise TypeError("a float cannot hold an amount of money")
        return cls(_half_up(Decimal(amount) * 100))

    @classmethod
    def typed(cls, text: str) -> Self:
        """What a person typed: `128,50`, `1 234.5 €`. Raises ValueError unless an amount of at most two decimals."""
        plain = _SPACES.sub("", text).removesuffix("€").replace(",", ".")
        if not _TYPED.fullmatch(plain):
            raise ValueError(f"not an amount of money: {text!r}")
        return cls.euros(plain)

    @classmethod
    def sum(cls, amounts: Iterable["Money"]) -> Self:
        return cls(sum(amount.cents for amount in amounts))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.cents + other.cents)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.cents - other.cents)

    def __neg__(self) -> "Money":
        return Money(-self.cents)

    def __lt__(self, other: "Money") -> bool:
        return self.cents < other.cents

    def __bool__(self) -> bool:
        return self.cents != 0

    def times(self, factor: Decimal | int) -> "Money":
        """This amount × a quantity, rounded half up to the cent."""
        if isinstance(factor, float):
            raise TypeError("a float cannot multiply an amount of money")
        return Money(_half_up(Decimal(self.cents) * Decimal(factor)))

    def percent(self, basis_points: int) -> "Money":
        """`basis_points` / 10 000 of this amount (2000 = 20 %), rounded half up to the cent."""
        return Money(_half_up(Decimal(self.cents) * Decimal(basis_points) / Decimal(10_000)))

    def as_decimal(self) -> Decimal:
        return Decimal(self.cents).scaleb(-2)

    def __str__(self) -> str:
        """French writing: `1 234,50 €` (no-break spaces)."""
        sign = "-" if self.cents < 0 else ""
        whole, cents = divmod(abs(self.cents), 100)
        return f"{sign}{whole:,}".replace(",", "\u202f") + f",{cents:02d}\u00a0€"


def _half_up(value: Decimal) -> int:
    return int(value.quantize(_CENT, rounding=ROUND_HALF_UP))
