"""Whole calls through our own switchboard, as its edge and its voice tell them: a ladder gone down without us, late
keys, what is told late, twice or in disorder, outages told afterwards."""

import html
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from maillage_app.app import build_app
from maillage_app.runtime import Runtime
from maillage_app.worker import run_handler
from maillage_kit.clock import MovableClock
from maillage_kit.permissions import Role
from maillage_kit.settings import Settings, SipSettings
from maillage_kit.testing.sip_line import SipLine
from maillage_tenants.calls import tasks
from maillage_tenants.calls.carriers import sip

SECRET = "the-secret-of-the-edge"
ANA, BILAL, CHLOE, CALLER = "+33611111101", "+33611111102", "+33611111103", "+33633333301"


@pytest.fixture(autouse=True)
def a_patient_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine that runs tests is not an outage."""
    monkeypatch.setattr(sip, "PATIENCE_SECONDS", 30.0)


@pytest.fixture
def settings_with_sip(settings: Settings) -> Settings:
    with_sip = settings.telephony.model_copy(update={"sip": SipSettings(secrets=(SecretStr(SECRET),))})
    return settings.model_copy(update={"telephony": with_sip})


@pytest.fixture
async def runtime(settings_with_sip: Settings, trades, moved_clock: MovableClock) -> AsyncIterator[Runtime]:
    started = Runtime.start(settings_with_sip, trades=trades)
    yield started
    await started.close()


@pytest.fixture
async def dials(town, moved_clock: MovableClock) -> AsyncIterator[Callable[..., SipLine]]:
    """A line of the SIP trunk: `dials("+336…")`."""
    app: Any = build_app(town.runtime)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:

        def line(caller: str = CALLER, **more: Any) -> SipLine:
            return SipLine(client, secret=SECRET, caller=caller, called=town.number, now=moved_clock.now, **more)

        yield line


async def to_the_ladder(line: SipLine) -> list[tuple[int, str]]:
    """Up to the hunt: plumbing, in Pont-Audemer."""
    await line.rings()
    await line.start()
    await line.types("1")
    if any("gather" in verb for verb in line.verbs):
        await line.types("27500")
    return line.hunt


async def settled(town) -> None:
    """The tasks that say what came of calls whose line is over."""
    for row in await town.rows("select id from call where state <> 'ended' and line_ended_at is not null"):
        await run_handler(town.runtime, town.cooperative, tasks.settle, {"call_id": str(row["id"])})


async def test_a_call_told_by_the_edge_and_the_voice(town, dials, moved_clock) -> None:
    """Ana's answering machine, Bilal busy, Chloé accepts; they talk for a minute."""
    await town.on_call("Ana", ANA)
    await town.on_call("Bilal", BILAL, rank=2)
    await town.on_call("Chloé", CHLOE, insee="27056")
    await town.customer("Madame Lefèvre", CALLER, ("12 rue de la République", "27467"))
    line = dials()
    document = await line.rings()
    assert document["steps"] == "voice,100,101"
    await line.start()
    assert "Si vous sentez le gaz" in line.said[0]
    await line.types("1")
    assert [number for _, number in line.hunt][:2] == [ANA, BILAL]
    (ana, _), (bilal, _), (chloe, _), *_rest = line.hunt
    moved_clock.advance(seconds=2)
    await line.tell(
        line.event("received"),
        line.event("decided", source="app"),
        line.event("attempt", step="voice", source="app"),
        line.event("answered", step="voice", source="app"),
        line.event("attempt", step=ana),
        line.event("ringing", step=ana),
    )
    moved_clock.advance(seconds=12)
    await line.tell(line.event("answered", step=ana))
    whispered = await line.whisper(ana)
    said = whispered[0]["gather"]["say"][0]["text"]
    assert "Madame Lefèvre" in said
    assert "12 rue de la République" in said
    moved_clock.advance(seconds=20)
    await line.tell(line.event("not_accepted", step=ana, detail="no key"), line.event("attempt", step=bilal))
    moved_clock.advance(seconds=1)
    await line.tell(line.event("busy", step=bilal), line.event("attempt", step=chloe))
    moved_clock.advance(seconds=6)
    await line.whisper(chloe)
    moved_clock.advance(seconds=4)
    assert await line.key(chloe, "1") == []
    await line.tell(line.event("accepted", step=chloe), line.event("bridged", step=chloe))
    moved_clock.advance(seconds=60)
    await line.tell(line.event("unbridged", step=chloe))
    await line.step(chloe, bridged=True)
    assert line.said == ["Merci de votre appel. Au revoir."]
    await line.tell(line.event("voice_ended", step="voice"), line.event("ended", step="voice"))

    assert await town.legs() == [("Ana", "not_accepted"), ("Bilal", "busy"), ("Chloé", "accepted")]
    call = await town.row("select state, outcome, accepted_position, connected_at, ended_at from call")
    assert (call["state"], call["outcome"], call["accepted_position"]) == ("ended", "accepted", chloe)
    assert call["ended_at"] - call["connected_at"] == timedelta(seconds=60)
    case = await town.row("select state, technician_id from intervention")
    assert (case["state"], case["technician_id"]) == ("accepted", town.people["Chloé"])
    (taken,) = await town.rows("select recipient, purpose from message")
    assert taken == {"recipient": CHLOE, "purpose": "call_taken"}
    assert await town.rows("select 1 from callback") == []
    assert await town.ended() == {"outcome": "accepted", "accepted_kind": "neighbour", "day": "2027-03-01"}


async def test_who_was_rung_before_may_press_late_and_only_one_wins(town, dials, moved_clock) -> None:
    await town.on_call("Ana", ANA)
    await town.on_call("Bilal", BILAL, rank=2)
    line = dials()
    (ana, _), (bilal, _), *_rest = await to_the_ladder(line)
    await line.whisper(ana)
    moved_clock.advance(seconds=16)
    await line.whisper(bilal)  # Ana did not press in time: the voice went on by itself, her line is still up
    assert await line.key(ana, "1") == []
    late = await line.key(bilal, "1")
    assert late[0]["say"]["prompt"] == "already_taken"
    assert late[1] == {"hangup": True}
    await line.step(ana, bridged=True)
    assert await town.legs() == [("Ana", "accepted"), ("Bilal", "not_accepted")]
    assert await town.value("select technician_id from intervention") == town.people["Ana"]


async def test_a_refusal_and_nobody(town, dials, moved_clock) -> None:
    """The voice comes back from the last step: the call is missed, and nothing is silent."""
    await town.on_call("Ana", ANA)
    line = dials()
    steps = await to_the_ladder(line)
    ana, last = steps[0][0], steps[-1][0]
    await line.whisper(ana)
    refused = await line.key(ana, "2")
    assert refused[0]["say"]["prompt"] == "refused"
    for position, _ in steps[1:]:
        await line.tell(line.event("attempt", step=position), line.event("no_answer", step=position))
    await line.step(last, ending="no_answer")
    assert "Nous n’avons pas réussi" in line.said[0]
    assert {"record", "hangup"} <= {name for verb in line.verbs for name in verb}
    assert [state for _, state in await town.legs()] == ["refused", *["no_answer"] * (len(steps) - 1)]
    assert await town.value("select outcome from call") == "missed"
    assert len(await town.rows("select 1 from callback")) == 1
    assert len(await town.rows("select 1 from alarm where kind = 'call_to_return'")) == 1


async def test_the_caller_hangs_up_while_somebody_rings(town, dials, moved_clock) -> None:
    await town.on_call("Ana", ANA)
    line = dials()
    (ana, _), *_rest = await to_the_ladder(line)
    await line.tell(line.event("attempt", step=ana), line.event("ringing", step=ana))
    moved_clock.advance(seconds=5)
    assert await line.step(ana, ending="cancelled", gone=True) == [{"hangup": True}]
    await line.tell(line.event("caller_cancelled", step=ana), line.event("voice_ended", step="voice"))
    assert await town.legs() == [("Ana", "cancelled")]
    assert await town.value("select outcome from call") == "abandoned"
    assert len(await town.rows("select 1 from callback")) == 1


async def test_a_hang_up_at_the_menu_that_only_the_edge_tells(town, dials, moved_clock) -> None:
    """The voice process died: nothing is concluded at once, the call is closed a moment later."""
    line = dials()
    await line.rings()
    await line.start()
    moved_clock.advance(seconds=3)
    await line.tell(line.event("ended", step="voice"))
    assert await town.value("select state from call") == "menu"
    await settled(town)
    call = await town.row("select state, outcome, ended_at - started_at as took from call")
    assert call == {"state": "ended", "outcome": "abandoned", "took": timedelta(seconds=3)}
    assert await town.rows("select 1 from callback") == []


async def test_the_document_is_the_same_when_it_is_asked_again(town, dials) -> None:
    line = dials()
    body = line.body() | {"caller": CALLER, "called": town.number, "source_ip": "192.0.2.1"}
    first = await line.post("/telephony/sip/route", body)
    again = await line.post("/telephony/sip/route", body)
    assert first.text == again.text
    other = await line.post("/telephony/sip/route", body | {"id": "another"})
    assert other.json()["call"] == first.json()["call"]
    assert len(await town.rows("select 1 from call")) == 1


# ------------------------------------------------------------------------------------------- any order, any repeats


@dataclass(frozen=True)
class Story:
    """What is asked, in its order, and what is told about the same moments. `at` is in seconds after the hunt."""

    name: str
    ends: tuple[str, ...]
    outcome: str
    asked: tuple[tuple[float, str, dict[str, Any]], ...]
    told: tuple[tuple[float, str, int | str], ...]


STORIES = (
    Story(
        "a machine, somebody busy, an acceptance",
        ("not_accepted", "busy", "accepted"),
        "accepted",
        (
            (12, "whisper", {"who": 0}),
            (41, "whisper", {"who": 2}),
            (45, "key", {"who": 2, "digits": "1"}),
            (90, "step", {"who": 2, "bridged": True}),
        ),
        (
            (0, "attempt", 0),
            (1, "ringing", 0),
            (12, "answered", 0),
            (12, "whispered", 0),
            (32, "not_accepted", 0),
            (32, "attempt", 1),
            (33, "busy", 1),
            (33, "attempt", 2),
            (34, "ringing", 2),
            (41, "answered", 2),
            (45, "accepted", 2),
            (45, "bridged", 2),
            (90, "unbridged", 2),
            (90, "ended", 2),
            (92, "voice_ended", "voice"),
            (92, "ended", "voice"),
        ),
    ),
    Story(
        "a late key wins over the next one",
        ("accepted", "not_accepted"),
        "accepted",
        (
            (5, "whisper", {"who": 0}),
            (24, "whisper", {"who": 1}),
            (25, "key", {"who": 0, "digits": "1"}),
            (26, "key", {"who": 1, "digits": "1"}),
            (60, "step", {"who": 0, "bridged": True, "gone": True}),
        ),
        (
            (0, "attempt", 0),
            (5, "answered", 0),
            (20, "attempt", 1),
            (24, "answered", 1),
            (25, "accepted", 0),
            (26, "not_accepted", 1),
            (60, "unbridged", 0),
            (60, "ended", "voice"),
            (60, "voice_ended", "voice"),
        ),
    ),
    Story(
        "a refusal, then the caller leaves while the next one rings",
        ("refused", "cancelled"),
        "abandoned",
        (
            (8, "whisper", {"who": 0}),
            (11, "key", {"who": 0, "digits": "2"}),
            (19, "step", {"who": 1, "ending": "cancelled", "gone": True}),
        ),
        (
            (0, "attempt", 0),
            (8, "answered", 0),
            (11, "not_accepted", 0),
            (12, "attempt", 1),
            (13, "ringing", 1),
            (19, "caller_cancelled", 1),
            (19, "ended", "voice"),
            (19, "voice_ended", "voice"),
        ),
    ),
    Story(
        "nobody",
        ("no_answer", "unreachable", "refused", "no_answer", "busy"),
        "missed",
        ((81, "step", {"who": 4, "ending": "no_answer"}),),
        (
            (0, "attempt", 0),
            (20, "no_answer", 0),
            (20, "attempt", 1),
            (21, "unreachable", 1),
            (21, "attempt", 2),
            (40, "declined", 2),
            (40, "attempt", 3),
            (80, "no_answer", 3),
            (80, "attempt", 4),
            (81, "busy", 4),
            (95, "voice_ended", "voice"),
            (95, "ended", "voice"),
        ),
    ),
    Story(
        "we fall silent in the middle, the voice goes on by itself",
        ("not_accepted", "no_answer", "accepted"),
        "fallback",
        ((5, "whisper", {"who": 0}),),
        (
            (0, "attempt", 0),
            (5, "answered", 0),
            (9, "not_accepted", 0),
            (10, "attempt", 1),
            (30, "no_answer", 1),
            (30, "attempt", 100),
            (35, "answered", 100),
            (39, "accepted", 100),
            (39, "bridged", 100),
            (70, "unbridged", 100),
            (71, "voice_ended", "voice"),
            (71, "ended", "voice"),
        ),
    ),
)

_LEGS = (
    "select l.position, l.state, l.started_at, l.answered_at, l.accepted_at, l.ended_at, s.display_name, s.kind "
    "from call_leg l join ladder_step s using (call_id, position) where call_id = :call order by position"
)
_CALL = (
    "select c.state, c.outcome, c.accepted_position, c.connected_at, c.ended_at, i.state as case_state, "
    "i.technician_id, (select count(*) from callback where call_id = c.id) as callbacks, "
    "(select count(*) from alarm where subject_id = c.id and kind = 'call_rescued') as rescued, "
    "(select count(*) from alarm where subject_id = c.id and kind = 'call_to_return') as to_return, "
    "(select count(*) from message where call_id = c.id) as messages "
    "from call c left join intervention i on i.id = c.intervention_id where c.id = :call"
)


async def played(
    town, line: SipLine, story: Story, *, begins: datetime, deliver: Callable[[int], list[dict[str, Any]]]
) -> tuple[Any, Any]:
    """One telling of a story: after each thing asked, whatever is delivered then. Returns what is on record."""
    steps = line.hunt
    acts: dict[str, Callable[..., Awaitable[Any]]] = {"whisper": line.whisper, "key": line.key, "step": line.step}
    for index, (at, act, given_) in enumerate(story.asked):
        batch = deliver(index)
        if batch:
            assert (await line.tell(*batch)).status_code == 204
        more = dict(given_)
        position = steps[more.pop("who")][0]
        digits = (more.pop("digits"),) if "digits" in more else ()
        await acts[act](position, *digits, at=begins + timedelta(seconds=at), **more)
    batch = deliver(len(story.asked))
    if batch:
        assert (await line.tell(*batch)).status_code == 204
    await settled(town)
    call = line.document["call"]
    return await town.rows(_LEGS, call=call), await town.row(_CALL, call=call)


@pytest.fixture
async def crowd(town):
    await town.on_call("Ana", ANA)
    await town.on_call("Bilal", BILAL, rank=2)
    await town.on_call("Chloé", CHLOE, insee="27056")
    return town


@pytest.fixture
def records() -> dict[str, Any]:
    """What the story left on record when everything was told at its end, in its order."""
    return {}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@given(chance=st.randoms(use_true_random=False))
@hypothesis_settings(
    max_examples=4,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_any_order_gives_the_same_record(crowd, dials, moved_clock, records, story: Story, chance) -> None:
    """Events before, between or after the questions, in any order, some twice: one record."""

    async def telling(*, shuffled: bool) -> tuple[Any, Any]:
        line = dials("anonymous")
        steps = await to_the_ladder(line)
        begins = moved_clock.now()
        moved_clock.advance(minutes=5)
        events = []
        for at, kind, step in story.told:
            named = step if isinstance(step, str) or step >= 100 else steps[step][0]
            events.append(line.event(kind, step=named, at=begins + timedelta(seconds=at)))
        slots: list[list[dict[str, Any]]] = [[] for _ in range(len(story.asked) + 1)]
        if shuffled:
            chance.shuffle(events)
            for event in (*events, *chance.sample(events, 4)):
                slots[chance.randrange(len(slots))].append(event)
        else:
            slots[-1] = events
        legs, call = await played(crowd, line, story, begins=begins, deliver=slots.__getitem__)
        return [since(begins, leg) for leg in legs], since(begins, call)

    if not records:
        records["expected"] = await telling(shuffled=False)
        legs, call = records["expected"]
        assert call["state"] == "ended"
        assert [leg["state"] for leg in legs] == list(story.ends)
        assert call["outcome"] == story.outcome
        assert call["rescued"] == (1 if any(leg["position"] >= 100 for leg in legs) else 0)
    assert await telling(shuffled=True) == records["expected"]


def since(begins: datetime, row: dict[str, Any]) -> dict[str, Any]:
    """Instants as seconds after the beginning."""
    return {name: value - begins if isinstance(value, datetime) else value for name, value in row.items()}


# ------------------------------------------------------------------------------------------- calls that we never saw


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
    await settled(town)

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
    await settled(town)
    await line.tell(*told)
    await settled(town)
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
    await settled(town)
    assert await town.value("select outcome from call") == "abandoned"


async def test_the_page_tells_the_call(town, dials, moved_clock, sign_in) -> None:
    await town.on_call("Ana", ANA)
    line = dials()
    (ana, _), *_rest = await to_the_ladder(line)
    moved_clock.advance(seconds=9)
    await line.whisper(ana)
    await line.tell(
        line.event("received", at=moved_clock.now() - timedelta(seconds=9)),
        line.event("decided", source="plan", at=moved_clock.now() - timedelta(seconds=9)),
        line.event("attempt", step=ana),
        line.event("accepted", step=ana),
    )
    office = await sign_in(Role.MANAGER, town.cooperative)
    shown = html.unescape((await office.get(f"/c/eure/calls/{line.document['call']}")).text)
    for words in (
        "Appel arrivé au standard",
        "Aiguillé sans le système, par le plan de la coopérative",
        "Premiers mots à l’appelant",
        "Code postal : touche 2 7 5 0 0",
        "Ana Test : composition du numéro",
        "Ana Test a décroché : annonce lue",
        "Ana Test : a accepté",
        "Tapez 1 pour accepter, 2 pour refuser.",
    ):
        assert words in shown, words
    assert shown.index("Appel arrivé au standard") < shown.index("Ana Test : composition du numéro")


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
