"""What everybody does and has done, against what is fair (R53, R64)."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from maillage_hooks import TradeRegistry
from maillage_kit.db import TenantSession
from maillage_kit.semester import Semester
from maillage_tenants import members
from maillage_tenants.rota import queries_planning
from maillage_tenants.rota.balance import Tally
from maillage_tenants.rota.models import Rota
from maillage_tenants.rota.service.facts import past_tallies, roster_of, tallies_of


@dataclass(frozen=True, slots=True)
class PersonShare:
    """`engagement`: units owed this semester (R53). `past`: the tally of each semester before, by its code. Both
    hold `LOAD`, by what weighs today (R64)."""

    technician_id: UUID
    name: str
    member_name: str
    engagement: float
    tally: Tally
    past: Mapping[str, Tally]

    def carried(self, category: str) -> float:
        """Units above the fair share over the semesters before, or below when negative."""
        return round(sum(tally.balance(category) for tally in self.past.values()), 2)


@dataclass(frozen=True, slots=True)
class FairnessReport:
    """`people` by name; `semesters`: the codes of the semesters before that were published, the latest first."""

    people: tuple[PersonShare, ...]
    semesters: tuple[str, ...]


async def fairness_report(
    session: TenantSession, *, semester: Semester, rota: Rota | None, trades: TradeRegistry, department: str
) -> FairnessReport:
    """Everybody who owes something this semester or did something in one of those shown."""
    now = (
        await tallies_of(session, semester=semester, trades=trades, department=department, rota_id=rota.id)
        if rota is not None
        else {}
    )
    past = await past_tallies(session, before=semester, trades=trades, department=department)
    points = (await queries_planning.weighed(session)).weights.band
    owed = {
        one.entry.technician_id: one.engagement for one in await roster_of(session, semester=semester, trades=trades)
    }
    concerned = owed.keys() | now.keys() | {person for tallies in past.values() for person in tallies}
    return FairnessReport(
        people=tuple(
            PersonShare(
                technician_id=row.id,
                name=row.name,
                member_name=row.member_name,
                engagement=owed.get(row.id, 0.0),
                tally=now.get(row.id, Tally()).weighed(points),
                past={code: tallies[row.id].weighed(points) for code, tallies in past.items() if row.id in tallies},
            )
            for row in await members.technicians(session, active_only=False)
            if row.id in concerned
        ),
        semesters=tuple(past),
    )
