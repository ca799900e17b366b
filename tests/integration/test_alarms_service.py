"""Alarms: once per cause while open; acknowledged by the first person; resolved, then possible again."""

import asyncio
from uuid import uuid4

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import NotFound
from maillage_tenants import alarms
from maillage_tenants.alarms.models import Alarm


async def _raise(session: TenantSession, key: str = "empty_rota:1", **more: object) -> bool:
    return await alarms.raise_alarm(
        session,
        kind="empty_rota",
        severity=alarms.Severity.WARNING,
        title="Personne d’astreinte",
        dedupe_key=key,
        **more,  # type: ignore[arg-type]
    )


async def test_an_alarm_is_raised_once_while_open_and_again_after(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        assert await _raise(session, link="/rota")
        assert not await _raise(session)
        (alarm,) = await alarms.open_alarms(session)
        assert (alarm.title, alarm.link, alarm.severity) == ("Personne d’astreinte", "/rota", alarms.Severity.WARNING)
        raised_at = alarm.raised_at
        moved_clock.advance(minutes=10)
        assert await alarms.resolve_alarm(session, dedupe_key="empty_rota:1", by="Hélène")
        assert not await alarms.resolve_alarm(session, dedupe_key="empty_rota:1", by="Hélène")
        assert await alarms.open_alarms(session) == ()
        assert await _raise(session)
        (again,) = await alarms.open_alarms(session)
        assert (again.raised_at - raised_at).total_seconds() == 600


async def test_two_transactions_that_raise_at_once_make_one_alarm(runtime: Runtime, eure: CooperativeContext) -> None:
    async def one() -> bool:
        async with runtime.database.tenant(eure.tenant) as session:
            return await _raise(session)

    assert sorted(await asyncio.gather(*(one() for _ in range(8)))) == [False] * 7 + [True]
    async with runtime.database.tenant(eure.tenant) as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(Alarm)) == 1


async def test_the_first_to_acknowledge_is_kept(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        await _raise(session)
        (alarm,) = await alarms.open_alarms(session)
        await alarms.acknowledge_alarm(session, alarm_id=alarm.id, by="Hélène")
        await alarms.acknowledge_alarm(session, alarm_id=alarm.id, by="Paul")
        (after,) = await alarms.open_alarms(session)
        assert after.acknowledged_by == "Hélène"
        assert after.acknowledged_at is not None
        with pytest.raises(NotFound):
            await alarms.acknowledge_alarm(session, alarm_id=uuid4(), by="Paul")
        await alarms.resolve_alarm(session, dedupe_key=alarm.dedupe_key, by="Paul")
        with pytest.raises(NotFound):
            await alarms.acknowledge_alarm(session, alarm_id=alarm.id, by="Paul")


async def test_critical_comes_first_then_what_nobody_looks_after(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        for key, severity in (
            ("a", alarms.Severity.WARNING),
            ("b", alarms.Severity.WARNING),
            ("c", alarms.Severity.CRITICAL),
        ):
            await alarms.raise_alarm(session, kind="k", severity=severity, title=key, dedupe_key=key)
            moved_clock.advance(minutes=1)
        first = next(alarm for alarm in await alarms.open_alarms(session) if alarm.title == "a")
        await alarms.acknowledge_alarm(session, alarm_id=first.id, by="Hélène")
        assert [alarm.title for alarm in await alarms.open_alarms(session)] == ["c", "b", "a"]


async def test_open_pages_are_told(runtime: Runtime, eure: CooperativeContext) -> None:
    listening = asyncio.create_task(runtime.live.run())
    try:
        await asyncio.wait_for(runtime.live.connected.wait(), 5)
        async with runtime.live.subscribe(eure.tenant.role) as notices:
            async with runtime.database.tenant(eure.tenant) as session:
                await _raise(session)
            notice = await asyncio.wait_for(notices.get(), 5)
            while notice.topic == "resync":
                notice = await asyncio.wait_for(notices.get(), 5)
            assert notice.topic == "alarms"
    finally:
        listening.cancel()
