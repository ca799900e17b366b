"""Text messages over SMPP 3.4: one connection, kept by the worker process, which brings receipts and replies too."""

import asyncio
import contextlib
import itertools
import ssl
from datetime import datetime
from urllib.parse import unquote, urlsplit

import structlog

from maillage_kit import clock
from maillage_kit.ids import new_id
from maillage_kit.phone import caller_number
from maillage_tenants.messages.carriers import smpp_wire as wire
from maillage_tenants.messages.carriers.ports import (
    TIMEOUT_SECONDS,
    AddressDead,
    CarrierRefused,
    CarrierUnavailable,
    OnReceipt,
    OnReply,
    Receipt,
    Reply,
    Text,
)
from maillage_tenants.messages.carriers.smpp_wire import Command, Delivered, Malformed, Pdu
from maillage_tenants.messages.models import Failure

log = structlog.get_logger(__name__)
NAME = "smpp"
ENQUIRE_SECONDS = 30
_MAX_PAUSE = 30
_INVALID_DESTINATION = 0x0B
_LATER = frozenset({0x08, 0x14, 0x45, 0x58, 0x64})
"""System error, queue full, submission failed, throttled, temporary application error."""
_TEMPORARY = 0x64
_LOST = frozenset({"UNDELIV", "EXPIRED", "DELETED", "REJECTD"})
_UNKNOWN_SUBSCRIBER = frozenset({"1", "01", "001"})


class SmppSender:
    """`smpp://user:password@host:2775`, or `smpps://` with TLS. Sends only while `run` keeps the link up."""

    name = NAME

    def __init__(self, url: str, *, sender: str, wait_seconds: float = 3) -> None:
        """`wait_seconds`: how long a text waits for the link before another carrier is asked."""
        parts = urlsplit(url)
        if parts.scheme not in ("smpp", "smpps") or not parts.hostname:
            raise ValueError("MAILLAGE_SMPP__URL is smpp://… or smpps://…")
        self._tls = ssl.create_default_context() if parts.scheme == "smpps" else None
        self._host, self._port = parts.hostname, parts.port or 2775
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._wait_seconds = wait_seconds
        self._sender = sender
        self.answerable = sender.lstrip("+").isdecimal()
        self._sequence = itertools.count(1)
        self._numbers = itertools.count(1)
        self._bound = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._asked: dict[int, asyncio.Future[Pdu]] = {}

    async def send(self, text: Text) -> str:
        """The id of the last part: the receipt is asked for that one."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._bound.wait()
        except TimeoutError:
            raise CarrierUnavailable("SMPP : pas de liaison avec l’opérateur") from None
        pieces = wire.parts(text.body, number=next(self._numbers))
        reference = ""
        for place, part in enumerate(pieces, start=1):
            sequence = self._next()
            answer = await self._ask(
                sequence,
                wire.submit(
                    sequence,
                    source=self._sender,
                    to=text.to,
                    part=part,
                    receipt=place == len(pieces),
                    urgent=text.urgent,
                ),
            )
            if answer.status:
                raise _refusal(answer.status)
            reference = wire.answered_id(answer.body) or f"sans-reference-{text.key.hex}"  # taken all the same
        return reference

    async def find(self, text: Text, *, since: datetime) -> str | None:  # noqa: ARG002 - the protocol has no such question
        return None

    async def run(self, *, on_receipt: OnReceipt, on_reply: OnReply) -> None:
        """Keep the link up until cancelled; a broken one is made again after one second, then two, up to thirty."""
        pause = 1
        while True:
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
                pause = await self._session(reader, writer, on_receipt, on_reply) or pause
            except (OSError, EOFError, TimeoutError, Malformed, CarrierUnavailable) as exc:
                log.warning("smpp_link_lost", error=type(exc).__name__, detail=str(exc))
            await asyncio.sleep(pause)
            pause = min(pause * 2, _MAX_PAUSE)

    async def _session(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_receipt: OnReceipt,
        on_reply: OnReply,
    ) -> int:
        """One link's life. Returns the first pause after it, 1, once it was bound."""
        self._writer = writer
        listening = asyncio.create_task(self._listen(reader, on_receipt, on_reply))
        try:
            sequence = self._next()
            answer = await self._ask(sequence, wire.bind(sequence, user=self._user, password=self._password))
            if answer.status:
                raise CarrierUnavailable(f"SMPP : liaison refusée ({answer.status:#x})")
            self._bound.set()
            log.info("smpp_bound", host=self._host)
            while not listening.done():
                await asyncio.wait({listening}, timeout=ENQUIRE_SECONDS)
                if not listening.done():
                    sequence = self._next()
                    await self._ask(sequence, Pdu(Command.ENQUIRE, 0, sequence).packed())
            with contextlib.suppress(OSError, EOFError, Malformed):
                await listening
            return 1
        finally:
            self._bound.clear()
            self._writer = None
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, EOFError, Malformed):
                await listening
            for waiting in self._asked.values():
                if not waiting.done():
                    waiting.set_exception(CarrierUnavailable("SMPP : liaison coupée"))
            with contextlib.suppress(OSError):
                writer.write(Pdu(Command.UNBIND, 0, self._next()).packed())
                writer.close()
                await writer.wait_closed()

    async def _listen(self, reader: asyncio.StreamReader, on_receipt: OnReceipt, on_reply: OnReply) -> None:
        while True:
            length, command, status, sequence = wire.head(await reader.readexactly(16))
            pdu = Pdu(command, status, sequence, await reader.readexactly(length))
            match command:
                case Command.DELIVER:
                    await self._hear(pdu, on_receipt, on_reply)
                case Command.ENQUIRE:
                    await self._write(Pdu(Command.ENQUIRE_RESP, 0, sequence).packed())
                case Command.UNBIND:
                    await self._write(Pdu(Command.UNBIND_RESP, 0, sequence).packed())
                    return
                case _:
                    waiting = self._asked.get(sequence)
                    if waiting is not None and not waiting.done() and command & 0x80000000:
                        waiting.set_result(pdu)

    async def _hear(self, pdu: Pdu, on_receipt: OnReceipt, on_reply: OnReply) -> None:
        """Answered only once it is written down: what could not be is brought again by the carrier."""
        status = 0
        try:
            news = wire.delivered(pdu.body)
            if news.receipt:
                receipt = receipt_of(news)
                if receipt is not None:
                    await on_receipt(receipt)
            else:
                sender = caller_number(news.source) or news.source
                await on_reply(Reply(NAME, new_id().hex, sender, news.text, clock.now()))
        except Malformed:
            log.warning("smpp_unreadable", sequence=pdu.sequence)
        except Exception:
            log.exception("smpp_news_not_written")
            status = _TEMPORARY
        await self._write(Pdu(Command.DELIVER_RESP, status, pdu.sequence, b"\x00").packed())

    async def _ask(self, sequence: int, document: bytes) -> Pdu:
        answered: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._asked[sequence] = answered
        try:
            await self._write(document)
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await answered
        except (TimeoutError, OSError) as exc:
            raise CarrierUnavailable(f"SMPP : {type(exc).__name__}") from exc
        finally:
            del self._asked[sequence]

    async def _write(self, document: bytes) -> None:
        if self._writer is None:
            raise CarrierUnavailable("SMPP : liaison coupée")
        self._writer.write(document)
        await self._writer.drain()

    def _next(self) -> int:
        return next(self._sequence) % 0x7FFFFFFF or next(self._sequence)


def receipt_of(news: Delivered) -> Receipt | None:
    """What a receipt says; None while the text is on its way. Some carriers write the id in hexadecimal when they take
    the text and in decimal in the receipt: the other writing is given too."""
    delivered = news.state == "DELIVRD"
    if not delivered and news.state not in _LOST:
        return None
    dead = news.state in ("UNDELIV", "REJECTD") and news.error in _UNKNOWN_SUBSCRIBER
    failure = None if delivered else Failure.DEAD if dead else Failure.UNDELIVERED
    also = (f"{int(news.message_id):x}", f"{int(news.message_id):X}") if news.message_id.isdecimal() else ()
    told = f"{news.state} {news.error}".strip()
    return Receipt(NAME, news.message_id, told, delivered=delivered, failure=failure, also=also)


def _refusal(status: int) -> Exception:
    text = f"SMPP : refus {status:#x}"
    if status == _INVALID_DESTINATION:
        return AddressDead(f"{text}, numéro non valable")
    return CarrierUnavailable(text) if status in _LATER else CarrierRefused(text)
