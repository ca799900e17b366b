"""The life of a case as a pure machine: every path, every clock, every delay."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage_hooks.types import Place, SlaTargets
from maillage_tenants.interventions import rules
from maillage_tenants.interventions.errors import ClockOutOfOrder, QuoteNotSigned, StepNotAllowed
from maillage_tenants.interventions.models import Clock, HoldReason, State
from maillage_tenants.interventions.rules import Deadlines, DelayState, Pause, Step, WorkAuthority

T = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
WORKED = {State.MADE_SAFE, State.DONE}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Step),
            st.booleans(),
            st.sampled_from([None, "", "   ", "plafond qui s’effondre"]),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_no_path_breaks_the_law(walk: list[tuple[Step, bool, str | None, bool]]) -> None:
    """R4, R6, R7, R20: whatever is pressed in whatever order, the forbidden never happens."""
    state, before = State.REQUESTED, None
    for step, signed, danger, note in walk:
        authority = WorkAuthority(signed, danger)
        try:
            after = rules.next_state(state, step, state_before_hold=before, authority=authority, note_exists=note)
        except (StepNotAllowed, QuoteNotSigned):
            continue
        assert state not in rules.FINAL_STATES, "a final state is never left"
        if after is State.CLOSED:
            assert note and state in (State.DONE, State.PARTIAL)
        if step in rules.WORK_STEPS:
            assert signed or (danger or "").strip()
            assert state in (State.ON_SITE, State.MADE_SAFE)
        if step is Step.HOLD:
            before = state
        if step is Step.RESUME:
            assert after is before
            before = None
        state = after


def test_every_state_but_the_final_ones_has_a_way_out_to_an_end() -> None:
    edges: dict[State, set[State]] = {}
    for (source, _), target in rules.TRANSITIONS.items():
        edges.setdefault(source, set()).add(target)
    for state in State:
        reached, wave = {state}, {state}
        while wave:
            wave = {target for source in wave for target in edges.get(source, ())} - reached
            reached |= wave
        assert reached & rules.FINAL_STATES, state
        assert (state in rules.FINAL_STATES) == (state not in edges)


def test_every_state_and_step_is_reachable() -> None:
    reached, wave = {State.REQUESTED}, {State.REQUESTED}
    while wave:
        wave = {target for (source, _), target in rules.TRANSITIONS.items() if source in wave} - reached
        reached |= wave
    assert reached == set(State)
    assert {step for _, step in rules.TRANSITIONS} | {Step.RESUME} == set(Step)


def test_a_closed_dossier_needs_its_note() -> None:
    with pytest.raises(StepNotAllowed, match="note"):
        rules.next_state(State.DONE, Step.CLOSE, note_exists=False)
    assert rules.next_state(State.DONE, Step.CLOSE, note_exists=True) is State.CLOSED


@pytest.mark.parametrize("step", sorted(rules.WORK_STEPS))
def test_no_work_unsigned(step: Step) -> None:
    """R4, R6."""
    for authority in (None, WorkAuthority(False), WorkAuthority(False, " ")):
        with pytest.raises(QuoteNotSigned):
            rules.next_state(State.ON_SITE, step, authority=authority)
    rules.next_state(State.ON_SITE, step, authority=WorkAuthority(True))
    rules.next_state(State.ON_SITE, step, authority=WorkAuthority(False, "fuite sur le tableau électrique"))


def test_every_word_is_french_and_there() -> None:
    assert set(rules.STATE_LABELS) == set(State)
    assert set(rules.HOLD_LABELS) == set(HoldReason)
    assert set(rules.CLOCK_LABELS) == set(Clock) == set(rules.NOT_BEFORE)


@given(st.lists(st.tuples(st.sampled_from(Clock), st.integers(0, 600)), max_size=30))
def test_clocks_only_go_forward(tries: list[tuple[Clock, int]]) -> None:
    """R88: whatever is accepted, T3 ≤ T4 ≤ T5 ≤ T6 ≤ T7 ≤ T8 ≤ T9 holds, and nothing precedes T0."""
    known: dict[Clock, datetime] = {}
    for clock, minute in tries:
        at = T + timedelta(minutes=minute)
        if clock in known:
            continue
        try:
            rules.check_clock(known, clock, at)
        except ClockOutOfOrder:
            continue
        known[clock] = at
    for later, earlier_ones in rules.NOT_BEFORE.items():
        for earlier in earlier_ones:
            if later in known and earlier in known:
                assert known[earlier] <= known[later]


def test_minutes_run_from_qualification_and_next_working_day_ends_in_paris() -> None:
    promised = rules.deadlines(SlaTargets(15, 120, 180), qualified_at=T)
    assert promised == Deadlines(T + timedelta(minutes=15), T + timedelta(hours=2), T + timedelta(hours=3))
    friday_evening = datetime(2027, 3, 26, 20, 0, tzinfo=UTC)  # Easter Monday is 29 March, clocks change on the 28th
    promised = rules.deadlines(SlaTargets(None, None, next_working_day=True), qualified_at=friday_evening)
    assert promised.accept_by is None
    assert promised.arrive_by == datetime(2027, 3, 30, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("population", "place"), [(None, Place.URBAN), (0, Place.RURAL), (1999, Place.RURAL), (2000, Place.URBAN)]
)
def test_town_or_country(population: int | None, place: Place) -> None:
    assert rules.place_of(population) is place


def _delays(clocks: dict[Clock, datetime], pauses: list[Pause], at: datetime) -> dict[str, rules.Delay]:
    promised = Deadlines(T + timedelta(minutes=15), T + timedelta(minutes=120), None)
    return {delay.code: delay for delay in rules.delays(promised, clocks, pauses, at=at)}


def test_delays_kept_missed_running_late() -> None:
    clocks = {Clock.QUALIFIED: T, Clock.ACCEPTED: T + timedelta(minutes=15)}
    found = _delays(clocks, [], T + timedelta(minutes=60))
    assert (found["accept"].kept, found["arrive"].state) == (True, DelayState.RUNNING)
    assert found["arrive"].margin == timedelta(minutes=60)
    late = _delays(clocks, [], T + timedelta(minutes=121))
    assert late["arrive"].state is DelayState.LATE and late["arrive"].kept is None
    missed = _delays({**clocks, Clock.ARRIVED: T + timedelta(minutes=125)}, [], T + timedelta(hours=9))
    assert missed["arrive"].kept is False and missed["arrive"].margin == timedelta(minutes=-5)


def test_accepted_on_the_phone_before_it_was_qualified_is_kept() -> None:
    found = _delays({Clock.QUALIFIED: T, Clock.ACCEPTED: T - timedelta(minutes=2)}, [], T)
    assert found["accept"].kept is True and found["accept"].taken == timedelta(0)


def test_only_the_closed_list_stops_the_clock() -> None:
    """R20: thirty minutes of pause push the promise back by thirty minutes, a pause after the act by none."""
    clocks = {Clock.QUALIFIED: T, Clock.ARRIVED: T + timedelta(minutes=140)}
    half_hour = Pause(T + timedelta(minutes=30), T + timedelta(minutes=60))
    found = _delays(clocks, [half_hour], T + timedelta(hours=5))
    assert found["arrive"].kept is True
    assert found["arrive"].due_with_pauses == found["arrive"].due + timedelta(minutes=30)
    after = Pause(T + timedelta(minutes=150), T + timedelta(minutes=200))
    assert _delays(clocks, [after], T + timedelta(hours=5))["arrive"].kept is False
    running = _delays({Clock.QUALIFIED: T}, [Pause(T + timedelta(minutes=60), None)], T + timedelta(hours=10))
    assert running["arrive"].state is DelayState.PAUSED and running["arrive"].taken == timedelta(minutes=60)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 60)), max_size=6), st.integers(0, 400))
def test_a_pause_never_makes_a_delay_worse(spans: list[tuple[int, int]], arrived: int) -> None:
    pauses, cursor = [], T
    for gap, length in spans:
        start = cursor + timedelta(minutes=gap)
        cursor = start + timedelta(minutes=length)
        pauses.append(Pause(start, cursor))
    clocks = {Clock.QUALIFIED: T, Clock.ARRIVED: T + timedelta(minutes=arrived)}
    at = max(cursor, T + timedelta(minutes=arrived))
    without, with_pauses = _delays(clocks, [], at)["arrive"], _delays(clocks, pauses, at)["arrive"]
    assert timedelta(0) <= with_pauses.taken <= without.taken
    assert not (without.kept and not with_pauses.kept)


def test_no_clock_without_qualification() -> None:
    """R87: a redirected case has no T2, so nothing was promised and nothing is missed."""
    assert rules.delays(Deadlines(T, T, T), {Clock.RING: T}, [], at=T + timedelta(days=1)) == ()


def test_words_for_partners() -> None:
    known = {
        "open/requested", "open/acknowledged", "open/planned", "pending/replanned", "hold/occupant_absent",
        "closed/done", "closed/partial_repair", "denied/canceled",
    }  # fmt: skip
    said = {rules.public_status(state) for state in State}
    said |= {rules.public_status(State.ON_HOLD, hold_reason=reason) for reason in HoldReason}
    said.add(rules.public_status(State.CLOSED, was_partial=True))
    assert said == known
    assert rules.public_status(State.CLOSED, was_partial=True) == "closed/partial_repair"
    assert rules.public_status(State.ON_HOLD, hold_reason=HoldReason.PART_AWAITED) == "pending/replanned"
