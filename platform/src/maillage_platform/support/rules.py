"""How long a visit of the support may last, and what it needs. Pure."""

from datetime import timedelta

LONGEST = timedelta(minutes=60)
CHOICES = (15, 30, 60)
FEWEST_WORDS = 10
MOST_WORDS = 300


def wrong_with(*, reason: str, minutes: str) -> dict[str, str]:
    """What of a request to come in is missing or too much, by field."""
    fields = {}
    if not FEWEST_WORDS <= len(reason) <= MOST_WORDS:
        fields["reason"] = f"Écrivez le motif, en {FEWEST_WORDS} à {MOST_WORDS} caractères : la gérance le lira."
    if not minutes.isdecimal() or not 1 <= int(minutes) <= LONGEST.total_seconds() // 60:
        fields["minutes"] = "Choisissez une durée : une heure au plus."
    return fields
