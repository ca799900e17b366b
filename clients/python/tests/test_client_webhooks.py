"""What the client believes of what comes to an address, with the vector that Standard Webhooks publishes."""

import base64
import hashlib
import hmac
from uuid import UUID

import pytest

from maillage_client import NotGenuine, Webhooks, new_secret

# from the specification's own libraries
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT = 1614265330
BODY = b'{"test": 2432232314}'
HEADERS = {
    "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "Webhook-Timestamp": str(AT),
    "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
CASE = UUID("019536a1-7c00-7000-8000-000000000001")
SAID = (
    b'{"type":"quote.sent.v1","timestamp":"2027-03-01T08:00:00Z","data":{"intervention_id":"%b"},"later":1}'
    % str(CASE).encode()
)


def signed(secret: str, body: bytes, *, at: int = AT) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, b"msg_1.%d." % at + body, hashlib.sha256).digest()
    theirs = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": f"v1,bm90IG91cnM= {theirs}"}


def test_the_published_vector_is_signed_by_its_secret() -> None:
    """Its signature is good, its body is not one of ours."""
    with pytest.raises(NotGenuine, match="not a message"):
        Webhooks(SECRET, now=lambda: AT).read(HEADERS, BODY)


def test_a_genuine_message_is_read() -> None:
    before, present = new_secret(), new_secret()
    for secret in (before, present):
        notice = Webhooks(before, present, now=lambda: AT + 299).read(signed(secret, SAID), SAID)
        assert (notice.id, notice.type, notice.case_id) == ("msg_1", "quote.sent.v1", CASE)
    trial = b'{"type":"webhook.test.v1","timestamp":"2027-03-01T08:00:00Z","data":{"endpoint_id":"1"}}'
    assert Webhooks(present, now=lambda: AT).read(signed(present, trial), trial).case_id is None


@pytest.mark.parametrize("shift", [-301, 301])
def test_what_is_too_old_or_too_early_is_refused(shift: int) -> None:
    with pytest.raises(NotGenuine, match="too long ago"):
        Webhooks(SECRET, now=lambda: AT + shift).read(signed(SECRET, SAID), SAID)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1,é"},
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(AT + 1)},
        {"webhook-timestamp": "now"},
    ],
)
def test_what_was_changed_on_the_way_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(NotGenuine):
        Webhooks(SECRET, now=lambda: AT).read({**signed(SECRET, SAID), **changes}, SAID)
    with pytest.raises(NotGenuine):
        Webhooks(SECRET, now=lambda: AT).read(signed(SECRET, SAID), SAID.replace(b"sent", b"read"))


@pytest.mark.parametrize("wrong", ["", "hello", "whsec_***", "whsec_é"])
def test_what_is_no_secret_is_told_at_once(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"whsec_|ASCII"):
        Webhooks(wrong)
