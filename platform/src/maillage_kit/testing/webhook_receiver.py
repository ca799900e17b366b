"""Whoever receives webhooks, beside a test: a real HTTP server that checks the signature from the published text of
Standard Webhooks, with nothing of ours, and answers what it is told to."""

import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from maillage_kit.testing.http_server import Handler, serving


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def timestamp(self) -> int:
        return int(self.headers["webhook-timestamp"])

    @property
    def payload(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def type(self) -> str:
        return str(self.payload["type"])

    @property
    def signatures(self) -> list[str]:
        return self.headers["webhook-signature"].split(" ")

    def verifies(self, secret: str) -> bool:
        """As a receiver does that knows one secret: any signature of the list that it can make itself is enough."""
        kind, _, encoded = secret.partition("_")
        assert kind == "whsec"
        to_sign = b".".join([self.id.encode(), str(self.timestamp).encode(), self.body])
        digest = hmac.new(base64.b64decode(encoded), to_sign, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(digest).decode()
        return any(hmac.compare_digest(expected, each) for each in self.signatures)


@dataclass
class Receiver:
    """`answer(received)` gives the status, 204 unless told otherwise; `before` is called once the request is read."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answer: Callable[[Received], int] = lambda _: 204
    before: Callable[[Received], None] = lambda _: None
    location: str = ""

    def url(self, path: str = "/hook", *, host: str = "localhost") -> str:
        return f"http://{host}:{self.port}{path}"

    def types(self) -> list[str]:
        return [each.type for each in self.received]


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on this machine until left."""
    receiver = Receiver()

    class Door(Handler):
        def do_POST(self) -> None:  # noqa: N802 - the name that http.server looks for
            got = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, self.body())
            receiver.received.append(got)
            receiver.before(got)
            headers = [("location", receiver.location)] if receiver.location else []
            self.answer(receiver.answer(got), headers=headers)

        def do_GET(self) -> None:  # noqa: N802 - where a redirect that is followed would arrive
            receiver.received.append(Received(self.path, {}, b"{}"))
            self.answer(204)

    with serving(Door) as port:
        receiver.port = port
        yield receiver
