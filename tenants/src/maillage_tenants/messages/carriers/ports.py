"""The ports through which a message leaves, and the three ways in which a carrier says no."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from maillage_tenants.messages.models import Failure

TIMEOUT_SECONDS = 10


class CarrierSaidNo(Exception):
    """A carrier did not take a message; the subclass says whether another carrier or another moment may help."""

    failure = Failure.REFUSED


class CarrierRefused(CarrierSaidNo):
    """This carrier will not take this message, now or later: another one may."""


class AddressDead(CarrierSaidNo):
    """The address does not exist or no longer takes anything: no carrier can help."""

    failure = Failure.DEAD


class CarrierUnavailable(CarrierSaidNo):
    """The carrier could not be reached or asks to come back later."""

    failure = Failure.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail to send. `message_id` is stable, so that a server may drop a second copy. `return_path`: where servers
    send what they cannot deliver; empty means the sender's own address."""

    to: str
    subject: str
    body: str
    message_id: str
    sender_name: str
    reply_to: str
    return_path: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text message to send. `key` is stable over a repetition of the same attempt; `receipt_path` is where its
    carrier may post receipts, a path of this product."""

    to: str
    body: str
    key: UUID
    receipt_path: str
    urgent: bool = True


@dataclass(frozen=True, slots=True)
class Notice:
    """What a browser shows. `payload` is read by the product's service worker; `topic` replaces an older one not yet
    shown; after `seconds` nobody needs it any more."""

    endpoint: str
    key: str
    secret: str
    payload: bytes
    topic: str
    seconds: int
    urgent: bool


@dataclass(frozen=True, slots=True)
class SpokenCall:
    """A call that reads `text` aloud, twice."""

    to: str
    text: str
    key: UUID
    receipt_path: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """News of an attempt from its carrier, found by the carrier's own reference; `also`: the same written otherwise."""

    carrier: str
    reference: str
    told: str
    delivered: bool
    failure: Failure | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """A text message that somebody sent to us. `reference` is the carrier's: hearing it twice is harmless."""

    carrier: str
    reference: str
    sender: str
    body: str
    at: datetime


OnReceipt = Callable[[Receipt], Awaitable[None]]
OnReply = Callable[[Reply], Awaitable[None]]


class SmsSender(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def answerable(self) -> bool:
        """Whether who receives a text can answer it: a number can be answered, a name cannot."""
        ...

    async def send(self, text: Text) -> str:
        """Give a text to the carrier; its reference. Raises CarrierRefused, AddressDead or CarrierUnavailable."""
        ...

    async def find(self, text: Text, *, since: datetime) -> str | None:
        """The reference of this very text if the carrier already has it: asked only after this process was killed
        between asking and noting. None when the carrier cannot tell. Never raises for a carrier in trouble."""
        ...


class MailSender(Protocol):
    async def send(self, mail: Mail) -> str:
        """Give an e-mail to the server; its reference. Raises CarrierRefused, AddressDead or CarrierUnavailable."""
        ...


class PushSender(Protocol):
    async def send(self, notice: Notice) -> str:
        """Give a notification to the browser's push service; its reference. Raises as the others: AddressDead when the
        browser took its subscription back."""
        ...


class Caller(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def receipts(self) -> str:
        """Where its receipts come, below the receipts' path: each carrier proves who it is in its own way."""
        ...

    async def call(self, call: SpokenCall) -> str:
        """Ring `to` and read the text; the carrier's reference. Raises as the others."""
        ...


class Runs(Protocol):
    """A carrier that keeps a connection open: run by the worker process only."""

    async def run(self, *, on_receipt: OnReceipt, on_reply: OnReply) -> None:
        """Stay connected until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class Carriers:
    """What this process can send with; None or empty where nothing is set. `sms` is in the order of preference."""

    mail: MailSender | None = None
    sms: tuple[SmsSender, ...] = ()
    push: PushSender | None = None
    caller: Caller | None = None
    kept: tuple[Runs, ...] = field(default=())

    def sms_named(self, name: str) -> SmsSender | None:
        return next((sender for sender in self.sms if sender.name == name), None)
