"""Building a ladder from the database: few queries, and never without a human at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from maillage_kit import clock
from maillage_tenants import dispatch, rota
from maillage_tenants.dispatch import StepKind
from maillage_tenants.territory.models import SectorAdjacency


@contextmanager
def statements(runtime) -> Iterator[list[str]]:
    """Every statement sent while the block runs."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        sent.append(statement)

    engine = runtime.database.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


async def test_the_ladder_of_a_sector_with_its_reasons(runtime, eure, crew) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        steps = await dispatch.build_ladder(
            session, cooperative=eure, sector_id=crew.sector_id, trade="plumbing", at=clock.now(), ring_seconds=25
        )
        neighbours = await session.scalar(
            sa.select(sa.func.count())
            .select_from(SectorAdjacency)
            .where(
                SectorAdjacency.sector_id == crew.sector_id,
                SectorAdjacency.trade == "plumbing",
                SectorAdjacency.semester == "2027-S1",
            )
        )
    karim, sophie = crew.artisans
    assert [(step.kind, step.technician_id, step.duty_id) for step in steps[:2]] == [
        (StepKind.RANK1, karim.technician_id, karim.duty_id),
        (StepKind.RANK2, sophie.technician_id, sophie.duty_id),
    ]
    assert steps[0].display_name == "Karim Benali, Benali Plomberie"
    assert steps[0].reason.startswith("De garde, rang 1, secteur Pont-Audemer")
    assert steps[0].reason.endswith("du lundi 01/03 1 h au jeudi 01/04 2 h")
    assert {step.ring_seconds for step in steps} == {25}
    near = [step for step in steps if step.kind is StepKind.NEIGHBOUR]
    assert len(near) == neighbours > 0
    assert all(step.skipped for step in near)
    assert (steps[-2].phone, steps[-1].phone) == (eure.manager_phone, eure.fallback_phone)


async def test_six_queries_whatever_the_number_of_people(runtime, eure, crew) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        with statements(runtime) as sent:
            await dispatch.build_ladder(
                session, cooperative=eure, sector_id=crew.sector_id, trade="plumbing", at=clock.now()
            )
    asked = [statement for statement in sent if not statement.startswith("select set_config")]
    assert len(asked) <= 6, asked


@pytest.mark.parametrize("trade", ["roofing", "plumbing", ""])
async def test_an_unknown_sector_or_trade_still_ends_at_humans(runtime, eure, crew, trade) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        steps = await dispatch.build_ladder(session, cooperative=eure, sector_id=uuid4(), trade=trade, at=clock.now())
    assert [step.kind for step in steps] == [StepKind.MANAGER, StepKind.FALLBACK]
    assert "Secteur inconnu" in steps[0].reason


async def test_a_trade_nobody_has_in_a_known_sector(runtime, eure, crew) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        steps = await dispatch.build_ladder(
            session, cooperative=eure, sector_id=crew.sector_id, trade="roofing", at=clock.now()
        )
    assert [step.kind for step in steps if not step.skipped] == [StepKind.MANAGER, StepKind.FALLBACK]


async def test_neither_sector_nor_trade(runtime, eure) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        with statements(runtime) as sent:
            steps = await dispatch.build_ladder(
                session, cooperative=eure, sector_id=None, trade=None, at=clock.now(), unrouted="Lieu inconnu."
            )
    assert sent == []
    assert steps[0].reason == "Lieu inconnu."


async def test_outside_the_duty_nobody_is_rung(runtime, eure, crew) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        steps = await dispatch.build_ladder(
            session,
            cooperative=eure,
            sector_id=crew.sector_id,
            trade="plumbing",
            at=clock.now() + timedelta(days=31),
        )
    assert [step.phone for step in steps[:2]] == [None, None]


async def test_a_rota_that_raises_leaves_the_manager(runtime, eure, crew, monkeypatch) -> None:
    async def raising(*_args, **_kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(rota, "on_call", raising)
    async with runtime.database.tenant(eure.tenant) as session:
        steps = await dispatch.build_ladder(
            session, cooperative=eure, sector_id=crew.sector_id, trade="plumbing", at=clock.now()
        )
    assert [step.kind for step in steps] == [StepKind.MANAGER, StepKind.FALLBACK]
    assert "n’ont pas pu être lues" in steps[0].reason
