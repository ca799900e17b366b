"""One message after another way: notification, text, call; each is spared by the one before that arrived."""

import sqlalchemy as sa

from maillage_kit.testing.message_carriers import FakePushService, FakeTwilio
from maillage_tenants import alarms, messages
from maillage_tenants.messages import MessageState
from maillage_tenants.messages.models import PushSubscription


async def test_an_emergency_is_a_notification_then_a_text_then_a_call(
    post, twilio: FakeTwilio, phone: FakePushService
) -> None:
    await post.push_on(phone)
    await post.wishes(sms_after=20)
    message_id = await post.tell()
    await post.work()
    (shown,) = phone.shown
    assert (shown["title"], shown["url"]) == ("Dépannage Eure", "/c/eure/field/cases/1")
    assert shown["body"] == "Une intervention vous est proposée : ouvrez pour répondre."
    assert "Sadi-Carnot" not in str(shown)  # R72: a locked screen shows no address
    assert phone.headers == [{"ttl": "900", "urgency": "high", "topic": message_id.hex}]
    assert twilio.texts == []
    post.clock.advance(seconds=20)
    await post.work()
    (text,) = twilio.texts
    assert text["body"].startswith("Dépannage Eure : Dépannage I-1")
    assert text["body"].endswith("1 = je prends, 2 = non.")
    assert await post.receipt(text["callback"], "delivered") == 204
    assert twilio.calls == []
    post.clock.advance(seconds=60)
    await post.work()
    (call,) = twilio.calls
    assert call["To"] == post.karim.phone
    assert call["From"] == "+33232402727"
    assert "Une intervention vous est proposée" in call["Twiml"]
    assert "https" not in call["Twiml"]
    assert await post.attempts(message_id) == [
        ("push", "webpush", "given"),
        ("sms", "twilio", "delivered"),
        ("call", "twilio", "given"),
    ]
    assert (await post.row(message_id)).state == MessageState.DELIVERED


async def test_a_notification_that_was_shown_spares_the_text_and_one_that_was_answered_the_call(
    post, twilio: FakeTwilio, phone: FakePushService
) -> None:
    await post.push_on(phone)
    await post.wishes(sms_after=20)
    await post.tell(key="offer:1")
    await post.work()
    forged = phone.shown[0]["receipt"][:-3] + "abc"
    assert (await post.client.post(forged)).status_code == 403
    for _ in range(2):  # a service worker may say it twice
        assert (await post.client.post(phone.shown[0]["receipt"])).status_code == 204
    post.clock.advance(seconds=30)
    async with post.runtime.database.tenant(post.cooperative.tenant) as session:
        await messages.settle(session, dedupe_key="offer:1")
    post.clock.advance(minutes=5)
    await post.work()
    assert (twilio.texts, twilio.calls) == ([], [])


async def test_a_text_that_did_not_arrive_makes_the_phone_ring_at_once(post, twilio: FakeTwilio) -> None:
    message_id = await post.tell()
    await post.work()
    assert await post.receipt(twilio.texts[0]["callback"], "sent") == 204  # on its way: no news yet
    assert await post.receipt(twilio.texts[0]["callback"], "undelivered", "30003") == 204
    await post.work()
    assert len(twilio.calls) == 1
    assert (
        await post.signed(twilio.calls[0]["StatusCallback"].removeprefix(post.public), {"CallStatus": "completed"})
        == 204
    )
    assert (await post.row(message_id)).state == MessageState.DELIVERED
    assert await post.alarms() == []


async def test_a_browser_that_left_is_dropped_told_to_the_desk_and_the_text_leaves_at_once(
    post, twilio: FakeTwilio, phone: FakePushService
) -> None:
    await post.push_on(phone)
    await post.wishes(sms_after=60)
    phone.status = 410
    await post.tell()
    await post.work()
    assert len(twilio.texts) == 1
    assert await post.alarms() == ["Un téléphone d’artisan n’accepte plus nos notifications"]
    async with post.runtime.database.tenant(post.cooperative.tenant) as session:
        (kept,) = (await session.scalars(sa.select(PushSubscription))).all()
    assert kept.dropped_at is not None
    await post.push_on(phone)
    assert await post.alarms() == []


async def test_what_is_no_emergency_goes_one_way_as_wished(post, twilio: FakeTwilio, phone: FakePushService) -> None:
    await post.push_on(phone)
    first = await post.tell("offer_withdrawn")
    await post.work()
    await post.wishes(channels=("sms",))
    second = await post.tell("offer_withdrawn")
    await post.work()
    assert [way for way, *_ in await post.attempts(first)] == ["push"]
    assert [way for way, *_ in await post.attempts(second)] == ["sms"]
    assert (len(phone.shown), len(twilio.texts), twilio.calls) == (1, 1, [])


async def test_everything_failed_is_a_critical_alarm_for_an_emergency(post, twilio: FakeTwilio) -> None:
    twilio.refuse[post.karim.phone] = (400, 30450)
    message_id = await post.tell()
    await post.work()
    assert (await post.row(message_id)).state == MessageState.FAILED
    async with post.runtime.database.tenant(post.cooperative.tenant) as session:
        (alarm,) = await alarms.open_alarms(session)
    assert (alarm.kind, alarm.severity) == ("messages.failed", alarms.Severity.CRITICAL)
