"""A semester is solved in the background, explained, compared, published and repaired: through HTTP and the worker."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import httpx
import pytest

from maillage_app.runtime import Runtime
from maillage_app.worker import build_worker
from maillage_kit.context import CooperativeContext, Role
from maillage_kit.semester import Semester
from maillage_platform import cooperatives
from maillage_tenants import territory
from maillage_tenants.members.models import (
    DocumentKind,
    Engagement,
    Member,
    MemberDocument,
    MemberSector,
    MemberTrade,
    Technician,
)

S2 = Semester(2027, 2)
YEAR = (date(2026, 1, 1), date(2028, 12, 31))


@dataclass(frozen=True)
class Team:
    """Plumbers of the Eure: `people` by sector, in the order of the sectors."""

    sectors: tuple[territory.SectorSummary, ...]
    people: dict[UUID, list[UUID]]

    @property
    def everybody(self) -> list[UUID]:
        return [one for own in self.people.values() for one in own]


@pytest.fixture
async def plumbers(runtime: Runtime, eure: CooperativeContext) -> CooperativeContext:
    """The cooperative with one trade only, so that searches are short."""
    async with runtime.database.platform() as session:
        for trade in ("locksmith", "glazing"):
            await cooperatives.change_trades(session, slug=eure.slug, disable=trade, actor="tests")
    runtime.directory.forget()
    found = await runtime.directory.by_slug("eure")
    assert found is not None
    return found


@pytest.fixture
async def team(runtime: Runtime, plumbers: CooperativeContext) -> Team:
    """Five businesses at home in each sector."""
    people: dict[UUID, list[UUID]] = {}
    async with runtime.database.tenant(plumbers.tenant) as session:
        sectors = await territory.sectors(session, trade="plumbing", semester=S2)
        number = 0
        for sector in sectors:
            people[sector.id] = []
            for _ in range(5):
                number += 1
                member = Member(
                    name=f"Entreprise {number:02d}",
                    legal_form="SARL",
                    siret=f"{number:014d}",
                    email=f"e{number}@artisan.example",
                    phone=f"+332321000{number:02d}",
                    address="1 rue du Port",
                    postcode="27500",
                    city="Pont-Audemer",
                    joined_on=date(2020, 1, 1),
                )
                session.add(member)
                await session.flush()
                person = Technician(
                    member_id=member.id, first_name="Ana", last_name=f"Nom{number:02d}", phone=f"+336121000{number:02d}"
                )
                session.add_all(
                    [
                        person,
                        MemberTrade(member_id=member.id, trade="plumbing"),
                        MemberSector(member_id=member.id, sector_id=sector.id),
                        Engagement(
                            member_id=member.id,
                            units_per_semester=13,
                            customers_to_bring=5,
                            signed_on=YEAR[0],
                            valid_from=YEAR[0],
                        ),
                        *(
                            MemberDocument(
                                member_id=member.id,
                                kind=kind,
                                trade=trade,
                                reference="P-1",
                                issuer="Assureur Normand",
                                issuer_contact="Évreux",
                                coverage="France",
                                valid_from=YEAR[0],
                                valid_to=YEAR[1],
                            )
                            for kind, trade in (
                                (DocumentKind.LIABILITY, None),
                                (DocumentKind.DECENNIAL, None),
                                (DocumentKind.QUALIFICATION, "plumbing"),
                            )
                        ),
                    ]
                )
                await session.flush()
                people[sector.id].append(person.id)
    return Team(sectors, people)


Work = Callable[[], Awaitable[None]]


@pytest.fixture
def work(runtime: Runtime) -> Work:
    """The worker does everything that is due."""

    async def run() -> None:
        await build_worker(runtime).run_due()

    return run


def link(page: httpx.Response, pattern: str) -> str:
    found = re.search(pattern, page.text)
    assert found, f"no {pattern} in the page"
    return found[1].replace("&amp;", "&")


ASKED = {"semester": "2027-S2", "seconds": "8", "seed": "7", "label": "Premier essai"}


async def test_a_semester_is_solved_watched_and_opened(
    runtime: Runtime, plumbers: CooperativeContext, team: Team, sign_in, work: Work
) -> None:
    office = await sign_in(Role.OFFICE, plumbers)
    page = await office.get("/c/eure/rota/drafts?semester=2027-S2")
    assert "Aucun planning pour ce semestre" in page.text
    refused = await office.post("/c/eure/rota/runs", {**ASKED, "seconds": "0"})
    assert refused.status_code == 422
    assert "Entre 2 secondes et 30 minutes." in refused.text
    asked = await office.post("/c/eure/rota/runs", ASKED)
    assert asked.status_code == 303
    run_path = asked.headers["location"]
    waiting = await office.get(run_path)
    assert "En attente" in waiting.text
    assert f'action="{run_path}/stop"' in waiting.text

    await work()
    done = await office.get(run_path)
    assert "Terminé" in done.text
    assert "Tous les postes sont tenus, jour et nuit, tout le semestre" in done.text
    assert "aucun planning ne peut descendre sous" in done.text
    draft = await office.get(link(done, r'href="(/c/eure/rota\?semester=2027-S2&amp;rota=[0-9a-f-]{36})"'))
    assert "Tous les postes sont tenus, jour et nuit, tout le semestre" in draft.text
    assert "Brouillon" in draft.text
    listed = await office.get("/c/eure/rota/drafts?semester=2027-S2&show=runs")
    assert "Premier essai" in listed.text
