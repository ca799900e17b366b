"""Semesters of on-call duty: S1 from 1 January, S2 from 1 July, midnight in Paris, half-open (R65)."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from maillage_kit.clock import paris, paris_instant
from maillage_kit.errors import Invalid

_CODE = re.compile(r"(\d{4})-S([12])")


@dataclass(frozen=True, slots=True, order=True)
class Semester:
    """One half year. Its code is written `2027-S1`."""

    year: int
    half: int

    @classmethod
    def parse(cls, code: str) -> Self:
        """Raises Invalid when the code is not like `2027-S1`."""
        found = _CODE.fullmatch(code.strip().upper())
        if not found:
            raise Invalid("Un semestre s’écrit comme « 2027-S1 ».", fields={"semester": "Semestre inconnu."})
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def containing(cls, instant: datetime) -> Self:
        local = paris(instant)
        return cls(local.year, 1 if local.month <= 6 else 2)

    @property
    def code(self) -> str:
        return f"{self.year}-S{self.half}"

    @property
    def label(self) -> str:
        return f"{'premier' if self.half == 1 else 'second'} semestre {self.year}"

    @property
    def first_day(self) -> date:
        return date(self.year, 1 if self.half == 1 else 7, 1)

    @property
    def next(self) -> "Semester":
        return Semester(self.year, 2) if self.half == 1 else Semester(self.year + 1, 1)

    @property
    def starts_at(self) -> datetime:
        return paris_instant(self.first_day)

    @property
    def ends_at(self) -> datetime:
        return self.next.starts_at
