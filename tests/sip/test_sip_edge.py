"""The edge's own promises, with an application that a test scripts and telephones in the voice's place.

The order of the targets is always asserted, never only that somebody answered: a wrong document would be silently
rescued by the next fallback.
"""

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from maillage_kit.testing.sip_lab import (
    BUSY,
    DECLINES,
    HOST,
    RINGS_IN_VAIN,
    CallerScript,
    PhoneScript,
    received,
    wait_until,
)
from maillage_kit.testing.sip_lab.application import Document

pytestmark = pytest.mark.sip
NUMBER = "+33232402727"
FALLBACK, MANAGER, LAST_RESORT = "+33232402700", "+33612345601", "+33144000000"
ANSWERS = PhoneScript(answers_after=0.2, talks=30, sound=False)


CONFIRMED = 4
"""State of a dialog of Kamailio whose answer was acknowledged."""


def steps(events: list[Document]) -> list[tuple[str, str]]:
    return [(event["type"], event["step"]) for event in events]


# ------------------------------------------------------------------------------------------------------- the ladder


def test_each_person_rings_for_their_own_time_and_everything_is_told(stage) -> None:
    silent, busy, declines, barred, dead, takes = stage.numbers(6)
    scripts = (RINGS_IN_VAIN, BUSY, DECLINES, PhoneScript(status="403 Forbidden"))
    for number, script in (*zip((silent, busy, declines, barred), scripts, strict=True), (takes, ANSWERS)):
        stage.lab.telephone(number, script)
    stage.lab.operator.loses(dead)
    caller = stage.somebody()
    ladder = ((silent, 2), (busy, 20), (declines, 20), (barred, 20), (dead, 20), (takes, 20))
    stage.documents[caller] = stage.document(*ladder)
    call = stage.call(caller)
    call.must_end_well()
    assert stage.rung(call.call_id) == [number for number, _ in ladder]
    events = stage.application.wait_for(call.call_id, "ended")
    assert steps(events) == [
        ("received", ""),
        ("decided", ""),
        ("attempt", "100"),
        ("ringing", "100"),
        ("no_answer", "100"),
        ("attempt", "101"),
        ("busy", "101"),
        ("attempt", "102"),
        ("declined", "102"),
        ("attempt", "103"),
        ("failed", "103"),  # the operator refuses the number presented: nobody has declined
        ("attempt", "104"),
        ("unreachable", "104"),
        ("attempt", "105"),
        ("ringing", "105"),
        ("answered", "105"),
        ("established", "105"),
        ("ended", "105"),
    ]
    at = {(event["type"], event["step"]): event["at"] for event in events}
    assert at["no_answer", "100"] - at["attempt", "100"] == pytest.approx(2.0, abs=0.3)
    assert next(event["code"] for event in events if event["type"] == "failed") == 403
    assert at["unreachable", "104"] - at["attempt", "104"] == pytest.approx(1.0, abs=0.3)
    assert {event["source"] for event in events[1:-1]} == {"app"}
    assert {(event["caller"], event["called"]) for event in events} == {(caller, NUMBER)}
    assert events[-1]["detail"] == "caller"
    assert len({event["id"] for event in events}) == len(events)


def test_the_person_who_hangs_up_is_told_from_the_caller_who_does(stage) -> None:
    (takes,) = stage.numbers(1)
    stage.lab.telephone(takes, PhoneScript(answers_after=0.1, talks=0.5, sound=False))
    caller = stage.somebody()
    stage.documents[caller] = stage.document((takes, 20))
    call = stage.call(caller, talks=10)
    call.must_end_well(8)
    assert stage.application.wait_for(call.call_id, "ended")[-1]["detail"] == "callee"


def test_nobody_of_the_list_then_the_last_resort(stage) -> None:
    busy, declines = stage.numbers(2)
    stage.lab.telephone(busy, BUSY)
    stage.lab.telephone(declines, DECLINES)
    caller = stage.somebody()
    stage.documents[caller] = stage.document((busy, 20), (declines, 20))
    call = stage.call(caller)
    call.must_end_well()
    assert stage.rung(call.call_id) == [busy, declines, LAST_RESORT]
    assert ("established", "199") in steps(stage.application.wait_for(call.call_id, "ended"))


# ------------------------------------------------------------------------------------------------- who is who (R103)


def test_the_asserted_identity_is_the_caller_and_stays_here(stage) -> None:
    (takes,) = stage.numbers(1)
    stage.lab.telephone(takes, ANSWERS)
    caller = stage.somebody()
    stage.documents[caller] = stage.document((takes, 20))
    call = stage.call("+33100000000", asserted=f"sip:0{caller[3:]}@operator.example")
    call.must_end_well()
    assert stage.application.asked[-1]["caller"] == caller
    (invite,) = [m for m in stage.lab.operator.invites(takes) if m.header("Call-ID") == call.call_id]
    assert invite.header("P-Asserted-Identity") is None
    assert (invite.header("From") or "").startswith(f"<sip:{NUMBER}@")
    assert caller[3:] not in invite.text


def test_a_masked_caller_is_welcome(stage) -> None:
    (takes,) = stage.numbers(1)
    stage.lab.telephone(takes, ANSWERS)
    stage.documents["anonymous"] = stage.document((takes, 20))
    call = stage.call("anonymous", extra="Privacy: id")
    call.must_end_well()
    assert stage.application.asked[-1]["caller"] == "anonymous"
    assert stage.rung(call.call_id) == [takes]


@pytest.mark.parametrize("written", ["0232402727", "33232402727", "0033232402727", "+33232402727"])
def test_the_number_called_is_understood_in_every_coat(stage, written: str) -> None:
    call = stage.call(stage.somebody(), written, gives_up_after=0.0)
    call.wait()
    assert stage.application.asked[-1]["called"] == NUMBER


def test_forged_headers_are_taken_off(stage) -> None:
    """A caller who speaks like the edge, or like the voice, is a caller like any other."""
    (takes,) = stage.numbers(1)
    stage.lab.telephone(takes, ANSWERS)
    voice = stage.lab.answering(stage.lab.voice_port, PhoneScript(answers_after=0.1, talks=20, sound=False).xml())
    caller = stage.somebody()
    stage.documents[caller] = stage.document((takes, 20), voice=True)
    forged = "X-Maillage-Call: forged\nx-maillage-rescue: forged\nX-MAILLAGE-Hunt: {}\nX-Maillage-Parent: forged"
    asked = len(stage.application.asked)
    stage.call(caller, "hunt", extra=forged).must_end_well()
    call = stage.call(caller, extra=forged)
    call.must_end_well()
    assert len(stage.application.asked) == asked + 2
    assert [
        event["step"] for event in stage.application.wait_for(call.call_id, "ended") if event["type"] == "established"
    ] == ["voice"]
    heard = "\n".join(received(voice))
    assert "forged" not in heard
    assert "X-Maillage-Call: 0190aaaa-0000-7000-8000-000000000001" in heard
    assert f"X-Maillage-Caller: {caller}" in heard
    assert "X-Maillage-Source: app" in heard
    rescue = heard.partition("X-Maillage-Rescue: ")[2].splitlines()[0]
    assert json.loads(rescue)[0]["position"] == 100
    voice.stop()


def test_who_hangs_up_is_not_refused_because_the_other_telephone_is_slow(stage) -> None:
    """The other side has the 32 s of RFC 3261 (17.1.2.2) to say goodbye too: a caller was told 408 after three."""
    slow, caller = stage.numbers(1)[0], stage.somebody()
    telephone = stage.lab.telephone(slow, ANSWERS)
    stage.documents[caller] = stage.document((slow, 10))
    call = stage.call(caller, talks=2.0)
    stage.application.wait_for(call.call_id, "established")
    telephone.child.freeze()
    stage.application.wait_for(call.call_id, "ended")
    time.sleep(4.0)
    assert not call.over
    telephone.child.thaw()
    call.must_end_well()


# ----------------------------------------------------------------------------------------------------- at the door


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "REGISTER", "BYE", "CANCEL", "NONSENSE"])
def test_a_stranger_gets_nothing(stage, method: str) -> None:
    asked = len(stage.application.asked)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))
        stranger.settimeout(0.4)
        port = stranger.getsockname()[1]
        text = (
            f"{method} sip:{NUMBER}@{HOST} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.2:{port};branch=z9hG4bK-{port}\r\n"
            f"From: <sip:a@127.0.0.2>;tag=1\r\nTo: <sip:{NUMBER}@{HOST}>\r\n"
            f"Call-ID: stranger-{port}\r\nCSeq: 1 {method}\r\nContact: <sip:a@127.0.0.2:{port}>\r\n"
            "Max-Forwards: 70\r\nX-Maillage-Hunt: {}\r\nContent-Length: 0\r\n\r\n"
        )
        stranger.sendto(text.encode(), (HOST, stage.edge.port))
        with pytest.raises(TimeoutError):
            stranger.recvfrom(4096)
    assert len(stage.application.asked) == asked


def test_the_trunk_is_answered(stage) -> None:
    """The same message as the stranger's, from the right address: silence is not merely a broken port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trunk:
        trunk.bind((HOST, 0))
        trunk.settimeout(3)
        port = trunk.getsockname()[1]
        text = (
            f"OPTIONS sip:{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:{port};branch=z9hG4bK-{port}\r\n"
            f"From: <sip:a@{HOST}>;tag=1\r\nTo: <sip:{HOST}>\r\nCall-ID: trunk-{port}\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        trunk.sendto(text.encode(), (HOST, stage.edge.port))
        assert trunk.recvfrom(4096)[0].startswith(b"SIP/2.0 200 ")


def test_a_flood_refuses_nobody_and_spares_the_application(stage) -> None:
    """Thirty calls in a second are asked about; those above go by the plan, to the same humans."""
    caller = stage.somebody()
    stage.documents[caller] = stage.document((MANAGER, 10))
    before = len(stage.application.asked)
    xml = CallerScript("[field0]", NUMBER, talks=0.2).xml()
    load = stage.lab.load(stage.edge, xml, callers=[caller], rate=100, calls=100, within=20)
    assert (load.answered, load.failed) == (100, 0), load.errors[:3000]
    asked = len(stage.application.asked) - before
    assert 30 <= asked <= 75


# --------------------------------------------------------------------------------------------------- without a brain


@pytest.mark.parametrize(
    ("mood", "told", "seconds"),
    [
        ("error", "decision_failed", 0.5),
        ("nonsense", "bad_document", 0.5),
        ("empty", "bad_document", 0.5),
        ("hangs", "decision_failed", 3.0),
    ],
)
def test_an_application_that_fails_costs_no_call(stage, mood: str, told: str, seconds: float) -> None:
    """By the plan of the number called, at once, or after the two seconds that an answer may take."""
    stage.application.mood = mood
    call = stage.call(stage.somebody())
    call.must_end_well()
    assert stage.rung(call.call_id) == [FALLBACK]
    stage.application.mood = None
    events = stage.application.wait_for(call.call_id, "ended")
    assert [event["type"] for event in events][:3] == ["received", told, "decided"]
    assert events[2]["source"] == "plan"
    assert events[2]["at"] - events[0]["at"] < seconds


def test_after_a_failure_nobody_waits_until_one_call_finds_it_mended(stage) -> None:
    stage.application.mood = "error"
    stage.call(stage.somebody()).must_end_well()
    stage.application.mood = "hangs"
    asked = len(stage.application.asked)
    call = stage.call(stage.somebody())
    call.must_end_well()
    assert len(stage.application.asked) == asked
    stage.application.mood = None
    events = stage.application.wait_for(call.call_id, "ended")
    assert events[1]["at"] - events[0]["at"] < 0.2
    # The refreshed plan proves nothing about decisions: the circuit is closed by a decision only.
    assert "result" in stage.edge.rpc("htable.get", "state", "open_until")
    stage.edge.rpc("htable.seti", "state", "open_until", int(time.time()) - 1)
    mended = stage.call(stage.somebody())
    mended.must_end_well()
    assert stage.application.wait_for(mended.call_id, "ended")[1]["source"] == "app"
    assert "result" not in stage.edge.rpc("htable.get", "state", "open_until")


def test_a_number_without_a_plan_goes_by_the_default(stage) -> None:
    stage.application.mood = "error"
    call = stage.call(stage.somebody(), "+33235407676")
    call.must_end_well()
    assert stage.rung(call.call_id) == [MANAGER]


def test_a_dead_voice_is_passed_over(stage) -> None:
    (takes,) = stage.numbers(1)
    stage.lab.telephone(takes, ANSWERS)
    caller = stage.somebody()
    stage.documents[caller] = stage.document((takes, 20), voice=True)
    call = stage.call(caller)
    call.must_end_well()
    events = stage.application.wait_for(call.call_id, "ended")
    assert steps(events)[2:5] == [("attempt", "voice"), ("unreachable", "voice"), ("attempt", "100")]
    assert stage.rung(call.call_id) == [takes]


# ------------------------------------------------------------------------------------------------------ hanging up


def test_the_caller_hangs_up_while_it_is_decided(stage) -> None:
    (takes,) = stage.numbers(1)
    phone = stage.lab.telephone(takes, ANSWERS)
    caller = stage.somebody()
    stage.documents[caller] = stage.document((takes, 20))
    stage.application.mood, stage.application.delay = "sleeps", 1.2
    call = stage.call(caller, gives_up_after=0.4)
    call.must_end_well()
    events = stage.application.wait_for(call.call_id, "not_established")
    assert [event["type"] for event in events] == ["received", "caller_hangup", "caller_cancelled", "not_established"]
    assert events[1]["at"] - events[0]["at"] < 1.0
    assert (events[1]["caller"], events[1]["called"]) == (caller, NUMBER)
    assert phone.rung == 0


def test_the_caller_hangs_up_while_somebody_rings(stage) -> None:
    (silent,) = stage.numbers(1)
    phone = stage.lab.telephone(silent, RINGS_IN_VAIN)
    caller = stage.somebody()
    stage.documents[caller] = stage.document((silent, 20))
    call = stage.call(caller, gives_up_after=0.7, on_ringing=True)
    call.must_end_well()
    events = stage.application.wait_for(call.call_id, "not_established")
    assert [event["type"] for event in events][-3:] == ["caller_hangup", "caller_cancelled", "not_established"]
    assert [event["step"] for event in events][-2] == "100"
    assert len(phone.answers("487")) == 1


# --------------------------------------------------------------------------------------------------- the voice hunts


@pytest.fixture
def voice(stage) -> Callable[..., Any]:
    """Speaks from the voice's own address."""

    def hunts(parent: str, caller: str, document: Document, **script: Any) -> Any:
        extra = "\n".join(
            (
                f"X-Maillage-Parent: {parent}",
                f"X-Maillage-Caller: {caller}",
                f"X-Maillage-Called: {NUMBER}",
                f"X-Maillage-Steps: {document['steps']}",
                "X-Maillage-Hunt: [document]",
            )
        )
        script.setdefault("talks", 0.5)
        return stage.lab.caller(
            CallerScript(NUMBER, "hunt", extra=extra, values=(("document", json.dumps(document)),), **script),
            stage.edge,
            port=stage.lab.voice_port,
        )

    return hunts


def test_a_hunt_rings_in_turn_and_says_who_answered(stage, voice: Callable[..., Any]) -> None:
    silent, busy, takes = stage.numbers(3)
    stage.lab.telephone(silent, RINGS_IN_VAIN)
    stage.lab.telephone(busy, BUSY)
    stage.lab.telephone(takes, PhoneScript(answers_after=0.2, talks=20, sound=False, extra="X-Maillage-Position: 77"))
    document = {**stage.document((silent, 2), (busy, 20), (takes, 20)), "steps": "0,1,3"}
    hunt = voice("parent-1", "+33699123456", document)
    hunt.must_end_well()
    events = stage.application.wait_for("parent-1", "ended")
    assert steps(events) == [
        ("attempt", "0"),
        ("ringing", "0"),
        ("no_answer", "0"),
        ("attempt", "1"),
        ("busy", "1"),
        ("attempt", "3"),
        ("ringing", "3"),
        ("answered", "3"),
        ("established", "3"),
        ("ended", "3"),
    ]
    assert {(event["caller"], event["called"]) for event in events} == {("+33699123456", NUMBER)}
    answers = hunt.received("200")
    assert "X-Maillage-Position: 3" in answers[0]
    assert "77" not in answers[0].partition("X-Maillage-Position")[2][:20]
    for invite in stage.lab.operator.invites(takes):
        assert "X-Maillage" not in invite.text
        assert (invite.header("From") or "").startswith(f"<sip:{NUMBER}@")


def test_a_hunt_that_reaches_nobody_leaves_the_caller_to_the_voice(stage, voice: Callable[..., Any]) -> None:
    busy, declines = stage.numbers(2)
    stage.lab.telephone(busy, BUSY)
    stage.lab.telephone(declines, DECLINES)
    last = len(stage.lab.operator.invites(LAST_RESORT))
    hunt = voice("parent-2", "+33699123457", {**stage.document((busy, 20), (declines, 20)), "steps": "0,1"})
    assert hunt.wait() != 0
    assert hunt.received("480")
    assert len(stage.lab.operator.invites(LAST_RESORT)) == last
    events = stage.application.wait_for("parent-2", "declined")
    assert steps(events) == [("attempt", "0"), ("busy", "0"), ("attempt", "1"), ("declined", "1")]


def test_the_last_ladder_of_a_caller_serves_when_the_application_is_down(stage, voice: Callable[..., Any]) -> None:
    """The first hunt of a call is the whole ladder; the hunts that follow in the same call are shorter."""
    busy, takes = stage.numbers(2)
    stage.lab.telephone(busy, BUSY)
    stage.lab.telephone(takes, ANSWERS)
    caller = stage.somebody()
    voice("parent-3", caller, {**stage.document((busy, 20), (takes, 20)), "steps": "0,1"}).must_end_well()
    voice("parent-3", caller, {**stage.document((takes, 20)), "steps": "1"}).must_end_well()
    stage.application.mood = "error"
    call = stage.call(caller)
    call.must_end_well()
    assert stage.rung(call.call_id) == [busy, takes]
    stage.application.mood = None
    events = stage.application.wait_for(call.call_id, "ended")
    assert [event["source"] for event in events if event["type"] == "decided"] == ["caller"]
    assert ("busy", "0") in steps(events)
    assert ("established", "1") in steps(events)


def test_a_voice_that_hangs_up_on_a_hunt_stops_the_ringing(stage, voice: Callable[..., Any]) -> None:
    (silent,) = stage.numbers(1)
    phone = stage.lab.telephone(silent, RINGS_IN_VAIN)
    document = {**stage.document((silent, 20)), "steps": "4"}
    voice("parent-4", "+33699123458", document, gives_up_after=0.5, on_ringing=True).must_end_well()
    events = stage.application.wait_for("parent-4", "caller_cancelled")
    assert steps(events) == [("attempt", "4"), ("ringing", "4"), ("caller_cancelled", "4")]
    assert len(phone.answers("487")) == 1


def test_the_voice_may_ring_a_number_from_outside(stage) -> None:
    """The watch's own call: to the trunk, as it is, without asking anybody."""
    (outside,) = stage.numbers(1)
    stage.lab.telephone(outside, ANSWERS)
    asked = len(stage.application.asked)
    call = stage.lab.caller(CallerScript("+33644000001", outside, talks=0.3), stage.edge, port=stage.lab.voice_port)
    call.must_end_well()
    (invite,) = stage.lab.operator.invites(outside)
    assert (invite.header("From") or "").startswith("<sip:+33644000001@")
    assert len(stage.application.asked) == asked


# ---------------------------------------------------------------------------------------------------------- control


def test_the_application_ends_calls_and_each_end_is_told_once(stage) -> None:
    """Kamailio tells the end of what it ends itself only when nobody answers the BYE too fast: here, many do."""
    callers = [stage.somebody() for _ in range(12)]
    for caller in callers:
        stage.documents[caller] = stage.document((MANAGER, 20))
    calls = [stage.call(caller, talks=60) for caller in callers]
    for call in calls:
        stage.application.wait_for(call.call_id, "established", within=20)
    ids = {call.call_id for call in calls}

    def confirmed() -> list[Document]:
        dialogs = stage.edge.rpc("dlg.list")["result"]
        return [one for one in dialogs if one["call-id"] in ids and one["state"] == CONFIRMED]

    wait_until(lambda: len(confirmed()) == len(calls), within=20, what="the conversations are confirmed by their ACK")
    for one in confirmed():
        assert "error" not in stage.edge.rpc("dlg.end_dlg", one["h_entry"], one["h_id"])
    for call in calls:
        call.must_end_well()
        events = stage.application.wait_for(call.call_id, "ended")
        assert steps(events).count(("ended", "100")) == 1
        assert steps(events)[-1] == ("ended", "100")


def test_control_answers_the_given_addresses_only(stage) -> None:
    port = int(stage.edge.config.rpc_listen.rpartition(":")[2])
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.2", 0))
        stranger.settimeout(1)
        stranger.connect((HOST, port))
        stranger.sendall(
            b"POST /RPC HTTP/1.1\r\nHost: edge\r\nContent-Length: 47\r\n\r\n"
            b'{"jsonrpc":"2.0","method":"core.uptime","id":1}'
        )
        try:
            said = stranger.recv(4096)
        except TimeoutError:
            said = b""
    assert said == b""
    assert "result" in stage.edge.rpc("core.uptime")
