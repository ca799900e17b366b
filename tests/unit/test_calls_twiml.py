"""The wire of the TwiML carriers: signatures against the carrier's own library, forms read, plans rendered."""

from urllib.parse import urlencode
from uuid import UUID
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from maillage_kit.context import CooperativeContext
from maillage_kit.testing.cooperative import EURE
from maillage_tenants.calls.carriers import twiml
from maillage_tenants.calls.carriers.twiml import Fields, TwimlCarrier
from maillage_tenants.calls.plan import Ask, Dial, Gather, GoOn, Hangup, KeyTurn, MenuTurn, RescueTurn, Say, StepTurn
from maillage_tenants.calls.signals import Ending, LegProgress, LineProgress

URL = "https://urgence.example.fr/telephony/twiml/inbound"
TOKEN = "a-token"
CALL = UUID(int=8)

forms = st.dictionaries(st.text(min_size=1, max_size=12), st.text(max_size=20), max_size=8)


@given(form=forms, query=st.sampled_from(["", "?ask=start&attempt=1", "?direct=1"]))
def test_the_signature_is_the_one_of_the_carriers_library(form, query) -> None:
    expected = RequestValidator(TOKEN).compute_signature(URL + query, form)
    assert twiml.signature(TOKEN, URL + query, list(form.items())) == expected
    assert twiml.genuine(expected, url=URL + query, form=list(form.items()), tokens=[SecretStr(TOKEN)])


@given(form=forms, other=forms)
def test_another_form_is_refused_like_the_library_does(form, other) -> None:
    given_signature = RequestValidator(TOKEN).compute_signature(URL, form)
    ours = twiml.genuine(given_signature, url=URL, form=list(other.items()), tokens=[SecretStr(TOKEN)])
    assert ours == RequestValidator(TOKEN).validate(URL, other, given_signature)


def test_an_address_signed_with_its_port_is_accepted_like_the_library_does() -> None:
    form = {"CallSid": "CA1"}
    with_port = URL.replace("example.fr/", "example.fr:443/")
    given_signature = RequestValidator(TOKEN).compute_signature(with_port, form)
    assert RequestValidator(TOKEN).validate(URL, form, given_signature)
    assert twiml.genuine(given_signature, url=URL, form=list(form.items()), tokens=[SecretStr(TOKEN)])


@pytest.mark.parametrize("given_signature", ["", "é", "AAAA", "0" * 28])
def test_a_wrong_signature_is_refused(given_signature) -> None:
    assert not twiml.genuine(given_signature, url=URL, form=[("a", "b")], tokens=[SecretStr(TOKEN)])


def test_two_tokens_are_accepted_during_a_rotation() -> None:
    form = [("CallSid", "CA1")]
    tokens = [SecretStr("new"), SecretStr("old")]
    for token in ("new", "old"):
        assert twiml.genuine(twiml.signature(token, URL, form), url=URL, form=form, tokens=tokens)
    assert not twiml.genuine(twiml.signature("older", URL, form), url=URL, form=form, tokens=tokens)
    assert not twiml.genuine(twiml.signature("new", URL, form), url=URL, form=form, tokens=[])


def test_a_form_is_read_as_it_was_sent() -> None:
    form = [("From", "+33612345678"), ("Digits", ""), ("City", "Pont-Audemer & Cormeilles"), ("é", "ü")]
    assert list(twiml.read_form(urlencode(form).encode())) == form
    assert list(twiml.read_form(b"")) == []


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"a": 1}', b"&".join(b"a=%d" % n for n in range(200))])
def test_what_is_no_form_is_refused(body) -> None:
    with pytest.raises(twiml.MalformedForm):
        twiml.read_form(body)


def fields(path: str = "/telephony/twiml/inbound", **form: str) -> Fields:
    return Fields.of(path, list(form.items()))


@pytest.mark.parametrize("masked", ["anonymous", "Anonymous", "RESTRICTED", "+266696687", "unavailable", "", "x"])
def test_masked_callers_are_nobody(masked) -> None:
    """R103."""
    assert fields(CallSid="CA1", From=masked, To="+33232402727").inbound_call().caller is None


def test_national_and_international_numbers_are_one() -> None:
    call = fields(CallSid="CA1", From="0612345678", To="02 32 40 27 27").inbound_call()
    assert (call.caller, call.called) == ("+33612345678", "+33232402727")


def test_a_repeat_has_the_same_fingerprint_and_another_try_has_not() -> None:
    base = {"CallSid": "CA1", "Digits": "27000"}
    once = fields("/menu?ask=postcode&attempt=1", **base)
    first = once.keys_typed().notice.fingerprint
    shuffled = Fields.of(once.path, list(reversed(base.items()))).keys_typed().notice.fingerprint
    second = fields("/menu?ask=postcode&attempt=2", **base).keys_typed().notice.fingerprint
    other = fields("/menu?ask=postcode&attempt=1", CallSid="CA1", Digits="27500").keys_typed().notice.fingerprint
    assert first == shuffled
    assert len({first, second, other}) == 3


def test_endings_and_sequences_are_read() -> None:
    over = fields(CallSid="CA1", DialCallStatus="no-answer", DialBridged="false").attempt_over()
    assert (over.ending, over.bridged, over.gone) == (Ending.NO_ANSWER, False, False)
    odd = fields(CallSid="CA1", DialCallStatus="something new", CallStatus="completed").attempt_over()
    assert (odd.ending, odd.bridged, odd.gone) == (Ending.FAILED, None, True)
    told = fields(CallSid="CA2", ParentCallSid="CA1", CallStatus="in-progress", SequenceNumber="2")
    leg = told.leg_progress()
    assert (leg.leg, leg.notice.call, leg.answered, leg.ending, leg.notice.sequence) == ("CA2", "CA1", True, None, 2)
    assert fields(CallSid="CA2", SequenceNumber="-1").leg_progress().notice.sequence is None


def test_a_form_tells_one_thing() -> None:
    (leg,) = fields("/telephony/twiml/c/d/leg/2", CallSid="CA2", CallStatus="busy").events()
    (line,) = fields("/telephony/twiml/status", CallSid="CA1", CallStatus="completed").events()
    assert isinstance(leg, LegProgress)
    assert isinstance(line, LineProgress)
    assert (leg.ending, line.ended) == (Ending.BUSY, True)


def render(*plan, call_id: UUID | None = CALL, cooperative: CooperativeContext | None = EURE) -> ElementTree.Element:
    told = TwimlCarrier("https://urgence.example.fr/").render(plan, cooperative=cooperative, call_id=call_id)
    assert told.startswith('<?xml version="1.0" encoding="UTF-8"?><Response')
    return ElementTree.fromstring(told)


HERE = f"https://urgence.example.fr/telephony/twiml/{EURE.id}/{CALL}"


def test_words_are_said_in_french_and_escaped() -> None:
    (said,) = render(Say("Sertillange & <fils>, dépannage"))
    assert (said.tag, said.get("language"), said.text) == ("Say", "fr-FR", "Sertillange & <fils>, dépannage")


def test_a_question_waits_for_keys_then_goes_on() -> None:
    turn = MenuTurn(Ask.POSTCODE, 2)
    gather, redirect = render(Gather(("Code postal ?",), 5, 8, turn), GoOn(turn))
    assert gather.attrib == {
        "input": "dtmf",
        "numDigits": "5",
        "timeout": "8",
        "finishOnKey": "",
        "method": "POST",
        "action": f"{HERE}/menu?ask=postcode&attempt=2",
    }
    assert redirect.text == f"{HERE}/menu?ask=postcode&attempt=2"


def test_a_dial_rings_one_number_with_a_whisper_and_news() -> None:
    (dial,) = render(Dial("+33612345678", "+33232402727", 20, StepTurn(3)))
    assert dial.get("callerId") == "+33232402727"  # R103
    assert (dial.get("timeout"), dial.get("action")) == ("20", f"{HERE}/step/3")
    (number,) = dial
    assert number.text == "+33612345678"
    assert number.get("url") == f"{HERE}/whisper/3"
    assert number.get("statusCallback") == f"{HERE}/leg/3"
    assert number.get("statusCallbackEvent") == "initiated ringing answered completed"


def test_a_direct_dial_has_no_whisper() -> None:
    (dial,) = render(Dial("+33612345678", "+33232402727", 20, StepTurn(3, direct=True), whisper=False))
    assert dial.get("action") == f"{HERE}/step/3?direct=1"
    assert dial[0].get("url") is None


def test_a_rescue_needs_no_call_and_no_cooperative() -> None:
    (dial,) = render(
        Dial("+33612345678", "+33232402727", 20, RescueTurn(1), whisper=False), call_id=None, cooperative=None
    )
    base = f"https://urgence.example.fr/telephony/twiml/{UUID(int=0)}/rescue"
    assert (dial.get("action"), dial[0].get("statusCallback")) == (f"{base}/step/1", f"{base}/leg/1")


def test_the_person_rung_is_asked_for_a_key_then_hung_up() -> None:
    gather, hangup = render(Gather(("Appel d’urgence.",), 1, 15, KeyTurn(0)), Hangup())
    assert (gather.get("action"), gather.get("timeout"), hangup.tag) == (f"{HERE}/key/0", "15", "Hangup")
    assert list(render()) == []  # nothing to say: put through
