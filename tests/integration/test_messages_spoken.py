"""An emergency that nobody read is read aloud by our own switchboard: asked of the voice, believed with its secret."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from maillage_app.messaging import carriers_of
from maillage_app.runtime import Runtime
from maillage_app.testing.applications import application_of
from maillage_app.worker import build_worker
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.settings import AlertCallSettings, CarrierApiSettings, Settings, SipSettings
from maillage_kit.testing.message_carriers import http_carrier
from maillage_tenants import messages
from maillage_tenants.messages import Person, Urgency
from maillage_tenants.messages.models import MessageAttempt
from maillage_tenants.messages.policy import set_wishes

SECRET, NUMBER = "a-secret-of-edge-and-voice", "+33232402727"
TOLD = "Fuite d’eau, Évreux."


@dataclass
class ControlPort:
    """What the voice process answers there; tests/voice proves the process itself."""

    status: int = 202
    asked: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, object]:
        assert (method, path) == ("POST", "/announcements")
        assert httpx.BasicAuth("edge", SECRET)._auth_header == headers["Authorization"]
        if self.status == httpx.codes.ACCEPTED:
            self.asked.append(json.loads(body))
        return self.status, {}


@pytest.fixture
def voice() -> Iterator[tuple[ControlPort, str]]:
    control = ControlPort()
    with http_carrier(control.answer) as url:
        yield control, url


@pytest.fixture
def spoken(runtime: Runtime, settings: Settings, voice: tuple[ControlPort, str]) -> Runtime:
    """Our own switchboard, and an account at a carrier: ours is asked."""
    telephony = settings.telephony.model_copy(
        update={
            "sip": SipSettings(secrets=(SecretStr(SECRET),), voice_control=voice[1]),
            "api": CarrierApiSettings(account_sid="AC1", auth_token=SecretStr("jeton")),
        }
    )
    mine = {"telephony": telephony, "alert_call": AlertCallSettings(number=NUMBER)}
    return replace(runtime, settings=settings.model_copy(update=mine))


@pytest.fixture
async def client(spoken: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    app = application_of(spoken)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://maillage.example") as ours:
        yield ours


@pytest.fixture
def tell(spoken: Runtime, eure: CooperativeContext, crew: Any) -> Callable[..., Any]:
    async def emergency() -> UUID:
        karim = crew.artisans[0]
        async with spoken.database.tenant(eure.tenant) as session:
            await set_wishes(
                session, technician_id=karim.technician_id, channels=("sms",), sms_after_seconds=0, voice_call=True
            )
            told = await messages.tell(
                session,
                person=Person(karim.technician_id, karim.phone),
                body=TOLD,
                purpose="offer",
                urgency=Urgency.EMERGENCY,
                dedupe_key="offer:1",
                link="/field/cases/1",
            )
        assert told is not None
        return told

    return emergency


@pytest.fixture
async def read_aloud(
    spoken: Runtime, voice: tuple[ControlPort, str], moved_clock: MovableClock, tell: Callable[..., Any]
) -> tuple[UUID, dict[str, Any]]:
    """A message whose text nobody saw for ninety seconds, and what the voice was then asked to say."""
    message_id = await tell()
    worker = build_worker(spoken, carriers_of(spoken.settings))
    await worker.run_due()
    moved_clock.advance(seconds=90)
    await worker.run_due()
    (asked,) = voice[0].asked
    return message_id, asked


async def states(runtime: Runtime, eure: CooperativeContext, message_id: UUID) -> list[tuple[str, str, str]]:
    async with runtime.database.tenant(eure.tenant) as session:
        found = await session.scalars(
            sa.select(MessageAttempt).where(MessageAttempt.message_id == message_id).order_by(MessageAttempt.id)
        )
        return [(attempt.channel, attempt.carrier, attempt.state) for attempt in found]


async def test_it_is_read_aloud_and_heard(
    spoken: Runtime, eure: CooperativeContext, client: httpx.AsyncClient, read_aloud: tuple[UUID, dict[str, Any]]
) -> None:
    message_id, asked = read_aloud
    assert asked["from"] == NUMBER
    assert asked["text"].startswith("Dépannage Eure, message urgent. Une intervention vous est proposée")
    assert (await states(spoken, eure, message_id))[-1] == ("call", "voice", "given")

    news = {"id": asked["id"], "ended": "completed"}
    assert (await client.post(asked["receipt"], json=news)).status_code == 403
    for account in (("edge", "another-secret-altogether"), ("somebody", SECRET)):
        assert (await client.post(asked["receipt"], json=news, auth=account)).status_code == 403
    odd = await client.post(asked["receipt"], json={"id": "x", "ended": "sang"}, auth=("edge", SECRET))
    assert odd.status_code in (400, 422)
    assert (await states(spoken, eure, message_id))[-1] == ("call", "voice", "given")
    for _ in range(2):
        assert (await client.post(asked["receipt"], json=news, auth=("edge", SECRET))).status_code == 204
    assert (await states(spoken, eure, message_id))[-1] == ("call", "voice", "delivered")
    unknown = asked["receipt"].replace(asked["id"], str(UUID(int=7)))
    assert (await client.post(unknown, json=news, auth=("edge", SECRET))).status_code == 404


async def test_a_call_that_was_cut_is_not_a_message_that_was_heard(
    spoken: Runtime, eure: CooperativeContext, client: httpx.AsyncClient, read_aloud: tuple[UUID, dict[str, Any]]
) -> None:
    message_id, asked = read_aloud
    told = await client.post(asked["receipt"], json={"id": asked["id"], "ended": "cut"}, auth=("edge", SECRET))
    assert told.status_code == 204
    assert (await states(spoken, eure, message_id))[-1] == ("call", "voice", "failed")


async def test_a_voice_that_is_full_is_asked_again(
    spoken: Runtime,
    eure: CooperativeContext,
    voice: tuple[ControlPort, str],
    moved_clock: MovableClock,
    tell: Callable[..., Any],
) -> None:
    voice[0].status = 503
    message_id = await tell()
    worker = build_worker(spoken, carriers_of(spoken.settings))
    for _ in range(2):
        await worker.run_due()
        moved_clock.advance(seconds=90)
    await worker.run_due()
    assert ("call", "voice", "given") not in await states(spoken, eure, message_id)
    voice[0].status = 202
    for _ in range(4):
        moved_clock.advance(seconds=60)
        await worker.run_due()
    assert len(voice[0].asked) == 1
    assert (await states(spoken, eure, message_id))[-1] == ("call", "voice", "given")
