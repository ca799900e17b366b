"""The monthly statement of an employee's on-call time and its compensation (R63: R3121-2)."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.clock import paris_instant
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.money import Money
from maillage_kit.pdf import on_paper, render_pdf
from maillage_tenants import audit, members
from maillage_tenants.rota import queries_life
from maillage_tenants.rota.models_swaps import OnCallTerms
from maillage_tenants.rota.queries import OwnDuty
from maillage_tenants.rota.rules import Period, local
from maillage_tenants.rota.solver.units import KIND_LABELS, Kind, kind_minutes

MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
NOTICE = (
    "Article R3121-2 du code du travail : document remis chaque mois, à conserver un an. L’astreinte sans intervention "
    "compte comme du repos (L3121-10). Les interventions et leurs trajets sont du travail effectif (L3121-9) : ils "
    "s’ajoutent à ce relevé et se paient à part."
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One employee's month. `minutes` are real ones: the nights of the time changes last an hour less or more."""

    month: date
    duties: tuple[tuple[OwnDuty, Period], ...]
    minutes: int
    by_kind: tuple[tuple[Kind, int], ...]
    pay: Money
    rest_minutes: int
    agreed: bool


def month_of(text: str) -> date:
    """The first day of `2027-03`. Raises Invalid."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as wrong:
        raise Invalid(fields={"month": "Choisissez un mois."}) from wrong


def month_label(month: date) -> str:
    return f"{MONTHS[month.month - 1]} {month.year}"


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
        action="rota.terms_set",
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
    starts_at = paris_instant(month)
    ends_at = min(paris_instant((month + timedelta(days=32)).replace(day=1)), max(clock.now(), starts_at))
    duties, kinds, total = [], Counter[Kind](), timedelta()
    if ends_at > starts_at:
        over = Period(starts_at, ends_at)
        for duty in await queries_life.duties_within(session, technician_id=technician_id, over=over, limit=500):
            part = Period(max(duty.starts_at, starts_at), min(duty.ends_at, ends_at))
            duties.append((duty, part))
            total += part.ends_at - part.starts_at
            kinds.update(kind_minutes(part, cooperative.department))
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
    )


async def statement_pdf(
    session: TenantSession, *, technician_id: UUID, month: date, cooperative: CooperativeContext, trades: Any, by: str
) -> bytes:
    """The statement on paper (PDF/A), written in the audit log. Raises as `statement`."""
    made = await statement(session, technician_id=technician_id, month=month, cooperative=cooperative)
    person = await members.get_technician(session, technician_id=technician_id)
    member = await members.get_member(session, member_id=person.member_id)
    await audit.record(
        session,
        actor=by,
        action="rota.statement_printed",
        subject_type="technician",
        subject_id=technician_id,
        detail={"month": month_label(month), "minutes": made.minutes},
    )
    data = {
        "title": f"Relevé d’astreintes, {month_label(month)}",
        "author": member.name,
        "footer": [f"{member.name}, {member.address}, {member.postcode} {member.city}, SIRET {member.siret}"],
        "employer": [member.name, member.address, f"{member.postcode} {member.city}", f"SIRET {member.siret}"],
        "employee": [f"{person.first_name} {person.last_name}"],
        "totals": [["Heures d’astreinte", hours(made.minutes)], ["Compensation", compensation(made)]],
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
        "notice": NOTICE,
    }
    return await render_pdf(on_paper("maillage_tenants.rota", "statement"), data, at=clock.now())


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
