"""What is read of an e-mail that came back, and the address that it comes back to."""

from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError

from maillage_kit.settings import MailSettings, Settings, WebSettings
from maillage_kit.testing.returned_mail import ABSENCE, EXCHANGE, EXIM, POSTFIX, returned
from maillage_tenants.messages import bounces
from maillage_tenants.messages.models import Failure

MAIL = MailSettings(bounces="retours@retours.maillage.example")
SETTINGS = Settings(environment="test", mail=MAIL)
HERE = "retours@retours.maillage.example"


@pytest.mark.parametrize(
    ("form", "status", "said", "dead"),
    [
        (POSTFIX, "5.1.1", "smtp; 550 5.1.1 <ana@client.example>: Recipient address rejected: User unknown", True),
        (
            POSTFIX,
            "5.4.4",
            "X-Postfix; Host or domain name not found. Name service error for name=client.exmaple",
            True,
        ),
        (POSTFIX, "5.2.2", "smtp; 552 5.2.2 <ana@client.example>: Mailbox full", False),
        (POSTFIX, "4.4.1", "X-Postfix; connect to mail.client.example[192.0.2.7]:25: Connection timed out", False),
        (POSTFIX, "5.7.1", "smtp; 550 5.7.1 Message rejected as spam", False),
        (EXIM, "5.0.0", "smtp; 550 5.1.1 The email account that you tried to reach does not exist.", True),
        (EXIM, "5.0.0", "smtp; 550-No such user here\n 550 Try another", True),
        (EXIM, "5.0.0", "smtp; 554 5.7.1 blocked", False),
        (EXIM, "5.0.0", "", False),
        (EXCHANGE, "5.1.10", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", True),
        (EXCHANGE, "5.2.1", "smtp;550 5.2.1 The mailbox is disabled", True),
        (EXCHANGE, "5.7.133", "smtp;550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup", False),
    ],
)
def test_a_failure_says_whether_the_address_is_dead(form: str, status: str, said: str, dead: bool) -> None:
    _, found = bounces.read_bounce(returned(form, to=HERE, status=status, said=said))
    assert found is not None
    assert (found.status, found.dead) == (status, dead)
    receipt = found.receipt
    assert (receipt.delivered, receipt.failure) == (False, Failure.DEAD if dead else Failure.UNDELIVERED)
    assert receipt.told.startswith(f"courriel revenu : {status}")
    assert "\n" not in receipt.told


@pytest.mark.parametrize(
    "text",
    [
        returned(POSTFIX, to=HERE, action="delayed", status="4.4.1", said="smtp; 451 later"),
        returned(EXIM, to=HERE, action="delivered", status="2.0.0", said="smtp; 250 ok"),
        returned(ABSENCE, to=HERE),
        b"",
        b"\xff\xfe\x00 not an e-mail",
        b"Content-Type: message/delivery-status\r\n\r\nnothing of the kind",
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n",
    ],
    ids=["delayed", "delivered", "absence", "empty", "bytes", "alone", "cut"],
)
def test_any_other_mail_is_no_failure(text: bytes) -> None:
    assert bounces.read_bounce(text)[1] is None


def test_an_address_of_returns_names_its_attempt_and_no_other() -> None:
    attempt_id = uuid4()
    address = bounces.return_address(SETTINGS, attempt_id)
    user, _, domain = address.partition("@")
    assert (user.startswith("retours+"), domain, len(user) <= 64) == (True, "retours.maillage.example", True)
    assert bounces.attempt_of(SETTINGS, address) == attempt_id
    assert bounces.attempt_of(SETTINGS, f"<{address.upper()}>") == attempt_id
    assert bounces.return_address(SETTINGS, uuid4()) != address


@pytest.mark.parametrize("changed", [8, 20, 40, 47])
def test_a_made_up_address_names_nothing(changed: int) -> None:
    address = bounces.return_address(SETTINGS, uuid4())
    other = "a" if address[changed] != "a" else "b"
    assert bounces.attempt_of(SETTINGS, address[:changed] + other + address[changed + 1 :]) is None
    elsewhere = Settings(environment="test", mail=MAIL, web=WebSettings(secret_key=SecretStr("x" * 40)))
    assert bounces.attempt_of(elsewhere, address) is None
    for text in ("", "retours@retours.maillage.example", "retours+@x.example", "a+" + "1" * 40 + "@x.example"):
        assert bounces.attempt_of(SETTINGS, text) is None


def test_without_an_address_nothing_comes_back() -> None:
    assert bounces.return_address(Settings(environment="test"), uuid4()) == ""
    for odd in ("retours", "Retours <retours@maillage.example>", "re+tours@maillage.example", "a" * 24 + "@x.example"):
        with pytest.raises(ValidationError):
            MailSettings(bounces=odd)
