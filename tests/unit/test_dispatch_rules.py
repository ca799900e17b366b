"""The order of the ladder, its words, and what no rota can break: it ends at a human number."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from maillage_tenants.dispatch.rules import (
    NEIGHBOURS_RUNG,
    Candidate,
    NearSector,
    Person,
    StepKind,
    Watch,
    instant_words,
    ladder,
    period_words,
)

START, END = datetime(2027, 2, 26, 17, tzinfo=UTC), datetime(2027, 3, 1, 7, tzinfo=UTC)
MANAGER, FALLBACK = Person("Hélène Marchand", "+33612345601"), Person("Numéro de repli", "+33232402700")
HERE = NearSector(UUID(int=1), "Pont-Audemer – Roumois", 0)
NEAR = [NearSector(UUID(int=number), f"Voisin {number}", number * 10_000) for number in range(2, 9)]


def watch(sector: NearSector, rank: int, phone: str, name: str = "Ana Test") -> Watch:
    return Watch(sector.id, rank, uuid4(), uuid4(), uuid4(), name, "Test Plomberie", phone, START, END)


def build(**changes: Any) -> tuple[Candidate, ...]:
    values: dict[str, Any] = {
        "sector": HERE,
        "neighbours": (),
        "watches": (),
        "refusals": {},
        "manager": MANAGER,
        "fallback": FALLBACK,
        "ring_seconds": 20,
    }
    return ladder(**{**values, **changes})


def test_ranks_then_neighbours_by_distance_then_manager_then_fallback() -> None:
    watches = [
        watch(NEAR[1], 1, "+33600000004"),
        watch(HERE, 2, "+33600000002"),
        watch(NEAR[0], 1, "+33600000003"),
        watch(HERE, 1, "+33600000001"),
        watch(NEAR[0], 2, "+33600000009"),
    ]
    steps = build(neighbours=[NEAR[1], NEAR[0]], watches=watches)
    assert [(step.kind, step.phone) for step in steps] == [
        (StepKind.RANK1, "+33600000001"),
        (StepKind.RANK2, "+33600000002"),
        (StepKind.NEIGHBOUR, "+33600000003"),
        (StepKind.NEIGHBOUR, "+33600000004"),
        (StepKind.MANAGER, MANAGER.phone),
        (StepKind.FALLBACK, FALLBACK.phone),
    ]
    assert [step.position for step in steps] == list(range(6))
    assert not any(step.skipped for step in steps)


def test_the_reason_says_rank_sector_and_period() -> None:
    (first, *_rest) = build(watches=[watch(HERE, 1, "+33600000001")])
    assert first.reason == (
        "De garde, rang 1, secteur Pont-Audemer – Roumois, du vendredi 26/02 18 h au lundi 01/03 8 h"
    )
    near = build(neighbours=NEAR[:1], watches=[watch(NEAR[0], 1, "+33600000003")])[2]
    assert near.reason.startswith("De garde, rang 1, secteur voisin Voisin 2, à 20 km, du vendredi 26/02 18 h")


def test_the_repeated_hour_says_which_passage() -> None:
    """R105: 31 October 2027, 2:30 in Paris happens twice."""
    first = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert instant_words(first) == "dimanche 31/10 2 h 30 (UTC+0200)"
    assert instant_words(first + timedelta(hours=1)) == "dimanche 31/10 2 h 30 (UTC+0100)"
    assert period_words(START, END) == "du vendredi 26/02 18 h au lundi 01/03 8 h"


def test_who_may_not_be_sent_stays_in_the_list_with_the_reason() -> None:
    refused = watch(HERE, 1, "+33600000001")
    steps = build(watches=[refused], refusals={refused.technician_id: "Assurance décennale expirée le 12/02/2027"})
    assert steps[0].skipped == "Assurance décennale expirée le 12/02/2027"
    assert steps[0].phone == "+33600000001"


def test_a_vacant_rank_is_said() -> None:
    steps = build()
    assert [(step.kind, step.phone, step.skipped) for step in steps[:2]] == [
        (StepKind.RANK1, None, "Aucune astreinte n’est posée à cet instant."),
        (StepKind.RANK2, None, "Aucune astreinte n’est posée à cet instant."),
    ]


def test_one_phone_rings_once() -> None:
    steps = build(watches=[watch(HERE, 1, "+33600000001", "Ana"), watch(HERE, 2, "+33600000001", "Bilal")])
    assert steps[0].skipped is None
    assert steps[1].skipped == "Même numéro que Ana, Test Plomberie, déjà dans la liste."


def test_a_person_refused_does_not_take_the_turn_of_their_number() -> None:
    refused = watch(HERE, 1, "+33600000001", "Ana")
    steps = build(
        watches=[refused, watch(HERE, 2, "+33600000001", "Bilal")], refusals={refused.technician_id: "Sans assurance"}
    )
    assert steps[1].skipped is None


def test_the_manager_who_is_the_fallback_rings_once_at_the_end() -> None:
    steps = build(manager=Person("Hélène", FALLBACK.phone))
    assert steps[-2].skipped == "Même numéro que le repli, qui suit."
    assert steps[-1].skipped is None


def test_a_number_that_cannot_be_dialled_is_left_out() -> None:
    steps = build(watches=[watch(HERE, 1, "06 12"), watch(HERE, 2, "")])
    assert steps[0].skipped == "Numéro impossible à composer : « 06 12 »."
    assert steps[1].skipped == "Numéro impossible à composer : «  »."


def test_far_neighbours_are_named_but_not_rung() -> None:
    watches = [watch(near, 1, f"+3360000010{index}") for index, near in enumerate(NEAR)]
    steps = build(neighbours=NEAR, watches=watches)
    near = [step for step in steps if step.kind is StepKind.NEIGHBOUR]
    assert len(near) == len(NEAR)
    assert [step.skipped is None for step in near] == [index < NEIGHBOURS_RUNG for index in range(len(NEAR))]


def test_vacant_neighbours_do_not_use_up_the_turns() -> None:
    watches = [watch(near, 1, f"+3360000010{index}") for index, near in enumerate(NEAR) if index >= 2]
    steps = build(neighbours=NEAR, watches=watches)
    rung = [step for step in steps if step.kind is StepKind.NEIGHBOUR and step.skipped is None]
    assert len(rung) == NEIGHBOURS_RUNG


def test_an_unknown_sector_goes_to_humans_and_says_why() -> None:
    steps = build(sector=None, unrouted="Code postal inconnu : le responsable décide.")
    assert [step.kind for step in steps] == [StepKind.MANAGER, StepKind.FALLBACK]
    assert steps[0].reason == "Code postal inconnu : le responsable décide."


phones = st.one_of(st.sampled_from([FALLBACK.phone, MANAGER.phone, "+33600000001", "+33600000002", ""]), st.text())
sectors = st.sampled_from([HERE, *NEAR])


@given(
    sector=st.one_of(st.none(), st.just(HERE)),
    neighbours=st.lists(st.sampled_from(NEAR), unique=True),
    posts=st.lists(st.tuples(sectors, st.integers(1, 2), phones, st.booleans()), max_size=16),
    manager=phones,
)
def test_the_ladder_always_ends_at_a_human_number(sector, neighbours, posts, manager) -> None:
    """Rule 1: whatever the rota holds, the last step is the fallback number, rung, and nobody is rung twice before."""
    watches = [watch(near, rank, phone) for near, rank, phone, _ in posts]
    refusals = {w.technician_id: "Refus" for w, (_, _, _, refused) in zip(watches, posts, strict=True) if refused}
    steps = build(
        sector=sector, neighbours=neighbours, watches=watches, refusals=refusals, manager=Person("Responsable", manager)
    )
    assert (steps[-1].kind, steps[-1].phone, steps[-1].skipped) == (StepKind.FALLBACK, FALLBACK.phone, None)
    assert [step.position for step in steps] == list(range(len(steps)))
    assert all(step.reason for step in steps)
    rung = [step for step in steps if step.skipped is None]
    assert all(step.phone for step in rung)
    before = [step.phone for step in rung[:-1]]
    assert len(before) == len(set(before))
    kinds = list(StepKind)
    assert [kinds.index(step.kind) for step in steps] == sorted(kinds.index(step.kind) for step in steps)
    assert not {step.technician_id for step in rung} & set(refusals)
