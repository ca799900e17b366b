"""Numbers of the French business registers: SIREN (a business) and SIRET (one of its places), with their checksums."""

import re

from maillage_kit.errors import Invalid

LA_POSTE = "356000000"
"""The one business whose SIRET have another checksum: the sum of their digits is a multiple of 5."""


def luhn_ok(digits: str) -> bool:
    """The checksum of SIREN and SIRET numbers."""
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = int(char) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def parse_siren(text: str, *, field: str = "siren") -> str:
    """The 9 digits of a SIREN typed with or without spaces. Raises Invalid when the checksum is wrong."""
    digits = _digits(text)
    if len(digits) != 9 or not luhn_ok(digits):
        raise Invalid("Ce SIREN n’est pas valable.", fields={field: "SIREN non valable : 9 chiffres."})
    return digits


def parse_siret(text: str, *, field: str = "siret") -> str:
    """The 14 digits of a SIRET typed with or without spaces. Raises Invalid when the checksum is wrong."""
    digits = _digits(text)
    if len(digits) != 14 or not _siret_ok(digits):
        raise Invalid("Ce SIRET n’est pas valable.", fields={field: "SIRET non valable : 14 chiffres."})
    return digits


def _siret_ok(digits: str) -> bool:
    if digits.startswith(LA_POSTE) and sum(map(int, digits)) % 5 == 0:
        return True
    return luhn_ok(digits[:9]) and luhn_ok(digits)


def _digits(text: str) -> str:
    bare = re.sub(r"[\s.\-]", "", text)
    return bare if bare.isascii() and bare.isdigit() else ""
