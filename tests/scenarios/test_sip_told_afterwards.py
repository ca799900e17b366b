"""Calls that went their way without us, told afterwards by the edge and the voice."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from maillage_app.runtime import Runtime
from maillage_app.worker import run_handler
from maillage_kit.testing.sip_line import SipLine
from maillage_tenants.calls import tasks

pytestmark = pytest.mark.usefixtures("a_patient_edge")
ANA, CALLER = "+33611111101", "+33633333301"


@pytest.fixture
def runtime(runtime_with_edge: Runtime) -> Runtime:
    return runtime_with_edge


def an_outage(line: SipLine, begins: datetime, target: str, step: int, *, accepted: bool) -> list[dict[str, Any]]:
    """What the edge and the voice tell of a call that went its way without us."""

    def at(seconds: float) -> datetime:
        return begins + timedelta(seconds=seconds)

    told = [
        line.event("received", at=at(0)),
        line.event("decision_failed", at=at(2), code=-1),
        line.event("decided", at=at(2), source="caller"),
        line.event("attempt", at=at(2), step="voice", source="caller"),
        line.event("answered", at=at(2), step="voice", source="caller"),
        line.event("voice_answered", at=at(2), step="voice", source="voice"),
        line.event("attempt", at=at(12), step=step, target=f"sip:{target}@127.0.0.1:5070;user=phone"),
        line.event("answered", at=at(20), step=step),
        line.event("whispered", at=at(20), step=step, source="voice"),
    ]
    if accepted:
        told += [
            line.event("accepted", at=at(25), step=step, source="voice"),
            line.event("bridged", at=at(25), step=step, source="voice"),
            line.event("unbridged", at=at(85), step=step, source="voice"),
        ]
    else:
        told += [line.event("not_accepted", at=at(35), step=step, source="voice")]
    return [
        *told,
        line.event("voice_ended", at=at(86), step="voice", source="voice"),
        line.event("ended", at=at(86), step="voice"),
    ]


async def test_the_case_of_an_outage_is_given_to_who_accepted(town, dials, moved_clock) -> None:
    """Nobody asked us: the edge rang who was rung just before. Told late, in three batches, twice."""
    await town.on_call("Ana", ANA)
    await town.customer("Madame Lefèvre", CALLER, ("12 rue de la République", "27467"))
    line = dials()
    begins = moved_clock.now()
    moved_clock.advance(hours=1)
    told = an_outage(line, begins, ANA, 0, accepted=True)
    assert (await line.tell(*told[5:9])).status_code == 204  # the voice is heard first
    assert (await line.tell(*told)).status_code == 204
    assert (await line.tell(*reversed(told))).status_code == 204
    await town.settled()

    call = await town.row("select * from call")
    assert (call["state"], call["outcome"], call["accepted_position"]) == ("ended", "accepted", 0)
    assert (call["started_at"], call["ended_at"]) == (begins, begins + timedelta(seconds=86))
    assert call["connected_at"] == begins + timedelta(seconds=25)
    assert call["routing_note"].startswith("Reconstitué après coup")
    step = await town.row("select kind, display_name, technician_id, reason from ladder_step")
    assert (step["display_name"], step["technician_id"]) == ("Ana Test", town.people["Ana"])
    assert step["reason"].startswith("Secours direct")
    assert await town.legs() == [("Ana", "accepted")]
    case = await town.row("select state, technician_id from intervention")
    assert (case["state"], case["technician_id"]) == ("accepted", town.people["Ana"])
    assert len(await town.rows("select 1 from alarm where kind = 'call_rescued'")) == 1
    assert len(await town.rows("select 1 from message where purpose = 'call_taken'")) == 1
    assert len(await town.rows("select 1 from call_event")) == len(told)
    assert await town.rows("select 1 from callback") == []


async def test_nobody_accepted_during_an_outage(town, dials, moved_clock) -> None:
    """Nothing is concluded while somebody may still tell; then a callback is owed, once."""
    line = dials()
    begins = moved_clock.now()
    moved_clock.advance(minutes=10)
    told = an_outage(line, begins, town.cooperative.fallback_phone, 100, accepted=False)
    await line.tell(*told)
    assert await town.value("select state from call") == "ringing"
    assert await town.rows("select 1 from callback") == []
    await town.settled()
    await line.tell(*told)
    await town.settled()
    assert await town.legs() == [("Numéro", "not_accepted")]
    assert await town.value("select outcome from call") == "missed"
    assert len(await town.rows("select 1 from callback")) == 1
    assert len(await town.rows("select 1 from intervention")) == 1
    (written,) = await town.rows("select recipient, body from message")
    assert written["recipient"] == CALLER
    assert "à 09 h 00, nous n’avons pas pu vous passer un artisan" in written["body"]
    assert {row["kind"] for row in await town.rows("select kind from alarm")} == {"call_rescued", "call_to_return"}


async def test_the_edge_alone_put_the_caller_through(town, dials, moved_clock) -> None:
    """Neither us nor the voice: the human who answers is put through, the end of that line is the end of the call."""
    line = dials("anonymous")
    begins = moved_clock.now()
    moved_clock.advance(minutes=10)

    def event(seconds: int, kind: str, **more: Any) -> dict[str, Any]:
        told: dict[str, Any] = line.event(kind, at=begins + timedelta(seconds=seconds), **more)
        return told

    target = f"sip:{town.cooperative.manager_phone}@127.0.0.1:5070;user=phone"
    await line.tell(
        event(0, "received"),
        event(2, "decided", source="plan"),
        event(2, "attempt", step="voice", source="plan"),
        event(4, "unreachable", step="voice", source="plan"),
        event(4, "attempt", step=101, source="plan", target=target),
        event(9, "answered", step=101, source="plan", target=target),
        event(9, "established", step=101),
        event(50, "ended", step=101, detail="caller"),
    )
    call = await town.row("select state, outcome, caller, ended_at from call")
    assert (call["state"], call["outcome"], call["caller"]) == ("ended", "accepted", None)
    assert call["ended_at"] == begins + timedelta(seconds=50)
    assert await town.legs() == [("Hélène", "accepted")]
    assert await town.value("select state from intervention") == "requested"  # the manager assigns it


async def test_an_arrival_and_nothing_more(town, dials, moved_clock) -> None:
    """The edge died right after: the caller is owed a call."""
    town.troubles.add("calls_without_a_decision")
    line = dials()
    await line.tell(line.event("received"))
    assert await town.rows("select 1 from call") == []
    moved_clock.advance(seconds=61)
    await run_handler(town.runtime, town.cooperative, tasks.look_for_stuck, {})
    await run_handler(town.runtime, town.cooperative, tasks.look_for_stuck, {})
    assert await town.value("select outcome from call") == "missed"
    assert await town.value("select phone from callback") == CALLER


async def test_an_event_that_breaks_us_is_kept_and_the_others_pass(town, dials, monkeypatch) -> None:
    """One call's news raise inside: they are kept as they came, with an alarm; the rest of the batch is written."""
    from maillage_tenants.calls.service import hunting

    town.troubles |= {"events_one_call_at_a_time", "events_kept", "event_refused"}
    good, bad = dials(), dials("+33633333302")
    await good.rings()
    await bad.rings()
    conclude = hunting._conclude

    async def breaks(session, *, call, **more: Any) -> None:
        if call.row.provider_call_id == bad.call_id:
            raise ZeroDivisionError
        await conclude(session, call=call, **more)

    monkeypatch.setattr(hunting, "_conclude", breaks)
    batch = [bad.event("decided", source="app"), good.event("decided", source="app"), {"id": 7}, "nonsense"]
    assert (await good.send(batch)).status_code == 204
    assert (await good.send(batch)).status_code == 204
    kept = await town.rows("select provider_call_id, kind, call_id from call_event where kind <> 'inbound'")
    assert sorted((row["kind"], row["provider_call_id"], row["call_id"] is None) for row in kept) == [
        ("decided", good.call_id, False),
        ("refused", bad.call_id, True),
    ]
    assert len(await town.rows("select 1 from alarm where kind = 'telephony_refused'")) == 1


async def test_a_call_that_the_edge_has_forgotten_is_found_by_its_name(town, dials) -> None:
    """An edge restarted in the middle of a call tells its end without the number called."""
    line = dials()
    await line.rings()
    await line.tell(line.event("ended", called="", caller="", detail="unknown"))
    assert await town.value("select line_ended_at is not null from call")
    await town.settled()
    assert await town.value("select outcome from call") == "abandoned"


async def test_a_call_written_while_its_news_are_read_is_no_outage(town, dials, monkeypatch) -> None:
    """The answer to the edge is committed just after its news were looked up: no second call, no alarm."""
    from maillage_tenants.calls import queries

    line = dials()
    await line.rings()
    look_up = queries.locked_calls
    looked: list[str] = []

    async def too_early(session, *, provider: str, calls: list[str]) -> Any:
        looked.append(calls[0])
        return await look_up(session, provider=provider, calls=calls) if len(looked) > 1 else []

    monkeypatch.setattr(queries, "locked_calls", too_early)
    assert (await line.tell(line.event("decided", source="app"))).status_code == 204
    assert looked == [line.call_id] * 2
    assert await town.value("select routing_note from call") == ""
    assert await town.rows("select 1 from alarm") == []
    assert await town.value("select call_id is not null from call_event where kind = 'decided'")


async def test_a_number_that_is_told_late_in_a_batch_is_enough(town, dials, moved_clock) -> None:
    """Not every event says whom it is about: one of them does."""
    line = dials()
    target = f"sip:{town.cooperative.manager_phone}@127.0.0.1:5070;user=phone"
    await line.tell(
        line.event("decided", source="plan"),
        line.event("ringing", step=7),
        line.event("answered", step=7, target=target),
        line.event("accepted", step=7, source="voice"),
    )
    assert await town.legs() == [("Hélène", "accepted")]


async def test_a_line_whose_end_nobody_told_rings_no_more_once_its_call_is_over(town, dials, moved_clock) -> None:
    """The edge lost what became of the first telephone. The log says so, and a word that comes late is still heard."""
    await town.on_call("Ana", ANA)
    await town.on_call("Bilal", "+33611111102", rank=2)
    line = dials("anonymous")
    first, second = (position for position, _ in (await town.to_the_ladder(line))[:2])
    begins: datetime = moved_clock.now()

    def at(seconds: float) -> datetime:
        return begins + timedelta(seconds=seconds)

    moved_clock.advance(minutes=2)
    over = [line.event("ended", at=at(60), step=second), line.event("ended", at=at(60), step="voice")]
    await line.tell(
        line.event("attempt", at=at(0), step=first),
        line.event("ringing", at=at(1), step=first),
        line.event("attempt", at=at(21), step=second),
        line.event("answered", at=at(25), step=second),
        line.event("accepted", at=at(28), step=second),
        line.event("bridged", at=at(28), step=second),
        line.event("unbridged", at=at(60), step=second),
        *over,
    )
    await town.settled()
    states = "select state, ended_at from call_leg order by position"
    assert [row["state"] for row in await town.rows(states)] == ["untold", "accepted"]
    await line.tell(line.event("ringing", at=at(2), step=first, id="late-ringing"))
    assert (await town.rows(states))[0]["state"] == "untold"
    await line.tell(line.event("no_answer", at=at(21), step=first))
    assert (await town.rows(states))[0] == {"state": "no_answer", "ended_at": at(21)}


async def test_a_conversation_whose_end_was_lost_leaves_nobody_ringing(town, dials, moved_clock) -> None:
    """Neither the end of the first telephone nor that of the conversation ever came: the sweep ends both."""
    await town.on_call("Ana", ANA)
    await town.on_call("Bilal", "+33611111102", rank=2)
    line = dials("anonymous")
    first, second = (position for position, _ in (await town.to_the_ladder(line))[:2])
    await line.tell(
        line.event("attempt", step=first),
        line.event("attempt", step=second),
        line.event("answered", step=second),
        line.event("accepted", step=second),
        line.event("bridged", step=second),
    )
    moved_clock.advance(hours=5)
    await run_handler(town.runtime, town.cooperative, tasks.look_for_stuck, {})
    assert await town.row("select state, outcome from call") == {"state": "ended", "outcome": "accepted"}
    states = await town.rows("select state from call_leg order by position")
    assert [row["state"] for row in states] == ["untold", "accepted"]
