"""The directory in memory: looked up on every request and every call, and still there when the database is not."""

import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from maillage_kit.context import CooperativeContext
from maillage_kit.db import Database
from maillage_platform.cooperatives import queries
from maillage_platform.cooperatives.models import CooperativeState

log = structlog.get_logger(__name__)
FRESH_SECONDS = 5.0


class Directory:
    """Active and suspended cooperatives, refreshed at most every few seconds.

    When the database cannot be read, what was last known is served: a call must find its cooperative's fallback number
    even then (rule 1, never lost).
    """

    def __init__(self, database: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._read_at: float | None = None
        self._reading = False
        self._all: tuple[CooperativeContext, ...] = ()
        self._suspended: frozenset[str] = frozenset()
        self._revisions: dict[str, str | None] = {}

    async def all(self) -> tuple[CooperativeContext, ...]:
        await self._refresh()
        return self._all

    async def by_slug(self, slug: str) -> CooperativeContext | None:
        await self._refresh()
        return next((found for found in self._all if found.slug == slug), None)

    async def by_public_number(self, number: str) -> CooperativeContext | None:
        """Whose number that is: the public one, or one of the pool."""
        await self._refresh()
        return next(
            (found for found in self._all if found.public_number == number or number in found.pool_numbers), None
        )

    def known(self) -> tuple[CooperativeContext, ...]:
        """What is in memory now, however old; empty in a process that has never read the database."""
        return self._all

    def remembered(self, number: str) -> CooperativeContext | None:
        """Whose number that is, from memory: an answer that waits for nothing."""
        return next(
            (found for found in self._all if found.public_number == number or number in found.pool_numbers), None
        )

    async def by_role(self, role: str) -> CooperativeContext | None:
        await self._refresh()
        return next((found for found in self._all if found.tenant.role == role), None)

    def is_suspended(self, cooperative: CooperativeContext) -> bool:
        return cooperative.slug in self._suspended

    def revision_of(self, cooperative: CooperativeContext) -> str | None:
        """The migration the cooperative's schema is at, as last read."""
        return self._revisions.get(cooperative.slug)

    def forget(self) -> None:
        """Read again at the next look-up: after a change made by this process."""
        self._read_at = None

    async def _refresh(self) -> None:
        if self._read_at is not None and self._monotonic() - self._read_at < FRESH_SECONDS:
            return
        if self._reading and self._all:
            return  # somebody reads it already: nobody waits for a second reading
        self._reading = True
        try:
            await self._read()
        finally:
            self._reading = False

    async def _read(self) -> None:
        if self._all:
            self._read_at = self._monotonic()  # one reads, the others go on with what is known
        try:
            async with self._database.platform() as session:
                found = await queries.with_numbers(session)
        except (DBAPIError, SQLAlchemyError, OSError) as exc:
            if self._read_at is None and not self._all:
                raise
            log.warning("directory_stale", error=type(exc).__name__)
        else:
            ready = [pair for pair in found if pair[0].state != CooperativeState.PROVISIONING]
            rows = [row for row, _ in ready]
            self._all = tuple(row.context(pool_numbers=numbers) for row, numbers in ready)
            self._revisions = {row.slug: row.schema_revision for row in rows}
            self._suspended = frozenset(row.slug for row in rows if row.state == CooperativeState.SUSPENDED)
        self._read_at = self._monotonic()
