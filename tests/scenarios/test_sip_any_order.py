"""What the edge and the voice tell of a call, late, twice or in disorder: one record."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from maillage_app.runtime import Runtime
from maillage_kit.testing.sip_line import SipLine

pytestmark = pytest.mark.usefixtures("a_patient_edge")
ANA, BILAL, CHLOE = "+33611111101", "+33611111102", "+33611111103"


@pytest.fixture
def runtime(runtime_with_edge: Runtime) -> Runtime:
    return runtime_with_edge


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
    await town.settled()
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
        steps = await crowd.to_the_ladder(line)
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
