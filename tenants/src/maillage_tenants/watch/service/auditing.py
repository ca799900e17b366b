"""The audit of one cooperative: what should have ended and has not, and whether watch calls still succeed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock, outside
from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.ids import new_id
from maillage_kit.phone import is_mobile
from maillage_kit.settings import Settings
from maillage_tenants import alarms, messages
from maillage_tenants.calls.models import Call, CallLeg, CallState, LegState
from maillage_tenants.messages import Urgency
from maillage_tenants.watch import queries, rules
from maillage_tenants.watch.events import FindingsChanged
from maillage_tenants.watch.models import FindingKind, WatchAudit, WatchFinding
from maillage_tenants.watch.queries import Late
from maillage_tenants.watch.service.running import ensure_setting

AUDITOR = "Contrôle"
SILENCE = "watch:silence"
TITLES = {
    FindingKind.CALL_WITHOUT_END: "Appels dont la fin n’est pas venue",
    FindingKind.OFFER_OVERDUE: "Propositions d’intervention dépassées",
    FindingKind.LEG_WITHOUT_EVENT: "Sonneries sans nouvelle de l’opérateur",
    FindingKind.MESSAGE_WAITING: "Messages écrits et pas encore partis",
    FindingKind.TASK_LATE: "Tâches de fond en retard",
}


@dataclass(frozen=True, slots=True)
class LateTask:
    """A background task of this cooperative that should have run; only the control plane sees the queue."""

    name: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """What one audit found. `old`: findings that have stayed too long; `silent`: watch calls have failed too long."""

    findings: int
    old: int
    silent: bool

    @property
    def on_time(self) -> bool:
        return not self.old and not self.silent


async def audit(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    settings: Settings,
    late_tasks: Sequence[LateTask] = (),
) -> Report:
    """Look over one cooperative: write new findings, close those that are gone, repair what is safe to repair, raise
    one alarm per kind, and tell by a second channel when watch calls have been failing. Running it twice is harmless.
    """
    now = clock.now()
    late = [*await queries.late_things(session, now=now), *_late_tasks(late_tasks)]
    still = await _keep_findings(session, late=late, now=now)
    await _repair(session, late=late, now=now)
    for kind in FindingKind:
        await _tell(session, kind, [finding for finding in still if finding.kind == kind])
    silent = await _look_for_silence(session, cooperative=cooperative, settings=settings, now=now)
    before = await session.get(WatchAudit, 1)
    changed = (before.findings if before else 0) != len(still)
    values = {"audited_at": now, "findings": len(still)}
    await session.execute(
        insert(WatchAudit).values(id=1, **values).on_conflict_do_update(index_elements=[WatchAudit.id], set_=values)
    )
    if changed:
        await outside.publish(session, FindingsChanged(open=len(still)), occurred_at=now)
        await outside.notify(session, "watch")
    return Report(
        findings=len(still),
        old=sum(finding.found_at < now - rules.OLD_AFTER for finding in still),
        silent=silent,
    )


def _late_tasks(late: Sequence[LateTask]) -> list[Late]:
    """One finding for each kind of task, since its oldest."""
    oldest: dict[str, datetime] = {}
    for task in late:
        oldest[task.name] = min(task.since, oldest.get(task.name, task.since))
    waiting = Counter(task.name for task in late)
    return [
        Late(FindingKind.TASK_LATE, name, f"« {name} » en attente ({waiting[name]})", "", since)
        for name, since in oldest.items()
    ]


async def _keep_findings(session: TenantSession, *, late: Sequence[Late], now: datetime) -> Sequence[WatchFinding]:
    found = {(thing.kind.value, thing.subject): thing for thing in late}
    for finding in await queries.open_findings(session):
        if (finding.kind, finding.subject) not in found:
            finding.gone_at = now
    await session.flush()
    for thing in found.values():
        await session.execute(
            insert(WatchFinding)
            .values(
                id=new_id(),
                kind=thing.kind,
                subject=thing.subject,
                label=thing.label,
                link=thing.link,
                since=thing.since,
                found_at=now,
            )
            .on_conflict_do_nothing(
                index_elements=[WatchFinding.kind, WatchFinding.subject], index_where=WatchFinding.gone_at.is_(None)
            )
        )
    return await queries.open_findings(session)


async def _repair(session: TenantSession, *, late: Sequence[Late], now: datetime) -> None:
    """Only what cannot hurt: a line of a call that has ended rings no more; an overdue offer is looked at again. A call
    without an end is closed by its own sweep, with the callback it owes."""
    legs = [UUID(thing.subject) for thing in late if thing.kind is FindingKind.LEG_WITHOUT_EVENT]
    if legs:
        await session.execute(
            sa.update(CallLeg)
            .where(
                CallLeg.id.in_(legs),
                CallLeg.state.in_((LegState.RINGING, LegState.ANSWERED)),
                sa.exists().where(
                    Call.id == CallLeg.call_id,
                    Call.state == CallState.ENDED,
                    Call.ended_at < now - rules.LEG_LET_GO_AFTER,
                ),
            )
            .values(state=LegState.CANCELLED, ended_at=now)
            .execution_options(synchronize_session=False)
        )
    offers = [UUID(thing.subject) for thing in late if thing.kind is FindingKind.OFFER_OVERDUE]
    for case_id in await queries.cases_of_offers(session, offer_ids=offers) if offers else ():
        await outside.defer(
            session, "interventions.look_at_offers", {"case_id": case_id}, unique=f"watch:offers:{case_id}"
        )


async def _tell(session: TenantSession, kind: FindingKind, open_: Sequence[WatchFinding]) -> None:
    key = f"watch:{kind}"
    if not open_:
        await alarms.resolve_alarm(session, dedupe_key=key, by=AUDITOR)
        return
    first = min(open_, key=lambda finding: finding.since)
    count = f"{len(open_)} en ce moment, " if len(open_) > 1 else ""
    await alarms.raise_alarm(
        session,
        kind="watch_finding",
        severity=alarms.Severity.WARNING,
        title=TITLES[kind],
        detail=f"{count}le premier depuis le {paris(first.since):%d/%m à %H:%M}.",
        dedupe_key=key,
        link="/watch/findings",
    )


async def _look_for_silence(
    session: TenantSession, *, cooperative: CooperativeContext, settings: Settings, now: datetime
) -> bool:
    """Watch calls have failed for two periods: one alarm, and one text message and e-mail to people outside this
    screen. Over as soon as one succeeds."""
    if settings.telephony.watch.is_set:
        await ensure_setting(session)
    state = await queries.standing(session, settings=settings, at=now)
    if state.silent_since is None:
        await alarms.resolve_alarm(session, dedupe_key=SILENCE, by=AUDITOR)
        return False
    since = f"{paris(state.silent_since):%d/%m à %H:%M}"
    known = "Dernier appel d’essai réussi" if state.last_success_at == state.silent_since else "Aucun n’a réussi depuis"
    detail = f"{known} : {since}. Appelez le numéro vous-même et prévenez la fédération."
    new = await alarms.raise_alarm(
        session,
        kind="watch_silence",
        severity=alarms.Severity.CRITICAL,
        title="Les appels d’essai n’aboutissent plus : le numéro ne répond peut-être plus",
        detail=detail,
        dedupe_key=SILENCE,
        link="/watch",
    )
    if new:
        await _tell_outside(session, cooperative=cooperative, since=state.silent_since, detail=detail)
    return True


async def _tell_outside(
    session: TenantSession, *, cooperative: CooperativeContext, since: datetime, detail: str
) -> None:
    words = f"Les appels d’essai au numéro unique n’aboutissent plus. {detail}"
    key = f"watch:silence:{since.isoformat()}"
    for phone in dict.fromkeys((cooperative.manager_phone, cooperative.fallback_phone)):
        if is_mobile(phone):
            await messages.send_sms(
                session,
                to=phone,
                body=words,
                purpose="watch_silence",
                dedupe_key=f"{key}:{phone}",
                urgency=Urgency.EMERGENCY,
            )
    await messages.send_email(
        session,
        to=cooperative.email,
        subject=f"{cooperative.name} : le numéro unique ne répond peut-être plus",
        body=f"{words}\n\nLa page « Veille » de Maillage dit à quelle étape chaque appel d’essai s’est arrêté.",
        purpose="watch_silence",
        dedupe_key=f"{key}:email",
        urgency=Urgency.EMERGENCY,
    )
