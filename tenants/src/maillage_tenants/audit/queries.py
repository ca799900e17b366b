"""Reading the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.pages import Page, PageRequest, cut_page, read_number
from maillage_tenants.audit.models import AuditEntry, AuditHead
from maillage_tenants.audit.rules import End, Link

PURGED = "audit.purged"
_ROW = (
    AuditEntry.at,
    AuditEntry.actor,
    AuditEntry.action,
    AuditEntry.subject_type,
    AuditEntry.subject_id,
    AuditEntry.detail,
    AuditEntry.position,
    AuditEntry.hash,
)


@dataclass(frozen=True, slots=True)
class AuditRow:
    at: datetime
    actor: str
    action: str
    subject_type: str
    subject_id: str
    detail: dict[str, Any]
    position: int | None = None
    hash: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: `actions` (exact, or a family as `customers.`), part of a person's name, `[since, until)`."""

    actions: tuple[str, ...] = ()
    person: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = [AuditEntry.position.is_not(None)]
        if self.actions:
            found.append(
                sa.or_(
                    *(
                        AuditEntry.action.startswith(name, autoescape=True)
                        if name.endswith(".")
                        else AuditEntry.action == name
                        for name in self.actions
                    )
                )
            )
        if self.person:
            found.append(AuditEntry.actor.icontains(self.person, autoescape=True))
        if self.since:
            found.append(AuditEntry.at >= self.since)
        if self.until:
            found.append(AuditEntry.at < self.until)
        return found


async def entries_about(
    session: TenantSession, *, subject_type: str, subject_id: object, limit: int = 50
) -> tuple[AuditRow, ...]:
    """The last entries about one thing, newest first."""
    found = await session.execute(
        sa.select(*_ROW)
        .where(AuditEntry.subject_type == subject_type, AuditEntry.subject_id == str(subject_id))
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    return tuple(AuditRow(*row) for row in found)


async def entries(session: TenantSession, *, search: Search, page: PageRequest) -> Page[AuditRow]:
    """What was looked for, newest first."""
    statement = sa.select(*_ROW).where(*search.conditions()).order_by(AuditEntry.position.desc()).limit(page.limit + 1)
    if (last := page.position(read_number)) is not None:
        statement = statement.where(AuditEntry.position < last[0])
    rows = [AuditRow(*row) for row in await session.execute(statement)]
    return cut_page(rows, page, lambda row: [row.position])


async def all_entries(session: TenantSession, *, search: Search, limit: int) -> tuple[AuditRow, ...]:
    """What was looked for, oldest first, at most `limit`: for a file."""
    found = await session.execute(
        sa.select(*_ROW).where(*search.conditions()).order_by(AuditEntry.position).limit(limit)
    )
    return tuple(AuditRow(*row) for row in found)


async def links(session: TenantSession, *, after: int, limit: int) -> Sequence[Link]:
    """Entries of the chain after a position, in order."""
    found = await session.execute(
        sa.select(
            AuditEntry.position,
            AuditEntry.previous,
            AuditEntry.hash,
            AuditEntry.at,
            AuditEntry.actor,
            AuditEntry.action,
            AuditEntry.subject_type,
            AuditEntry.subject_id,
            sa.cast(AuditEntry.detail, sa.Text),
        )
        .where(AuditEntry.position > after)
        .order_by(AuditEntry.position)
        .limit(limit)
    )
    return [Link(row[0] or 0, row[1] or "", row[2] or "", *row[3:]) for row in found]


async def head(session: TenantSession) -> End:
    """The end of the chain as the database keeps it."""
    row = (await session.execute(sa.select(AuditHead.position, AuditHead.hash))).one()
    return End(*row)


async def last_purge(session: TenantSession) -> dict[str, Any] | None:
    """What the last purge said of itself: `through`, `hash`, `entries`."""
    return await session.scalar(
        sa.select(AuditEntry.detail)
        .where(AuditEntry.action == PURGED, AuditEntry.position.is_not(None))
        .order_by(AuditEntry.position.desc())
        .limit(1)
    )


async def oldest(session: TenantSession) -> datetime | None:
    """The instant of the first entry kept."""
    return await session.scalar(
        sa.select(AuditEntry.at).where(AuditEntry.position.is_not(None)).order_by(AuditEntry.position).limit(1)
    )


async def unchained(session: TenantSession) -> int:
    """Committed entries that never got a place in the chain; normally none."""
    return await session.scalar(sa.select(sa.func.count()).where(AuditEntry.position.is_(None))) or 0
