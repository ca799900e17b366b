"""The switchboard: one transaction per webhook, the same answer to the same webhook, and a human when all else fails.

State lives in the database only: the process may be killed between two webhooks, the next one continues. Rule 1, never
lost: whatever goes wrong while a caller waits, the answer rings the cooperative's fallback number, which is known
without the database.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import Database, TenantSession
from maillage_kit.errors import Forbidden, NotFound
from maillage_kit.settings import Settings
from maillage_kit.turns import Turns
from maillage_tenants import masking
from maillage_tenants.calls import queries, rules, words
from maillage_tenants.calls.carriers import Event, TelephonyProvider
from maillage_tenants.calls.models import CallState
from maillage_tenants.calls.newsroom import Newsroom
from maillage_tenants.calls.plan import BRIDGE, TEST_ARTISAN, Ask, Gather, Hangup, KeyTurn, Plan, Say
from maillage_tenants.calls.record import OpenCall, Station, ToldBefore, write, write_new
from maillage_tenants.calls.service import emergency, ladder, menu, rescue
from maillage_tenants.calls.signals import (
    AttemptOver,
    CallNews,
    Ending,
    InboundCall,
    KeysTyped,
    LegKey,
    LegProgress,
    LineProgress,
    Notice,
)

log = structlog.get_logger(__name__)
T = TypeVar("T")
NOBODY = UUID(int=0)
ANSWER_WITHIN_SECONDS = 8.0
"""Carriers give up after about 15 seconds: a slow database must not cost the call."""

Act = Callable[[TenantSession, OpenCall, Station], Awaitable[Plan]]


class Directory(Protocol):
    """What the switchboard needs of the directory: it answers from memory when the database does not."""

    async def all(self) -> tuple[CooperativeContext, ...]: ...

    async def by_public_number(self, number: str) -> CooperativeContext | None: ...

    def known(self) -> tuple[CooperativeContext, ...]: ...

    def remembered(self, number: str) -> CooperativeContext | None: ...


@dataclass(frozen=True)
class Switchboard:
    """Answers the signals of one carrier for every cooperative. A caller always gets an answer; news may be refused.

    `turns`: of the process, for the callers of every carrier.
    """

    database: Database
    directory: Directory
    trades: TradeRegistry
    settings: Settings
    carrier: TelephonyProvider
    turns: Turns

    # ------------------------------------------------------------------------------------------- the caller's line

    async def inbound(self, signal: InboundCall) -> str:
        """Somebody rings a number. An unknown number is told so and put through to the last resort."""
        if signal.called == self.settings.telephony.watch.artisan_number:
            return self.carrier.welcome(TEST_ARTISAN, cooperative=None, call_id=None)
        try:
            return await self._served(self._arrived(signal))
        except Replayed:
            raise
        except Exception:
            log.exception("inbound_rescued", call=signal.notice.call)
            known = self.directory.remembered(signal.called)
            return self._rescue(known, signal.called, caller=signal.caller, arriving=True)

    async def _arrived(self, signal: InboundCall) -> str:
        cooperative = await self.directory.by_public_number(signal.called)
        if cooperative is None:
            log.warning("call_to_unknown_number", called=signal.called)
            return self._rescue(None, signal.called, preamble=words.UNKNOWN_NUMBER, arriving=True)
        if signal.called in cooperative.pool_numbers:
            joined = await self._through_pool(cooperative, signal)
            if joined is not None:
                return joined
        return await self._inbound(cooperative, signal)

    async def _through_pool(self, cooperative: CooperativeContext, signal: InboundCall) -> str | None:
        """A number of the pool: the artisan or the customer of a case reaches the other one. None for anybody else."""
        async with self.database.tenant(cooperative.tenant) as session:
            through = await masking.find(session, number=signal.called, caller=signal.caller)
            if through is None:
                return None
            notice = signal.notice
            masked_call = await masking.begin_call(
                session, through=through, provider=notice.provider, provider_call_id=notice.call
            )
        plan = rules.masked_plan(through.other_phone, shown=signal.called, masked_call=masked_call)
        return self.carrier.welcome(plan, cooperative=cooperative, call_id=masked_call)

    async def masked_over(self, cooperative_id: UUID, masked_call: UUID, signal: AttemptOver) -> str:
        """The two of a masked call have spoken, or the other did not answer: a customer then gets the emergency
        service, on the same line (rule 1)."""
        try:
            return await self._served(self._masked_over(cooperative_id, masked_call, signal))
        except Exception:
            log.exception("masked_call_rescued", call=signal.notice.call)
            return self._rescue(self._remembered(cooperative_id), "")

    async def _masked_over(self, cooperative_id: UUID, masked_call: UUID, signal: AttemptOver) -> str:
        cooperative = await self.known(cooperative_id)
        spoke = signal.ending is Ending.COMPLETED if signal.bridged is None else signal.bridged
        async with self.database.tenant(cooperative.tenant) as session:
            pair = await masking.call_over(
                session, masked_call=masked_call, ending=Ending.COMPLETED if spoke else signal.ending
            )
        if pair is None:
            raise NotFound
        if spoke or signal.gone:
            return self._render((Hangup(),), cooperative, None)
        if pair.by_artisan:
            return self._render((Say(words.MASKED_NO_ANSWER), Hangup()), cooperative, None)
        again = InboundCall(signal.notice, pair.number, pair.customer_phone)
        return await self._inbound(cooperative, again, before=(Say(words.ARTISAN_NO_ANSWER),))

    async def _inbound(self, cooperative: CooperativeContext, signal: InboundCall, *, before: Plan = ()) -> str:
        """`before`: said first, to somebody whose line is already answered."""

        async def begin() -> str | None:
            async with self.database.tenant(cooperative.tenant) as session:
                row, plan = await menu.arrive(session, signal=signal, station=self._station(cooperative))
                if before:
                    told = self._render((*before, *plan), cooperative, row.id)
                else:
                    told = self.carrier.welcome(plan, cooperative=cooperative, call_id=row.id)
                written = await write_new(session, row=row, notice=signal.notice, told=told)
                return told if written else None

        async def again(session: TenantSession, call: OpenCall, station: Station) -> Plan:
            """Known, but not by this notice: its end was told first, or the carrier lost the first answer."""
            if call.state is CallState.MENU:
                return menu.start(station, attempt=1, recorded=call.row.may_record)
            return await ladder.where_it_stands(session, call=call, station=station)

        told = await _twice(begin)
        if told is not None:
            return told
        return await self._answer(cooperative, None, signal.notice, again, arriving=not before)

    async def start(self, cooperative_id: UUID, call_id: UUID, signal: KeysTyped) -> str:
        """The first words, for a carrier that answers the line before it asks what to say."""

        async def act(session: TenantSession, call: OpenCall, station: Station) -> Plan:
            return await menu.begin(session, call=call, signal=signal, station=station)

        return await self._for_caller(cooperative_id, call_id, signal.notice, act, masked=True)

    async def _masked_start(self, cooperative: CooperativeContext, masked_call: UUID) -> str | None:
        """The first words of a call through the pool; None for any other."""
        if not cooperative.pool_numbers:
            return None
        async with self.database.tenant(cooperative.tenant) as session:
            found = await masking.joining(session, masked_call=masked_call)
        if found is None:
            return None
        plan = rules.masked_plan(found.other_phone, shown=found.number, masked_call=masked_call)
        return self._render(plan, cooperative, masked_call)

    async def menu(self, cooperative_id: UUID, call_id: UUID, ask: Ask, attempt: int, signal: KeysTyped) -> str:
        async def act(session: TenantSession, call: OpenCall, station: Station) -> Plan:
            return await menu.answer_menu(session, call=call, ask=ask, attempt=attempt, signal=signal, station=station)

        return await self._for_caller(cooperative_id, call_id, signal.notice, act)

    async def attempt_over(
        self, cooperative_id: UUID, call_id: UUID, position: int, direct: bool, signal: AttemptOver
    ) -> str:
        async def act(session: TenantSession, call: OpenCall, station: Station) -> Plan:
            return await ladder.attempt_over(
                session, call=call, position=position, direct=direct, signal=signal, station=station
            )

        return await self._for_caller(cooperative_id, call_id, signal.notice, act)

    async def _for_caller(
        self,
        cooperative_id: UUID,
        call_id: UUID,
        notice: Notice,
        act: Act,
        *,
        masked: bool = False,
    ) -> str:
        """`masked`: it may be a call through the pool."""

        async def work() -> str:
            cooperative = await self.known(cooperative_id)
            joined = await self._masked_start(cooperative, call_id) if masked else None
            return joined or await self._answer(cooperative, call_id, notice, act)

        try:
            return await self._served(work())
        except Replayed:
            raise
        except Exception:
            log.exception("caller_rescued", call=notice.call, kind=notice.kind)
            return self._rescue(self._remembered(cooperative_id), "", caller=notice.caller, call_id=call_id)

    async def rescue_over(self, cooperative_id: UUID, position: int, signal: AttemptOver) -> str:
        """An emergency number was tried, without any database: the conversation is over, or the next number."""
        cooperative: CooperativeContext | None = None
        try:
            cooperative = await self._in_time(self._cooperative(cooperative_id))
        except Exception:
            log.exception("rescue_without_directory", call=signal.notice.call)
            cooperative = self._remembered(cooperative_id)
        spoke = signal.bridged if signal.bridged is not None else signal.ending.value == "completed"
        if spoke or signal.gone:
            return self._render((Hangup(),), cooperative, None)
        return self._rescue(cooperative, "", position=position + 1)

    # ---------------------------------------------------------------------------------------- the person who is rung

    async def whisper(self, cooperative_id: UUID, call_id: UUID, position: int, signal: LegKey) -> str:
        async def act(session: TenantSession, call: OpenCall, station: Station) -> Plan:
            return await ladder.whisper(session, call=call, position=position, signal=signal, station=station)

        blind = (
            Gather(
                (f"Appel d’urgence. {words.ACCEPT_OR_REFUSE}",),
                1,
                self.settings.telephony.accept_seconds,
                KeyTurn(position),
            ),
            Hangup(),
        )
        return await self._for_artisan(cooperative_id, call_id, signal.notice, act, otherwise=blind)

    async def key_typed(self, cooperative_id: UUID, call_id: UUID, position: int, signal: LegKey) -> str:
        async def act(session: TenantSession, call: OpenCall, station: Station) -> Plan:
            return await ladder.key_typed(session, call=call, position=position, signal=signal, station=station)

        blind = BRIDGE if signal.digits == ladder.ACCEPT_KEY else (Hangup(),)
        return await self._for_artisan(cooperative_id, call_id, signal.notice, act, otherwise=blind)

    async def _for_artisan(
        self,
        cooperative_id: UUID,
        call_id: UUID,
        notice: Notice,
        act: Act,
        *,
        otherwise: Plan,
    ) -> str:
        """When the database fails, who accepts is put through anyway: the carrier tells the rest afterwards."""

        async def work() -> str:
            return await self._answer(await self.known(cooperative_id), call_id, notice, act)

        try:
            return await self._served(work())
        except Replayed:
            raise
        except Exception:
            log.exception("artisan_without_database", call=notice.call, kind=notice.kind)
            return self._render(otherwise, self._remembered(cooperative_id), call_id)

    # ------------------------------------------------------------------------------------------------- status news

    async def events(
        self,
        events: Sequence[Event],
        *,
        cooperative_id: UUID = NOBODY,
        call_id: UUID | None = None,
        position: int = 0,
    ) -> None:
        """What a carrier tells afterwards. The ids say whose leg it is, when the carrier's address says it.

        Raises NotFound, or what the database raises: the carrier may come again.
        """
        news = [event for event in events if isinstance(event, CallNews)]
        if news:
            await Newsroom(self.database, self.directory, self.trades, self.settings, self.carrier.name).take(news)
        for event in events:
            match event:
                case LineProgress():
                    await self.line_progress(event)
                case LegProgress() if call_id is not None:
                    await self.leg_progress(cooperative_id, call_id, position, event)
                case LegProgress():
                    await self.rescue_leg(cooperative_id, position, event)

    async def leg_progress(self, cooperative_id: UUID, call_id: UUID, position: int, signal: LegProgress) -> None:
        """News of a person's line. Raises NotFound, or what the database raises: the carrier may come again."""

        async def act(session: TenantSession, call: OpenCall, station: Station) -> Plan:  # noqa: ARG001
            await ladder.leg_progress(session, call=call, position=position, signal=signal)
            return ()

        await self._answer(await self.known(cooperative_id), call_id, signal.notice, act, told="")

    async def rescue_leg(self, cooperative_id: UUID, position: int, signal: LegProgress) -> None:
        """News of an emergency number: the call that could not be written is put on record now."""

        async def act(session: TenantSession, call: OpenCall, station: Station) -> Plan:
            await rescue.rescue_leg(session, call=call, position=position, signal=signal, station=station)
            return ()

        cooperative = await self.known(cooperative_id)
        await self._reconstructed(
            cooperative, signal.notice, act, called=cooperative.public_number, caller=None, seconds=None
        )

    async def line_progress(self, signal: LineProgress) -> None:
        """News of the caller's line, also of a call that could not be written when it rang."""
        if signal.called == self.settings.telephony.watch.artisan_number:
            return
        cooperative = await self.directory.by_public_number(signal.called)
        if cooperative is None:
            log.warning("line_of_unknown_number", called=signal.called)
            return

        async def act(session: TenantSession, call: OpenCall, station: Station) -> Plan:  # noqa: ARG001
            await rescue.line_progress(session, call=call, signal=signal)
            return ()

        if signal.called in cooperative.pool_numbers and await self._masked_line(cooperative, signal):
            with contextlib.suppress(NotFound):  # no call for help came of it
                await self._answer(cooperative, None, signal.notice, act, told="")
            return
        if signal.ended:
            await self._reconstructed(
                cooperative, signal.notice, act, called=signal.called, caller=signal.caller, seconds=signal.seconds
            )
            return
        await self._answer(cooperative, None, signal.notice, act, told="")

    async def _masked_line(self, cooperative: CooperativeContext, signal: LineProgress) -> bool:
        """Whether the line is that of a call through the pool."""
        async with self.database.tenant(cooperative.tenant) as session:
            return await masking.line_over(
                session, provider=signal.notice.provider, provider_call_id=signal.notice.call, ended=signal.ended
            )

    async def _reconstructed(
        self,
        cooperative: CooperativeContext,
        notice: Notice,
        act: Act,
        *,
        called: str,
        caller: str | None,
        seconds: int | None,
    ) -> None:
        try:
            await self._answer(cooperative, None, notice, act, told="")
        except NotFound:
            async with self.database.tenant(cooperative.tenant) as session:
                await rescue.reconstruct(
                    session,
                    notice=notice,
                    called=called,
                    caller=caller,
                    at=clock.now() - timedelta(seconds=seconds or 0),
                    note=emergency.NOTE,
                )
            await self._answer(cooperative, None, notice, act, told="")

    # ------------------------------------------------------------------------------------------------------- shared

    async def _answer(
        self,
        cooperative: CooperativeContext,
        call_id: UUID | None,
        notice: Notice,
        act: Act,
        *,
        told: str | None = None,
        arriving: bool = False,
    ) -> str:
        """One webhook, one transaction: lock the call, find the answer given before or act, write everything.

        `arriving`: the answer to somebody who rings, not to somebody on the line.
        """
        render = self.carrier.welcome if arriving else self.carrier.render

        async def work() -> str:
            async with self.database.tenant(cooperative.tenant) as session:
                found = await queries.locked_call(session, notice=notice, call_id=call_id)
                if found is None:
                    raise NotFound
                if found.told is not None:
                    _refuse_old(notice, found)
                    return found.told
                call = OpenCall(found.call, tells_each_leg=self.carrier.tells_each_leg)
                plan = await act(session, call, self._station(cooperative))
                answer = render(plan, cooperative=cooperative, call_id=call.row.id) if told is None else told
                await write(session, call=call, notice=notice, told=answer)
                return answer

        return await _twice(work)

    async def cooperatives(self) -> tuple[CooperativeContext, ...]:
        """Every cooperative, from memory while the database is out of reach."""
        try:
            return await self._in_time(self.directory.all())
        except Exception:
            log.exception("cooperatives_from_memory")
            return self.directory.known()

    def rescue(self, cooperative_id: UUID, call_id: UUID) -> str:
        """A human for the caller, when what was told of their line makes no sense."""
        log.error("caller_rescued_from_nonsense", call_id=str(call_id))
        return self._rescue(self._remembered(cooperative_id), "", call_id=call_id)

    async def _served(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns or raises, in its turn among the callers of this process, and in time."""

        async def in_turn() -> T:
            try:
                async with self.turns.turn():
                    return await work
            finally:
                work.close()

        return await self._in_time(in_turn())

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns or raises; TimeoutError when the carrier would not wait for it.

        Work that is given up is cancelled but not waited for: a question to a server that is frozen cannot even be
        taken back.
        """
        task = asyncio.ensure_future(work)
        done, _late = await asyncio.wait({task}, timeout=min(ANSWER_WITHIN_SECONDS, self.carrier.patience_seconds))
        if not done:
            task.cancel()
            task.add_done_callback(_given_up)
            raise TimeoutError
        return task.result()

    def _remembered(self, cooperative_id: UUID) -> CooperativeContext | None:
        return next((found for found in self.directory.known() if found.id == cooperative_id), None)

    def _station(self, cooperative: CooperativeContext) -> Station:
        return Station(cooperative, self.trades.enabled(cooperative.trades), self.settings.telephony)

    async def _cooperative(self, cooperative_id: UUID) -> CooperativeContext | None:
        return next((found for found in await self.directory.all() if found.id == cooperative_id), None)

    async def known(self, cooperative_id: UUID) -> CooperativeContext:
        """The cooperative of a webhook's address, from memory. Raises NotFound."""
        found = await self._cooperative(cooperative_id)
        if found is None:
            raise NotFound
        return found

    def _render(self, plan: Plan, cooperative: CooperativeContext | None, call_id: UUID | None) -> str:
        return self.carrier.render(plan, cooperative=cooperative, call_id=call_id)

    def _rescue(
        self,
        cooperative: CooperativeContext | None,
        caller_id: str,
        *,
        position: int = 0,
        preamble: str = words.RESCUE,
        caller: str | None = None,
        arriving: bool = False,
        call_id: UUID | None = None,
    ) -> str:
        """Ring a human who is known without the database; nobody for the number that places our own watch calls.

        `arriving`: the answer to somebody who rings, not to somebody on the line.
        """
        render = self.carrier.welcome if arriving else self.carrier.render
        if caller is not None and caller == self.settings.telephony.watch.number:
            return render((Hangup(),), cooperative=cooperative, call_id=call_id)
        plan = rules.rescue_plan(
            cooperative,
            last_resort=self.settings.telephony.last_resort_number,
            caller_id=caller_id,
            ring_seconds=self.settings.telephony.ring_seconds,
            position=position,
            preamble=preamble,
        )
        return render(plan, cooperative=cooperative, call_id=call_id)


class Replayed(Forbidden):
    """A request that was answered long ago is sent again: its carrier would not."""

    code = "replayed"
    message = "Demande déjà reçue."


def _refuse_old(notice: Notice, found: queries.Found) -> None:
    """Raises Replayed."""
    if notice.believed_for is None or found.told_at is None or clock.now() - found.told_at <= notice.believed_for:
        return
    log.warning("webhook_replayed", call=notice.call, kind=notice.kind)
    raise Replayed


def _given_up(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.warning("given_up_and_failed", error=type(task.exception()).__name__)


async def _twice(work: Callable[[], Awaitable[T]]) -> T:
    """Do a whole transaction again, once, when a twin of this webhook won or the connection had died meanwhile.

    A server that was restarted leaves dead connections in the pool: the first call after it must be routed as usual.
    """
    try:
        return await work()
    except ToldBefore:
        return await work()
    except DBAPIError as exc:
        if not exc.connection_invalidated:
            raise
        return await work()
