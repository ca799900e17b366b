"""Telephone numbers: kept in E.164, shown the French way, checked when they come in."""

import re

import phonenumbers

from maillage_kit.errors import Invalid

_PROSPECTING_PREFIXES = tuple(
    f"+33{prefix}" for prefix in ("162", "163", "270", "271", "377", "378", "424", "425", "568", "569", "948", "949")
)
_FRENCH_E164 = re.compile(r"\+33[1-9][0-9]{8}")
_SURCHARGED_PREFIXES = ("+33810", "+33811", "+3382", "+3389")


def parse_phone(text: str, *, field: str = "phone") -> str:
    """Return the E.164 form of a number typed by a person (French numbers may omit +33).

    Raises Invalid when the number cannot exist in its country's numbering plan.
    """
    try:
        number = phonenumbers.parse(text.strip(), "FR")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise Invalid(
            f"« {text.strip()} » n’est pas un numéro de téléphone valable.",
            fields={field: "Numéro de téléphone non valable."},
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def caller_number(text: str | None) -> str | None:
    """The E.164 form of what a carrier says of the caller, or None when it is masked or unusable.

    Never raises: a masked or odd number must not stop an emergency call (R103).
    """
    if not text:
        return None
    if _FRENCH_E164.fullmatch(text):  # nearly every caller, as carriers write them: nothing to find out
        return text
    try:
        number = phonenumbers.parse(text.strip(), "FR")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def require_unsurcharged(e164: str, *, field: str = "public_number") -> str:
    """Refuse a number that costs more than an ordinary call (R22: code de la consommation L121-16).

    Accepts 01 to 05, 09 and 0800 to 0805; refuses 081, 082, 089, short numbers and mobile numbers (R102).
    """
    national = e164.removeprefix("+33")
    ordinary = e164.startswith("+33") and len(national) == 9 and national[0] in "123459"
    free = e164.startswith("+3380") and len(national) == 9 and national[:3] <= "805"
    if e164.startswith(_SURCHARGED_PREFIXES) or not (ordinary or free):
        raise Invalid(
            "Le numéro du service ne peut être ni surtaxé (article L121-16), ni un 06 ou 07 (plan de numérotation).",
            fields={field: "Choisissez un numéro en 01 à 05, 09 ou 0800 à 0805."},
        )
    return e164


def require_not_prospecting(e164: str, *, field: str = "number") -> str:
    """Refuse a number of the ranges kept for prospecting: a service call never shows one (R102)."""
    if e164.startswith(_PROSPECTING_PREFIXES):
        raise Invalid(
            "Ce numéro est d’une tranche réservée au démarchage (plan de numérotation).",
            fields={field: "Choisissez un numéro hors des tranches de démarchage."},
        )
    return e164


def is_mobile(e164: str | None) -> bool:
    """A number that receives text messages: French 06 and 07, overseas mobiles, any foreign mobile."""
    if not e164:
        return False
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.number_type(number) in (
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    )


def show_phone(e164: str | None) -> str:
    """`02 32 11 22 33` for a French number, the international form for another, « numéro masqué » for none."""
    if not e164:
        return "numéro masqué"
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    style = (
        phonenumbers.PhoneNumberFormat.NATIONAL
        if number.country_code == 33
        else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return phonenumbers.format_number(number, style)
