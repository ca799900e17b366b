"""Daily aggregates, built from outbox events only: no customer's name or number ever reaches this plane (R73)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit.db import PlatformSession
from maillage_platform.cooperatives.models import Cooperative
from maillage_platform.federation import watching
from maillage_platform.federation.models import DailyAggregate
from maillage_platform.outbox import StoredEvent

CONSUMER = "federation"
_BY_ACCEPTED_KIND = {
    "rank1": "accepted_rank1",
    "rank2": "accepted_rank2",
    "neighbour": "accepted_neighbour",
    "manager": "accepted_manager",
    "fallback": "fallback",
}
_BY_OUTCOME = {"redirected": "redirected", "abandoned": "abandoned", "missed": "missed", "fallback": "fallback"}


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of the daily aggregates over a period."""

    calls: int = 0
    accepted_rank1: int = 0
    accepted_rank2: int = 0
    accepted_neighbour: int = 0
    accepted_manager: int = 0
    fallback: int = 0
    redirected: int = 0
    abandoned: int = 0
    missed: int = 0
    interventions_closed: int = 0
    delays_kept: int = 0
    delays_missed: int = 0

    @property
    def answered(self) -> int:
        return (
            self.accepted_rank1 + self.accepted_rank2 + self.accepted_neighbour + self.accepted_manager + self.fallback
        )

    @property
    def kept_percent(self) -> int | None:
        """Share of promised delays kept, in percent; None when none was measured."""
        measured = self.delays_kept + self.delays_missed
        return round(100 * self.delays_kept / measured) if measured else None


async def count_event(session: PlatformSession, event: StoredEvent) -> None:
    """Add one event to its day, or to the state of a watch. Unknown types are not ours and change nothing."""
    await watching.keep(session, event)
    columns = _columns(event)
    if not columns:
        return
    row = {"cooperative_id": event.cooperative_id, "day": date.fromisoformat(event.payload["day"])}
    zero = {field.name: 0 for field in fields(Totals)}
    statement = insert(DailyAggregate).values(**row, **{**zero, **dict.fromkeys(columns, 1)})
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["cooperative_id", "day"],
            set_={name: getattr(DailyAggregate, name) + 1 for name in columns},
        )
    )


async def totals_by_cooperative(
    session: PlatformSession, *, since: date, after: str | None, limit: int
) -> Sequence[tuple[Cooperative, Totals]]:
    """Cooperatives by slug, after the slug `after`, with their sums since a day; at most `limit`."""
    sums = [sa.func.coalesce(sa.func.sum(getattr(DailyAggregate, field.name)), 0) for field in fields(Totals)]
    statement = (
        sa.select(Cooperative, *sums)
        .outerjoin(
            DailyAggregate,
            sa.and_(DailyAggregate.cooperative_id == Cooperative.id, DailyAggregate.day >= since),
        )
        .group_by(Cooperative.id)
        .order_by(Cooperative.slug)
        .limit(limit)
    )
    if after:
        statement = statement.where(Cooperative.slug > after)
    return [(row[0], Totals(*(int(value) for value in row[1:]))) for row in (await session.execute(statement)).all()]


async def days_of(
    session: PlatformSession, *, cooperative: Cooperative, before: date | None, limit: int
) -> Sequence[DailyAggregate]:
    """The daily aggregates of one cooperative, newest first."""
    statement = (
        sa.select(DailyAggregate)
        .where(DailyAggregate.cooperative_id == cooperative.id)
        .order_by(DailyAggregate.day.desc())
        .limit(limit)
    )
    if before:
        statement = statement.where(DailyAggregate.day < before)
    return (await session.scalars(statement)).all()


def _columns(event: StoredEvent) -> tuple[str, ...]:
    if event.type == "calls.CallEnded":
        kind = _BY_ACCEPTED_KIND.get(event.payload.get("accepted_kind") or "")
        column = kind or _BY_OUTCOME.get(event.payload["outcome"])
        return ("calls", column) if column else ("calls",)
    if event.type == "interventions.CaseClosed":
        kept = event.payload.get("arrival_kept")
        if kept is None:
            return ("interventions_closed",)
        return ("interventions_closed", "delays_kept" if kept else "delays_missed")
    return ()
