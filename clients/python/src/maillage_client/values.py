"""Values that the API may add to: software written before must go on."""

from enum import StrEnum
from typing import Self


class OpenEnum(StrEnum):
    """A closed list today. A value that came later is read as itself, with the name `UNKNOWN`."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        later = str.__new__(cls, value)
        later._name_, later._value_ = "UNKNOWN", value
        return later
