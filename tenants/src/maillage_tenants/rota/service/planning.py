"""What a semester is planned from: patterns, wishes and preferences, the cooperative's rules, school holidays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from uuid import UUID

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.semester import Semester
from maillage_tenants import audit, members, territory
from maillage_tenants.rota import queries_planning
from maillage_tenants.rota.errors import NotADraft
from maillage_tenants.rota.models import RotaState
from maillage_tenants.rota.models_planning import (
    DutyPreference,
    DutyWish,
    PatternCode,
    RotaPolicy,
    SchoolBreak,
    ShiftPattern,
)
from maillage_tenants.rota.patterns import pattern
from maillage_tenants.rota.queries import get_rota
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.school_calendar import ZONE_LABELS, known_holidays, zone_of


@dataclass(frozen=True, slots=True)
class SchoolHolidays:
    """Both days included. `id`: of what the office added, None for the calendar of the zone."""

    label: str
    first: date
    last: date
    id: UUID | None = None


_LIMITS: Mapping[str, tuple[int, int, str]] = {
    "promised_minutes": (15, 240, "Entre 15 et 240 minutes."),
    "max_weeks_running": (0, 10, "Entre 0 et 10 semaines."),
    "max_units_a_week": (0, 10, "Entre 0 et 10 astreintes."),
    "rest_hours": (0, 48, "Entre 0 et 48 heures."),
    "employee_rest_hours": (11, 48, "Au moins 11 heures : c’est la loi (R63)."),
    "employee_weekly_rest_hours": (35, 72, "Au moins 35 heures : c’est la loi (R63)."),
}


async def set_pattern(
    session: TenantSession,
    *,
    sector_id: UUID,
    code: str,
    handover_weekday: int,
    handover_at: time | None,
    day_starts: time | None,
    holidays_apart: bool,
    by: str,
) -> None:
    """Choose how a sector cuts its weeks, for the drafts to come; what is published stays. Raises NotFound for a sector
    that is not there, Invalid for an hour that is none or a pattern that does not cover a week exactly."""
    await require_sector(session, sector_id=sector_id)
    if code not in set(PatternCode) or not 0 <= handover_weekday <= 6:
        raise Invalid(fields={"code": "Choisissez un découpage."})
    if handover_at is None or day_starts is None:
        raise Invalid(fields={"handover_at" if handover_at is None else "day_starts": "Indiquez une heure."})
    try:
        if code != PatternCode.WHOLE_WEEKS and day_starts >= handover_at:
            raise ValueError
        pattern(code, handover_weekday=handover_weekday, handover_at=handover_at, day_starts=day_starts)
    except ValueError as wrong:
        raise Invalid(fields={"day_starts": "Le matin commence avant la relève du soir."}) from wrong
    await session.merge(
        ShiftPattern(
            sector_id=sector_id,
            code=code,
            handover_weekday=handover_weekday,
            handover_at=handover_at,
            day_starts=day_starts,
            holidays_apart=holidays_apart,
            changed_at=clock.now(),
            changed_by=by,
        )
    )
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="rota.pattern_set",
        subject_type="sector",
        subject_id=sector_id,
        detail={"code": code, "handover": f"{handover_weekday} {handover_at}", "day_starts": str(day_starts)},
    )


async def require_sector(session: TenantSession, *, sector_id: UUID) -> None:
    """Raises NotFound."""
    if sector_id not in {sector.id for sector in await territory.all_sectors(session)}:
        raise NotFound("Ce secteur n’existe pas.")


async def set_policy(session: TenantSession, *, school_zone: str, figures: Mapping[str, int | None], by: str) -> None:
    """Decide the rules of the rotas to come. A zone brings its calendar (R101).

    Raises Invalid, field by field: the law's minima for employees cannot be lowered (R63).
    """
    wrong = {
        name: message
        for name, (least, most, message) in _LIMITS.items()
        if (value := figures.get(name)) is None or not least <= value <= most
    }
    if school_zone not in ZONE_LABELS:
        wrong["school_zone"] = "Choisissez une zone."
    if wrong:
        raise Invalid(fields=wrong)
    values = {name: figures[name] for name in _LIMITS}
    await session.merge(RotaPolicy(id=1, school_zone=school_zone, **values, changed_at=clock.now(), changed_by=by))
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="rota.policy_set",
        subject_type="rota_policy",
        subject_id=1,
        detail={"school_zone": school_zone, **values},
    )


async def school_holidays(
    session: TenantSession, *, department: str, semester: Semester | None = None
) -> tuple[SchoolHolidays, ...]:
    """What counts as school holidays for a cooperative, in order: the calendar of its zone, which follows from its
    département as long as nothing else was decided, and what the office added (R101). Those that touch a semester when
    one is given."""
    policy = await queries_planning.policy(session)
    zone = zone_of(department) if policy.school_zone is None else policy.school_zone
    found = [SchoolHolidays(one.label, one.first, one.last) for one in known_holidays(zone)]
    found += [
        SchoolHolidays(row.label, row.first_day, row.last_day, row.id)
        for row in await queries_planning.school_breaks(session)
    ]
    return tuple(
        sorted(
            (
                one
                for one in found
                if semester is None or (one.first < semester.next.first_day and one.last >= semester.first_day)
            ),
            key=lambda one: (one.first, one.last, one.label),
        )
    )


async def add_break(session: TenantSession, *, label: str, first_day: date, last_day: date, by: str) -> None:
    """School holidays that the calendar of the zone does not know, both days included (R101). Raises Invalid."""
    if not label.strip():
        raise Invalid(fields={"label": "Donnez un nom : Toussaint, Noël…"})
    if last_day < first_day:
        raise Invalid(fields={"last_day": "La fin est avant le début."})
    added = SchoolBreak(label=label.strip(), first_day=first_day, last_day=last_day)
    session.add(added)
    await session.flush()
    await _record_break(session, added, "rota.school_break_added", by)


async def remove_break(session: TenantSession, *, break_id: UUID, by: str) -> None:
    """Raises NotFound."""
    found = await session.get(SchoolBreak, break_id)
    if found is None:
        raise NotFound("Ces vacances ne sont pas notées.")
    await session.delete(found)
    await session.flush()
    await _record_break(session, found, "rota.school_break_removed", by)


async def _record_break(session: TenantSession, row: SchoolBreak, action: str, by: str) -> None:
    await audit.record(
        session,
        actor=by,
        action=action,
        subject_type="school_break",
        subject_id=row.id,
        detail={"label": row.label, "first_day": row.first_day, "last_day": row.last_day},
    )


async def add_wish(
    session: TenantSession, *, technician_id: UUID, period: Period, wanted: bool, weight: int, by: str
) -> DutyWish:
    """A time somebody would like, or would rather not, be on call (R64): it weighs on drafts to come, it decides
    nothing. Raises UnknownTechnician, Invalid."""
    await members.get_technician(session, technician_id=technician_id)
    if period.ends_at <= period.starts_at:
        raise Invalid(fields={"last_day": "La fin est avant le début."})
    if period.ends_at <= clock.now():
        raise Invalid(fields={"first_day": "Cette période est passée."})
    if not 1 <= weight <= 3:
        raise Invalid(fields={"weight": "Choisissez l’importance."})
    wish = DutyWish(
        technician_id=technician_id,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        wanted=wanted,
        weight=weight,
        recorded_by=by,
    )
    session.add(wish)
    await session.flush()
    return wish


async def remove_wish(session: TenantSession, *, wish_id: UUID, technician_id: UUID | None = None) -> None:
    """With `technician_id`, only that person's own. Raises NotFound."""
    wish = await session.get(DutyWish, wish_id)
    if wish is None or technician_id not in (None, wish.technician_id):
        raise NotFound("Ce souhait n’existe pas.")
    await session.delete(wish)
    await session.flush()


async def set_preference(
    session: TenantSession, *, technician_id: UUID, spare_school_holidays: int, by: str, backup_only: bool | None = None
) -> None:
    """How unwelcome school holidays are (R101); `backup_only`, which the office decides, stays as it was when None.

    Raises UnknownTechnician, Invalid.
    """
    await members.get_technician(session, technician_id=technician_id)
    if not 0 <= spare_school_holidays <= 3:
        raise Invalid(fields={"spare_school_holidays": "Choisissez l’importance."})
    before = (await queries_planning.preferences(session, technician_ids=[technician_id])).get(technician_id)
    kept = before.backup_only if before is not None else False
    await session.merge(
        DutyPreference(
            technician_id=technician_id,
            backup_only=kept if backup_only is None else backup_only,
            spare_school_holidays=spare_school_holidays,
            changed_at=clock.now(),
            changed_by=by,
        )
    )
    await session.flush()


async def discard_draft(session: TenantSession, *, rota_id: UUID, by: str) -> None:
    """Put a draft aside: it is kept, and no longer shown. Raises UnknownRota, NotADraft."""
    rota = await get_rota(session, rota_id=rota_id, lock=True)
    if rota.state != RotaState.DRAFT:
        raise NotADraft
    rota.state = RotaState.ABANDONED
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="rota.discarded",
        subject_type="rota",
        subject_id=rota_id,
        detail={"semester": rota.semester},
    )
