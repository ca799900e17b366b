"""Requests and answers as Authlib sees them, whatever the web framework."""

import base64
import binascii
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import OAuth2Payload
from authlib.oauth2.rfc6749.errors import InvalidRequestError

MAX_FIELDS = 40
FORM = "application/x-www-form-urlencoded"
# what RFC 6749, appendix A allows; Authlib repeats values in error descriptions, which may hold less
_ANY_VALUE = re.compile(r"[\x20-\x7e]*")
_PLAIN_VALUE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")
_REPEATABLE = ("resource",)
_PROOFS = ("client_secret", "client_assertion")
Pairs = Sequence[tuple[str, str]]


class Payload(OAuth2Payload):  # type: ignore[misc] # Authlib is not typed
    """The parameters of a request: those of its query, or those of its body, never both."""

    def __init__(self, pairs: Pairs) -> None:
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            self._lists[name].append(value)
        self._first = {name: values[0] for name, values in self._lists.items()}

    @property
    def data(self) -> dict[str, str]:
        return self._first

    @property
    def datalist(self) -> dict[str, list[str]]:
        return self._lists


class ProtocolRequest(OAuth2Request):  # type: ignore[misc] # Authlib is not typed
    """One request to the server. `uri` starts with our public URL, never with a Host header."""

    def __init__(self, method: str, uri: str, *, pairs: Pairs, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(method, uri, headers=dict(headers or {}))
        self.payload = Payload(pairs)

    @property
    def args(self) -> dict[str, str]:
        return self.payload.data

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data

    @property
    def resources(self) -> list[str]:
        """Which APIs the token is asked for (RFC 8707)."""
        return self.payload.datalist.get("resource", [])

    def check_form(self) -> None:
        """Raises InvalidRequestError for values that no parameter may have, and for more than one proof."""
        for name, values in self.payload.datalist.items():
            pattern = _ANY_VALUE if name == "state" else _PLAIN_VALUE
            if not all(pattern.fullmatch(value) for value in values):
                raise InvalidRequestError("A parameter holds characters that it may not have.")
            if len(values) > 1 and name not in _REPEATABLE:
                raise InvalidRequestError("A parameter is given twice.")
        proofs = [name for name in _PROOFS if self.payload.data.get(name)]
        if len(proofs) + ("Authorization" in self.headers) > 1:
            raise InvalidRequestError("More than one way to authenticate.")


@dataclass(slots=True)
class Answer:
    """What to answer: a JSON body, or a `location` to send the browser to."""

    status: int
    body: Any
    headers: dict[str, str]

    @classmethod
    def of(cls, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> "Answer":
        return cls(status, body, dict(headers))

    @property
    def location(self) -> str | None:
        return self.headers.get("Location")

    @location.setter
    def location(self, value: str) -> None:
        self.headers["Location"] = value

    @property
    def content(self) -> bytes:
        return json.dumps(self.body).encode() if isinstance(self.body, dict) else b""


def posted(uri: str, *, body: bytes, content_type: str, authorization: str | None) -> ProtocolRequest:
    """A request of a machine: its parameters are in the body, its proof may be in `Authorization`."""
    pairs: Pairs = ()
    if content_type.partition(";")[0].strip().lower() == FORM:
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            pairs = ()
    headers = {"Authorization": authorization} if authorization is not None and _is_readable(authorization) else {}
    return ProtocolRequest("POST", uri, pairs=pairs, headers=headers)


def _is_readable(authorization: str) -> bool:
    kind, _, told = authorization.partition(" ")
    if kind.lower() != "basic":
        return True
    try:
        return "\0" not in base64.b64decode(told.strip()).decode()
    except (binascii.Error, ValueError):
        return False
