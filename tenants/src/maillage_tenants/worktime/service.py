"""The monthly statement of an employee: time on call and its compensation, time at work meanwhile (R63: R3121-2)."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris_instant
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.money import Money
from maillage_kit.pdf import on_paper, render_pdf
from maillage_tenants import audit, interventions, members, rota
from maillage_tenants.interventions import Outing
from maillage_tenants.rota import KIND_LABELS, Kind, OwnDuty, Period, kind_minutes, local
from maillage_tenants.worktime import queries, rules
from maillage_tenants.worktime.models import OnCallTerms
from maillage_tenants.worktime.rules import Worked

MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
NOTICE = (
    "Article R3121-2 du code du travail : document remis chaque mois, à conserver un an. L’astreinte sans intervention "
    "compte comme du repos (L3121-10). Les interventions et leurs trajets sont du travail effectif (L3121-9), payé "
    "comme tel, en plus de la compensation. Le temps est compté du départ déclaré à la fin sur place, toute minute "
    "commencée comprise : le trajet de retour s’y ajoute. Les pauses notées au dossier (occupant absent, pièce "
    "attendue…) sont données à part : l’attente sur place est aussi du travail."
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One employee's month. `minutes` on call are real ones: the nights of the time changes last an hour less or more.
    `worked`: outings that began on call; `days`: minutes at work by day of Paris."""

    month: date
    duties: tuple[tuple[OwnDuty, Period], ...]
    minutes: int
    by_kind: tuple[tuple[Kind, int], ...]
    pay: Money
    rest_minutes: int
    agreed: bool
    worked: tuple[Worked, ...]
    days: tuple[tuple[date, int], ...]

    @property
    def work_minutes(self) -> int:
        return sum(minutes for _, minutes in self.days)


def month_of(text: str) -> date:
    """The first day of `2027-03`. Raises Invalid."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as wrong:
        raise Invalid(fields={"month": "Choisissez un mois."}) from wrong


def month_label(month: date) -> str:
    return f"{MONTHS[month.month - 1]} {month.year}"


def month_so_far(month: date) -> Period:
    """A month of Paris, until now when it is not over; one to come is empty."""
    starts_at, now = paris_instant(month), clock.now()
    return Period(starts_at, min(paris_instant((month + timedelta(days=32)).replace(day=1)), max(now, starts_at)))


def month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


async def set_terms(
    session: TenantSession, *, member_id: UUID, hourly: Money, rest_minutes_a_day: int, by: str
) -> None:
    """How a business compensates on-call time. Raises UnknownMember, Invalid."""
    await members.get_member(session, member_id=member_id)
    if not 0 <= rest_minutes_a_day <= 1440 or hourly.cents < 0:
        raise Invalid(fields={"rest": "De 0 à 1440 minutes."})
    values = {"hourly": hourly, "rest_minutes_a_day": rest_minutes_a_day, "changed_at": clock.now(), "changed_by": by}
    await session.execute(
        insert(OnCallTerms)
        .values(member_id=member_id, **values)
        .on_conflict_do_update(index_elements=[OnCallTerms.member_id], set_=values)
    )
    await audit.record(
        session,
        actor=by,
        action="worktime.terms_set",
        subject_type="member",
        subject_id=member_id,
        detail={"hourly": hourly, "rest_minutes_a_day": rest_minutes_a_day},
    )


async def statement(
    session: TenantSession, *, technician_id: UUID, month: date, cooperative: CooperativeContext
) -> Statement:
    """What was held in a month of Paris, until now when it is not over. Raises UnknownTechnician, NotFound when the
    person is nobody's employee."""
    person = await members.get_technician(session, technician_id=technician_id)
    if not person.employed:
        raise NotFound("Ce relevé concerne les salariés.")
    over = month_so_far(month)
    duties, kinds, total = [], Counter[Kind](), timedelta()
    for duty in await rota.duties_within(session, technician_id=technician_id, over=over, limit=500):
        part = Period(max(duty.starts_at, over.starts_at), min(duty.ends_at, over.ends_at))
        duties.append((duty, part))
        total += part.ends_at - part.starts_at
        kinds.update(kind_minutes(part, cooperative.department))
    worked = (await worked_by(session, technician_ids=[technician_id], over=over))[technician_id]
    minutes = total // timedelta(minutes=1)
    terms = await session.get(OnCallTerms, person.member_id)
    return Statement(
        month,
        tuple(duties),
        minutes,
        tuple((kind, kinds[kind]) for kind in Kind if kinds[kind]),
        terms.hourly.times(Decimal(minutes) / 60) if terms else Money(0),
        terms.rest_minutes_a_day * minutes // 1440 if terms else 0,
        terms is not None,
        worked,
        rules.by_day(worked),
    )


async def worked_by(
    session: TenantSession, *, technician_ids: Collection[UUID], over: Period
) -> Mapping[UUID, tuple[Worked, ...]]:
    """Time at work while on call, by person (R63: L3121-9), from the clocks of the cases."""
    outings: dict[UUID, list[Outing]] = {technician_id: [] for technician_id in technician_ids}
    if technician_ids:
        for outing in await interventions.outings(
            session, technician_ids=technician_ids, since=over.starts_at, until=over.ends_at
        ):
            outings[outing.technician_id].append(outing)
    held = await queries.held_by(session, technician_ids=technician_ids, over=over)
    now = clock.now()
    return {
        technician_id: rules.worked_on_call(own, held[technician_id], over, now=now)
        for technician_id, own in outings.items()
    }


async def statement_pdf(
    session: TenantSession,
    *,
    technician_id: UUID,
    month: date,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    by: str,
) -> bytes:
    """The statement on paper (PDF/A), written in the audit log. Raises as `statement`."""
    made = await statement(session, technician_id=technician_id, month=month, cooperative=cooperative)
    person = await members.get_technician(session, technician_id=technician_id)
    member = await members.get_member(session, member_id=person.member_id)
    await audit.record(
        session,
        actor=by,
        action="worktime.statement_printed",
        subject_type="technician",
        subject_id=technician_id,
        detail={"month": month_label(month), "minutes": made.minutes, "work_minutes": made.work_minutes},
    )
    data = {
        "title": f"Relevé d’astreintes, {month_label(month)}",
        "author": member.name,
        "footer": [f"{member.name}, {member.address}, {member.postcode} {member.city}, SIRET {member.siret}"],
        "employer": [member.name, member.address, f"{member.postcode} {member.city}", f"SIRET {member.siret}"],
        "employee": [f"{person.first_name} {person.last_name}"],
        "totals": [
            ["Heures d’astreinte", hours(made.minutes)],
            ["Compensation", compensation(made)],
            ["Travail effectif pendant l’astreinte", hours(made.work_minutes)],
        ],
        "duties": [
            [
                local(part.starts_at),
                local(part.ends_at),
                f"{duty.sector_name}, {trades.label(duty.trade).lower()}, rang {duty.rank}",
                hours(int((part.ends_at - part.starts_at) / timedelta(minutes=1))),
            ]
            for duty, part in made.duties
        ],
        "kinds": [[KIND_LABELS[kind].capitalize(), hours(minutes)] for kind, minutes in made.by_kind],
        "outings": [_outing(one, trades) for one in made.worked],
        "work": hours(made.work_minutes),
        "days": [[f"{day:%d/%m/%Y}", hours(minutes)] for day, minutes in made.days],
        "notice": NOTICE,
    }
    return await render_pdf(on_paper("maillage_tenants.worktime", "statement"), data, at=clock.now())


def _outing(one: Worked, trades: TradeRegistry) -> list[str]:
    """A line of the table: from, to, which case, pauses, time at work."""
    remarks = [trades.label(one.trade).lower()] if one.trade and one.trade in trades else []
    remarks += [] if one.said else ["départ non déclaré : compté dès l’arrivée"]
    remarks += ["en cours"] if one.running else []
    return [
        local(one.periods[0].starts_at) if one.periods else "",
        local(one.periods[-1].ends_at) if one.periods else "",
        ", ".join([one.number, *remarks]),
        hours(one.paused) if one.paused else "",
        hours(one.minutes),
    ]


def hours(minutes: int) -> str:
    """`168 h`, `12 h 30`."""
    whole, rest = divmod(minutes, 60)
    return f"{whole} h {rest:02d}" if rest else f"{whole} h"


def compensation(made: Statement) -> str:
    """What it comes to, in French."""
    if not made.agreed:
        return "à préciser par l’employeur"
    parts = [str(made.pay)] if made.pay else []
    parts += [f"{hours(made.rest_minutes)} de repos"] if made.rest_minutes else []
    return " et ".join(parts) or "aucune"
