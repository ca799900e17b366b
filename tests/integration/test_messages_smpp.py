"""SMPP over a real connection: bind, long texts, receipts, replies, a link that breaks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from pydantic import SecretStr

from maillage_app.messaging import carriers_of, kept_links
from maillage_app.runtime import Runtime
from maillage_app.worker import build_worker
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.settings import SmppSettings
from maillage_kit.testing.message_carriers import MessageCentre, message_centre
from maillage_tenants import alarms, messages
from maillage_tenants.messages.carriers import AddressDead, CarrierRefused, CarrierUnavailable
from maillage_tenants.messages.carriers.ports import Receipt, Reply, Text
from maillage_tenants.messages.carriers.smpp import SmppSender


@pytest.fixture
async def centre() -> AsyncIterator[MessageCentre]:
    async with message_centre() as started:
        yield started


class Heard:
    """What the link brought; `broken`: writing it down fails."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.replies: list[Reply] = []
        self.broken = False

    async def receipt(self, receipt: Receipt) -> None:
        if self.broken:
            raise RuntimeError("no database")
        self.receipts.append(receipt)

    async def reply(self, reply: Reply) -> None:
        self.replies.append(reply)


@contextlib.asynccontextmanager
async def linked(
    centre: MessageCentre, heard: Heard, *, password: str = "secret", wait: float = 3
) -> AsyncIterator[SmppSender]:
    url = f"smpp://maillage:{password}@127.0.0.1:{centre.port}"
    sender = SmppSender(url, sender="+33939036612", wait_seconds=wait)
    link = asyncio.create_task(sender.run(on_receipt=heard.receipt, on_reply=heard.reply))
    try:
        yield sender
    finally:
        link.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await link


def text(body: str = "Un artisan est prévenu.", to: str = "+33612345678") -> Text:
    return Text(to=to, body=body, key=uuid4(), receipt_path="/x")


async def test_a_text_is_taken_and_its_receipt_comes_back(centre: MessageCentre) -> None:
    heard = Heard()
    async with linked(centre, heard) as sender:
        assert await sender.send(text("L'accès : 12 € [code]")) == "1"
        (taken,) = centre.submitted
        assert (taken.source, taken.to, taken.coding, taken.receipt) == ("33939036612", "33612345678", 0, True)
        assert taken.message == b"L'acc\x04s : 12 \x1be \x1b<code\x1b>"  # GSM 03.38
        asked = [
            await centre.receipt("1", "DELIVRD"),
            await centre.receipt("1", "ENROUTE"),
            await centre.receipt("26", "UNDELIV", "001"),
        ]
        await centre.until(lambda: set(asked) <= set(centre.answers))
    assert [(receipt.reference, receipt.delivered, receipt.failure) for receipt in heard.receipts] == [
        ("1", True, None),
        ("26", False, "dead"),
    ]
    assert heard.receipts[1].also == ("1a", "1A")  # some carriers count in hexadecimal when they take it


async def test_a_long_text_is_cut_and_put_together_again(centre: MessageCentre) -> None:
    body = "Où est la fuite ? Françoise l’a vue : " * 6
    async with linked(centre, Heard()) as sender:
        reference = await sender.send(text(body))
    parts = centre.submitted
    assert len(parts) > 1
    assert reference == str(len(parts))
    assert [part.receipt for part in parts] == [False] * (len(parts) - 1) + [True]
    assert {part.esm_class for part in parts} == {0x40}
    assert [part.message[:6] for part in parts] == [
        bytes((5, 0, 3, 1, len(parts), place)) for place in range(1, len(parts) + 1)
    ]
    assert b"".join(part.message[6:] for part in parts).decode("utf-16-be") == body


async def test_an_answer_is_heard_and_acknowledged_only_once_it_is_written(centre: MessageCentre) -> None:
    heard = Heard()
    async with linked(centre, heard) as sender:
        await sender.send(text())
        answered = await centre.text("33612345701", "Oui, j’arrive")
        await centre.until(lambda: answered in centre.answers)
        heard.broken = True
        kept = await centre.receipt("1", "DELIVRD")
        await centre.until(lambda: kept in centre.answers)
    assert [(reply.sender, reply.body) for reply in heard.replies] == [("+33612345701", "Oui, j’arrive")]
    assert (centre.answers[answered], centre.answers[kept]) == (0, 0x64)  # the carrier brings the second one again


@pytest.mark.parametrize(
    ("status", "failure"), [(0x0B, AddressDead), (0x58, CarrierUnavailable), (0x0A, CarrierRefused)]
)
async def test_a_refusal_says_what_may_help(centre: MessageCentre, status: int, failure: type[Exception]) -> None:
    centre.refuse["33600000000"] = status
    async with linked(centre, Heard()) as sender:
        with pytest.raises(failure):
            await sender.send(text(to="+33600000000"))


async def test_a_broken_link_is_made_again(centre: MessageCentre) -> None:
    async with linked(centre, Heard()) as sender:
        await sender.send(text())
        await centre.cut()
        await centre.until(lambda: centre.binds == 2)
        assert await sender.send(text()) == "2"


async def test_a_wrong_password_leaves_the_other_carriers_their_turn(centre: MessageCentre) -> None:
    async with linked(centre, Heard(), password="autre", wait=0.2) as sender:
        with pytest.raises(CarrierUnavailable):
            await sender.send(text())


async def test_from_the_queue_to_the_handset_and_back(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock, centre: MessageCentre
) -> None:
    settings = runtime.settings.model_copy(
        update={"smpp": SmppSettings(url=SecretStr(f"smpp://u:secret@127.0.0.1:{centre.port}"), sender="+33939036612")}
    )
    mine = replace(runtime, settings=settings)
    async with runtime.database.tenant(eure.tenant) as session:
        await messages.send_sms(
            session, to="+33612345678", body="Un artisan est prévenu.", purpose="case_accepted", dedupe_key="k"
        )
    carriers = carriers_of(settings)
    async with kept_links(mine, carriers):
        await build_worker(mine, carriers).run_due()
        told = [await centre.receipt("1", "DELIVRD"), await centre.text("33612345678", "Merci, à quelle heure ?")]
        await centre.until(lambda: set(told) <= set(centre.answers))
    assert [centre.answers[sequence] for sequence in told] == [0, 0]
    async with runtime.database.tenant(eure.tenant) as session:
        (row,) = await messages.recent_messages(session)
        (alarm,) = await alarms.open_alarms(session)
    assert row.state == messages.MessageState.DELIVERED
    assert (alarm.title, alarm.detail) == ("SMS reçu du 06 12 34 56 78", "Merci, à quelle heure ?")
