"""Carriers take over from each other, a crash sends nothing twice, receipts come forged, late and in disorder."""

from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from maillage_app.messaging import carriers_of
from maillage_app.testing.applications import application_of
from maillage_kit import clock
from maillage_kit.testing.message_carriers import FakeOvh, FakeTwilio
from maillage_tenants.messages import MessageState
from maillage_tenants.messages.chain import advance
from maillage_tenants.messages.gifts import give
from maillage_tenants.messages.tasks import look_for_receipts


async def test_another_carrier_takes_over_at_once(post, twilio: FakeTwilio, ovh: FakeOvh) -> None:
    post = post.with_ovh(ovh)
    twilio.down = True
    message_id = await post.tell("offer_withdrawn")
    await post.work()
    assert await post.attempts(message_id) == [("sms", "twilio", "failed"), ("sms", "ovh", "given")]
    (job,) = ovh.jobs
    assert (job["receivers"], job["noStopClause"], job["senderForResponse"]) == ([post.karim.phone], True, True)
    assert job["message"].startswith("Dépannage Eure : ")


async def test_ovh_receipts_come_by_a_secret_address_or_by_asking(post, twilio: FakeTwilio, ovh: FakeOvh) -> None:
    twilio.down = True
    called_back = post.with_ovh(ovh)
    first = await called_back.tell("offer_withdrawn")
    await called_back.work()
    app = application_of(called_back.runtime)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=post.public) as client:
        for secret, reference, status in (("faux", "1", 403), (post.ovh_secret, "1", 204), (post.ovh_secret, "1", 204)):
            answer = await client.get(
                f"/telephony/messages/ovh/{secret}/receipt", params={"id": reference, "dlr": "1", "ptt": "1"}
            )
            assert answer.status_code == status
    assert (await post.row(first)).state == MessageState.DELIVERED
    assert (await post.client.get(f"/telephony/messages/ovh/{post.ovh_secret}/receipt?id=1&dlr=1")).status_code == 404
    asked = post.with_ovh(ovh, callback=False)
    second = await asked.tell("offer_withdrawn")
    await asked.work()
    ovh.receipts[2] = 2
    await look_for_receipts(asked.runtime.database, asked.cooperative, asked.runtime.settings)
    assert (await post.attempts(second))[-1] == ("sms", "ovh", "failed")


async def test_replies_at_ovh_are_read_from_its_list(post, ovh: FakeOvh) -> None:
    sender = next(s for s in carriers_of(post.with_ovh(ovh).runtime.settings).sms if s.name == "ovh")
    ovh.incoming[41] = {"sender": "0612345701", "message": "1", "creationDatetime": "2027-03-01T09:00:00+01:00"}
    heard: set[str] = set()
    (reply,) = await sender._replies(heard)  # type: ignore[attr-defined]
    assert (reply.carrier, reply.reference, reply.sender, reply.body) == ("ovh", "41", "+33612345701", "1")
    heard.add(reply.reference)
    assert await sender._replies(heard) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("carrier", ["twilio", "ovh"])
async def test_a_worker_killed_after_the_carriers_yes_does_not_text_twice(
    post, twilio: FakeTwilio, ovh: FakeOvh, carrier: str
) -> None:
    if carrier == "ovh":
        post = post.with_ovh(ovh)
        settings = post.runtime.settings.model_copy(update={"sms_order": ("ovh",)})
        post = replace(post, runtime=replace(post.runtime, settings=settings))
    settings, carriers = post.runtime.settings, carriers_of(post.runtime.settings)
    message_id = await post.tell("offer_withdrawn")
    async with post.runtime.database.tenant(post.cooperative.tenant) as session:
        (gift,) = await advance(
            session, message_id=message_id, carriers=carriers, cooperative=post.cooperative, settings=settings
        )
    assert await post.attempts(message_id) == [("sms", carrier, "giving")]  # committed before the request
    said = await give(gift, carriers, post.cooperative, settings)
    assert said.reference is not None
    for text in twilio.texts:
        text["date_created"] = clock.now().strftime("%a, %d %b %Y %H:%M:%S +0000")
    # the worker dies here: nobody noted the answer
    await post.work()
    assert await post.attempts(message_id) == [("sms", carrier, "giving")]  # it may still be asking
    post.clock.advance(seconds=31)
    await post.work()
    assert await post.attempts(message_id) == [("sms", carrier, "given")]
    assert len(twilio.texts) + len(ovh.jobs) == 1


async def test_forged_altered_and_unknown_receipts_change_nothing(post, twilio: FakeTwilio) -> None:
    message_id = await post.tell()
    await post.work()
    path = twilio.texts[0]["callback"].removeprefix(post.public)
    form = {"MessageSid": "SM1", "MessageStatus": "failed"}
    assert await post.signed(path, form, token="autre") == 403
    mark = RequestValidator("jeton").compute_signature(post.public + path, form)
    altered = await post.client.post(
        path, data={**form, "MessageStatus": "delivered"}, headers={"X-Twilio-Signature": mark}
    )
    assert altered.status_code == 403
    assert await post.signed(f"{path[:-36]}{uuid4()}", form) == 404
    assert (await post.row(message_id)).state == MessageState.SENT


async def test_receipts_out_of_order_are_harmless(post, twilio: FakeTwilio) -> None:
    message_id = await post.tell("offer_withdrawn")
    await post.work()
    callback = twilio.texts[0]["callback"]
    assert await post.receipt(callback, "delivered") == 204
    assert await post.receipt(callback, "sent") == 204
    assert await post.receipt(callback, "undelivered", "30008") == 204  # late and wrong: good news stay
    assert await post.receipt(callback, "delivered") == 204
    assert (await post.row(message_id)).state == MessageState.DELIVERED
    assert await post.attempts(message_id) == [("sms", "twilio", "delivered")]
