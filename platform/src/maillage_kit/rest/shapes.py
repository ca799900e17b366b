"""What the schemas of every domain are made of. Names are in English, words in both languages."""

from datetime import datetime
from typing import Annotated, Any

import msgspec


class Shown(msgspec.Struct, kw_only=True):
    """What is answered: every field is always there, null when it has no value."""


class Sent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is sent: an unknown field is refused."""


def said(fr: str, en: str, *examples: Any, **limits: Any) -> msgspec.Meta:
    """What a field is, in both languages, with examples and limits."""
    return msgspec.Meta(description=f"{fr} / {en}", examples=list(examples) or None, **limits)


Instant = Annotated[datetime, said("Instant, RFC 3339, UTC.", "Instant, RFC 3339, UTC.", "2027-03-01T08:00:00Z")]
AskedInstant = Annotated[
    datetime,
    said("Instant RFC 3339 avec son fuseau.", "RFC 3339 instant with its offset.", "2027-03-01T08:00:00Z", tz=True),
]
Cents = Annotated[int, said("Montant en centimes d’euro.", "Amount in euro cents.", 12650)]
Insee = Annotated[
    str,
    said("Code INSEE de la commune, jamais le code postal.", "INSEE code, never the postcode.", "27467",
         pattern=r"^[0-9][0-9AB][0-9]{3}$"),
]  # fmt: skip
Postcode = Annotated[str, said("Code postal.", "Postcode.", "27500", pattern=r"^[0-9]{5}$")]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_-]+$")]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]
LongText = Annotated[str, msgspec.Meta(max_length=1000)]
