"""A rota instance is plain data: kept as JSON, read back equal, refused when it names what is not there."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from maillage_kit.semester import Semester
from maillage_tenants.rota.rules import whole
from maillage_tenants.rota.solver.instance import (
    Absence,
    Days,
    Desk,
    Instance,
    Kept,
    Person,
    Proof,
    Sector,
    Weights,
    Wish,
    dumps,
    loads,
)
from maillage_tenants.rota.solver.units import Kind, days_and_nights, whole_weeks

OVER = whole(Semester(2027, 1))
YEAR = Days(date(2027, 1, 1), date(2027, 12, 31))
VEXIN, LYONS = UUID(int=1), UUID(int=2)
ANNE = Person(
    id=UUID(int=10),
    member_id=UUID(int=20),
    name="Anne Lenoir",
    engagement=12.0,
    homes=frozenset({VEXIN}),
    minutes={VEXIN: 12, LYONS: 38},
    trades=frozenset({"locksmith"}),
    proofs=(Proof("liability", None, YEAR), Proof("qualification", "locksmith", YEAR)),
    absences=(Absence(OVER, "congés"),),
    wishes=(Wish(OVER, wanted=True, weight=2),),
    carried={Kind.SUNDAY: -1.5},
    held_last_year=frozenset({"Noël", "Lundi de Pâques"}),
)
EXAMPLE = Instance(
    name="exemple",
    over=OVER,
    department="27",
    trades={"locksmith": "Serrurerie"},
    sectors=(Sector(VEXIN, "Vexin", days_and_nights(), (LYONS,)), Sector(LYONS, "Lyons", whole_weeks())),
    desks=(Desk(VEXIN, "locksmith", 60), Desk(LYONS, "locksmith", 60, (1,))),
    people=(ANNE,),
    together=frozenset({(VEXIN, LYONS)}),
    kept=(Kept(VEXIN, "locksmith", 1, ANNE.id, OVER),),
)


def test_an_instance_is_read_back_equal_and_written_the_same() -> None:
    text = dumps(EXAMPLE)
    assert loads(text) == EXAMPLE
    assert dumps(loads(text)) == text


def test_what_is_not_an_instance_is_refused() -> None:
    for text in (b"{}", b"not json", dumps(EXAMPLE).replace(b'"engagement":12.0', b'"engagement":"many"')):
        with pytest.raises(ValueError, match="not a rota instance"):
            loads(text)


@pytest.mark.parametrize(
    "change",
    [
        {"people": (ANNE, ANNE)},
        {"desks": (Desk(UUID(int=9), "locksmith", 60),)},
        {"desks": (Desk(VEXIN, "plumbing", 60),)},
        {"kept": (Kept(VEXIN, "locksmith", 1, UUID(int=99), OVER),)},
    ],
    ids=["twice the same person", "unknown sector", "unknown trade", "unknown holder"],
)
def test_an_instance_names_only_what_is_there(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"same id|not there"):
        replace(EXAMPLE, **change)  # type: ignore[arg-type]


def test_what_a_cooperative_decides_never_outweighs_an_empty_place_or_a_change() -> None:
    """R64: places are held first; and our own points are what deciding them gives."""
    ours = Weights()
    same = Weights.decided(
        band=ours.band,
        first=ours.band_first,
        backup=ours.band_backup,
        away=ours.away,
        same_again=ours.same_again,
        same_holiday=ours.same_holiday,
        wish=ours.wish,
    )
    assert same == ours
    most = Weights.decided(
        band=dict.fromkeys(Kind, 100), first=100, backup=100, away=100, same_again=100, same_holiday=100, wish=100
    )
    assert most.change >= 2 * sum(most.band.values()) + 2 * most.band_first
    assert most.uncovered >= 4 * most.change
