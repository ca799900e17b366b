"""The board, assembled: a handful of queries whatever the number of cases."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from maillage_kit.clock import paris, paris_instant
from maillage_kit.db import TenantSession
from maillage_tenants import alarms, interventions, rota
from maillage_tenants.casefile import CaseLine
from maillage_tenants.desk import queries
from maillage_tenants.interventions import Deadlines, Delay, DelayState

COLUMNS = (
    ("waiting", "À attribuer", ("requested", "offered")),
    ("going", "En route", ("accepted", "en_route")),
    ("working", "Sur place", ("on_site", "made_safe", "on_hold")),
    ("closing", "À clôturer", ("done", "partial")),
)


@dataclass(frozen=True, slots=True)
class BoardCase:
    """A case with the promise that presses now; None when nothing is promised or it is kept."""

    line: CaseLine
    pressing: Delay | None

    @property
    def late(self) -> bool:
        return self.pressing is not None and self.pressing.state is DelayState.LATE


@dataclass(frozen=True, slots=True)
class Column:
    code: str
    title: str
    cases: tuple[BoardCase, ...]


@dataclass(frozen=True, slots=True)
class OnCallLine:
    """One post now; `name` None: nobody."""

    sector: str
    rank: int
    name: str | None
    member: str | None
    phone: str | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Board:
    calls: tuple[queries.LiveCall, ...]
    columns: tuple[Column, ...]
    alarms: tuple[alarms.AlarmRow, ...]
    callbacks: tuple[queries.CallbackLine, ...]
    on_call: dict[str, tuple[OnCallLine, ...]]
    closed_today: int

    @property
    def late(self) -> int:
        return sum(case.late for column in self.columns for case in column.cases)

    @property
    def open(self) -> int:
        return sum(len(column.cases) for column in self.columns)

    @property
    def vacant(self) -> int:
        return sum(line.name is None for lines in self.on_call.values() for line in lines)


async def board(session: TenantSession, *, at: datetime) -> Board:
    """Everything the desk looks at, as of `at`."""
    lines = await queries.open_cases(session)
    ids = [line.id for line in lines]
    clocks = await interventions.clocks_of(session, case_ids=ids)
    pauses = await interventions.pauses_of(session, case_ids=ids)
    cases = []
    for line in lines:
        promised = Deadlines(line.accept_by, line.arrive_by, None)
        delays = interventions.compute_delays(promised, clocks[line.id], pauses[line.id], at=at)
        cases.append(BoardCase(line, next((delay for delay in delays if delay.done_at is None), None)))
    return Board(
        calls=await queries.live_calls(session),
        columns=tuple(
            Column(code, title, tuple(sorted((c for c in cases if c.line.state in states), key=_pressing)))
            for code, title, states in COLUMNS
        ),
        alarms=await alarms.open_alarms(session),
        callbacks=await queries.callbacks_owed(session),
        on_call=await _on_call(session, at=at),
        closed_today=await queries.closed_since(session, since=paris_instant(paris(at).date())),
    )


def _pressing(case: BoardCase) -> tuple[timedelta, datetime]:
    left = case.pressing.margin if case.pressing else timedelta.max
    return left, case.line.requested_at


async def _on_call(session: TenantSession, *, at: datetime) -> dict[str, tuple[OnCallLine, ...]]:
    found: dict[str, tuple[OnCallLine, ...]] = {}
    posts = await queries.posts(session)
    for trade in dict.fromkeys(trade for trade, *_ in posts):
        mine = [post for post in posts if post[0] == trade]
        sectors: Iterable[UUID] = dict.fromkeys(sector for _, sector, _, _ in mine)
        people = {
            (person.sector_id, person.rank): person
            for person in await rota.on_call(session, sector_ids=list(sectors), trade=trade, at=at)
        }
        found[trade] = tuple(
            OnCallLine(
                sector=name,
                rank=rank,
                name=person.name if person else None,
                member=person.member_name if person else None,
                phone=person.phone if person else None,
                until=person.ends_at if person else None,
            )
            for _, sector, name, rank in mine
            for person in (people.get((sector, rank)),)
        )
    return found
