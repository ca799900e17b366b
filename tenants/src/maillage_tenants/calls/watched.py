"""Watch calls: our own calls to the single number, which prove that it rings.

They meet the same menu and the same ladder as a caller, but only the test artisan is rung, no case is opened, nobody is
written to or owed a call, nothing is counted. Who places them says beforehand that one is expected; a call from the
same number at any other time is a call like any other, so showing that number gives nobody a way to be silenced.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.db import TenantBase, TenantSession
from maillage_kit.settings import TelephonySettings
from maillage_tenants.calls.models import (
    Call,
    Callback,
    CallEvent,
    CallLeg,
    CallState,
    LadderStep,
    LegState,
    WatchCall,
)
from maillage_tenants.dispatch import Candidate, StepKind
from maillage_tenants.interventions.models import Intervention
from maillage_tenants.messages.models import Message
from maillage_tenants.recordings.models import CallHold, CallRecording

NOT_RUNG = "Appel d’essai : personne d’autre que l’artisan d’essai n’est appelé."
TEST_ARTISAN = "Artisan d’essai"


async def expect_watch_call(session: TenantSession, *, watch_id: UUID, caller: str, until: datetime) -> None:
    """From now to `until`, a call from `caller` (E.164) is the watch call `watch_id`. Commit before it is placed."""
    session.add(WatchCall(id=watch_id, caller=caller, expected_from=clock.now(), expected_until=until))
    await session.flush()


async def expected(session: TenantSession, *, caller: str | None, at: datetime) -> UUID | None:
    """The watch call that a call from this number at that instant is, None for a call like any other."""
    if caller is None:
        return None
    found: UUID | None = await session.scalar(
        sa.select(WatchCall.id)
        .where(WatchCall.caller == caller, WatchCall.expected_from <= at, WatchCall.expected_until > at)
        .order_by(WatchCall.expected_from.desc())
        .limit(1)
    )
    return found


def only_the_test_artisan(candidates: Sequence[Candidate], *, telephony: TelephonySettings) -> tuple[Candidate, ...]:
    """The ladder that a caller would have met, everybody left out of it, then the test artisan."""
    left_out = (dataclasses.replace(found, skipped=found.skipped or NOT_RUNG) for found in candidates)
    return (
        *left_out,
        Candidate(
            position=len(candidates),
            kind=StepKind.RANK1,
            phone=telephony.watch.artisan_number or "",
            display_name=TEST_ARTISAN,
            ring_seconds=telephony.ring_seconds,
            reason="Appel d’essai : la ligne qui appuie sur 1 toute seule",
        ),
    )


MOST_FORGOTTEN = 200
OWN_EVENTS = ("watch_ringing", "watch_answered", "watch_ended")
"""What our voice tells of the end that places the call: of no call on record."""


async def forget_watch_calls(session: TenantSession, *, before: datetime) -> int:
    """Erase the watch calls expected until before that instant, with all that was told of them; two hundred at most,
    so that a sweep stays short. How many. One that something else refers to is kept: it was somebody's after all."""
    referred = (Callback.call_id, CallRecording.call_id, CallHold.call_id, Intervention.call_id, Message.call_id)
    found = await session.scalars(
        sa.select(WatchCall.id)
        .where(
            WatchCall.expected_until < before,
            ~sa.exists().where(
                Call.watch_id == WatchCall.id,
                sa.or_(
                    Call.intervention_id.is_not(None), *(sa.exists().where(column == Call.id) for column in referred)
                ),
            ),
        )
        .order_by(WatchCall.expected_until)
        .limit(MOST_FORGOTTEN)
    )
    gone = found.all()
    if gone:
        its = sa.select(Call.id).where(Call.watch_id.in_(gone))
        for table in (CallEvent, CallLeg, LadderStep):
            await session.execute(_delete(table).where(table.call_id.in_(its)))
        await session.execute(_delete(Call).where(Call.watch_id.in_(gone)))
        await session.execute(_delete(WatchCall).where(WatchCall.id.in_(gone)))
    await session.execute(
        _delete(CallEvent).where(
            CallEvent.call_id.is_(None), CallEvent.kind.in_(OWN_EVENTS), CallEvent.received_at < before
        )
    )
    return len(gone)


def _delete(table: type[TenantBase]) -> sa.Delete:
    return sa.delete(table).execution_options(synchronize_session=False)


@dataclass(frozen=True, slots=True)
class WatchProgress:
    """How far a watch call went. `located`: the keys typed led to a sector."""

    call_id: UUID
    located: bool
    routing_note: str
    ended: bool
    arrived_at: datetime
    rang_at: datetime | None
    answered_at: datetime | None
    accepted_at: datetime | None
    ended_at: datetime | None
    leg_state: LegState | None


async def watch_progress(session: TenantSession, *, watch_id: UUID) -> WatchProgress | None:
    """The first call that came for a watch call, None while none has."""
    row = (
        await session.execute(
            sa.select(
                Call.id,
                Call.sector_id,
                Call.routing_note,
                Call.state,
                Call.started_at,
                CallLeg.started_at,
                CallLeg.answered_at,
                CallLeg.accepted_at,
                Call.ended_at,
                CallLeg.state,
            )
            .outerjoin(CallLeg, CallLeg.call_id == Call.id)
            .where(Call.watch_id == watch_id)
            .order_by(CallLeg.accepted_at.nulls_last(), Call.started_at, CallLeg.position)
            .limit(1)
        )
    ).one_or_none()
    if row is None:
        return None
    call_id, sector_id, note, state, arrived, rang, answered, accepted, ended, leg = row
    return WatchProgress(
        call_id=call_id,
        located=sector_id is not None,
        routing_note=note,
        ended=state == CallState.ENDED,
        arrived_at=arrived,
        rang_at=rang,
        answered_at=answered,
        accepted_at=accepted,
        ended_at=ended,
        leg_state=LegState(leg) if leg else None,
    )
