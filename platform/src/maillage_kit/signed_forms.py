"""Forms that a carrier signs with a shared token, as Twilio made common: HMAC-SHA1 over the address and every field."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from maillage_kit.crypto import same

MAX_FIELDS = 100
HEADERS = ("x-twilio-signature", "x-signalwire-signature")
Form = Sequence[tuple[str, str]]


class MalformedForm(ValueError):
    """The body is not a form that a carrier would send."""


def read_form(body: bytes) -> Form:
    """The fields of a form body, in order, empty ones included. Raises MalformedForm."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=MAX_FIELDS
        )
    except ValueError as exc:
        raise MalformedForm(str(exc)) from exc
    return pairs


def signature(token: str, url: str, form: Form) -> str:
    """What the signature header must hold for this address and these fields."""
    fields: dict[str, set[str]] = {}
    for name, value in form:
        fields.setdefault(name, set()).add(value)
    text = url + "".join(name + value for name in sorted(fields) for value in sorted(fields[name]))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def genuine(given: str, *, url: str, form: Form, tokens: Sequence[SecretStr]) -> bool:
    """Whether the signature is right for one of the accepted tokens (two during a rotation).

    Some carriers sign the address with its default port written out: both forms are tried.
    """
    addresses = (url, _with_default_port(url))
    return bool(given) and any(
        same(given, signature(token.get_secret_value(), address, form)) for address in addresses for token in tokens
    )


def _with_default_port(url: str) -> str:
    parts = urlsplit(url)
    if parts.port is not None:
        return url
    port = 443 if parts.scheme == "https" else 80
    return parts._replace(netloc=f"{parts.netloc}:{port}").geturl()
