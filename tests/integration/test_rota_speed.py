"""Who is on call is found at once, whatever the history."""

import json
from datetime import UTC, datetime

import psycopg
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_app.testing.plumbers import Plumbers
from maillage_kit.context import CooperativeContext
from maillage_tenants import members, rota
from maillage_tenants.rota.models import OnCallPost, Rota
from maillage_tenants.rota.queries import on_call_statement


async def test_on_call_is_one_indexed_query_flat_over_five_years(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers
) -> None:
    """Five years, 20 sectors × 2 ranks, and as many superseded duties: each post costs one step down the index."""
    async with runtime.database.tenant(eure.tenant) as session:
        person = await members.get_technician(session, technician_id=plumbers.people[0])
        plan = Rota(semester="2027-S1", state="published")
        session.add(plan)
        await session.flush()
        sector_ids = list(
            await session.scalars(
                sa.text(
                    "insert into sector (id, code, name) select gen_random_uuid(), 'X' || n, 'Secteur ' || n"
                    " from generate_series(1, 20) n returning id"
                )
            )
        )
        await session.execute(
            sa.insert(OnCallPost),
            [
                {"sector_id": sector_id, "trade": "plumbing", "rank": rank}
                for sector_id in sector_ids
                for rank in (1, 2)
            ],
        )
        await session.execute(
            sa.text(
                "insert into duty (id, rota_id, post_id, member_id, technician_id, starts_at, ends_at, live,"
                " recorded_at, recorded_by, reason, superseded_at) select gen_random_uuid(), :rota, p.id, :member,"
                " :person, s, s + interval '7 days', true, '2023-01-01', 'x', '',"
                " case when old then timestamptz '2023-02-01' end"
                " from on_call_post p, generate_series(timestamptz '2023-01-06', '2028-01-01', '7 days') s,"
                " (values (true), (false)) v(old) where p.sector_id = any(:sectors)"
            ),
            {"rota": plan.id, "member": person.member_id, "person": person.id, "sectors": sector_ids},
        )
    with psycopg.connect(runtime.owner_url, autocommit=True) as owner:
        owner.execute(f"analyze {eure.tenant.schema}.duty")
        owner.execute(f"analyze {eure.tenant.schema}.on_call_post")
    async with runtime.database.tenant(eure.tenant) as session:
        for known_at, index in ((None, "ix_duty_on_call"), (datetime(2027, 1, 1, tzinfo=UTC), "ix_duty_history")):
            asked = {"sectors": sector_ids[:4], "trade": "plumbing", "at": datetime(2025, 5, 5, tzinfo=UTC)}
            statement = on_call_statement(as_known=known_at is not None).params(asked, known_at=known_at)
            compiled = statement.compile(dialect=runtime.database.engine.dialect)
            driver = (await (await session.connection()).get_raw_connection()).driver_connection
            assert driver is not None
            explained = await driver.execute(f"explain (analyze, buffers, format json) {compiled}", compiled.params)
            (plan_text,) = await explained.fetchone()
            top = (json.loads(plan_text) if isinstance(plan_text, str) else plan_text)[0]["Plan"]
            assert top["Actual Rows"] == 8
            scans = list(_scans(top))
            assert ("duty", index) in {(node["Relation Name"], node.get("Index Name")) for node in scans}
            assert all(node["Node Type"] != "Seq Scan" for node in scans if node["Relation Name"] == "duty")
            # 8 posts: a handful of pages each, whatever the history.
            assert top["Shared Hit Blocks"] + top["Shared Read Blocks"] < 120
        found = await rota.on_call(
            session, sector_ids=sector_ids, trade="plumbing", at=datetime(2025, 5, 5, tzinfo=UTC)
        )
        assert len(found) == 40


def _scans(node: dict[str, object]) -> "list[dict[str, object]]":
    children = [scan for child in node.get("Plans", []) for scan in _scans(child)]  # type: ignore[attr-defined]
    return [node, *children] if "Relation Name" in node else children
