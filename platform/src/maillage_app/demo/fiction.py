"""Invented people, businesses, addresses and numbers: always the same for the same seed, and nobody's.

Telephone numbers come from the blocks that the numbering plan keeps for works of fiction (ARCEP, decision 2018-0881):
nobody has them. Only the five geographic blocks are used: `phonenumbers`, which checks every number that enters,
refuses the mobile one (06 39 98). SIREN begin with 000, which the register gives to no business; their checksum is
right.
"""

import importlib.resources
import itertools
import random
import tomllib
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import combining, normalize

from maillage_kit.registers import luhn_ok

FICTION_BLOCKS = ("019900", "026191", "035301", "046571", "053649")
MOBILE_FICTION_BLOCK = "063998"
BLOCK_SIZE = 10_000

_WORDS: dict[str, Any] = tomllib.loads(importlib.resources.files(__package__).joinpath("words.toml").read_text("utf-8"))
WOMEN: tuple[str, ...] = tuple(_WORDS["women"].split())
MEN: tuple[str, ...] = tuple(_WORDS["men"].split())
FAMILY_NAMES: tuple[str, ...] = tuple(name.replace("_", " ") for name in _WORDS["family_names"].split())
STREETS: tuple[str, ...] = tuple(_WORDS["streets"])
SHOPS: tuple[str, ...] = tuple(_WORDS["shops"])
LANDLORDS: tuple[str, ...] = tuple(_WORDS["landlords"])
BUSINESSES: dict[str, list[str]] = _WORDS["businesses"]


@dataclass(frozen=True, slots=True)
class Person:
    first_name: str
    last_name: str

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def handle(self) -> str:
        """What an e-mail address is made of: `helene.da-silva`."""
        return f"{_plain(self.first_name)}.{_plain(self.last_name)}"


@dataclass(frozen=True, slots=True)
class Town:
    """A place where people live, with its weight."""

    insee: str
    name: str
    postcodes: tuple[str, ...]
    population: int


class Inventor:
    """Invents, from one seed. The same calls in the same order give the same people, on every machine."""

    def __init__(self, seed: str, towns: Sequence[Town] = ()) -> None:
        self.random = random.Random(f"maillage:{seed}")  # noqa: S311 - fiction, not a secret
        self._towns = tuple(towns)
        self._weights = list(itertools.accumulate(town.population for town in self._towns))

    def person(self) -> Person:
        first, last = self.random.choice(WOMEN if self.random.random() < 0.5 else MEN), self.family_name()
        while last == first:
            last = self.family_name()
        return Person(first, last)

    def family_name(self) -> str:
        return self.random.choice(FAMILY_NAMES)

    def street_address(self) -> str:
        """`12 bis, rue du Moulin`."""
        number = self.random.randint(1, 90)
        suffix = " bis" if self.random.random() < 0.06 else ""
        return f"{number}{suffix}, {self.random.choice(STREETS)}"

    def town(self) -> Town:
        """A commune, the likelier the more people live there."""
        return self._towns[bisect(self._weights, self.random.randrange(self._weights[-1]))]

    def postcode_of(self, town: Town) -> str:
        return self.random.choice(town.postcodes)


def numbers_of(block: str, *, start: int = 0, end: int = BLOCK_SIZE) -> Iterator[str]:
    """Every E.164 number of a fiction block from `start` to before `end`, once each, in an order that looks like none.

    Raises ValueError for a block that is not kept for fiction or that `phonenumbers` refuses.
    """
    if block not in FICTION_BLOCKS:
        raise ValueError(f"{block} is no fiction block")
    size = end - start
    step = next(step for step in (7919, 6151, 4409) if size % step)
    for index in range(size):
        yield f"+33{block[1:]}{start + (index * step) % size:04d}"


def fictional_siren(index: int) -> str:
    """The nine digits of a business that cannot exist: `000…`, with a right checksum."""
    body = f"000{index:05d}"
    return body + _check_digit(body)


def fictional_siret(siren: str, establishment: int = 1) -> str:
    """The fourteen digits of a place of that business."""
    body = f"{siren}{establishment:04d}"
    return body + _check_digit(body)


def _check_digit(body: str) -> str:
    return next(digit for digit in "0123456789" if luhn_ok(body + digit))


def _plain(name: str) -> str:
    letters = normalize("NFD", name.lower().replace(" ", "-").replace("’", ""))
    return "".join(letter for letter in letters if not combining(letter))
