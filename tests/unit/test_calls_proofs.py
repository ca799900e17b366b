"""Whose webhook it is: the header of each carrier, a key over a date and a body, forged, altered, old."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.errors import Forbidden, NotFound
from maillage_tenants.calls.carriers import Heard
from maillage_tenants.calls.carriers.twiml import TwimlCarrier

PUBLIC = "https://urgence.example.fr"
PATH = "/telephony/twiml/inbound"
FORM = {"CallSid": "CA1", "From": "+33612345678", "To": "+33232402727"}
NOW = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()


def by_token(dialect: str, header: str, *, token: str = "a-token", form: dict[str, str] = FORM) -> Heard:
    signature = RequestValidator(token).compute_signature(PUBLIC + PATH, FORM)
    return Heard(PATH, {header: signature}, urlencode(form).encode())


def by_key(
    headers: dict[str, str] | None = None,
    *,
    at: datetime = NOW,
    key: Ed25519PrivateKey = KEY,
    body: bytes | None = None,
) -> Heard:
    signed = urlencode(FORM).encode()
    stamp = str(int(at.timestamp()))
    signature = base64.b64encode(key.sign(stamp.encode() + b"|" + signed)).decode()
    told = {"telnyx-timestamp": stamp, "telnyx-signature-ed25519": signature, **(headers or {})}
    return Heard(PATH, told, signed if body is None else body)


def test_signalwire_signs_like_twilio_in_a_header_of_its_own() -> None:
    carrier = TwimlCarrier(PUBLIC, tokens=(SecretStr("a-token"),), dialect="signalwire")
    assert carrier.listen(by_token("signalwire", "x-signalwire-signature")).inbound_call().caller == "+33612345678"
    with pytest.raises(Forbidden):
        carrier.listen(by_token("signalwire", "x-twilio-signature"))
    with pytest.raises(Forbidden):
        carrier.listen(by_token("signalwire", "x-signalwire-signature", token="another"))
    with pytest.raises(Forbidden):
        carrier.listen(by_token("signalwire", "x-signalwire-signature", form={**FORM, "From": "+33699999999"}))


def test_twilio_does_not_believe_signalwires_header() -> None:
    carrier = TwimlCarrier(PUBLIC, tokens=(SecretStr("a-token"),))
    with pytest.raises(Forbidden):
        carrier.listen(by_token("twilio", "x-signalwire-signature"))


@pytest.fixture
def telnyx() -> TwimlCarrier:
    return TwimlCarrier(PUBLIC, keys=("bm90IGEga2V5", PUBLIC_KEY), dialect="telnyx")


def test_a_key_proves_the_date_and_the_body(telnyx: TwimlCarrier) -> None:
    with clock.using(MovableClock(NOW)):
        call = telnyx.listen(by_key()).inbound_call()
    assert (call.called, call.caller) == ("+33232402727", "+33612345678")


@pytest.mark.parametrize(
    "heard",
    [
        by_key(body=urlencode({**FORM, "From": "+33699999999"}).encode()),
        by_key(key=Ed25519PrivateKey.from_private_bytes(bytes(32))),
        by_key({"telnyx-timestamp": str(int(NOW.timestamp()) + 1)}),
        by_key({"telnyx-timestamp": "soon"}),
        by_key({"telnyx-timestamp": ""}),
        by_key({"telnyx-signature-ed25519": ""}),
        by_key({"telnyx-signature-ed25519": "é"}),
        by_key(at=NOW - timedelta(minutes=6)),
        by_key(at=NOW + timedelta(minutes=6)),
    ],
    ids=["body", "key", "date", "no date", "undated", "unsigned", "no base64", "kept and sent again", "from tomorrow"],
)
def test_what_is_forged_altered_or_old_is_refused(telnyx: TwimlCarrier, heard: Heard) -> None:
    with clock.using(MovableClock(NOW)), pytest.raises(Forbidden):
        telnyx.listen(heard)


def test_a_request_is_good_for_five_minutes(telnyx: TwimlCarrier) -> None:
    moved = MovableClock(NOW)
    heard = by_key()
    with clock.using(moved):
        moved.advance(seconds=299)
        assert telnyx.listen(heard).own_call() == "CA1"
        moved.advance(seconds=2)
        with pytest.raises(Forbidden, match="ancienne"):
            telnyx.listen(heard)


def test_without_a_key_the_webhooks_are_closed() -> None:
    with pytest.raises(NotFound):
        TwimlCarrier(PUBLIC, tokens=(SecretStr("a-token"),), dialect="telnyx").listen(by_key())
