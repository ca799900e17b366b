"""What goes over the wire, against the worked examples of the standards and what carriers document."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from maillage_kit.clock import MovableClock, using
from maillage_tenants.calls.carriers.speaking import spoken
from maillage_tenants.messages.carriers import AddressDead, CarrierRefused, CarrierUnavailable, ovh, rest_sms
from maillage_tenants.messages.carriers.smpp import receipt_of
from maillage_tenants.messages.carriers.smpp_wire import Delivered, Malformed, delivered, head
from maillage_tenants.messages.carriers.smtp import smtp_failure
from maillage_tenants.messages.carriers.web_push import VapidKey, can_seal, known_service, padless, seal, unpadded

# RFC 8291, appendix A
RECEIVER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A"
    "_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_a_notification_is_sealed_as_the_standard_shows() -> None:
    own = ec.derive_private_key(int.from_bytes(unpadded(SENDER), "big"), ec.SECP256R1())
    plain = b"When I grow up, I want to be a watermelon"
    assert padless(seal(plain, key=RECEIVER, secret=AUTH, salt=unpadded(SALT), own_key=own)) == SEALED


def test_a_notification_is_sealed_afresh_each_time() -> None:
    assert seal(b"x", key=RECEIVER, secret=AUTH) != seal(b"x", key=RECEIVER, secret=AUTH)


@pytest.mark.parametrize(
    ("key", "secret"), [("AAAA", AUTH), (RECEIVER, "AAAA"), ("", ""), ("B" * 87, AUTH), ("é", AUTH)]
)
def test_an_unusable_subscription_is_seen_at_once(key: str, secret: str) -> None:
    assert not can_seal(key=key, secret=secret)


def test_a_payload_that_is_too_long_is_refused() -> None:
    seal(b"x" * 3993, key=RECEIVER, secret=AUTH)
    with pytest.raises(ValueError, match="3993"):
        seal(b"x" * 3994, key=RECEIVER, secret=AUTH)


def test_who_sends_is_told_to_one_push_service_for_half_a_day() -> None:
    with using(MovableClock(datetime(2027, 3, 1, tzinfo=UTC))):
        header = VapidKey(SENDER).authorization("https://push.example:444/a/b", subject="mailto:desk@eure.example")
    claims = unpadded(header.split("t=")[1].split(",")[0].split(".")[1])
    assert b'"aud": "https://push.example:444"' in claims
    assert f'"exp": {int(datetime(2027, 3, 1, 12, tzinfo=UTC).timestamp())}'.encode() in claims
    with pytest.raises(ValueError, match="32 bytes"):
        VapidKey("AAAA")


@pytest.mark.parametrize(
    ("endpoint", "known"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", True),
        ("https://updates.push.services.mozilla.com/wpush/v2/x", True),
        ("https://fcm.googleapis.com.evil.example/x", False),
        ("https://evilfcm.googleapis.com/x", False),
        ("http://fcm.googleapis.com/x", False),
        ("https://fcm.googleapis.com@127.0.0.1/x", False),
        ("https://user@fcm.googleapis.com/x", False),
        ("https://127.0.0.1/x", False),
        ("", False),
    ],
)
def test_only_known_push_services_are_posted_to(endpoint: str, known: bool) -> None:
    assert known_service(endpoint, ("fcm.googleapis.com", "push.services.mozilla.com")) is known


def test_ovh_requests_are_signed_as_documented() -> None:
    """The six facts joined by `+`: worked by hand with `sha1sum`."""
    said = ovh.signature(
        secret="EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF",
        consumer="MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1",
        method="GET",
        url="https://eu.api.ovh.com/1.0/domains/",
        body="",
        timestamp="1366560945",
    )
    assert said == "$1$d3705e8afb27a0d2970a322b96550abfc67bb798"


@pytest.mark.parametrize(
    ("dlr", "delivered", "failure"),
    [("1", True, None), ("2", False, "undelivered"), ("16", False, "undelivered")],
)
def test_what_ovh_says_became_of_a_text(dlr: str, delivered: bool, failure: str | None) -> None:
    said = ovh.receipt("7", dlr)
    assert said is not None
    assert (said.reference, said.delivered, said.failure) == ("7", delivered, failure)
    assert [ovh.receipt("7", odd) for odd in ("0", "4", "8", "", "x", "-1", "²", "9" * 90)] == [None] * 8


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [("undelivered", "30005", "dead"), ("undelivered", "30003", "undelivered"), ("failed", "", "undelivered")],
)
def test_what_a_rest_carrier_says_became_of_a_text(status: str, code: str, failure: str) -> None:
    said = rest_sms.receipt({"MessageStatus": status, "ErrorCode": code, "MessageSid": "SM1"})
    assert said is not None
    assert (said.delivered, said.failure) == (False, failure)
    assert [rest_sms.receipt({"MessageStatus": odd}) for odd in ("queued", "sent", "")] == [None] * 3


@pytest.mark.parametrize(
    ("code", "said", "failure"),
    [
        (550, "5.1.1 unknown user", AddressDead),
        (550, "no such user", AddressDead),
        (552, "5.2.2 mailbox full", CarrierRefused),
        (550, "5.7.1 refused by policy", CarrierRefused),
        (554, "spam", CarrierRefused),
        (451, "later", CarrierUnavailable),
        (535, "5.7.8 bad password", CarrierUnavailable),
    ],
)
def test_a_mailbox_is_dead_only_when_the_server_says_so(code: int, said: str, failure: type[Exception]) -> None:
    assert type(smtp_failure(code, said.encode(), recipient=True)) is failure


def test_what_an_smpp_receipt_says() -> None:
    def told(state: str, error: str = "000") -> object:
        receipt = receipt_of(Delivered("", "", True, message_id="10", state=state, error=error))
        return receipt and (receipt.delivered, receipt.failure)

    assert told("DELIVRD") == (True, None)
    assert told("UNDELIV", "001") == (False, "dead")
    assert told("EXPIRED", "001") == (False, "undelivered")
    assert told("ACCEPTD") is None


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x00\x01\x01336", b"\x00\x01\x01336\x00\x01\x0133\x00\x00"])
def test_a_broken_smpp_document_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        delivered(body)


def test_a_length_without_sense_is_refused() -> None:
    with pytest.raises(Malformed):
        head(b"\xff" * 16)
    with pytest.raises(Malformed):
        head(bytes(16))


def test_a_call_says_its_text_twice_and_nothing_of_it_is_markup() -> None:
    document = spoken("Une intervention <urgente> & grave.")
    assert document.count("&lt;urgente&gt; &amp; grave") == 2
    assert document.endswith("<Hangup /></Response>")
