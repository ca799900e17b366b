"""What a review may be. Pure."""

from collections.abc import Mapping

from maillage_kit.errors import Invalid

LONGEST = 2000
"""Characters of a comment, and of an answer."""

RATINGS: Mapping[int, str] = {
    5: "5 sur 5, très satisfait",
    4: "4 sur 5, satisfait",
    3: "3 sur 5, moyen",
    2: "2 sur 5, déçu",
    1: "1 sur 5, très déçu",
}
"""The marks, the best first, as the customer reads them."""


def read_review(rating: str, comment: str) -> tuple[int, str]:
    """What was typed in the form: a mark from 1 to 5, a comment that may be empty. Raises Invalid naming the field."""
    wrong = {}
    if rating not in {str(mark) for mark in RATINGS}:
        wrong["rating"] = "Choisissez une note, de 1 à 5."
    said = comment.strip()
    if len(said) > LONGEST:
        wrong["comment"] = _too_long(said)
    if wrong:
        raise Invalid(fields=wrong)
    return int(rating), said


def read_answer(text: str) -> str:
    """What the cooperative answers. Raises Invalid naming the field."""
    said = text.strip()
    if not said:
        raise Invalid(fields={"answer": "Écrivez la réponse."})
    if len(said) > LONGEST:
        raise Invalid(fields={"answer": _too_long(said)})
    return said


def _too_long(said: str) -> str:
    return f"{LONGEST} caractères au plus : il y en a {len(said)}."
