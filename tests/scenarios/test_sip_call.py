"""Whole calls through our own switchboard, as its edge and its voice tell them: a ladder gone down without us, late
keys, what is told late, twice or in disorder, outages told afterwards."""

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
from maillage_kit.settings import Settings, SipSettings
from maillage_kit.testing.sip_line import SipLine
from maillage_tenants.calls import tasks

SECRET = "the-secret-of-the-edge"
ANA, BILAL, CHLOE, CALLER = "+33611111101", "+33611111102", "+33611111103", "+33633333301"


@pytest.fixture
def settings_with_sip(settings: Settings) -> Settings:
    sip = SipSettings(secrets=(SecretStr(SECRET),))
    return settings.model_copy(update={"telephony": settings.telephony.model_copy(update={"sip": sip})})


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
