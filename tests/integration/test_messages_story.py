"""Messages that arrive: chain, receipts, replies, quiet hours, dead addresses; the carriers check everything."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from maillage_app.app import build_app
from maillage_app.messaging import carriers_of
from maillage_app.runtime import Runtime
from maillage_app.worker import build_worker
from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_kit.settings import (
    AlertCallSettings,
    CarrierApiSettings,
    OvhSmsSettings,
    PushSettings,
    Settings,
    SmsSettings,
)
from maillage_kit.testing.message_carriers import FakeOvh, FakePushService, FakeTwilio, http_carrier
from maillage_tenants import alarms, interventions, messages
from maillage_tenants.interventions import Source
from maillage_tenants.messages import MessageState, Person, Urgency
from maillage_tenants.messages.carriers.web_push import padless
from maillage_tenants.messages.chain import advance
from maillage_tenants.messages.gifts import give
from maillage_tenants.messages.models import MessageAttempt, PushSubscription
from maillage_tenants.messages.policy import set_wishes
from maillage_tenants.messages.tasks import look_for_receipts

PUBLIC = "https://maillage.example"
OVH_SECRET = "un-secret-assez-long"


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    fake = FakeTwilio()
    with http_carrier(fake.answer) as url:
        fake.url = url
        yield fake


@pytest.fixture
def ovh(moved_clock: MovableClock) -> Iterator[FakeOvh]:
    fake = FakeOvh(time=int(moved_clock.now().timestamp()) + 7)  # its clock is not ours
    with http_carrier(fake.answer) as url:
        fake.url = url
        yield fake


@pytest.fixture
def phone() -> Iterator[FakePushService]:
    """A technician's phone with a browser that shows notifications."""
    fake = FakePushService()
    with http_carrier(fake.answer) as url:
        fake.url = url
        yield fake


@dataclass
class Post:
    """One cooperative's messages as a story needs them."""

    runtime: Runtime
    cooperative: CooperativeContext
    clock: MovableClock
    karim: Person
    opened: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def client(self) -> httpx.AsyncClient:
        """Where carriers call back: the application is built when the first one does."""
        if not self.opened:
            app: Any = build_app(self.runtime)
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            self.opened.append(httpx.AsyncClient(transport=transport, base_url=PUBLIC))
        return self.opened[0]

    async def work(self) -> None:
        """Everything that is due, by a worker."""
        await build_worker(self.runtime, carriers_of(self.runtime.settings)).run_due()

    async def tell(self, purpose: str = "offer", urgency: Urgency | None = None, **more: Any) -> UUID:
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            written = await messages.tell(
                session,
                person=more.pop("person", self.karim),
                body="Dépannage I-1, 3 rue Sadi-Carnot. Répondez sous 3 min : https://maillage.example/x",
                purpose=purpose,
                urgency=urgency,
                dedupe_key=more.pop("key", uuid4().hex),
                link="/field/cases/1",
            )
        assert written is not None
        return written

    async def row(self, message_id: UUID) -> messages.MessageRow:
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            found = await messages.recent_messages(session, limit=200)
        return next(row for row in found if row.id == message_id)

    async def attempts(self, message_id: UUID) -> list[tuple[str, str, str]]:
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            found = await session.scalars(
                sa.select(MessageAttempt).where(MessageAttempt.message_id == message_id).order_by(MessageAttempt.id)
            )
            return [(attempt.channel, attempt.carrier, attempt.state) for attempt in found]

    async def alarms(self) -> list[str]:
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            return [alarm.title for alarm in await alarms.open_alarms(session)]

    async def signed(self, path: str, form: dict[str, str], *, token: str = "jeton") -> int:
        """Post a form as the carrier does; its library signs it."""
        mark = RequestValidator(token).compute_signature(PUBLIC + path, form)
        answer = await self.client.post(path, data=form, headers={"X-Twilio-Signature": mark})
        return answer.status_code

    async def receipt(self, callback: str, status: str, code: str = "") -> int:
        form = {"MessageSid": "SM1", "MessageStatus": status, **({"ErrorCode": code} if code else {})}
        return await self.signed(callback.removeprefix(PUBLIC), form)

    async def answers(self, text: str, *, sender: str, sid: str | None = None) -> int:
        form = {"MessageSid": sid or f"SM{uuid4().hex}", "From": sender, "To": "+33939036612", "Body": text}
        return await self.signed("/telephony/messages/twilio/inbound", form)

    async def push_on(self, phone: FakePushService) -> None:
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            await messages.subscribe(
                session,
                technician_id=self.karim.technician_id,
                endpoint=f"{phone.url}/karim",
                key=phone.key,
                secret=phone.auth,
                device="Chrome, Android",
            )

    async def wishes(self, *, sms_after: int = 0, voice_call: bool = True, channels: tuple[str, ...] = ()) -> None:
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            await set_wishes(
                session,
                technician_id=self.karim.technician_id,
                channels=channels,
                sms_after_seconds=sms_after,
                voice_call=voice_call,
            )


def _settings(settings: Settings, twilio: FakeTwilio) -> Settings:
    key = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(32, "big")
    telephony = settings.telephony.model_copy(
        update={
            "api": CarrierApiSettings(base_url=twilio.url, account_sid="AC1", auth_token=SecretStr("jeton")),
        }
    )
    return settings.model_copy(
        update={
            "web": settings.web.model_copy(update={"public_url": PUBLIC}),
            "telephony": telephony,
            "sms": SmsSettings(
                base_url=twilio.url, account_sid="AC1", auth_token=SecretStr("jeton"), sender="+33939036612"
            ),
            "push": PushSettings(vapid_private_key=SecretStr(padless(key)), subject="mailto:desk@eure.example"),
            "alert_call": AlertCallSettings(number="+33232402727"),
        }
    )


def _with_ovh(post: Post, ovh: FakeOvh, *, callback: bool = True) -> Post:
    settings = post.runtime.settings.model_copy(
        update={
            "ovh": OvhSmsSettings(
                endpoint=f"{ovh.url}/1.0",
                application_key="key",
                application_secret=SecretStr("secret"),
                consumer_key=SecretStr("consumer"),
                service="sms-1",
                callback_secret=SecretStr(OVH_SECRET) if callback else None,
            )
        }
    )
    return replace(post, runtime=replace(post.runtime, settings=settings))


@pytest.fixture
async def post(
    runtime: Runtime,
    settings: Settings,
    eure: CooperativeContext,
    moved_clock: MovableClock,
    crew: Any,
    twilio: FakeTwilio,
) -> AsyncIterator[Post]:
    mine = replace(runtime, settings=_settings(settings, twilio))
    karim = crew.artisans[0]
    started = Post(mine, eure, moved_clock, Person(karim.technician_id, karim.phone))
    yield started
    for client in started.opened:
        await client.aclose()


# ---------------------------------------------------------------------------------------------------------- the chain


async def test_an_emergency_is_a_notification_then_a_text_then_a_call(
    post: Post, twilio: FakeTwilio, phone: FakePushService
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
    post: Post, twilio: FakeTwilio, phone: FakePushService
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


async def test_a_text_that_did_not_arrive_makes_the_phone_ring_at_once(post: Post, twilio: FakeTwilio) -> None:
    message_id = await post.tell()
    await post.work()
    assert await post.receipt(twilio.texts[0]["callback"], "sent") == 204  # on its way: no news yet
    assert await post.receipt(twilio.texts[0]["callback"], "undelivered", "30003") == 204
    await post.work()
    assert len(twilio.calls) == 1
    assert await post.signed(twilio.calls[0]["StatusCallback"].removeprefix(PUBLIC), {"CallStatus": "completed"}) == 204
    assert (await post.row(message_id)).state == MessageState.DELIVERED
    assert await post.alarms() == []


async def test_a_browser_that_left_is_dropped_told_to_the_desk_and_the_text_leaves_at_once(
    post: Post, twilio: FakeTwilio, phone: FakePushService
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


async def test_what_is_no_emergency_goes_one_way_as_wished(
    post: Post, twilio: FakeTwilio, phone: FakePushService
) -> None:
    await post.push_on(phone)
    first = await post.tell("offer_withdrawn")
    await post.work()
    await post.wishes(channels=("sms",))
    second = await post.tell("offer_withdrawn")
    await post.work()
    assert [way for way, *_ in await post.attempts(first)] == ["push"]
    assert [way for way, *_ in await post.attempts(second)] == ["sms"]
    assert (len(phone.shown), len(twilio.texts), twilio.calls) == (1, 1, [])


async def test_everything_failed_is_a_critical_alarm_for_an_emergency(post: Post, twilio: FakeTwilio) -> None:
    twilio.refuse[post.karim.phone] = (400, 30450)
    message_id = await post.tell()
    await post.work()
    assert (await post.row(message_id)).state == MessageState.FAILED
    async with post.runtime.database.tenant(post.cooperative.tenant) as session:
        (alarm,) = await alarms.open_alarms(session)
    assert (alarm.kind, alarm.severity) == ("messages.failed", alarms.Severity.CRITICAL)


# ----------------------------------------------------------------------------------------------- carriers and crashes


async def test_another_carrier_takes_over_at_once(post: Post, twilio: FakeTwilio, ovh: FakeOvh) -> None:
    post = _with_ovh(post, ovh)
    twilio.down = True
    message_id = await post.tell("offer_withdrawn")
    await post.work()
    assert await post.attempts(message_id) == [("sms", "twilio", "failed"), ("sms", "ovh", "given")]
    (job,) = ovh.jobs
    assert (job["receivers"], job["noStopClause"], job["senderForResponse"]) == ([post.karim.phone], True, True)
    assert job["message"].startswith("Dépannage Eure : ")


async def test_ovh_receipts_come_by_a_secret_address_or_by_asking(post: Post, twilio: FakeTwilio, ovh: FakeOvh) -> None:
    twilio.down = True
    called_back = _with_ovh(post, ovh)
    first = await called_back.tell("offer_withdrawn")
    await called_back.work()
    app: Any = build_app(called_back.runtime)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC) as client:
        for secret, reference, status in (("faux", "1", 403), (OVH_SECRET, "1", 204), (OVH_SECRET, "1", 204)):
            answer = await client.get(
                f"/telephony/messages/ovh/{secret}/receipt", params={"id": reference, "dlr": "1", "ptt": "1"}
            )
            assert answer.status_code == status
    assert (await post.row(first)).state == MessageState.DELIVERED
    assert (await post.client.get(f"/telephony/messages/ovh/{OVH_SECRET}/receipt?id=1&dlr=1")).status_code == 404
    asked = _with_ovh(post, ovh, callback=False)
    second = await asked.tell("offer_withdrawn")
    await asked.work()
    ovh.receipts[2] = 2
    await look_for_receipts(asked.runtime.database, asked.cooperative, asked.runtime.settings)
    assert (await post.attempts(second))[-1] == ("sms", "ovh", "failed")


async def test_replies_at_ovh_are_read_from_its_list(post: Post, ovh: FakeOvh) -> None:
    sender = next(s for s in carriers_of(_with_ovh(post, ovh).runtime.settings).sms if s.name == "ovh")
    ovh.incoming[41] = {"sender": "0612345701", "message": "1", "creationDatetime": "2027-03-01T09:00:00+01:00"}
    heard: set[str] = set()
    (reply,) = await sender._replies(heard)  # type: ignore[attr-defined]
    assert (reply.carrier, reply.reference, reply.sender, reply.body) == ("ovh", "41", "+33612345701", "1")
    heard.add(reply.reference)
    assert await sender._replies(heard) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("carrier", ["twilio", "ovh"])
async def test_a_worker_killed_after_the_carriers_yes_does_not_text_twice(
    post: Post, twilio: FakeTwilio, ovh: FakeOvh, carrier: str
) -> None:
    if carrier == "ovh":
        post = _with_ovh(post, ovh)
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


async def test_forged_altered_and_unknown_receipts_change_nothing(post: Post, twilio: FakeTwilio) -> None:
    message_id = await post.tell()
    await post.work()
    path = twilio.texts[0]["callback"].removeprefix(PUBLIC)
    form = {"MessageSid": "SM1", "MessageStatus": "failed"}
    assert await post.signed(path, form, token="autre") == 403
    mark = RequestValidator("jeton").compute_signature(PUBLIC + path, form)
    altered = await post.client.post(
        path, data={**form, "MessageStatus": "delivered"}, headers={"X-Twilio-Signature": mark}
    )
    assert altered.status_code == 403
    assert await post.signed(f"{path[:-36]}{uuid4()}", form) == 404
    assert (await post.row(message_id)).state == MessageState.SENT


async def test_receipts_out_of_order_are_harmless(post: Post, twilio: FakeTwilio) -> None:
    message_id = await post.tell("offer_withdrawn")
    await post.work()
    callback = twilio.texts[0]["callback"]
    assert await post.receipt(callback, "delivered") == 204
    assert await post.receipt(callback, "sent") == 204
    assert await post.receipt(callback, "undelivered", "30008") == 204  # late and wrong: good news stay
    assert await post.receipt(callback, "delivered") == 204
    assert (await post.row(message_id)).state == MessageState.DELIVERED
    assert await post.attempts(message_id) == [("sms", "twilio", "delivered")]


# -------------------------------------------------------------------------------------- quiet hours, limits, dead ends


async def test_routine_waits_for_the_morning_and_an_emergency_never(post: Post, twilio: FakeTwilio) -> None:
    post.clock.move_to(clock.paris_instant(clock.paris(clock.now()).date()) + timedelta(hours=22))
    held = await post.tell("duty_changed")
    await post.work()
    row = await post.row(held)
    assert (row.state, row.held_reason, twilio.texts) == (MessageState.HELD, "Heures calmes", [])
    assert row.held_until is not None
    assert f"{clock.paris(row.held_until):%d %H:%M}" == "02 08:00"
    for _ in range(8):
        await post.tell("offer")
    await post.work()
    assert len(twilio.texts) == 8  # as many as there are, over the limit of the rest
    post.clock.move_to(row.held_until)
    await post.work()
    assert (await post.row(held)).state == MessageState.SENT


async def test_routine_is_limited_by_the_hour_and_what_waits_is_seen(post: Post, twilio: FakeTwilio) -> None:
    written = [await post.tell("duty_changed") for _ in range(8)]
    await post.work()
    states = [(await post.row(message_id)).state for message_id in written]
    assert states.count(MessageState.SENT) == 6
    waiting = await post.row(written[states.index(MessageState.HELD)])
    assert waiting.held_reason == "Déjà 6 messages en une heure"
    post.clock.advance(hours=1)
    await post.work()
    assert {(await post.row(message_id)).state for message_id in written} == {MessageState.SENT}


async def test_a_dead_number_alarms_the_desk_once_until_it_works_again(
    post: Post, twilio: FakeTwilio, crew: Any, sign_in: Any
) -> None:
    for _ in range(2):
        await post.tell("offer_withdrawn")
        await post.work()
        assert await post.receipt(twilio.texts[-1]["callback"], "undelivered", "30005") == 204
        await post.work()
    assert await post.alarms() == ["SMS non envoyé à 06 12 34 57 01"]
    office = await sign_in(Role.MANAGER, post.cooperative)
    member = await office.get(f"/c/eure/members/{crew.artisans[0].member_id}")
    assert "Ne reçoit plus de SMS" in member.text
    await post.tell("offer_withdrawn")
    await post.work()
    assert await post.receipt(twilio.texts[-1]["callback"], "delivered") == 204
    assert await post.alarms() == []
    assert "Ne reçoit plus de SMS" not in (await office.get(f"/c/eure/members/{crew.artisans[0].member_id}")).text


async def test_stop_holds_for_what_is_no_service(post: Post, twilio: FakeTwilio) -> None:
    """R23: STOP ends what was not asked for; a customer's own repair is still talked about."""
    assert await post.answers("STOP", sender="+33612349999") == 200
    async with post.runtime.database.tenant(post.cooperative.tenant) as session:
        await messages.note_stop(session, phone="+33612349999", at=clock.now())
        for service in (True, False):
            await messages.send_sms(
                session,
                to="+33612349999",
                body="texte",
                purpose="case_accepted",
                dedupe_key=f"s{service}",
                service=service,
            )
    await post.work()
    assert len(twilio.texts) == 1
    assert await post.alarms() == []


# ------------------------------------------------------------------------------------------------------------ replies


async def _offer(post: Post, crew: Any, *names: int) -> UUID:
    """A case offered to these artisans of the crew, in this order."""
    async with post.runtime.database.tenant(post.cooperative.tenant) as session:
        case = await interventions.open_case(
            session,
            facts=interventions.NewCase(
                source=Source.WEB,
                requested_at=clock.now(),
                by="tests",
                caller_name="Madame Lefèvre",
                caller_phone="+33612345678",
                address="3 rue Sadi-Carnot, Pont-Audemer",
                insee="27467",
                trade="plumbing",
            ),
        )
        candidates = [_Candidate(crew.artisans[number]) for number in names]
        url = interventions.case_url(post.runtime.settings, post.cooperative, case.id)
        await interventions.start_offers(
            session, case_id=case.id, candidates=candidates, at=clock.now(), by="tests", case_url=url
        )
    return case.id


class _Candidate:
    def __init__(self, artisan: Any) -> None:
        self.kind = "on_call"
        self.phone: str | None = artisan.phone
        self.display_name: str = artisan.name
        self.member_id: UUID | None = artisan.member_id
        self.technician_id: UUID | None = artisan.technician_id
        self.duty_id: UUID | None = artisan.duty_id
        self.reason = "de garde"
        self.skipped: str | None = None


async def _owner(post: Post, case_id: UUID) -> UUID | None:
    async with post.runtime.database.tenant(post.cooperative.tenant) as session:
        return (await interventions.case(session, case_id=case_id)).technician_id


async def test_one_takes_the_offer_and_the_late_one_is_told(post: Post, twilio: FakeTwilio, crew: Any) -> None:
    karim, sophie = crew.artisans[:2]
    case_id = await _offer(post, crew, 0, 1)
    await post.work()
    assert await post.answers("2", sender=karim.phone) == 200  # no: Sophie is asked at once
    await post.work()
    assert [text["to"] for text in twilio.texts][:2] == [karim.phone, sophie.phone] or "noté" in twilio.texts[1]["body"]
    for sid in ("SMone", "SMone"):  # the carrier says it twice
        assert await post.answers("1", sender=sophie.phone, sid=sid) == 200
    assert await _owner(post, case_id) == sophie.technician_id
    assert await post.answers("Oui", sender=karim.phone) == 200
    assert await post.answers("1", sender=sophie.phone) == 200  # again: it is hers already
    await post.work()
    said = [(text["to"], text["body"]) for text in twilio.texts]
    assert sum("est à vous" in body for to, body in said if to == sophie.phone) == 1
    assert any("06 12 34 56 78" in body for to, body in said if to == sophie.phone)
    assert sum("déjà pris par un collègue" in body for to, body in said if to == karim.phone) == 1
    assert twilio.calls == []  # who answered is not called


async def test_a_bare_one_is_not_guessed_when_two_offers_are_open(post: Post, twilio: FakeTwilio, crew: Any) -> None:
    first, second = await _offer(post, crew, 0), await _offer(post, crew, 0)
    assert await post.answers("1", sender=crew.artisans[0].phone) == 200
    assert (await _owner(post, first), await _owner(post, second)) == (None, None)
    await post.work()
    assert any("choisissez sur votre page" in text["body"] for text in twilio.texts)


async def test_only_the_number_it_was_offered_to_may_take_it(post: Post, crew: Any) -> None:
    case_id = await _offer(post, crew, 0)
    assert await post.answers("1", sender=crew.artisans[1].phone) == 200
    assert await post.answers("1", sender="+33698765432") == 200
    form = {"MessageSid": "SMx", "From": crew.artisans[0].phone, "To": "+33939036612", "Body": "1"}
    assert await post.signed("/telephony/messages/twilio/inbound", form, token="autre") == 403
    assert await _owner(post, case_id) is None


async def test_what_is_not_understood_is_read_by_the_desk(post: Post, crew: Any, sign_in: Any) -> None:
    case_id = await _offer(post, crew, 0)
    await post.work()
    assert await post.answers("je suis sur l’autoroute, appelez Sophie", sender=crew.artisans[0].phone) == 200
    assert "SMS reçu du 06 12 34 57 01" in await post.alarms()
    assert await _owner(post, case_id) is None
    office = await sign_in(Role.MANAGER, post.cooperative)
    for page in (f"/c/eure/cases/{case_id}", "/c/eure/messages?show=received"):
        assert "je suis sur l’autoroute" in (await office.get(page)).text


# -------------------------------------------------------------------------------------------------------------- pages


async def test_the_desk_reads_messages_with_their_attempts(post: Post, twilio: FakeTwilio, sign_in: Any) -> None:
    twilio.refuse[post.karim.phone] = (400, 21211)
    failed = await post.tell("offer_withdrawn")
    await post.work()
    office = await sign_in(Role.MANAGER, post.cooperative)
    listed = await office.get("/c/eure/messages?show=failed")
    assert f"/c/eure/messages/{failed}" in listed.text
    one = await office.get(f"/c/eure/messages/{failed}")
    assert "adresse hors service" in one.text
    assert (await office.get("/c/eure/messages?after=zzz")).status_code == 422
    assert (await office.get("/c/eure/messages?show=held")).status_code == 200
    saved = await office.post(
        "/c/eure/messages/policy", {"quiet_from": "22:30", "quiet_to": "07:00", "routine_per_hour": "3"}
    )
    assert saved.status_code == 303
    form = await office.get("/c/eure/messages/policy")
    assert 'value="22:30"' in form.text
    wrong = await office.post(
        "/c/eure/messages/policy", {"quiet_from": "tard", "quiet_to": "07:00", "routine_per_hour": "0"}
    )
    assert wrong.status_code == 422
    assert "tard" in wrong.text


async def test_a_technician_turns_notifications_on_and_tries_them(
    post: Post, twilio: FakeTwilio, phone: FakePushService, crew: Any, sign_in: Any, settings: Settings
) -> None:
    push = post.runtime.settings.push.model_copy(update={"hosts": ("push.example",)})
    here = post.runtime.settings.model_copy(update={"push": push, "web": settings.web})
    runtime = replace(post.runtime, settings=here)
    member = await sign_in(
        Role.MEMBER,
        post.cooperative,
        member_id=crew.artisans[0].member_id,
        technician_id=crew.artisans[0].technician_id,
    )
    app: Any = build_app(runtime)
    transport = httpx.ASGITransport(app=app)
    session = {"maillage_session": member.client.cookies["maillage_session"]}
    async with httpx.AsyncClient(transport=transport, base_url=settings.web.public_url, cookies=session) as client:
        shown = await client.get("/c/eure/field/notifications", headers={"accept": "text/html"})
        assert "data-push" in shown.text
        headers = {"x-csrftoken": client.cookies["maillage_csrf"], "accept": "text/html"}
        devices = "/c/eure/field/notifications/devices"
        for endpoint, status in (
            ("https://169.254.169.254/latest", 422),  # we only post to push services that we know
            ("http://push.example/a", 422),
            ("https://push.example.evil.example/a", 422),
            ("https://push.example/a", 204),
        ):
            document = {"endpoint": endpoint, "keys": {"p256dh": phone.key, "auth": phone.auth}, "expirationTime": None}
            assert (await client.post(devices, json=document, headers=headers)).status_code == status, endpoint
        bad = {"endpoint": "https://push.example/b", "keys": {"p256dh": "AAAA", "auth": phone.auth}}
        assert (await client.post(devices, json=bad, headers=headers)).status_code == 422
        assert (await client.post(devices, content=b"{", headers=headers)).status_code == 422
        saved = await client.post(
            "/c/eure/field/notifications",
            data={"order": "sms,push,email", "sms_after": "20", "voice_call": "1"},
            headers=headers,
        )
        assert saved.status_code == 303
        wrong = await client.post("/c/eure/field/notifications", data={"sms_after": "7"}, headers=headers)
        assert wrong.status_code == 422
        for _ in range(2):  # pressed twice within a minute: one message
            assert (await client.post("/c/eure/field/notifications/try", headers=headers)).status_code == 303
        await post.work()
        (text,) = twilio.texts
        assert text["body"] == (
            "Dépannage Eure : message d'essai demandé par Camille Test. Si vous le lisez, tout fonctionne."
        )
        assert (await client.post(f"{devices}/forget", headers=headers)).status_code == 303
    async with post.runtime.database.tenant(post.cooperative.tenant) as tenant:
        assert not await messages.live_subscriptions(tenant, technician_id=crew.artisans[0].technician_id)


async def test_webhooks_of_carriers_that_are_off_are_not_there(runtime: Runtime, visitor: Any) -> None:
    path = f"/telephony/messages/twilio/{uuid4()}/{uuid4()}"
    for method, address in (
        ("POST", path),
        ("POST", path.replace("twilio", "call")),
        ("POST", "/telephony/messages/twilio/inbound"),
        ("GET", "/telephony/messages/ovh/secret/receipt?id=1&dlr=1"),
        ("POST", f"/telephony/messages/push/{uuid4()}/{uuid4()}/jeton"),
    ):
        assert (await visitor.client.request(method, address)).status_code == 404, address
