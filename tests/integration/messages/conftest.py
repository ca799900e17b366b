"""One cooperative's messages, with carriers on this machine that check everything."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from maillage_app.messaging import carriers_of
from maillage_app.runtime import Runtime
from maillage_app.testing.applications import application_of
from maillage_app.worker import build_worker
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.settings import (
    AlertCallSettings,
    CarrierApiSettings,
    OvhSmsSettings,
    PushSettings,
    Settings,
    SmsSettings,
)
from maillage_kit.testing.message_carriers import FakeOvh, FakePushService, FakeTwilio, http_carrier
from maillage_tenants import alarms, messages
from maillage_tenants.messages import Person, Urgency
from maillage_tenants.messages.carriers.web_push import padless
from maillage_tenants.messages.models import MessageAttempt
from maillage_tenants.messages.policy import set_wishes

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
    public: str = PUBLIC
    ovh_secret: str = OVH_SECRET

    @property
    def client(self) -> httpx.AsyncClient:
        """Where carriers call back: the application is built when the first one does."""
        if not self.opened:
            app = application_of(self.runtime)
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            self.opened.append(httpx.AsyncClient(transport=transport, base_url=PUBLIC))
        return self.opened[0]

    def with_ovh(self, ovh: FakeOvh, *, callback: bool = True) -> "Post":
        """The same with a second carrier of texts; `callback`: it tells what came of them by itself."""
        settings = self.runtime.settings.model_copy(
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
        return replace(self, runtime=replace(self.runtime, settings=settings))

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
