"""Reading for the watch: its own tables, and what is late in the domains below."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from maillage_hooks import TradeRegistry
from maillage_kit.db import TenantSession
from maillage_kit.errors import NotFound
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_instant
from maillage_kit.semester import Semester
from maillage_kit.settings import Settings
from maillage_tenants import territory
from maillage_tenants.calls.models import Call, CallLeg, CallState, LegState
from maillage_tenants.interventions.models import Intervention, Offer, OfferState
from maillage_tenants.members.models import Technician
from maillage_tenants.messages.models import Message, MessageState
from maillage_tenants.rota.models import Duty, OnCallPost
from maillage_tenants.territory.models import Commune, SectorCommune
from maillage_tenants.watch import rules
from maillage_tenants.watch.models import (
    FindingKind,
    ForwardList,
    RunOutcome,
    WatchAudit,
    WatchFinding,
    WatchRun,
    WatchSetting,
)
from maillage_tenants.watch.rules import Place, Watcher

MOST_FINDINGS = 100


async def setting(session: TenantSession) -> WatchSetting | None:
    """The one row of settings, None before the first sweep."""
    return await session.get(WatchSetting, 1)


# --------------------------------------------------------------------------------------------------- watch calls


async def last_planned_at(session: TenantSession) -> datetime | None:
    found: datetime | None = await session.scalar(
        sa.select(WatchRun.planned_at).order_by(WatchRun.planned_at.desc()).limit(1)
    )
    return found


async def last_success_at(session: TenantSession) -> datetime | None:
    found: datetime | None = await session.scalar(
        sa.select(WatchRun.judged_at)
        .where(WatchRun.outcome == RunOutcome.SUCCESS)
        .order_by(WatchRun.judged_at.desc())
        .limit(1)
    )
    return found


async def open_runs(session: TenantSession, *, run_id: UUID | None = None) -> Sequence[WatchRun]:
    """Runs not judged yet, locked; those that another transaction holds are left to it."""
    wanted = sa.select(WatchRun).where(WatchRun.outcome.is_(None)).order_by(WatchRun.planned_at)
    if run_id is not None:
        wanted = wanted.where(WatchRun.id == run_id)
    return (await session.scalars(wanted.with_for_update(skip_locked=True))).all()


async def postcode_of_one_sector(session: TenantSession, *, trade: str, at: datetime) -> str | None:
    """The most inhabited postcode whose communes all lie in one sector for that trade: typed, it asks nothing more."""
    code = Semester.containing(at).code
    served = (
        sa.select(sa.func.unnest(Commune.postcodes).label("postcode"), Commune.population, SectorCommune.sector_id)
        .outerjoin(
            SectorCommune,
            sa.and_(SectorCommune.insee == Commune.insee, SectorCommune.trade == trade, SectorCommune.semester == code),
        )
        .subquery()
    )
    found: str | None = await session.scalar(
        sa.select(served.c.postcode)
        .group_by(served.c.postcode)
        .having(
            sa.func.count() == sa.func.count(served.c.sector_id),
            sa.func.count(served.c.sector_id.distinct()) == 1,
        )
        .order_by(sa.func.sum(served.c.population).desc(), served.c.postcode)
        .limit(1)
    )
    return found


@dataclass(frozen=True, slots=True)
class RunLine:
    """One watch call in the list, with the seconds from one phase to the next; None where it did not get there."""

    id: UUID
    planned_at: datetime
    planned_by: str
    outcome: str | None
    failure: str
    call_id: UUID | None
    placed_at: datetime | None
    arrived_at: datetime | None
    rang_at: datetime | None
    answered_at: datetime | None
    accepted_at: datetime | None

    @property
    def phases(self) -> tuple[tuple[str, timedelta | None], ...]:
        """(what it took, how long): to reach the switchboard, at the menu, until picked up, until the key."""
        steps = (
            ("arrivée au standard", self.placed_at, self.arrived_at),
            ("menu", self.arrived_at, self.rang_at),
            ("sonnerie", self.rang_at, self.answered_at),
            ("touche 1", self.answered_at, self.accepted_at),
        )
        return tuple((name, b - a if a and b else None) for name, a, b in steps)

    @property
    def total(self) -> timedelta | None:
        return self.accepted_at - self.placed_at if self.accepted_at and self.placed_at else None


async def runs(session: TenantSession, *, page: PageRequest) -> Page[RunLine]:
    """Watch calls, the newest first."""
    wanted = sa.select(
        WatchRun.id,
        WatchRun.planned_at,
        WatchRun.planned_by,
        WatchRun.outcome,
        WatchRun.failure,
        WatchRun.call_id,
        WatchRun.placed_at,
        WatchRun.arrived_at,
        WatchRun.rang_at,
        WatchRun.answered_at,
        WatchRun.accepted_at,
    ).order_by(WatchRun.planned_at.desc(), WatchRun.id.desc())
    if (last := page.position(read_instant, read_id)) is not None:
        wanted = wanted.where(sa.tuple_(WatchRun.planned_at, WatchRun.id) < last)
    rows = [RunLine(*row) for row in await session.execute(wanted.limit(page.limit + 1))]
    return cut_page(rows, page, lambda row: (row.planned_at, row.id))


@dataclass(frozen=True, slots=True)
class Standing:
    """How the watch stands, for the desk. `installed`: this installation has numbers to call from and to ring."""

    installed: bool
    enabled: bool
    every: timedelta
    last_success_at: datetime | None
    silent_since: datetime | None
    audited_at: datetime | None
    findings: int

    @property
    def calls(self) -> bool:
        return self.installed and self.enabled


async def standing(session: TenantSession, *, settings: Settings, at: datetime) -> Standing:
    """Whether watch calls succeed and when the audit last looked."""
    every = timedelta(minutes=settings.telephony.watch.every_minutes)
    chosen = await setting(session)
    success = await last_success_at(session)
    looked = await session.get(WatchAudit, 1)
    installed, enabled = settings.telephony.watch.is_set, chosen is None or chosen.enabled
    since = None
    if installed and enabled and chosen is not None:
        since = rules.silent_since(last_success=success, enabled_at=chosen.enabled_at, now=at, every=every)
    return Standing(
        installed=installed,
        enabled=enabled,
        every=every,
        last_success_at=success,
        silent_since=since,
        audited_at=looked.audited_at if looked else None,
        findings=looked.findings if looked else 0,
    )


# ------------------------------------------------------------------------------------------------------- findings


@dataclass(frozen=True, slots=True)
class Late:
    """Something that should have ended or moved. `subject` tells it from the others of its kind."""

    kind: FindingKind
    subject: str
    label: str
    link: str
    since: datetime


async def late_things(session: TenantSession, *, now: datetime) -> tuple[Late, ...]:
    """What is late in this cooperative's own tables, at most a hundred of each kind, the oldest first."""
    found: list[Late] = []
    for look in (_calls_without_end, _legs_without_event, _overdue_offers, _waiting_messages):
        found.extend(await look(session, now))
    return tuple(found)


async def _calls_without_end(session: TenantSession, now: datetime) -> Iterator[Late]:
    rows = await session.execute(
        sa.select(Call.id, Call.started_at)
        .where(
            Call.state != CallState.ENDED,
            sa.or_(
                sa.and_(Call.state != CallState.CONNECTED, Call.started_at < now - rules.CALL_OPEN_FOR),
                sa.and_(Call.state == CallState.CONNECTED, Call.connected_at < now - rules.TALK_OPEN_FOR),
            ),
        )
        .order_by(Call.started_at)
        .limit(MOST_FINDINGS)
    )
    return (
        Late(FindingKind.CALL_WITHOUT_END, str(call_id), "Appel dont la fin n’est pas venue", f"/calls/{call_id}", at)
        for call_id, at in rows
    )


async def _legs_without_event(session: TenantSession, now: datetime) -> Iterator[Late]:
    """Somebody rings for longer than a ring and a whisper last, or nobody said how a line of an ended call ended.

    The latter is news for a while only: what was not told ten minutes after will not be.
    """
    over_since = Call.ended_at < now - rules.LEG_LEFT_FOR
    rows = await session.execute(
        sa.select(CallLeg.id, Call.id, CallLeg.started_at)
        .join(Call, Call.id == CallLeg.call_id)
        .where(
            sa.or_(
                sa.and_(
                    CallLeg.state == LegState.UNTOLD,
                    over_since,
                    Call.ended_at > now - rules.LEG_LET_GO_AFTER,
                ),
                sa.and_(
                    CallLeg.state.in_((LegState.RINGING, LegState.ANSWERED)),
                    Call.state == CallState.ENDED,
                    over_since,
                ),
                sa.and_(
                    CallLeg.state.in_((LegState.RINGING, LegState.ANSWERED)),
                    Call.state != CallState.ENDED,
                    CallLeg.started_at < now - rules.LEG_SILENT_FOR,
                    # a machine that answered earlier in the ladder is known not to have accepted once the call is over
                    sa.or_(CallLeg.state == LegState.RINGING, CallLeg.position == Call.position),
                ),
            ),
            Call.started_at > now - timedelta(days=1),
        )
        .order_by(CallLeg.started_at)
        .limit(MOST_FINDINGS)
    )
    return (
        Late(FindingKind.LEG_WITHOUT_EVENT, str(leg_id), "Sonnerie sans nouvelle", f"/calls/{call_id}", at)
        for leg_id, call_id, at in rows
    )


async def _overdue_offers(session: TenantSession, now: datetime) -> Iterator[Late]:
    rows = await session.execute(
        sa.select(Offer.id, Intervention.id, Intervention.number, Offer.due_at)
        .join(Intervention, Intervention.id == Offer.intervention_id)
        .where(Offer.state == OfferState.PENDING, Offer.due_at < now - rules.OFFER_LATE_BY)
        .order_by(Offer.due_at)
        .limit(MOST_FINDINGS)
    )
    return (
        Late(FindingKind.OFFER_OVERDUE, str(offer_id), f"Proposition de {number} dépassée", f"/cases/{case_id}", at)
        for offer_id, case_id, number, at in rows
        if at is not None
    )


async def _waiting_messages(session: TenantSession, now: datetime) -> Iterator[Late]:
    rows = await session.execute(
        sa.select(Message.id, Message.intervention_id, Message.created_at)
        .where(
            sa.or_(
                sa.and_(Message.state == MessageState.QUEUED, Message.created_at < now - rules.MESSAGE_WAITS_FOR),
                sa.and_(Message.state == MessageState.HELD, Message.held_until < now - rules.HELD_LATE_BY),
            )
        )
        .order_by(Message.created_at)
        .limit(MOST_FINDINGS)
    )
    return (
        Late(
            FindingKind.MESSAGE_WAITING,
            str(message_id),
            "Message écrit et pas encore parti",
            f"/cases/{case_id}" if case_id else "",
            at,
        )
        for message_id, case_id, at in rows
    )


async def cases_of_offers(session: TenantSession, *, offer_ids: Sequence[UUID]) -> Sequence[UUID]:
    found = await session.scalars(sa.select(Offer.intervention_id).where(Offer.id.in_(offer_ids)).distinct())
    return found.all()


async def open_findings(session: TenantSession) -> Sequence[WatchFinding]:
    """Findings whose cause is still there, the oldest first."""
    return (
        await session.scalars(
            sa.select(WatchFinding).where(WatchFinding.gone_at.is_(None)).order_by(WatchFinding.found_at).limit(500)
        )
    ).all()


async def findings(session: TenantSession, *, page: PageRequest) -> Page[WatchFinding]:
    """Every finding, the newest first."""
    wanted = sa.select(WatchFinding).order_by(WatchFinding.found_at.desc(), WatchFinding.id.desc())
    if (last := page.position(read_instant, read_id)) is not None:
        wanted = wanted.where(sa.tuple_(WatchFinding.found_at, WatchFinding.id) < last)
    rows = (await session.scalars(wanted.limit(page.limit + 1))).all()
    return cut_page(rows, page, lambda row: (row.found_at, row.id))


# --------------------------------------------------------------------------------------------- static forward list


async def places(session: TenantSession, *, trades: TradeRegistry, start: datetime, end: datetime) -> tuple[Place, ...]:
    """The sectors of each trade over a period, those of the semester it ends in included."""
    found: dict[tuple[str, UUID], Place] = {}
    semesters = dict.fromkeys(Semester.containing(at) for at in (start, end))
    for trade in trades.codes:
        for semester in semesters:
            for sector in await territory.sectors(session, trade=trade, semester=semester):
                place = Place(sector.id, sector.name, trade, trades.label(trade))
                found.setdefault((trade, sector.id), place)
    return tuple(found.values())


async def watchers(session: TenantSession, *, start: datetime, end: datetime) -> tuple[Watcher, ...]:
    """Who is on call by the published rotas over a period, as `rota.on_call` says it at each instant."""
    rows = await session.execute(
        sa.select(
            OnCallPost.sector_id,
            OnCallPost.trade,
            OnCallPost.rank,
            Technician.first_name + " " + Technician.last_name,
            Technician.phone,
            Duty.starts_at,
            Duty.ends_at,
        )
        .join(OnCallPost, OnCallPost.id == Duty.post_id)
        .join(Technician, Technician.id == Duty.technician_id)
        .where(Duty.live, Duty.superseded_at.is_(None), Duty.starts_at < end, Duty.ends_at > start)
        .order_by(Duty.starts_at)
    )
    return tuple(Watcher(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class ForwardLine:
    """One list in the page of lists."""

    id: UUID
    day: date
    daily: bool
    made_at: datetime
    made_by: str
    starts_at: datetime
    ends_at: datetime
    rows: int


async def forward_lists(session: TenantSession, *, page: PageRequest) -> Page[ForwardLine]:
    """The lists kept, the newest first."""
    wanted = sa.select(
        ForwardList.id,
        ForwardList.day,
        ForwardList.daily,
        ForwardList.made_at,
        ForwardList.made_by,
        ForwardList.starts_at,
        ForwardList.ends_at,
        sa.func.jsonb_array_length(ForwardList.content["rows"]),
    ).order_by(ForwardList.made_at.desc(), ForwardList.id.desc())
    if (last := page.position(read_instant, read_id)) is not None:
        wanted = wanted.where(sa.tuple_(ForwardList.made_at, ForwardList.id) < last)
    rows = [ForwardLine(*row) for row in await session.execute(wanted.limit(page.limit + 1))]
    return cut_page(rows, page, lambda row: (row.made_at, row.id))


async def forward_list(session: TenantSession, *, forward_id: UUID) -> ForwardList:
    """Raises NotFound."""
    found = await session.get(ForwardList, forward_id)
    if found is None:
        raise NotFound
    return found


async def has_daily_list(session: TenantSession, *, day: date) -> bool:
    found = await session.scalar(sa.select(ForwardList.id).where(ForwardList.day == day, ForwardList.daily))
    return found is not None
