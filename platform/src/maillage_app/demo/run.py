"""The demo from beginning to end: found, publish, play, check, report, serve."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import time as wall
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
import sqlalchemy as sa
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from maillage_app.demo import report as reporting
from maillage_app.demo.casting import Caller, Cast, cast
from maillage_app.demo.fieldwork import Fieldwork, sign_in_link
from maillage_app.demo.founding import (
    FEDERATION,
    OPENED_AT,
    PUBLISHED_AT,
    SUPPORT,
    Founded,
    find_customers,
    found,
    found_federation,
    publish_rota,
)
from maillage_app.demo.invariants import Ground, check_everything, lost_calls, work_left
from maillage_app.demo.night import Night, Played
from maillage_app.demo.plans import COOPERATIVES
from maillage_app.demo.processes import DemoError, DemoPlace, application, database, demo_place
from maillage_app.demo.script import MORNING, Script, read_night
from maillage_app.demo.timeline import Timeline
from maillage_app.logs import configure_logs
from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.clock import SharedClock, paris, paris_instant
from maillage_kit.http_client import http_client
from maillage_kit.permissions import Role
from maillage_kit.settings import DatabaseSettings, Settings, WebSettings
from maillage_kit.testing.phone_company import PhoneCompany
from maillage_platform import provisioning
from maillage_platform.identity.models import Account, Membership
from maillage_tenants.interventions import Intervention

CUSTOMERS = 2_000
BEFORE_THE_NIGHT = timedelta(minutes=10)
CALLS_BACK_AT = paris_instant(MORNING, wall(7, 30))
NIGHT_OVER_AT = paris_instant(MORNING, wall(12))
SETTLE_SECONDS = 20.0
PLAYED = "played.json"


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked. `short`: the core of the night only. `keep`: the night of last time, not a new one."""

    folder: Path
    customers: int = CUSTOMERS
    short: bool = False
    keep: bool = False
    port: int | None = None


@dataclass(slots=True)
class Demo:
    """A demo that has been played and whose server still answers."""

    place: DemoPlace
    runtime: Runtime
    owner_url: str
    clock: SharedClock
    report: reporting.Report
    links: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Steps:
    """Tells where the demo stands, and how long each step took."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, code: str, label: str) -> Iterator[None]:
        task = self.progress.add_task(label, total=None)
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[code] = round(self.seconds.get(code, 0) + time.monotonic() - began, 2)
            self.progress.update(task, total=1, completed=1)

    @contextmanager
    def counted(self, code: str, label: str, total: int) -> Iterator[Callable[[str], None]]:
        """The same with a count; call what is given after each, with the words to show."""
        task = self.progress.add_task(label, total=total)
        began = time.monotonic()

        def one_more(words: str) -> None:
            self.progress.update(task, advance=1, description=words)

        try:
            yield one_more
        finally:
            self.seconds[code] = round(time.monotonic() - began, 2)
            self.progress.update(task, description=label)


def progress_on(console: Console) -> Progress:
    """The progress display: a live one on a terminal, the steps alone elsewhere."""
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/green]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


@contextmanager
def played_demo(options: Options, console: Console) -> Iterator[Demo]:
    """Play the demo; its server answers while the context lasts, then everything is stopped. Raises DemoError."""
    with ExitStack() as stack:
        stack.enter_context(_signals_stop_properly())
        place = stack.enter_context(
            demo_place(options.folder, port=options.port, keep=options.keep, starts_at=OPENED_AT)
        )
        log = stack.enter_context(place.log("demo").open("a"))
        configure_logs(Settings(environment="development"), to=log)
        shared = SharedClock(place.clock_file)
        stack.enter_context(clock.using(shared, whole_process=True))
        steps = Steps(progress_on(console))
        with steps.progress:
            with steps.step("postgres", "PostgreSQL"):
                owner_url = stack.enter_context(database(place))
                provisioning.migrate_platform(owner_url)
            runtime = Runtime.start(
                Settings(
                    database=DatabaseSettings(url=owner_url),
                    web=WebSettings(port=place.port, public_url=place.url),
                    clock_file=place.clock_file,
                )
            )
            with asyncio.Runner() as runner:
                stack_of_processes = stack.enter_context(ExitStack())
                story = _story(options, place, runtime, owner_url, shared, steps, stack_of_processes)
                demo = runner.run(_unless_interrupted(story))
                runner.run(runtime.database.dispose())
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


async def _story(
    options: Options,
    place: DemoPlace,
    runtime: Runtime,
    owner_url: str,
    shared: SharedClock,
    steps: Steps,
    processes: ExitStack,
) -> Demo:
    scripts = read_night(short=options.short)
    kept = place.folder / PLAYED
    troubles: list[str] = []
    if options.keep and kept.exists():
        with steps.step("server", "Serveur et tâches de fond"):
            await asyncio.to_thread(processes.enter_context, application(place))
        played = _remembered(kept, scripts)
    else:
        played, troubles = await _new_night(options, place, runtime, shared, steps, processes, scripts)
        kept.write_text(json.dumps([_memory(each) for each in played], ensure_ascii=False))
    with steps.step("checks", "Vérifications"):
        await _settle(owner_url, shared)
        report = await asyncio.to_thread(_report, place, owner_url, shared.now(), played, tuple(troubles), steps)
    links = await _links(runtime)
    return Demo(place, runtime, owner_url, shared, report, links)


async def _new_night(
    options: Options,
    place: DemoPlace,
    runtime: Runtime,
    shared: SharedClock,
    steps: Steps,
    processes: ExitStack,
    scripts: Sequence[Script],
) -> tuple[list[Played], list[str]]:
    founded: list[Founded] = []
    with steps.step("cooperatives", "Coopératives, secteurs, associés"):
        for plan in COOPERATIVES:
            founded.append(await found(runtime, plan))
        await found_federation(runtime)
    starting = asyncio.create_task(asyncio.to_thread(processes.enter_context, application(place)))
    try:
        casts = await _people(options, runtime, shared, steps, founded, scripts)
    finally:
        with steps.step("server", "Serveur et tâches de fond"):
            await starting
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
    """Customers, rota, and who plays the night: while the server starts."""
    with steps.step("customers", f"Clients : {options.customers} par coopérative, formules et contrats"):
        for each in founded:
            await find_customers(runtime, each, count=options.customers)
    shared.move_to(PUBLISHED_AT)
    with steps.step("rota", "Planning du premier semestre 2027, publié"):
        for each in founded:
            await publish_rota(runtime, each)
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


@contextmanager
def _signals_stop_properly() -> Iterator[None]:
    """`kill` stops the demo as properly as Ctrl-C does, also when a script started it in the background."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, stop),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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


__all__ = ["Demo", "DemoError", "Options", "played_demo", "serve_until_stopped"]
