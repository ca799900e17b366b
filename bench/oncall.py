"""Who is on call for a sector, a trade and an instant: how many answers a second, how late, and does it stay flat?

Each question is the product's own: a cooperative's session (its role, its search path, one transaction) and
`rota.on_call` inside, for a cooperative, a sector, a trade and an instant of the past five years drawn at random. The
same questions are asked of databases that hold more and more cooperatives. Beside them pgbench asks the same SQL of the
same database: the limit of what the application could reach.
"""

import asyncio
import multiprocessing
import os
import random
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import uvloop
from bench import database, replay
from bench.common import Figures, Load, latency, machine, median, pgbench, record, say
from bench.database import BenchDatabase
from bench.rows import Size
from psycopg import sql
from rich.table import Table

from maillage_kit import clock
from maillage_kit.context import TenantRef
from maillage_kit.db import Database
from maillage_tenants import rota

FAMILY = "bench_oncall"
CONNECTIONS = 4
"""Of each process."""


@dataclass(frozen=True)
class Questions:
    """What may be asked: picklable, for the processes that ask."""

    app_url: str
    tenants: tuple[TenantRef, ...]
    sectors: tuple[UUID, ...]
    trades: tuple[str, ...]
    first: datetime
    seconds: int

    def draw(self, dice: random.Random) -> tuple[TenantRef, UUID, str, datetime]:
        at = self.first + timedelta(seconds=dice.randrange(self.seconds))
        return dice.choice(self.tenants), dice.choice(self.sectors), dice.choice(self.trades), at


@dataclass(frozen=True)
class Answers:
    """What one process measured. `empty`: questions to which nobody was the answer, which must not happen."""

    took: tuple[float, ...]
    first_touch: tuple[float, ...]
    seconds: float
    empty: int


def run(counts: Sequence[int], *, years: int, seconds: float, rounds: int, fresh: bool, keep: bool) -> Figures:
    """Prepare what is missing, measure each count of cooperatives; the figures, recorded when `keep`."""
    load = Load()
    started = time.monotonic()
    size = Size(years=years)
    names = database.prepare(FAMILY, size, counts, fresh=fresh)
    prepared = time.monotonic() - started
    context = multiprocessing.get_context("spawn")
    with database.running() as server, ProcessPoolExecutor(_processes(), mp_context=context) as pool:
        facts = machine(server.uri)
        measured = [
            measure(database.opened(server, FAMILY, names[count]), size, seconds, rounds, pool)
            for count in sorted(names)
        ]
    first, last = measured[0], measured[-1]
    figures: Figures = {
        "bench": "oncall",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": facts,
        "load": load.figures(),
        "sizes": {
            "years": years,
            "seconds": seconds,
            "rounds": rounds,
            "processes": _processes(),
            "connections": CONNECTIONS,
        },
        "preparation_seconds": round(prepared, 1),
        "by_cooperatives": measured,
        "change": {
            "from": first["cooperatives"],
            "to": last["cooperatives"],
            "per_second": _ratio(last["busy"]["per_second"], first["busy"]["per_second"]),
            "busy_p99": _ratio(last["busy"]["ms"]["p99"], first["busy"]["ms"]["p99"]),
            "alone_p50": _ratio(last["alone"]["ms"]["p50"], first["alone"]["ms"]["p50"]),
            "alone_p99": _ratio(last["alone"]["ms"]["p99"], first["alone"]["ms"]["p99"]),
            "pgbench_per_second": _ratio(last["pgbench"]["per_second"], first["pgbench"]["per_second"]),
        },
    }
    if keep:
        say(f"recorded in {record('oncall', figures).name}")
    return figures


def measure(bench: BenchDatabase, size: Size, seconds: float, rounds: int, pool: Executor) -> Figures:
    """One database: pgbench, all processes busy, one question at a time; in turns, and the median of the rounds."""
    questions = _questions(bench, size)
    count = len(bench.tenants)
    say(f"{count} cooperatives: asking")
    busy: list[tuple[Answers, ...]] = []
    alone: list[Answers] = []
    limits: list[Figures] = []
    script = _script(questions)
    for round_number in range(rounds):
        share = seconds / rounds
        clients = _processes() * CONNECTIONS
        limits.append(pgbench(bench.app_url, {"on_call": script}, warm_up=share / 4, seconds=share, clients=clients))
        asked = [pool.submit(ask, questions, CONNECTIONS, share, seed) for seed in range(_processes())]
        busy.append(tuple(answers.result() for answers in asked))
        alone.append(pool.submit(ask, questions, 1, share, 1000 + round_number).result())
    empty = sum(answers.empty for answers in (*alone, *(one for many in busy for one in many)))
    if empty:
        raise RuntimeError(f"{empty} questions without an answer: the bench does not hold what it should")
    rates = [sum(len(one.took) / one.seconds for one in many) for many in busy]
    return {
        "cooperatives": count,
        "duties": _count(bench, "duty") * count,
        "database_mb": _megabytes(bench),
        "busy": {
            "per_second": round(median(rates), 1),
            "rounds": [round(rate, 1) for rate in rates],
            "ms": latency([took for many in busy for one in many for took in one.took]),
        },
        "alone": {
            "per_second": round(median([len(one.took) / one.seconds for one in alone]), 1),
            "ms": latency([took for one in alone for took in one.took]),
            "first_touch_ms": latency([took for one in alone for took in one.first_touch]),
        },
        "pgbench": {
            "per_second": median([limit["per_second"] for limit in limits]),
            "rounds": [limit["per_second"] for limit in limits],
            "ms": {name: median([limit["ms"][name] for limit in limits]) for name in ("p50", "p95", "p99")},
        },
        "ratio": _ratio(median(rates), median([limit["per_second"] for limit in limits])),
    }


# --- the processes that ask -------------------------------------------------


def ask(questions: Questions, connections: int, seconds: float, seed: int) -> Answers:
    """In a process of its own: ask as fast as answers come, on so many connections."""
    return uvloop.run(_ask(questions, connections, seconds, seed))


async def _ask(questions: Questions, connections: int, seconds: float, seed: int) -> Answers:
    db = Database(questions.app_url, pool_size=connections)
    dice = random.Random(seed)
    empty = 0

    async def one(tenant: TenantRef, sector: UUID, trade: str, at: datetime) -> float:
        nonlocal empty
        begun = time.perf_counter()
        async with db.tenant(tenant) as session:
            found = await rota.on_call(session, sector_ids=[sector], trade=trade, at=at)
        took = time.perf_counter() - begun
        if [person.rank for person in found] != [1, 2]:
            empty += 1
        return took

    async def many(until: float, took: list[float]) -> None:
        while time.perf_counter() < until:
            took.append(await one(*questions.draw(dice)))

    try:
        # Each connection meets each cooperative once: what that costs is kept apart from what follows.
        meetings = [iter([*questions.tenants]) for _ in range(connections)]
        first_touch: list[float] = []

        async def meet(tenants: Any) -> None:
            for tenant in tenants:
                _, sector, trade, at = questions.draw(dice)
                first_touch.append(await one(tenant, sector, trade, at))

        await asyncio.gather(*(meet(tenants) for tenants in meetings))
        took: list[float] = []
        begun = time.perf_counter()
        await asyncio.gather(*(many(begun + seconds, took) for _ in range(connections)))
        return Answers(tuple(took), tuple(first_touch), time.perf_counter() - begun, empty)
    finally:
        await db.dispose()


def _processes() -> int:
    return max(2, os.cpu_count() or 1)


# --- what is asked ----------------------------------------------------------


def _questions(bench: BenchDatabase, size: Size) -> Questions:
    now = clock.now()
    first = now - timedelta(days=365 * size.years)
    with psycopg.connect(bench.owner_url) as connection:
        sectors = connection.execute("select id from t0001.sector order by code").fetchall()
    return Questions(
        app_url=bench.app_url,
        tenants=bench.tenants,
        sectors=tuple(row[0] for row in sectors),
        trades=size.trades,
        first=first,
        seconds=int((now - first).total_seconds()),
    )


def _count(bench: BenchDatabase, table: str) -> int:
    with psycopg.connect(bench.owner_url) as connection:
        row = connection.execute(sql.SQL("select count(*) from t0001.{}").format(sql.Identifier(table))).fetchone()
    return int(row[0]) if row else 0


def _megabytes(bench: BenchDatabase) -> int:
    with psycopg.connect(bench.owner_url) as connection:
        row = connection.execute("select pg_database_size(current_database())").fetchone()
    return int(row[0]) // 2**20 if row else 0


def _ratio(one: float, other: float) -> float:
    return round(one / other, 2)


def _script(questions: Questions) -> str:
    """What one question sends to the database, with cooperative, sector, trade and instant drawn by pgbench."""
    tenant, sector, trade, at = questions.draw(random.Random(0))

    async def one() -> list[replay.Step]:
        db = Database(questions.app_url, pool_size=1)
        try:
            with replay.recording(db.engine) as steps:
                async with db.tenant(tenant) as session:
                    await rota.on_call(session, sector_ids=[sector], trade=trade, at=at)
            return steps
        finally:
            await db.dispose()

    drawn: dict[Any, str] = {
        tenant.role: f"'{tenant.role[:-4]}' || lpad(:tenant::text, 4, '0')",
        tenant.schema: "'t' || lpad(:tenant::text, 4, '0')",
        (sector,): f"array[('{{{','.join(map(str, questions.sectors))}}}'::uuid[])[:sector]]",
        trade: f"('{{{','.join(questions.trades)}}}'::text[])[:trade]",
        at: "to_timestamp(:at)",
    }
    begin, end = int(questions.first.timestamp()), int(questions.first.timestamp()) + questions.seconds
    draws = (
        f"\\set tenant random(1, {len(questions.tenants)})",
        f"\\set sector random(1, {len(questions.sectors)})",
        f"\\set trade random(1, {len(questions.trades)})",
        f"\\set at random({begin}, {end})",
    )

    def words(value: Any) -> str | None:
        return drawn.get(tuple(value) if isinstance(value, list) else value)

    return replay.script(asyncio.run(one()), words, before="\n".join(draws))


# --- as text ----------------------------------------------------------------


def table(figures: Figures) -> Table:
    found = Table(title="Who is on call: random cooperative, sector, trade, instant", caption=_caption(figures))
    for heading in ("cooperatives", "duties", "answers/s", "p50", "p95", "p99 (ms)", "pgbench/s", "ratio"):
        found.add_column(heading, justify="right")
    found.add_column("alone: p50", justify="right")
    found.add_column("p99 (ms)", justify="right")
    for row in figures["by_cooperatives"]:
        busy, alone = row["busy"], row["alone"]
        found.add_row(
            str(row["cooperatives"]),
            f"{row['duties']:,}".replace(",", " "),
            f"{busy['per_second']:.0f}",
            *(f"{busy['ms'][name]:.1f}" for name in ("p50", "p95", "p99")),
            f"{row['pgbench']['per_second']:.0f}",
            f"{row['ratio']:.2f}",
            *(f"{alone['ms'][name]:.2f}" for name in ("p50", "p99")),
        )
    return found


def _caption(figures: Figures) -> str:
    change = figures["change"]
    return (
        f"{change['from']} → {change['to']} cooperatives: rate × {change['per_second']}, p99 × {change['busy_p99']}, "
        f"alone p50 × {change['alone_p50']}, p99 × {change['alone_p99']}, pgbench × {change['pgbench_per_second']}"
    )
