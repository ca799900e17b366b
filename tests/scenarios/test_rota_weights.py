"""What rotas are searched from, decided on pages: what weighs (R64), school holidays of the zone (R101)."""

import re
from datetime import date

import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_app.testing.plumbers import S2
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_tenants.audit.models import AuditEntry
from maillage_tenants.rota.queries_planning import PROPOSED
from maillage_tenants.rota.service.drafting import ensure_posts
from maillage_tenants.rota.service.facts import gather
from maillage_tenants.rota.solver.instance import Instance, Weights
from maillage_tenants.rota.solver.units import Kind

PLANNING = "/c/eure/rota/planning"
POINTS = {name: str(points) for name, points in PROPOSED.points.items()}
RULES = {"promised_minutes": "60", "max_weeks_running": "2", "max_units_a_week": "2", "rest_hours": "11",
         "employee_rest_hours": "11", "employee_weekly_rest_hours": "35"}  # fmt: skip


async def instance(runtime: Runtime, cooperative: CooperativeContext) -> Instance:
    """What a search of the second semester would be made from now."""
    async with runtime.database.tenant(cooperative.tenant) as session:
        trades = runtime.trades.enabled(cooperative.trades)
        await ensure_posts(session, semester=S2, trades=trades)
        return await gather(session, semester=S2, trades=trades, department=cooperative.department, name="essai")


async def test_what_weighs_is_decided_explained_kept_and_used(
    runtime: Runtime, plumbers: CooperativeContext, team, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, plumbers)
    before = await office.get(f"{PLANNING}/weights")
    assert "Nuits de Noël et du Nouvel An" in before.text
    assert "Valeurs proposées" in before.text
    assert (await instance(runtime, plumbers)).weights == Weights(), "nothing changes as long as nothing is decided"

    wrong = await office.post(f"{PLANNING}/weights", {**POINTS, "sunday": "101", "holiday": "beaucoup"})
    assert wrong.status_code == 422
    assert wrong.text.count("Entre 0 et 100 points.") >= 2
    assert 'value="beaucoup"' in wrong.text
    nothing = await office.post(f"{PLANNING}/weights", dict.fromkeys(POINTS, "0"))
    assert nothing.status_code == 422
    assert "Au moins une sorte" in nothing.text
    assert (await office.post(f"{PLANNING}/weights", {**POINTS, "sunday": "35", "wish": "4"})).status_code == 303

    decided = (await instance(runtime, plumbers)).weights
    assert decided.band == {**Weights().band, Kind.SUNDAY: 35}
    assert decided.wish == 4
    assert decided.band_backup == Weights().band_backup
    published = await team.publish()
    page = await office.get("/c/eure/rota/fairness?semester=2027-S2&kind=load")
    # By engagement everybody owes a fifth of the 28 weeks of a sector: nights, Saturdays and Sundays, some holidays.
    loads = [int(planned) for planned in re.findall(r'data-label="Charge"><span>0 \+ (\d+) ', page.text)]
    assert len(loads) == len(team.everybody)
    held = [duty for duty in await team.held(published) if duty.rank == 1]
    assert sum(loads) > len(held) * (20 + 20 + 35) * 0.9
    assert "Écart à la part juste" in page.text

    secretary = await sign_in(Role.DISPATCHER, plumbers)
    assert (await secretary.post(f"{PLANNING}/weights", POINTS)).status_code == 403
    assert (await office.post(f"{PLANNING}/weights/reset")).status_code == 303
    assert (await instance(runtime, plumbers)).weights == Weights()
    async with runtime.database.tenant(plumbers.tenant) as session:
        kept = list(
            await session.scalars(
                sa.select(AuditEntry).where(AuditEntry.action == "rota.weights_set").order_by(AuditEntry.id)
            )
        )
    assert [entry.detail["sunday"] for entry in kept] == [35, 20]


async def test_school_holidays_follow_the_departement_and_the_office_may_decide_otherwise(
    runtime: Runtime, plumbers: CooperativeContext, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, plumbers)
    page = await office.get(PLANNING)
    assert re.search(r'<option value="B" selected>Zone B \(Eure \(27\)\)', page.text)
    assert "20 février" in page.text or "17 avril" in page.text
    autumn = [date(2027, 7, 3), date(2027, 10, 23), date(2027, 12, 18)]
    assert [days.first for days in (await instance(runtime, plumbers)).school_holidays] == autumn

    own = {"label": "Festa", "first_day": "2027-09-08", "last_day": "2027-09-08"}
    assert (await office.post(f"{PLANNING}/policy", {**RULES, "school_zone": ""})).status_code == 303
    assert (await office.post(f"{PLANNING}/breaks", own)).status_code == 303
    assert [days.first for days in (await instance(runtime, plumbers)).school_holidays] == [date(2027, 9, 8)]
    page = await office.get(PLANNING)
    (remove,) = re.findall(rf'action="({PLANNING}/breaks/[0-9a-f-]+/remove)"', page.text)
    assert (await office.post(remove)).status_code == 303
    assert (await instance(runtime, plumbers)).school_holidays == ()

    assert (await office.post(f"{PLANNING}/policy", {**RULES, "school_zone": "A"})).status_code == 303
    assert "10 avril" in (await office.get(PLANNING)).text, "the spring of zone A"
    refused = await office.post(f"{PLANNING}/policy", {**RULES, "school_zone": "D"})
    assert refused.status_code == 422
    async with runtime.database.tenant(plumbers.tenant) as session:
        actions = set(await session.scalars(sa.select(AuditEntry.action)))
    assert {"rota.school_break_added", "rota.school_break_removed", "rota.policy_set"} <= actions
