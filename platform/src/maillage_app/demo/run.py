"""The demo from beginning to end: found, publish, play, check, report, serve."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as wall
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from maillage_app.demo import report as reporting
from maillage_app.demo.casting import Caller, Cast, cast
from maillage_app.demo.fieldwork import Fieldwork, sign_in_link
from maillage_app.demo.founding import (
    FEDERATION,
    PUBLISHED_AT,
    SUPPORT,
    Founded,
    enter_members,
    find_customers,
    found_federation,
    open_for,
    publish_rota,
)
from maillage_app.demo.invariants import Ground, check_everything, lost_calls, work_left
from maillage_app.demo.night import Night, Played
from maillage_app.demo.plans import COOPERATIVES
from maillage_app.demo.processes import DemoPlace
from maillage_app.demo.script import MORNING, Script, read_night
from maillage_app.demo.stage import Options, Stage, Steps
from maillage_app.demo.timeline import Timeline
from maillage_app.logs import configure_logs
from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.clock import SharedClock, paris, paris_instant
from maillage_kit.http_client import http_client
from maillage_kit.permissions import Role
from maillage_kit.settings import DatabaseSettings, Settings, WebSettings
from maillage_kit.testing.phone_company import PhoneCompany
from maillage_platform.identity.models import Account, Membership
from maillage_tenants.interventions import Intervention

BEFORE_THE_NIGHT = timedelta(minutes=10)
CALLS_BACK_AT = paris_instant(MORNING, wall(7, 30))
NIGHT_OVER_AT = paris_instant(MORNING, wall(12))
SETTLE_SECONDS = 20.0
PLAYED = "played.json"


@dataclass(slots=True)
class Demo:
    """A demo that has been played and whose server still answers."""

    place: DemoPlace
    runtime: Runtime
    owner_url: str
    clock: SharedClock
    report: reporting.Report
    links: tuple[tuple[str, str], ...] = ()


@contextmanager
def played_demo(stage: Stage) -> Iterator[Demo]:
    """Play the demo; `stage` must last as long as the context. Raises DemoError."""
    place = stage.place
    with ExitStack() as stack:
        log = stack.enter_context(place.log("demo").open("a"))
        configure_logs(Settings(environment="development"), to=log)
        shared = SharedClock(place.clock_file)
        stack.enter_context(clock.using(shared, whole_process=True))
        runtime = Runtime.start(
            Settings(
                database=DatabaseSettings(url=stage.owner_url),
                web=WebSettings(port=place.port, public_url=place.url),
                clock_file=place.clock_file,
            )
        )
        with asyncio.Runner() as runner:
            demo = runner.run(_unless_interrupted(_story(stage, runtime, shared)))
            runner.run(runtime.database.dispose())
        stage.steps.end()
        yield demo


async def _unless_interrupted(story: Coroutine[Any, Any, Demo]) -> Demo:
    """After Ctrl-C, whatever broke while everything stopped is not told: only that it was stopped."""
    try:
        return await story
    except Exception:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from None
        raise


async def _story(stage: Stage, runtime: Runtime, shared: SharedClock) -> Demo:
    place, steps = stage.place, stage.steps
    scripts = read_night(short=stage.options.short)
    kept = place.folder / PLAYED
    troubles: list[str] = []
    with steps.step("server", "Serveur"):
        await asyncio.to_thread(stage.application.wait_until_ready)
    if stage.options.keep and kept.exists():
        stage.application.start("worker")
        played = _remembered(kept, scripts)
    else:
        played, troubles = await _new_night(stage, runtime, shared, scripts)
        kept.write_text(json.dumps([_memory(each) for each in played], ensure_ascii=False))
    with steps.step("checks", "Vérifications"):
        await _settle(stage.owner_url, shared)
        report = await asyncio.to_thread(_report, place, stage.owner_url, shared.now(), played, tuple(troubles), steps)
    links = await _links(runtime)
    return Demo(place, runtime, stage.owner_url, shared, report, links)


async def _new_night(
    stage: Stage, runtime: Runtime, shared: SharedClock, scripts: Sequence[Script]
) -> tuple[list[Played], list[str]]:
    place, steps = stage.place, stage.steps
    with steps.step("cooperatives", "Coopératives, secteurs, associés"):
        founded = [await open_for(runtime, plan) for plan in COOPERATIVES]
        await found_federation(runtime)
        stage.application.start("worker")  # not before: a process reads the directory every few seconds only
        await asyncio.gather(*(enter_members(runtime, each) for each in founded))
    casts = await _people(stage.options, runtime, shared, steps, founded, scripts)
    stage.application.check()
    shared.move_to(scripts[0].at - BEFORE_THE_NIGHT)
    timeline = Timeline(shared)
    played: list[Played] = []
    troubles: list[str] = []
    with steps.counted("night", "La nuit du 27 au 28 mars 2027", len(scripts)) as one_more:

        def over(each: Played) -> None:
            played.append(each)
            one_more(f"{paris(shared.now()):%H:%M} {each.script.title[:60]}")

        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(http_client(base_url=place.url, timeout=30))
            company = PhoneCompany(client, public_url=place.url, token=place.telephony_token, clock=shared)
            work = Fieldwork(runtime, timeline, casts, place.url, stack, troubles)
            night = Night(company, timeline, runtime.trades, casts, on_taken=work.begin, on_over=over)
            await timeline.run(
                [
                    *(night.play(script) for script in scripts),
                    *(work.calls_back(slug, CALLS_BACK_AT, played) for slug in casts),
                ]
            )
            if shared.now() < NIGHT_OVER_AT:
                shared.move_to(NIGHT_OVER_AT)
    return played, troubles


async def _people(
    options: Options,
    runtime: Runtime,
    shared: SharedClock,
    steps: Steps,
    founded: Sequence[Founded],
    scripts: Sequence[Script],
) -> dict[str, Cast]:
    """Customers, rota, and who plays the night: while the worker starts."""
    with steps.step("customers", f"Clients : {options.customers} par coopérative, formules et contrats"):
        await asyncio.gather(*(find_customers(runtime, each, count=options.customers) for each in founded))
    shared.move_to(PUBLISHED_AT)
    with steps.step("rota", "Planning du premier semestre 2027, publié"):
        await asyncio.gather(*(publish_rota(runtime, each) for each in founded))
    return {each.plan.slug: await cast(runtime, each, scripts) for each in founded}


async def _settle(owner_url: str, shared: SharedClock) -> None:
    """Wait for what the application still does by itself: tasks that are due, events on their way to the federation."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline and await asyncio.to_thread(work_left, owner_url, shared.now()):
        await asyncio.sleep(0.2)


def _report(
    place: DemoPlace, owner_url: str, now: datetime, played: Sequence[Played], troubles: tuple[str, ...], steps: Steps
) -> reporting.Report:
    with psycopg.connect(owner_url) as connection:
        rows = connection.execute(
            "select id, name, schema_name from platform.cooperative order by department"
        ).fetchall()
    grounds = [Ground(*row) for row in rows]
    lost = {sid for ground in grounds for sid in lost_calls(owner_url, ground)}
    lines = reporting.read_calls(owner_url, grounds, played, tuple(lost))
    unwritten = reporting.unwritten(lines, played)
    logs = [place.log(name) for name in ("server", "worker", "demo")]
    return reporting.Report(
        schema=reporting.SCHEMA,
        night="2027-03-27/2027-03-28",
        cooperatives=reporting.describe(owner_url, grounds),
        calls=lines,
        outcomes=reporting.outcomes_of(lines),
        lost=len(lost) + len(unwritten),
        invariants=tuple(check_everything(owner_url, grounds, now=now, logs=logs)),
        seconds=steps.seconds,
        troubles=troubles,
    )


async def _links(runtime: Runtime) -> tuple[tuple[str, str], ...]:
    """Who may sign in, and their one-time links: the federation, and of each cooperative its manager, its office, an
    artisan, somebody of a landlord."""
    people = [("Fédération", *FEDERATION), ("Fédération, assistance", *SUPPORT)]
    for plan in COOPERATIVES:
        people.append((f"Gérance, {plan.new.name}", plan.manager_email, plan.new.manager_name))
        people.append((f"Permanence, {plan.new.name}", plan.new.email, f"Permanence {plan.new.name}"))
        artisan = await _an_artisan(runtime, plan.slug)
        if artisan is not None:
            people.append((f"Artisan, {plan.new.name}", *artisan))
        landlord = await _of_a_landlord(runtime, plan.slug)
        if landlord is not None:
            people.append((f"Bailleur, {plan.new.name}", *landlord))
    return tuple([(label, await sign_in_link(runtime, email, name)) for label, email, name in people])


async def _an_artisan(runtime: Runtime, slug: str) -> tuple[str, str] | None:
    """E-mail and name of the artisan who did most that night."""
    cooperative = await runtime.directory.by_slug(slug)
    if cooperative is None:
        return None
    async with runtime.database.tenant(cooperative.tenant) as session:
        technician = await session.scalar(
            sa.select(Intervention.technician_id)
            .where(Intervention.technician_id.is_not(None))
            .group_by(Intervention.technician_id)
            .order_by(sa.func.count().desc(), Intervention.technician_id)
            .limit(1)
        )
    async with runtime.database.platform() as session:
        found = await session.execute(
            sa.select(Account.email, Account.display_name)
            .join(Membership, Membership.account_id == Account.id)
            .where(Membership.technician_id == technician)
        )
        row = found.first()
    return None if row is None else (row[0], row[1])


async def _of_a_landlord(runtime: Runtime, slug: str) -> tuple[str, str] | None:
    """E-mail and name of whoever follows a customer's things there."""
    cooperative = await runtime.directory.by_slug(slug)
    if cooperative is None:
        return None
    async with runtime.database.platform() as session:
        found = await session.execute(
            sa.select(Account.email, Account.display_name)
            .join(Membership, Membership.account_id == Account.id)
            .where(Membership.cooperative_id == cooperative.id, Membership.role == Role.PARTNER)
            .order_by(Account.email)
        )
        row = found.first()
    return None if row is None else (row[0], row[1])


# ------------------------------------------------------------------------------------------------------------ serving


def serve_until_stopped(demo: Demo, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Let the clock run again, second by second, until Ctrl-C."""
    origin, began = demo.clock.now(), time.monotonic()
    try:
        while True:
            sleep(1)
            demo.clock.move_to(origin + timedelta(seconds=time.monotonic() - began))
    except KeyboardInterrupt:
        return


# --------------------------------------------------------------------------------------------------------- remembering


def _memory(played: Played) -> dict[str, str]:
    caller = played.caller
    return {"id": played.script.id, "sid": played.sid, "trouble": played.trouble, "caller": caller.number}


def _remembered(kept: Path, scripts: Sequence[Script]) -> list[Played]:
    by_id = {script.id: script for script in scripts}
    return [
        Played(by_id[each["id"]], Caller(each["caller"], ""), sid=each["sid"], trouble=each["trouble"])
        for each in json.loads(kept.read_text())
        if each["id"] in by_id
    ]


__all__ = ["Demo", "played_demo", "serve_until_stopped"]
