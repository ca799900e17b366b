"""The case file, seen from a call: the one module of this domain that talks to interventions."""

from datetime import datetime
from uuid import UUID

import structlog

from maillage_hooks.types import Redirect
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError
from maillage_tenants import interventions
from maillage_tenants.calls.queries import CallRow, LegRow, Step
from maillage_tenants.interventions import NewCase, Source

log = structlog.get_logger(__name__)
SWITCHBOARD = "Standard"


async def open_for_call(session: TenantSession, *, call: CallRow, sector_id: UUID | None, at: datetime) -> UUID:
    """Open the case of a call: T0 is the ring, T1 the moment the switchboard answered (R88). Returns its id."""
    ref = await interventions.open_case(
        session,
        facts=NewCase(
            source=Source.PHONE,
            requested_at=at,
            by=SWITCHBOARD,
            caller_name=call.customer_name or "",
            caller_phone=call.caller,
            address=call.address or "",
            insee=call.insee,
            sector_id=sector_id,
            trade=call.trade,
            call_id=call.id,
            customer_id=call.customer_id,
            site_id=call.site_id,
            subscription_id=call.subscription_id,
            referring_member_id=call.referring_member_id,
            premises_use=call.premises_use,
            over_two_years=call.over_two_years,
            ring_at=call.started_at,
            answered_at=call.answered_at,
        ),
    )
    return ref.id


async def redirect(session: TenantSession, *, case_id: UUID, to: Redirect, at: datetime) -> None:
    """The call is for the emergency services: no dispatch, no clock of a promise (R87)."""
    await interventions.redirect_case(session, case_id=case_id, redirect=to, at=at, by=SWITCHBOARD)


async def accepted(session: TenantSession, *, case_id: UUID, step: Step, leg: LegRow | None, at: datetime) -> None:
    """Somebody pressed the key. An artisan gets the case; the manager or the fallback keeps it to be assigned.

    A case that the office closed or gave to somebody else meanwhile stays as it is: the two people talk anyway.
    """
    if step.technician_id is None or step.member_id is None:
        await add_line(
            session,
            case_id=case_id,
            kind="taken_by_office",
            text=f"Appel pris par {step.display_name} : intervention à attribuer.",
        )
        return
    try:
        await interventions.record_acceptance(
            session,
            case_id=case_id,
            technician_id=step.technician_id,
            member_id=step.member_id,
            duty_id=step.duty_id,
            alerted_at=leg.started_at if leg else None,
            accepted_at=at,
            by=SWITCHBOARD,
        )
    except AppError as exc:
        log.warning("acceptance_not_recorded", case_id=str(case_id), code=exc.code)
        await add_line(
            session,
            case_id=case_id,
            kind="acceptance_refused",
            text=f"{step.display_name} a pris l’appel, mais le dossier n’était plus à prendre : {exc.message}",
        )


async def add_line(session: TenantSession, *, case_id: UUID, kind: str, text: str, by: str = SWITCHBOARD) -> None:
    await interventions.add_event(session, case_id=case_id, kind=kind, text=text, actor=by)
