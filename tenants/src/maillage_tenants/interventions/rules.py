"""The life of a case, without database and without clock: states, clocks, delays, priorities, words for people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from maillage_hooks import bands
from maillage_hooks.types import Place, SlaTargets
from maillage_kit.clock import paris, paris_instant
from maillage_tenants.interventions.errors import ClockOutOfOrder, QuoteNotSigned, StepNotAllowed
from maillage_tenants.interventions.models import Clock, DangerKind, HoldReason, OfferState, State

# -------------------------------------------------------------------------------------------------------------- states


class Step(StrEnum):
    """What can happen to a case. RESUME goes back to the state before the pause; every other step has one target."""

    OFFER = "offer"
    EXHAUST = "exhaust"
    ACCEPT = "accept"
    RELEASE = "release"
    DEPART = "depart"
    ARRIVE = "arrive"
    MAKE_SAFE = "make_safe"
    FINISH = "finish"
    LEAVE_PARTIAL = "leave_partial"
    HOLD = "hold"
    RESUME = "resume"
    CLOSE = "close"
    REDIRECT = "redirect"
    CANCEL = "cancel"


_BEFORE_ACCEPTANCE = (State.REQUESTED, State.OFFERED)
_ASSIGNED = (State.ACCEPTED, State.EN_ROUTE, State.ON_SITE, State.MADE_SAFE)

TRANSITIONS: Mapping[tuple[State, Step], State] = {
    (State.REQUESTED, Step.OFFER): State.OFFERED,
    (State.OFFERED, Step.OFFER): State.OFFERED,
    (State.OFFERED, Step.EXHAUST): State.REQUESTED,
    **dict.fromkeys(((state, Step.ACCEPT) for state in _BEFORE_ACCEPTANCE), State.ACCEPTED),
    (State.ACCEPTED, Step.RELEASE): State.REQUESTED,
    (State.EN_ROUTE, Step.RELEASE): State.REQUESTED,
    (State.ACCEPTED, Step.DEPART): State.EN_ROUTE,
    (State.ACCEPTED, Step.ARRIVE): State.ON_SITE,
    (State.EN_ROUTE, Step.ARRIVE): State.ON_SITE,
    (State.ON_SITE, Step.MAKE_SAFE): State.MADE_SAFE,
    (State.ON_SITE, Step.FINISH): State.DONE,
    (State.MADE_SAFE, Step.FINISH): State.DONE,
    (State.ON_SITE, Step.LEAVE_PARTIAL): State.PARTIAL,
    (State.MADE_SAFE, Step.LEAVE_PARTIAL): State.PARTIAL,
    **dict.fromkeys(((state, Step.HOLD) for state in _ASSIGNED), State.ON_HOLD),
    (State.DONE, Step.CLOSE): State.CLOSED,
    (State.PARTIAL, Step.CLOSE): State.CLOSED,
    **dict.fromkeys(
        ((state, Step.REDIRECT) for state in (*_BEFORE_ACCEPTANCE, State.ACCEPTED, State.EN_ROUTE, State.ON_SITE)),
        State.REDIRECTED,
    ),
    **dict.fromkeys(
        (
            (state, Step.CANCEL)
            for state in (*_BEFORE_ACCEPTANCE, State.ACCEPTED, State.EN_ROUTE, State.ON_SITE, State.ON_HOLD)
        ),
        State.CANCELLED,
    ),
}
"""The only transition table. RESUME is missing on purpose: its target is the state before the pause (`next_state`)."""

FINAL_STATES = frozenset({State.CLOSED, State.REDIRECTED, State.CANCELLED})
WORK_STEPS = frozenset({Step.MAKE_SAFE, Step.FINISH})

STATE_LABELS: Mapping[State, str] = {
    State.REQUESTED: "Demandée",
    State.OFFERED: "Proposée",
    State.ACCEPTED: "Acceptée",
    State.EN_ROUTE: "En route",
    State.ON_SITE: "Sur place",
    State.MADE_SAFE: "Mise en sécurité",
    State.ON_HOLD: "En attente",
    State.PARTIAL: "Partielle",
    State.DONE: "Terminée",
    State.CLOSED: "Clôturée",
    State.REDIRECTED: "Réorientée",
    State.CANCELLED: "Annulée",
}
HOLD_LABELS: Mapping[HoldReason, str] = {
    HoldReason.OCCUPANT_ABSENT: "Occupant absent",
    HoldReason.OCCUPANT_REFUSES: "L’occupant refuse l’accès",
    HoldReason.NO_ACCESS: "Accès impossible",
    HoldReason.EMERGENCY_SERVICES: "Secours à l’œuvre",
    HoldReason.FORCE_MAJEURE: "Force majeure",
    HoldReason.PART_AWAITED: "Pièce attendue",
}
"""The closed list of R20: nothing else stops the clock."""

DANGER_LABELS: Mapping[DangerKind, str] = {
    DangerKind.PERSON: "Danger immédiat pour une personne",
    DangerKind.WATER: "Dégât des eaux en cours",
    DangerKind.ELECTRICITY: "Eau sur une installation électrique",
    DangerKind.SEWAGE: "Eaux usées qui remontent dans les lieux",
    DangerKind.OPEN_HOME: "Lieux ouverts sur la rue",
    DangerKind.FALLING: "Vitrage ou élément qui menace de tomber",
}
"""R6: what cannot wait for a signature, the work limited to making safe."""

OFFER_LABELS: Mapping[OfferState, str] = {
    OfferState.PENDING: "En attente de réponse",
    OfferState.ACCEPTED: "Acceptée",
    OfferState.DECLINED: "Refusée",
    OfferState.EXPIRED: "Sans réponse",
    OfferState.WITHDRAWN: "Retirée",
}


@dataclass(frozen=True, slots=True)
class WorkAuthority:
    """Why work may start (R4, R6): a signed quote, or a written danger reason. Neither: it may not."""

    signed: bool
    danger_reason: str | None = None

    @property
    def allows_work(self) -> bool:
        return self.signed or bool(self.danger_reason and self.danger_reason.strip())


def next_state(
    state: State,
    step: Step,
    *,
    state_before_hold: State | None = None,
    authority: WorkAuthority | None = None,
    note_exists: bool = False,
) -> State:
    """The state after `step`. The one gate that every change of state goes through.

    Raises StepNotAllowed when the table has no such transition, or when closing without a note (R7); QuoteNotSigned
    when work would start without a signed quote or a danger reason (R4, R6).
    """
    if step is Step.RESUME:
        if state is not State.ON_HOLD or state_before_hold is None:
            raise StepNotAllowed
        return state_before_hold
    target = TRANSITIONS.get((state, step))
    if target is None:
        raise StepNotAllowed(f"Ce n’est pas possible : l’intervention est « {STATE_LABELS[state]} ».")
    if step in WORK_STEPS and not (authority and authority.allows_work):
        raise QuoteNotSigned
    if step is Step.CLOSE and not note_exists:
        raise StepNotAllowed("La note doit être émise avant de clore le dossier.")
    return target


def allowed_steps(state: State) -> frozenset[Step]:
    """The steps the table allows from `state`; authority and note are checked when the step is taken."""
    steps = {step for (source, step) in TRANSITIONS if source is state}
    if state is State.ON_HOLD:
        steps.add(Step.RESUME)
    return frozenset(steps)


# -------------------------------------------------------------------------------------------------------------- clocks

CLOCK_LABELS: Mapping[Clock, str] = {
    Clock.RING: "Appel reçu",
    Clock.ANSWERED: "Appel décroché",
    Clock.QUALIFIED: "Demande qualifiée",
    Clock.ALERTED: "Artisan prévenu",
    Clock.ACCEPTED: "Intervention acceptée",
    Clock.DEPARTED: "Artisan parti",
    Clock.ARRIVED: "Artisan arrivé",
    Clock.SAFE: "Mise en sécurité",
    Clock.FINISHED: "Travaux terminés",
    Clock.NOTE_SENT: "Note remise",
}
NOT_BEFORE: Mapping[Clock, tuple[Clock, ...]] = {
    Clock.RING: (),
    Clock.ANSWERED: (Clock.RING,),
    Clock.QUALIFIED: (Clock.RING,),
    Clock.ALERTED: (Clock.RING,),
    Clock.ACCEPTED: (Clock.RING, Clock.ALERTED),
    Clock.DEPARTED: (Clock.RING, Clock.ACCEPTED),
    Clock.ARRIVED: (Clock.RING, Clock.ACCEPTED, Clock.DEPARTED),
    Clock.SAFE: (Clock.RING, Clock.ACCEPTED, Clock.ARRIVED),
    Clock.FINISHED: (Clock.RING, Clock.ACCEPTED, Clock.ARRIVED, Clock.SAFE),
    Clock.NOTE_SENT: (Clock.RING, Clock.FINISHED),
}
"""What must not be later (R88). T2 is free after T0: on the phone the artisan often accepts before he qualifies."""


def check_clock(known: Mapping[Clock, datetime], clock: Clock, at: datetime) -> None:
    """Raises ClockOutOfOrder when `at` is before a clock that must precede it, or after one that must follow it."""
    for earlier in NOT_BEFORE[clock]:
        if earlier in known and at < known[earlier]:
            raise ClockOutOfOrder(f"« {CLOCK_LABELS[clock]} » ne peut pas précéder « {CLOCK_LABELS[earlier]} ».")
    for later, requirements in NOT_BEFORE.items():
        if clock in requirements and later in known and at > known[later]:
            raise ClockOutOfOrder(f"« {CLOCK_LABELS[clock]} » ne peut pas suivre « {CLOCK_LABELS[later]} ».")


# -------------------------------------------------------------------------------------------------------------- delays

URBAN_POPULATION = 2_000
"""A commune is urban from 2 000 inhabitants, the threshold of INSEE's « unité urbaine »: it decides the arrival."""


def place_of(population: int | None) -> Place:
    """Urban or rural for the promised arrival (R88). An unknown commune is taken as urban: the stricter promise."""
    return Place.RURAL if population is not None and population < URBAN_POPULATION else Place.URBAN


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The instants promised, computed once at T2 and stored with the case."""

    accept_by: datetime | None
    arrive_by: datetime | None
    safe_by: datetime | None


def deadlines(targets: SlaTargets, *, qualified_at: datetime, department: str = "") -> Deadlines:
    """Promised minutes become instants, from T2 (R88). The next working day is promised until its end in Paris."""

    def after(minutes: int | None) -> datetime | None:
        return None if minutes is None else qualified_at + timedelta(minutes=minutes)

    arrive_by = after(targets.arrive_minutes)
    if targets.next_working_day:
        day = bands.next_working_day(qualified_at, department)
        arrive_by = paris_instant(day + timedelta(days=1))
    return Deadlines(after(targets.accept_minutes), arrive_by, after(targets.safe_minutes))


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause `[started_at, ended_at)` for a reason of the closed list; None: still paused."""

    started_at: datetime
    ended_at: datetime | None


def paused_between(pauses: Iterable[Pause], start: datetime, end: datetime) -> timedelta:
    """How long the case was paused within `[start, end)`. Pauses of one case never overlap."""
    total = timedelta(0)
    for pause in pauses:
        first, last = max(pause.started_at, start), min(pause.ended_at or end, end)
        if last > first:
            total += last - first
    return total


class DelayState(StrEnum):
    KEPT = "kept"
    MISSED = "missed"
    RUNNING = "running"
    LATE = "late"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Delay:
    """One promise and what became of it. Durations exclude pauses of the closed list (R20).

    `due` is the promise as stored; `due_with_pauses` the same pushed back by the pauses so far. `taken` runs from T2 to
    the act, or to now. `kept` is None while the act is awaited.
    """

    code: str
    label: str
    due: datetime
    due_with_pauses: datetime
    done_at: datetime | None
    promised: timedelta
    taken: timedelta
    paused: timedelta
    state: DelayState

    @property
    def kept(self) -> bool | None:
        return None if self.done_at is None else self.state is DelayState.KEPT

    @property
    def margin(self) -> timedelta:
        """What is left, or was left; negative when late."""
        return self.promised - self.taken

    @property
    def whole_day(self) -> bool:
        """The promise is a day, not an hour (P3): its end is midnight in Paris."""
        return paris(self.due).time() == time(0)

    @property
    def last_minute(self) -> datetime:
        """The last minute in which the promise is kept, for people: the end of a period is not in it."""
        return self.due_with_pauses - timedelta(minutes=1)


DELAY_LABELS = {"accept": "Prise en charge", "arrive": "Arrivée sur place", "safe": "Mise en sécurité"}
_DELAY_CLOCKS = {"accept": Clock.ACCEPTED, "arrive": Clock.ARRIVED, "safe": Clock.SAFE}


def delays(
    promised: Deadlines, clocks: Mapping[Clock, datetime], pauses: Sequence[Pause], *, at: datetime
) -> tuple[Delay, ...]:
    """Promised against kept, as seen at `at`. Empty before qualification and for a redirected case (R87)."""
    start = clocks.get(Clock.QUALIFIED)
    if start is None:
        return ()
    found = []
    for code, due in (("accept", promised.accept_by), ("arrive", promised.arrive_by), ("safe", promised.safe_by)):
        if due is None:
            continue
        done_at = clocks.get(_DELAY_CLOCKS[code])
        end = max(done_at or at, start)
        paused = paused_between(pauses, start, end)
        taken = end - start - paused
        in_time = taken <= due - start
        if done_at is not None:
            state = DelayState.KEPT if in_time else DelayState.MISSED
        elif not in_time:
            state = DelayState.LATE
        elif any(pause.ended_at is None for pause in pauses):
            state = DelayState.PAUSED
        else:
            state = DelayState.RUNNING
        found.append(
            Delay(
                code=code,
                label=DELAY_LABELS[code],
                due=due,
                due_with_pauses=due + paused,
                done_at=done_at,
                promised=due - start,
                taken=taken,
                paused=paused,
                state=state,
            )
        )
    return tuple(found)


# ----------------------------------------------------------------------------------------------- words for partners

_PUBLIC: Mapping[State, str] = {
    State.REQUESTED: "open/requested",
    State.OFFERED: "open/requested",
    State.ACCEPTED: "open/acknowledged",
    State.EN_ROUTE: "open/planned",
    State.ON_SITE: "open/planned",
    State.MADE_SAFE: "open/planned",
    State.PARTIAL: "closed/partial_repair",
    State.DONE: "closed/done",
    State.REDIRECTED: "denied/canceled",
    State.CANCELLED: "denied/canceled",
}


def public_status(state: State, *, hold_reason: HoldReason | None = None, was_partial: bool = False) -> str:
    """The status in the vocabulary French landlords know (peers.md, section 4, item 12).

    `was_partial` tells a closed case that was left partial. A pause because nobody is there has its own word; any other
    pause means that the visit is planned again.
    """
    if state is State.ON_HOLD:
        absent = hold_reason in (HoldReason.OCCUPANT_ABSENT, HoldReason.OCCUPANT_REFUSES, HoldReason.NO_ACCESS)
        return "hold/occupant_absent" if absent else "pending/replanned"
    if state is State.CLOSED:
        return "closed/partial_repair" if was_partial else "closed/done"
    return _PUBLIC[state]
