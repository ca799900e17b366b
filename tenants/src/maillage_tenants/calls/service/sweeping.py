"""Closing calls whose end was never told: the carrier's last callback was lost, or came while we were down."""

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_tenants import alarms
from maillage_tenants.calls import queries, rules
from maillage_tenants.calls.models import CallOutcome, CallState
from maillage_tenants.calls.record import OpenCall, Station, write_changes
from maillage_tenants.calls.service import ending


async def close_stuck(session: TenantSession, *, station: Station) -> int:
    """End calls open for longer than a call can last; each is owed a callback, with an alarm. Returns how many.

    A menu nobody finished is an abandoned call, a ladder nobody answered a missed one; a conversation is left alone
    for as long as a carrier lets one last.
    """
    now = clock.now()
    stuck = await queries.stuck_calls(
        session, started_before=now - rules.STUCK_AFTER, connected_before=now - rules.LONGEST_TALK
    )
    for row in stuck:
        call = OpenCall(row)
        if call.state is CallState.CONNECTED:
            await ending.finish_accepted(session, call=call)
        elif call.state is CallState.RINGING:
            await ending.cancel_running_leg(session, call=call)
            await ending.missed(session, call=call, station=station)
        else:
            await ending.owe_callback(
                session,
                call=call,
                severity=alarms.Severity.WARNING,
                title="Appel resté sans suite au menu : à rappeler",
            )
            await ending.finish(session, call=call, outcome=CallOutcome.ABANDONED)
        await write_changes(session, call=call)
    return len(stuck)
