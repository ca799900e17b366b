"""Carriers of messages on this machine, over real HTTP and real SMPP: they check what real ones check."""

import asyncio
import base64
import contextlib
import hashlib
import json
import struct
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from maillage_kit.testing.http_server import Handler, serving


@contextlib.contextmanager
def http_carrier(answer: Any) -> Iterator[str]:
    """Serve `answer(method, path, headers, body) -> (status, document)` until left; its address."""

    class Carrier(Handler):
        def do_POST(self) -> None:  # noqa: N802 - the name is the server's
            status, document = answer(self.command, self.path, self.headers, self.body())
            self.answer(status, json.dumps(document).encode(), [("Content-Type", "application/json")])

        do_GET = do_POST  # noqa: N815

    with serving(Carrier) as port:
        yield f"http://127.0.0.1:{port}"


@dataclass
class FakeTwilio:
    """Texts and calls over Twilio's REST form. `refuse`: number → (status, code)."""

    url: str = ""
    texts: list[dict[str, str]] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)
    refuse: dict[str, tuple[int, int]] = field(default_factory=dict)
    down: bool = False

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, object]:
        if self.down:
            return 503, {}
        if headers["Authorization"] != "Basic " + base64.b64encode(b"AC1:jeton").decode():
            return 401, {"message": "Authenticate"}
        if method == "GET":
            asked = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
            return 200, {"messages": [text for text in self.texts if text["to"] == asked["To"]]}
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        if form["To"] in self.refuse:
            status, code = self.refuse[form["To"]]
            return status, {"code": code, "message": "refused"}
        if path.endswith("/Calls.json"):
            self.calls.append(form)
            return 201, {"sid": f"CA{len(self.calls):032d}"}
        sid = f"SM{len(self.texts) + 1:032d}"
        self.texts.append(
            {"to": form["To"], "body": form["Body"], "callback": form.get("StatusCallback", ""), "sid": sid}
        )
        return 201, {"sid": sid}


@dataclass
class FakeOvh:
    """OVHcloud's SMS API: a request whose signature is wrong is refused as the real one does."""

    url: str = ""
    time: int = 0
    jobs: list[dict[str, Any]] = field(default_factory=list)
    incoming: dict[int, dict[str, str]] = field(default_factory=dict)
    receipts: dict[int, int] = field(default_factory=dict)
    invalid: set[str] = field(default_factory=set)

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, object]:
        if path == "/1.0/auth/time":
            return 200, self.time
        facts = ("secret", "consumer", method, self.url + path, body.decode(), headers["X-Ovh-Timestamp"])
        wanted = "$1$" + hashlib.sha1("+".join(facts).encode(), usedforsecurity=False).hexdigest()
        if (headers["X-Ovh-Signature"], headers["X-Ovh-Application"]) != (wanted, "key"):
            return 400, {"message": "Invalid signature"}
        if abs(int(headers["X-Ovh-Timestamp"]) - self.time) > 30:
            return 400, {"message": "Query out of time"}
        place = urlsplit(path)
        match place.path.removeprefix("/1.0/sms/sms-1/").split("/"):
            case ["jobs"]:
                job = json.loads(body)
                if set(job["receivers"]) & self.invalid:
                    return 200, {"ids": [], "invalidReceivers": job["receivers"], "validReceivers": []}
                self.jobs.append(job)
                return 200, {"ids": [len(self.jobs)], "invalidReceivers": [], "validReceivers": job["receivers"]}
            case ["outgoing"]:
                tag = parse_qs(place.query)["tag"][0]
                return 200, [number for number, job in enumerate(self.jobs, start=1) if job["tag"] == tag]
            case ["outgoing", number]:
                return 200, {"id": int(number), "deliveryReceipt": self.receipts.get(int(number), 0)}
            case ["incoming"]:
                return 200, sorted(self.incoming)
            case ["incoming", number]:
                return 200, self.incoming[int(number)]
        return 404, {"message": "not found"}


@dataclass
class FakePushService:
    """A browser and the push service it chose: opens what was sealed for it, checks who signed."""

    url: str = ""
    status: int = 201
    shown: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    secret: bytes = b"0123456789abcdef"

    @property
    def key(self) -> str:
        return _padless(_point(self.private.public_key()))

    @property
    def auth(self) -> str:
        return _padless(self.secret)

    def answer(self, _method: str, _path: str, headers: Any, body: bytes) -> tuple[int, object]:
        if self.status != 201:
            return self.status, {}
        scheme, _, rest = headers["Authorization"].partition(" ")
        told = dict(part.strip().split("=", 1) for part in rest.split(","))
        signed, _, mark = told["t"].rpartition(".")
        raw = _bytes(mark)
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(told["k"]))
        proof = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        public.verify(proof, signed.encode(), ec.ECDSA(hashes.SHA256()))  # raises: the connection breaks
        claims = json.loads(_bytes(signed.split(".")[1]))
        if scheme != "vapid" or claims["aud"] != self.url:
            return 403, {}
        self.headers.append({"ttl": headers["TTL"], "urgency": headers["Urgency"], "topic": headers["Topic"]})
        self.shown.append(json.loads(self.open(body)))
        return 201, {}

    def open(self, body: bytes) -> bytes:
        """RFC 8188 and 8291, from the browser's side."""
        salt, length = body[:16], body[20]
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        info = b"WebPush: info\x00" + _point(self.private.public_key()) + theirs
        material = HKDF(hashes.SHA256(), 32, self.secret, info).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(material)
        nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(material)
        return AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x02")


def _point(public: ec.EllipticCurvePublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _padless(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


_SUBMIT, _DELIVER, _BIND, _ENQUIRE, _UNBIND = 0x4, 0x5, 0x9, 0x15, 0x6
_ANSWER = 0x80000000


@dataclass
class Submitted:
    """One `submit_sm` as the message centre received it."""

    source: str
    to: str
    esm_class: int
    coding: int
    receipt: bool
    message: bytes


@dataclass
class MessageCentre:
    """An SMPP 3.4 message centre: binds with a password, takes texts, sends receipts and texts when told."""

    password: str = "secret"  # noqa: S105 - a test's
    port: int = 0
    submitted: list[Submitted] = field(default_factory=list)
    refuse: dict[str, int] = field(default_factory=dict)
    answers: dict[int, int] = field(default_factory=dict)
    binds: int = 0
    _links: list[asyncio.StreamWriter] = field(default_factory=list)
    _sequence: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Any, seconds: float = 5) -> None:
        """Wait until `condition()` holds: looked at whenever something arrives."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def receipt(self, message_id: str, state: str, error: str = "000") -> int:
        """Tell what became of a text; the sequence of this news, whose answer comes in `answers`."""
        text = f"id:{message_id} sub:001 dlvrd:001 submit date:2703010900 done date:2703010901 stat:{state} err:{error}"
        return await self._deliver(f"{text} text:".encode(), source="33612345678", esm_class=4)

    async def text(self, source: str, body: str) -> int:
        """Somebody answers."""
        return await self._deliver(body.encode("utf-16-be"), source=source, esm_class=0, coding=8)

    async def cut(self) -> None:
        """The link breaks."""
        for writer in self._links:
            writer.close()
        self._links.clear()

    async def _deliver(self, message: bytes, *, source: str, esm_class: int, coding: int = 0) -> int:
        self._sequence += 1
        body = (
            b"\x00\x01\x01" + source.encode() + b"\x00\x01\x01" + b"33939036612\x00"
            + bytes((esm_class, 0, 0)) + b"\x00\x00" + bytes((0, 0, coding, 0, len(message))) + message
        )  # fmt: skip
        self._write(self._links[-1], _DELIVER, 0, self._sequence, body)
        return self._sequence

    def _write(self, writer: asyncio.StreamWriter, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        writer.write(struct.pack(">IIII", 16 + len(body), command, status, sequence) + body)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length, command, status, sequence = struct.unpack(">IIII", await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                if command == _BIND:
                    good = body.split(b"\x00")[1].decode() == self.password
                    self._write(writer, _BIND | _ANSWER, 0 if good else 0x0E, sequence, b"test\x00")
                    if good:
                        self._links.append(writer)
                        self.binds += 1
                elif command == _SUBMIT:
                    text = self._read(body)
                    refusal = self.refuse.get(text.to, 0)
                    if not refusal:
                        self.submitted.append(text)
                    known = b"" if refusal else f"{len(self.submitted)}".encode()
                    self._write(writer, _SUBMIT | _ANSWER, refusal, sequence, known + b"\x00")
                elif command in (_ENQUIRE, _UNBIND):
                    self._write(writer, command | _ANSWER, 0, sequence)
                elif command == _DELIVER | _ANSWER:
                    self.answers[sequence] = status
                self._news.set()
        writer.close()

    @staticmethod
    def _read(body: bytes) -> Submitted:
        def text(at: int) -> tuple[str, int]:
            end = body.index(b"\x00", at)
            return body[at:end].decode(), end + 1

        _, at = text(0)
        source, at = text(at + 2)
        to, at = text(at + 2)
        esm_class = body[at]
        _, at = text(at + 3)
        _, at = text(at)
        receipt, _, coding, _, size = body[at : at + 5]
        return Submitted(source, to, esm_class, coding, bool(receipt), body[at + 5 : at + 5 + size])


@contextlib.asynccontextmanager
async def message_centre() -> AsyncIterator[MessageCentre]:
    """A message centre on a free port of this machine."""
    centre = MessageCentre()
    server = await asyncio.start_server(centre.talk, "127.0.0.1", 0)
    centre.port = server.sockets[0].getsockname()[1]
    try:
        yield centre
    finally:
        await centre.cut()
        server.close()
        await server.wait_closed()
