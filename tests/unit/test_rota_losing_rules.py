"""Until when somebody can hold a published duty (R61): who leaves, stops, is away, whose papers end."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest

from maillage_kit.clock import paris_instant
from maillage_tenants.members import Standing
from maillage_tenants.members.rules import Validity
from maillage_tenants.rota.queries_planning import Held
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.service.losing import held_until

ID = UUID(int=1)
FRIDAY = paris_instant(date(2027, 8, 6), time(18))
WEEK = Period(FRIDAY, FRIDAY + timedelta(days=7))
DUTY = Held(ID, ID, 1, ID, "plumbing", 1, ID, ID, WEEK)
BEFORE, DURING = FRIDAY - timedelta(days=10), FRIDAY + timedelta(days=2)
ALWAYS = (date(2026, 1, 1), date(2028, 12, 31))
STANDING = Standing(
    technician_id=ID,
    member_id=ID,
    active=True,
    category="artisan",
    joined_on=date(2020, 1, 1),
    left_on=None,
    trades=frozenset({"plumbing"}),
    documents=tuple(
        Validity(kind=kind, trade=trade, valid_from=ALWAYS[0], valid_to=ALWAYS[1])
        for kind, trade in (("liability", None), ("decennial", None), ("qualification", "plumbing"))
    ),
)
MONDAY = date(2027, 8, 9)
GONE_ON_MONDAY = replace(STANDING, left_on=MONDAY)
PAPER_ENDS = replace(
    STANDING,
    documents=(*STANDING.documents[1:], replace(STANDING.documents[0], valid_to=MONDAY - timedelta(days=1))),
)


@pytest.mark.parametrize("now", [BEFORE, DURING])
def test_nothing_stands_against_it(now: datetime) -> None:
    assert held_until(DUTY, [], STANDING, now) == WEEK.ends_at


@pytest.mark.parametrize(
    "standing", [None, replace(STANDING, active=False), replace(STANDING, left_on=date(2027, 8, 1))]
)
def test_who_is_gone_holds_nothing_from_now_on(standing: Standing | None) -> None:
    assert held_until(DUTY, [], standing, BEFORE) == WEEK.starts_at
    assert held_until(DUTY, [], standing, DURING) == DURING
    over = WEEK.ends_at + timedelta(days=1)
    assert held_until(DUTY, [], standing, over) == WEEK.ends_at, "what is over stays as it was"


@pytest.mark.parametrize("standing", [GONE_ON_MONDAY, PAPER_ENDS])
def test_a_membership_or_a_paper_that_ends_on_the_way(standing: Standing) -> None:
    assert held_until(DUTY, [], standing, BEFORE) == paris_instant(MONDAY)
    assert held_until(DUTY, [], standing, DURING) == paris_instant(MONDAY)
    assert held_until(DUTY, [], standing, paris_instant(date(2027, 8, 10))) == paris_instant(date(2027, 8, 10))


def test_an_absence_ends_it_where_it_begins_unless_it_is_over() -> None:
    away = Period(FRIDAY + timedelta(days=3), FRIDAY + timedelta(days=4))
    assert held_until(DUTY, [away], STANDING, DURING) == away.starts_at
    assert held_until(DUTY, [away], STANDING, away.ends_at) == WEEK.ends_at
    assert held_until(DUTY, [away], GONE_ON_MONDAY, DURING) == min(away.starts_at, paris_instant(MONDAY))
