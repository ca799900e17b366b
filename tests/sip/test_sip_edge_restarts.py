"""The edge is stopped, killed and started again, application up or down: calls go on, every event comes once."""

import time

import pytest

from maillage_kit.testing.sip_lab import PhoneScript, wait_until

pytestmark = pytest.mark.sip
FALLBACK = "+33232402700"
STAYS = PhoneScript(answers_after=0.1, talks=40, sound=False)


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_started_again_without_the_application_it_still_knows_its_plan(stage, kill: bool) -> None:
    """Plan from disk; and the events of before, during and after arrive in order, once the application is back."""
    application = stage.application
    application.die()
    before = stage.call(stage.somebody()).must_end_well()
    wait_until(lambda: "ended" in kinds(stage.edge.undelivered(), before.call_id), within=5, what="events are on disk")
    stage.edge.restart(kill=kill)
    after = stage.call(stage.somebody()).must_end_well()
    assert stage.rung(after.call_id) == [FALLBACK]
    application.revive()
    for call in (before, after):
        events = application.wait_for(call.call_id, "ended", within=15)
        kinds_told = [event["type"] for event in events if event["type"] != "decision_failed"]
        assert kinds_told == ["received", "decided", "attempt", "ringing", "answered", "established", "ended"]
        assert events[-1]["at"] == max(event["at"] for event in events)
    wait_until(lambda: not stage.edge.undelivered(), within=5, what="nothing is left on disk")
    calls = [event["call_id"] for event in application.events() if event["call_id"] in {before.call_id, after.call_id}]
    assert calls == sorted(calls, key=[before.call_id, after.call_id].index)


def kinds(events: list[dict[str, object]], call_id: str) -> list[object]:
    return [event["type"] for event in events if event["call_id"] == call_id]


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_a_conversation_outlives_the_edge_and_its_end_is_told(stage, kill: bool) -> None:
    (takes,) = stage.numbers(1)
    phone = stage.lab.telephone(takes, STAYS)
    caller = stage.somebody()
    stage.documents[caller] = stage.document((takes, 20))
    call = stage.call(caller, talks=4)
    stage.application.wait_for(call.call_id, "established")
    stage.edge.restart(kill=kill)
    call.must_end_well(15)
    assert not phone.answers("481")
    ended = [event for event in stage.application.wait_for(call.call_id, "ended") if event["type"] == "ended"]
    assert len(ended) == 1
    assert (ended[0]["step"], ended[0]["detail"]) == ("100", "caller")


def test_a_telephone_that_rings_while_the_edge_restarts_still_reaches_the_caller(stage) -> None:
    """The answer finds its way back by its Via lines, without the transaction that died."""
    (takes,) = stage.numbers(1)
    stage.lab.telephone(takes, PhoneScript(answers_after=3, talks=40, sound=False))
    caller = stage.somebody()
    stage.documents[caller] = stage.document((takes, 20))
    call = stage.call(caller, talks=0.5)
    stage.application.wait_for(call.call_id, "ringing")
    stage.edge.restart(kill=True)
    call.must_end_well(15)


def test_a_batch_that_was_committed_but_not_acknowledged_comes_again_with_the_same_ids(stage) -> None:
    """At least once: the application tells repeats by their ids."""
    application = stage.application
    caller = stage.somebody()
    stage.documents[caller] = stage.document((FALLBACK, 10))
    application.forgets_to_answer = 1
    call = stage.call(caller).must_end_well()
    application.wait_for(call.call_id, "ended", within=15)
    wait_until(lambda: not stage.edge.undelivered(), within=15, what="everything is acknowledged")
    came = [event["id"] for batch in application.batches for event in batch]
    assert len(came) > len(set(came))
    assert len(application.events(call.call_id)) == 7


def test_events_that_can_never_be_understood_are_kept_aside(stage) -> None:
    application = stage.application
    caller = stage.somebody()
    stage.documents[caller] = stage.document((FALLBACK, 10))
    application.mood = "refuses"
    stage.call(caller).must_end_well()
    wait_until(lambda: len(stage.edge.refused()) >= 7, within=5, what="they are kept")
    application.mood = None
    call = stage.call(caller).must_end_well()
    assert len(application.wait_for(call.call_id, "ended")) == 7


def test_an_application_that_hangs_does_not_stop_the_calls(stage) -> None:
    """Frozen for a while: calls are put through by the plan, then its answers are taken again."""
    application = stage.application
    application.mood = "hangs"
    started = time.monotonic()
    calls = [stage.call(stage.somebody()) for _ in range(4)]
    for call in calls:
        call.must_end_well()
        assert stage.rung(call.call_id) == [FALLBACK]
    assert time.monotonic() - started < 8
