"""What a machine sends, read strictly: an unknown field, a wrong type or a forgotten value is named, never guessed."""

from typing import Any, TypeVar

import msgspec

from maillage_kit.errors import Invalid
from maillage_kit.rest.problems import MalformedBody, NotJson
from maillage_kit.web import AnyRequest

S = TypeVar("S", bound=msgspec.Struct)
_NUL = "Le caractère nul n’est pas accepté."


async def read_body(request: AnyRequest, model: type[S]) -> S:
    """The JSON body as `model`. Raises NotJson, MalformedBody, Invalid naming the field."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise NotJson
    raw = await request.body()
    try:
        sent = msgspec.json.decode(raw, type=model)
    except msgspec.ValidationError as wrong:
        raise _named(wrong) from wrong
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise MalformedBody from wrong
    if b"\\u0000" in raw:  # PostgreSQL has no such character
        raise Invalid(fields={"body": _NUL})
    return sent


def read_query(request: AnyRequest, model: type[S]) -> S:
    """The query string as `model`. Raises Invalid naming the parameter, one given twice included."""
    given: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise Invalid(fields={name: "Donné plusieurs fois."})
        if "\x00" in name or "\x00" in value:
            raise Invalid(fields={"query": _NUL})
        given[name] = value
    try:
        return msgspec.convert(given, type=model, strict=False)
    except msgspec.ValidationError as wrong:
        raise _named(wrong) from wrong


def _named(wrong: msgspec.ValidationError) -> Invalid:
    """`Expected `str`, got `int` - at `$.sites[0].address`` names the field `sites[0].address`."""
    words, _, place = str(wrong).partition(" - at `$")
    return Invalid(fields={place.rstrip("`").lstrip(".") or "body": words})
