"""The wire of our own switchboard: the secret, what is told read, lists and plans rendered as the contract says."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.errors import Forbidden, Invalid, NotFound
from maillage_kit.settings import SipSettings
from maillage_kit.testing.cooperative import EURE
from maillage_tenants.calls import words
from maillage_tenants.calls.carriers import Heard
from maillage_tenants.calls.carriers.sip import Posted, SipCarrier
from maillage_tenants.calls.plan import (
    TEST_ARTISAN,
    Ask,
    Dial,
    Gather,
    GoOn,
    Hangup,
    KeyTurn,
    MenuTurn,
    Next,
    Record,
    RescueTurn,
    Say,
    StepTurn,
)
from maillage_tenants.calls.signals import Ending, News
from maillage_tenants.recordings.rules import words_digest

SECRET, OTHER = "a-secret-of-the-edge", "the-secret-before-it"
SIP = SipSettings(secrets=(SecretStr(SECRET), SecretStr(OTHER)), trunk="sbc.example:5060")
CALL = UUID(int=8)
COOPERATIVE = replace(
    EURE,
    pool_numbers=("+33939000001",),
    own_prompts={"hold_on": f"{words_digest(words.HOLD_ON)}.{'a' * 16}", "goodbye": f"{'0' * 16}.{'b' * 16}"},
)
HERE = f"/telephony/sip/{COOPERATIVE.id}/{CALL}"
NOW = datetime(2027, 3, 1, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nine_o_clock():
    with clock.using(MovableClock(NOW)):
        yield


def edge(last_resort: str | None = "+33144000000", sip: SipSettings = SIP) -> SipCarrier:
    return SipCarrier(sip, last_resort, ring_seconds=20, accept_seconds=15)


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


# ----------------------------------------------------------------------------------------------------------- secret


def test_both_secrets_of_a_rotation_open() -> None:
    for secret in (SECRET, OTHER):
        told = edge().listen(Heard("/telephony/sip/events", basic(f"edge:{secret}"), b"[]"))
        assert told.events() == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Basic"},
        {"authorization": "Basic é"},
        {"authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        {"authorization": f"Bearer {SECRET}"},
        basic("edge:"),
        basic(f"voice:{SECRET}"),
        basic(f"edge:{SECRET}x"),
        basic(SECRET),
    ],
)
def test_anything_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        edge().listen(Heard("/telephony/sip/events", headers, b"[]"))


def test_without_a_secret_there_is_no_switchboard() -> None:
    with pytest.raises(NotFound):
        edge(sip=SipSettings()).listen(Heard("/telephony/sip/events", basic("edge:"), b"[]"))


def test_a_short_secret_is_refused_at_start() -> None:
    with pytest.raises(ValidationError):
        SipSettings(secrets=(SecretStr("short"),))


# ---------------------------------------------------------------------------------------------------------- reading


def posted(path: str = HERE + "/start", **body: Any) -> Posted:
    return Posted(path, json.dumps({"id": "1", "call_id": "c@t", **body}).encode())


@pytest.mark.parametrize("masked", ["anonymous", "Anonymous", "", "unknown", None, 12, "x" * 5000])
def test_masked_callers_are_nobody(masked: Any) -> None:
    """R103."""
    call = posted("/telephony/sip/route", caller=masked, called="+33232402727").inbound_call()
    assert (call.caller, call.called) == (None, "+33232402727")


def test_numbers_are_read_in_every_coat() -> None:
    call = posted("/telephony/sip/route", caller="0033612345678", called="02 32 40 27 27").inbound_call()
    assert (call.caller, call.called) == ("+33612345678", "+33232402727")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"id":"1"}', b'{"call_id":7}', b'{"call_id":""}']
)
def test_what_names_no_call_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        Posted("/telephony/sip/route", body).inbound_call()


def test_a_repeat_has_the_fingerprint_of_the_first_and_nothing_else_has() -> None:
    first = posted(digits="1").keys_typed().notice.fingerprint
    again = posted(digits="1", at=1.0).keys_typed().notice.fingerprint
    others = [
        posted(digits="1", id="2"),
        posted(HERE + "/menu?ask=start&attempt=2", digits="1"),
        posted(digits="1", call_id="d@t"),
    ]
    assert first == again
    assert len({first, *(told.keys_typed().notice.fingerprint for told in others)}) == 4


def test_times_are_believed_when_they_can_be_true() -> None:
    earlier = NOW - timedelta(seconds=7.5)
    assert posted(at=earlier.timestamp()).keys_typed().at == earlier
    for impossible in (0, -1, 4e18, True, "yesterday", None, (NOW + timedelta(minutes=1)).timestamp()):
        assert posted(at=impossible).keys_typed().at == NOW


def test_the_end_of_a_hunt_is_read() -> None:
    over = posted(ending="no_answer", bridged=False, leg="c@t/2").attempt_over()
    assert (over.ending, over.bridged, over.gone, over.leg) == (Ending.NO_ANSWER, False, False, "c@t/2")
    odd = posted(ending="vanished", bridged="yes", gone=True).attempt_over()
    assert (odd.ending, odd.bridged, odd.gone, odd.leg) == (Ending.FAILED, None, True, None)


def told(**event: Any) -> Any:
    base = {"id": "e1", "call_id": "c@t", "at": NOW.timestamp(), "called": "0232402727", "caller": "anonymous"}
    (found,) = Posted("/telephony/sip/events", json.dumps([base | event]).encode()).events()
    return found


@pytest.mark.parametrize(
    ("event", "news", "position"),
    [
        ({"type": "received"}, News.ARRIVED, None),
        ({"type": "decided", "source": "app"}, News.DECIDED, None),
        ({"type": "decided", "source": "plan"}, News.DECIDED_ALONE, None),
        ({"type": "attempt", "step": "voice", "source": "app"}, News.TOLD, None),
        ({"type": "answered", "step": "voice", "source": "app"}, News.VOICE, None),
        ({"type": "attempt", "step": "3"}, News.RUNG, 3),
        ({"type": "answered", "step": "3"}, News.ANSWERED, 3),
        ({"type": "answered", "step": "100", "source": "plan"}, News.DIRECT, 100),
        ({"type": "no_answer", "step": "0"}, News.NO_ANSWER, 0),
        ({"type": "declined", "step": "0"}, News.DECLINED, 0),
        ({"type": "failed", "step": "0"}, News.UNREACHABLE, 0),
        ({"type": "caller_cancelled", "step": "2"}, News.WITHDRAWN, 2),
        ({"type": "caller_cancelled", "step": "100", "source": "compiled"}, News.LINE_OVER, 100),
        ({"type": "caller_hangup"}, News.LINE_OVER, None),
        ({"type": "ended", "step": "voice"}, News.LINE_OVER, None),
        ({"type": "ended", "step": "1"}, News.LEG_OVER, 1),
        ({"type": "accepted", "step": "1"}, News.ACCEPTED, 1),
        ({"type": "not_accepted", "step": "1"}, News.NOT_ACCEPTED, 1),
        ({"type": "unbridged", "step": "1"}, News.LEG_OVER, 1),
        ({"type": "voice_ended", "step": "voice"}, News.TALK_OVER, None),
        ({"type": "watch_answered"}, News.TOLD, None),
        ({"type": "something new", "step": "²"}, News.TOLD, None),
    ],
)
def test_events_are_read(event: dict[str, Any], news: News, position: int | None) -> None:
    found = told(**event)
    assert (found.news, found.position, found.called, found.caller) == (news, position, "+33232402727", None)
    assert found.notice.kind == event["type"]


def test_the_number_rung_is_read_from_the_target() -> None:
    assert told(type="attempt", step="0", target="sip:+33612345678@sbc.example:5060;user=phone").phone == "+33612345678"
    assert told(type="attempt", step="0", target="sip:0612345678;phone-context=x@sbc").phone == "+33612345678"
    assert told(type="answered", step="voice", target="sip:voice@127.0.0.1:5080").phone is None


def test_an_event_that_is_none_does_not_hold_back_the_others() -> None:
    good = {"id": "e2", "call_id": "c@t", "type": "received", "at": 1, "called": "+33232402727"}
    batch = [{"call_id": "c@t", "called": "+33232402727", "type": 7}, 12, None, {"id": "", "type": "x"}, good]
    kept, read = Posted("/telephony/sip/events", json.dumps(batch).encode()).events()
    assert (kept.news, kept.notice.kind, kept.notice.payload["refused"]["type"]) == (News.TOLD, "refused", 7)
    assert (read.news, read.notice.fingerprint) == (News.ARRIVED, "sip:e2")


@pytest.mark.parametrize("body", [b"", b"{}", b"[", b'"x"', b"\xff\xfe"])
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        Posted("/telephony/sip/events", body).events()


@given(body=st.binary(max_size=200))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    for read in ("events", "inbound_call", "keys_typed", "attempt_over"):
        try:
            getattr(Posted("/telephony/sip/x", body), read)()
        except Invalid:
            continue


def test_what_postgresql_cannot_store_is_taken_out() -> None:
    call = Posted("/x", rb'{"id":"1\u0000","call_id":"c\u0000@t","caller":"","called":""}').inbound_call()
    assert call.notice.call == "c@t"
    assert "\x00" not in str(call.notice.payload)


# --------------------------------------------------------------------------------------------------------- rendering


def test_a_call_goes_to_the_voice_then_to_the_humans() -> None:
    document = json.loads(edge().welcome((Say("x"),), cooperative=COOPERATIVE, call_id=CALL))
    rescue = [
        {"position": 100, "uri": "sip:+33232402700@sbc.example:5060;user=phone", "ring_seconds": 20},
        {"position": 101, "uri": "sip:+33612345601@sbc.example:5060;user=phone", "ring_seconds": 20},
        {"position": 102, "uri": "sip:+33144000000@sbc.example:5060;user=phone", "ring_seconds": 20},
    ]
    sender = {"from": {"display": "", "uri": "sip:+33232402727@sbc.example:5060"}}  # R103
    assert document == {
        "version": "1.0",
        "routing": "serial",
        "call": str(CALL),
        "cooperative": str(COOPERATIVE.id),
        "steps": "voice,100,101,102",
        "rescue": rescue,
        "caller_id": "+33232402727",
        "routes": [
            {"uri": "sip:voice@127.0.0.1:5080", "fr_timer": 1500, "fr_inv_timer": 5000, "headers": {}},
            *({"uri": s["uri"], "fr_timer": 3000, "fr_inv_timer": 20000, "headers": sender} for s in rescue),
        ],
    }


def test_nobodys_number_still_rings_a_human() -> None:
    document = json.loads(edge().welcome((Say("x"),), cooperative=None, call_id=None))
    assert (document["call"], document["cooperative"], document["steps"]) == ("", "", "voice,100")
    assert document["rescue"][0]["uri"] == "sip:+33144000000@sbc.example:5060;user=phone"


def test_the_test_artisan_is_the_voice_that_presses_1() -> None:
    document = json.loads(edge().welcome(TEST_ARTISAN, cooperative=None, call_id=None))
    assert (document["answer"], document["steps"], document["rescue"]) == ("press_1", "voice", [])


def test_nobody_is_rung_for_our_own_calls_in_an_outage() -> None:
    document = json.loads(edge().welcome((Hangup(),), cooperative=COOPERATIVE, call_id=None))
    assert (document["rescue"], len(document["routes"])) == ([], 1)


def test_the_plan_has_a_list_for_every_number_and_one_for_any_other() -> None:
    plans = json.loads(edge().plans([COOPERATIVE]))
    assert [one["called"] for one in plans["plans"]] == ["+33232402727", "+33939000001"]
    assert {one["call"] for one in (*plans["plans"], plans["default"])} == {""}
    assert plans["default"]["steps"] == "voice,100"
    assert edge().plans([COOPERATIVE]) == edge().plans([COOPERATIVE])


def verbs(*plan: Any, cooperative: CooperativeContext | None = COOPERATIVE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(edge().render(plan, cooperative=cooperative, call_id=CALL))["verbs"]
    return found


def test_a_question_and_what_follows_it() -> None:
    turn = MenuTurn(Ask.POSTCODE, 2)
    assert verbs(Gather((words.ASK_POSTCODE, "Ici ?"), 5, 8, turn), GoOn(turn), Record(120), Hangup()) == [
        {
            "gather": {
                "say": [
                    {"text": str(words.ASK_POSTCODE), "prompt": "ask_postcode"},
                    {"text": "Ici ?", "prompt": None},
                ],
                "digits": 5,
                "timeout": 8,
                "then": f"{HERE}/menu?ask=postcode&attempt=2",
            }
        },
        {"go_on": f"{HERE}/menu?ask=postcode&attempt=2"},
        {"record": {"max_seconds": 120, "upload": f"{HERE}/message"}},
        {"hangup": True},
    ]


def test_a_cooperatives_own_voice_replaces_the_words_it_was_made_for() -> None:
    own, stale, _end = verbs(Say(words.HOLD_ON), Say(words.GOODBYE), Hangup())
    assert own["say"]["audio"] == f"/telephony/sip/{COOPERATIVE.id}/prompts/hold_on?v={'a' * 16}"
    assert "audio" not in stale["say"]


def test_a_hunt_is_the_whole_ladder_from_that_step_on() -> None:
    rest = (Next(3, "+33611111103", 25), Next(5, "+33232402700", 30))
    (hunt,) = verbs(Dial("+33611111101", "+33232402727", 20, StepTurn(1), rest=rest, record=True))
    assert hunt["hunt"] == {
        "caller_id": "+33232402727",
        "steps": [
            {
                "position": position,
                "uri": f"sip:{number}@sbc.example:5060;user=phone",
                "ring_seconds": seconds,
                "whisper": True,
            }
            for position, number, seconds in ((1, "+33611111101", 20), (3, "+33611111103", 25), (5, "+33232402700", 30))
        ],
        "then": f"{HERE}/step/{{position}}",
        "whisper": f"{HERE}/whisper/{{position}}",
        "accept_seconds": 15,
        "record": {"upload": f"{HERE}/recording", "max_seconds": 3600},
    }


def test_a_direct_dial_and_a_rescue() -> None:
    (again,) = verbs(Dial("+33611111101", "+33232402727", 20, StepTurn(1, direct=True), whisper=False))
    assert (again["hunt"]["then"], again["hunt"]["steps"][0]["whisper"]) == (
        f"{HERE}/step/{{position}}?direct=1",
        False,
    )
    (rescue,) = verbs(Dial("+33232402700", "+33232402727", 20, RescueTurn(1), whisper=False))
    assert [step["position"] for step in rescue["hunt"]["steps"]] == [101, 102]
    assert all(step["whisper"] for step in rescue["hunt"]["steps"])  # it may be an answering machine


def test_the_person_rung_is_asked_then_put_through() -> None:
    gather, hangup = verbs(Gather(("Appel d’urgence.",), 1, 15, KeyTurn(0)), Hangup())
    assert (gather["gather"]["then"], hangup) == (f"{HERE}/key/0", {"hangup": True})
    assert verbs() == []
    assert verbs(Say(words.ACCEPTED)) == []
    assert len(verbs(Say(words.REFUSED), Hangup())) == 2
