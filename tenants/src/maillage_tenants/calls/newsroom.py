"""Where batches of events come in: one transaction per cooperative, and nothing that one event breaks stops the others.

A batch is answered once all of it is written. An outage is told to the carrier, which comes again; an event that breaks
our own code is kept as it came, with an alarm, so that it never blocks those behind it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from maillage_hooks import TradeRegistry
from maillage_kit.context import CooperativeContext
from maillage_kit.db import Database, TenantSession
from maillage_kit.settings import Settings
from maillage_tenants import masking
from maillage_tenants.calls import queries
from maillage_tenants.calls.record import Station
from maillage_tenants.calls.service import hunting
from maillage_tenants.calls.signals import CallNews, News

if TYPE_CHECKING:
    from maillage_tenants.calls.switchboard import Directory

log = structlog.get_logger(__name__)
_OUTAGES = (OperationalError, InterfaceError, PoolTimeout, OSError, TimeoutError)
_NOT_MIGRATED = frozenset({"42P01", "42703", "42883"})
"""SQLSTATE of a table, column or function that is not there: the cooperative's schema is older than this program."""
LONGEST_SECONDS = 20.0
"""For one cooperative's part of a batch. A carrier that gave up earlier finds it written when it comes again."""


@dataclass(frozen=True)
class Newsroom:
    """Takes the events of one carrier for every cooperative."""

    database: Database
    directory: "Directory"
    trades: TradeRegistry
    settings: Settings
    provider: str

    async def take(self, news: Sequence[CallNews]) -> None:
        """Write a batch, in its order for each call. Raises what the database raises while it is out of reach: nothing
        of what was written is written twice when the batch comes again."""
        for cooperative, items in await self._by_cooperative(news):
            try:
                await self._written(cooperative, items)
            except Exception as exc:
                if _is_outage(exc):
                    raise
                log.exception("events_one_call_at_a_time", cooperative=cooperative.slug)
                for its in _by_call(items):
                    await self._one_call(cooperative, its)

    async def _written(self, cooperative: CooperativeContext, items: Sequence[CallNews]) -> None:
        station = Station(cooperative, self.trades.enabled(cooperative.trades), self.settings.telephony)

        async def work(session: TenantSession) -> None:
            told = await self._without_masked(session, cooperative, items)
            if told:
                await hunting.take(session, provider=self.provider, news=told, station=station)

        await self._in_transaction(cooperative, work)

    async def _without_masked(
        self, session: TenantSession, cooperative: CooperativeContext, items: Sequence[CallNews]
    ) -> Sequence[CallNews]:
        """Calls through the pool are no calls for help: their end is written where they are, the rest is not kept,
        unless the customer was given the emergency service on the same line: from then on it is a call like others."""
        if not any(item.called in cooperative.pool_numbers for item in items):
            return items
        names = sorted({item.notice.call for item in items if item.called in cooperative.pool_numbers})
        masked = await masking.names_of(session, provider=self.provider, calls=names)
        began = await queries.beginnings(session, provider=self.provider, calls=sorted(masked))
        told = []
        for item in items:
            call = item.notice.call
            if call not in masked or (call in began and item.at >= began[call]):
                told.append(item)
            elif item.news is News.LINE_OVER:
                await masking.line_over(session, provider=self.provider, provider_call_id=call, ended=True)
        return told

    async def _one_call(self, cooperative: CooperativeContext, items: Sequence[CallNews]) -> None:
        """Its events alone; when even so they break something, as they came."""
        try:
            await self._written(cooperative, items)
        except Exception as exc:
            if _is_outage(exc):
                raise
            log.exception("events_kept", call=items[0].notice.call, cooperative=cooperative.slug)

            async def work(session: TenantSession) -> None:
                await hunting.keep(session, news=items)

            await self._in_transaction(cooperative, work)

    async def _in_transaction(
        self, cooperative: CooperativeContext, work: Callable[[TenantSession], Awaitable[None]]
    ) -> None:
        """Raises TimeoutError for a database that does not answer; it is not waited for."""
        task = asyncio.create_task(self._try(cooperative, work))
        done, _late = await asyncio.wait({task}, timeout=LONGEST_SECONDS)
        if not done:
            task.cancel()
            raise TimeoutError
        task.result()

    async def _try(self, cooperative: CooperativeContext, work: Callable[[TenantSession], Awaitable[None]]) -> None:
        """Once more when the connection had died in the pool meanwhile: a server that was restarted is no outage."""
        for again in (True, False):
            try:
                async with self.database.tenant(cooperative.tenant) as session:
                    await work(session)
            except DBAPIError as exc:
                if not (again and exc.connection_invalidated):
                    raise
            else:
                return

    async def _by_cooperative(
        self, news: Sequence[CallNews]
    ) -> Sequence[tuple[CooperativeContext, Sequence[CallNews]]]:
        groups: dict[str, tuple[CooperativeContext, list[CallNews]]] = {}
        for item in news:
            cooperative = await self._whose(item)
            if cooperative is not None:
                groups.setdefault(cooperative.slug, (cooperative, []))[1].append(item)
        return list(groups.values())

    async def _whose(self, item: CallNews) -> CooperativeContext | None:
        if item.called == self.settings.telephony.watch.artisan_number:
            return None  # the other end of a watch call: told by the call itself
        found = await self.directory.by_public_number(item.called)
        if found is None and not item.called:
            found = await self._by_call_name(item)
        if found is None:
            log.warning("event_of_unknown_number", called=item.called, kind=item.notice.kind, call=item.notice.call)
        return found

    async def _by_call_name(self, item: CallNews) -> CooperativeContext | None:
        """A carrier that was restarted in the middle of a call has forgotten the number that was called."""
        for cooperative in await self.directory.all():
            async with self.database.tenant(cooperative.tenant) as session:
                if await queries.known_calls(session, provider=self.provider, calls=[item.notice.call]):
                    return cooperative
        return None


def _is_outage(exc: BaseException) -> bool:
    """Whether the same batch may be written later as it is."""
    if isinstance(exc, _OUTAGES):
        return True
    if not isinstance(exc, DBAPIError):
        return False
    return exc.connection_invalidated or getattr(exc.orig, "sqlstate", None) in _NOT_MIGRATED


def _by_call(items: Sequence[CallNews]) -> Sequence[Sequence[CallNews]]:
    groups: dict[str, list[CallNews]] = defaultdict(list)
    for item in items:
        groups[item.notice.call].append(item)
    return list(groups.values())
