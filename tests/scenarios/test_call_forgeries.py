"""Webhooks that are not the carrier's, or no longer: refused, logged, and without any effect."""

import base64
from typing import Any
from urllib.parse import urlencode

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from maillage_app.runtime import Runtime
from maillage_app.testing.applications import application_of

LEFEVRE, ANA = "+33633333301", "+33611111101"
INBOUND = "/telephony/twiml/inbound"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()


def logged(town, event: str) -> list[Any]:
    return [line for line in town.log if line["event"] == event]


async def post(town, form: dict[str, str], signature: str, *, header: str = "X-Twilio-Signature") -> int:
    headers = {"Content-Type": "application/x-www-form-urlencoded", header: signature}
    answer: httpx.Response = await town.company.client.post(INBOUND, content=urlencode(form), headers=headers)
    return answer.status_code


async def test_what_is_forged_or_altered_is_refused_and_logged(town) -> None:
    form = {"CallSid": "CA1", "From": LEFEVRE, "To": town.number, "CallStatus": "ringing"}
    url = town.company.public_url + INBOUND
    right = town.company.sign(url, form)
    assert await post(town, form, "") == 403
    assert await post(town, form, town.company.sign(url, form, token="another")) == 403
    assert await post(town, {**form, "From": ANA}, right) == 403
    assert await post(town, form, right, header="X-SignalWire-Signature") == 403
    assert len(logged(town, "webhook_refused")) == 4
    assert await town.rows("select id from call") == []
    assert await post(town, form, right) == 200


async def test_a_repeat_is_answered_and_a_replay_is_refused_and_logged(town, moved_clock) -> None:
    """A carrier repeats itself within minutes; a request kept by somebody comes later and changes nothing."""
    ana = await town.on_call("Ana", ANA)
    await town.customer("Madame Lefèvre", LEFEVRE, ("12 rue de la République", "27467"))
    ana.rings().presses("1")
    call = await town.company.calls(LEFEVRE, town.number)
    await call.presses("1")
    await call.hangs_up()
    before = await town.rows("select * from call_event order by id")
    sent = list(town.company.webhooks)
    moved_clock.advance(minutes=9)
    for webhook in sent:
        again = await town.company.send(webhook.path, webhook.form)
        assert (again.status_code, again.text) == (webhook.status, webhook.body)
    assert logged(town, "webhook_replayed") == []
    moved_clock.advance(minutes=2)
    for webhook in sent:
        assert (await town.company.send(webhook.path, webhook.form)).status_code == 403, webhook.path
    assert len(logged(town, "webhook_replayed")) == len(sent)
    assert await town.rows("select * from call_event order by id") == before


async def test_a_telnyx_number_is_answered_with_its_key_only(town, moved_clock) -> None:
    telephony = town.runtime.settings.telephony.model_copy(update={"carrier": "telnyx", "public_keys": (PUBLIC_KEY,)})
    settings = town.runtime.settings.model_copy(update={"telephony": telephony})
    app = application_of(Runtime(**{**vars(town.runtime), "settings": settings}))
    body = urlencode({"CallSid": "v3:abc", "From": LEFEVRE, "To": town.number, "CallStatus": "ringing"}).encode()
    stamp = str(int(moved_clock.now().timestamp()))
    signature = base64.b64encode(KEY.sign(stamp.encode() + b"|" + body)).decode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Telnyx-Timestamp": stamp,
        "Telnyx-Signature-Ed25519": signature,
    }
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        with structlog.testing.capture_logs() as log:
            answer = await client.post(INBOUND, content=body, headers=headers)
            assert answer.status_code == 200 and "Si vous sentez le gaz" in answer.text
            altered = await client.post(INBOUND, content=body.replace(b"CallSid", b"CallSad"), headers=headers)
            by_token = {**headers, "X-Twilio-Signature": town.company.sign(town.company.public_url + INBOUND, {})}
            del by_token["Telnyx-Signature-Ed25519"]
            token = await client.post(INBOUND, content=body, headers=by_token)
            moved_clock.advance(minutes=6)
            old = await client.post(INBOUND, content=body, headers=headers)
    assert [altered.status_code, token.status_code, old.status_code] == [403, 403, 403]
    assert len([line for line in log if line["event"] == "webhook_refused"]) == 3
    assert len(await town.rows("select id from call")) == 1
