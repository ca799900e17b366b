"""The office changes a published rota: with a reason always, with the person's agreement from 15 days before (R63)."""

from uuid import UUID

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_tenants import members
from maillage_tenants.rota import checks, queries
from maillage_tenants.rota.errors import AgreementRequired, NoticeTooShort, ReasonRequired
from maillage_tenants.rota.models import Duty, RotaState
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.service.changing import change_duty, fill_gap
from maillage_tenants.rota.service.swapping import ask_for_change

ASK = "ask"
GIVEN = "given"


async def change_by_office(
    session: TenantSession,
    *,
    duty_id: UUID,
    technician_id: UUID,
    by: str,
    reason: str = "",
    over: Period | None = None,
    agreement: str = "",
) -> Duty | None:
    """Replace somebody. From 15 days before the duty, `agreement` is `ask` (the person answers from the phone, nothing
    changes before: None) or `given` by word of mouth, which the history keeps with the reason. Earlier, or in a draft,
    it is not looked at.

    Raises as `change_duty`, and AgreementRequired; NoticeTooShort for an employee with less than one clear day.
    """
    duty = await queries.duty(session, duty_id=duty_id)
    rota = await queries.get_rota(session, rota_id=duty.rota_id)
    starts_at = (over or duty.period).starts_at
    if rota.state == RotaState.DRAFT or not checks.locked(starts_at, now=clock.now()):
        return await change_duty(session, duty_id=duty_id, technician_id=technician_id, by=by, reason=reason, over=over)
    if not reason.strip():
        raise ReasonRequired
    await _require_notice(session, technician_id=technician_id, period=over or duty.period)
    if agreement == ASK:
        await ask_for_change(session, duty_id=duty_id, technician_id=technician_id, by=by, reason=reason, over=over)
        return None
    if agreement != GIVEN:
        raise AgreementRequired
    return await change_duty(
        session, duty_id=duty_id, technician_id=technician_id, by=by, reason=_agreed(reason, by), over=over
    )


async def fill_by_office(
    session: TenantSession,
    *,
    rota_id: UUID,
    post_id: int,
    technician_id: UUID,
    period: Period,
    by: str,
    reason: str = "",
    agreed: bool = False,
) -> Duty:
    """Close a hole; from 15 days before, with somebody who has agreed. Raises as `fill_gap` and `change_by_office`."""
    rota = await queries.get_rota(session, rota_id=rota_id)
    if rota.state != RotaState.DRAFT and checks.locked(period.starts_at, now=clock.now()):
        if not reason.strip():
            raise ReasonRequired
        await _require_notice(session, technician_id=technician_id, period=period)
        if not agreed:
            raise AgreementRequired
        reason = _agreed(reason, by)
    return await fill_gap(
        session,
        rota_id=rota_id,
        post_id=post_id,
        technician_id=technician_id,
        period=period,
        by=by,
        reason=reason,
    )


async def _require_notice(session: TenantSession, *, technician_id: UUID, period: Period) -> None:
    person = await members.get_technician(session, technician_id=technician_id)
    if person.employed and checks.too_late_for_employee(period.starts_at, now=clock.now()):
        raise NoticeTooShort


def _agreed(reason: str, by: str) -> str:
    return f"{reason.strip()} (accord donné de vive voix à {by})"
