"""The frost night: calls to every cooperative at once, while the application and the database are restarted.

The switchboard (`bench/switchboard.py`) plays the edge and the voice over the real HTTP contract: at this rate the
sound of hundreds of lines would be what two cores are busy with. It repeats one request and one event in twenty, and
tells one event in fifty late. A third of the way the application is restarted, two thirds of the way the database is.

What came of it is asked of the database, by SQL, afterwards: every call on record once, nobody dispatched twice, who
answered is who is written, and each step of the ladder lasted what was decided.
"""

import asyncio
import random
import sys
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
from bench import database, serving
from bench.common import Figures, Load, latency, machine, record, say
from bench.database import BenchDatabase
from bench.rows import Size, caller_phone, public_number
from bench.switchboard import Switchboard
from psycopg import sql
from rich.table import Table

from maillage_kit.embedded_postgres import EmbeddedPostgres
from maillage_kit.testing.sip_lab import free_port

FAMILY = "bench_routing"
RING_SECONDS = 5
DATABASE_AWAY_SECONDS = 2.0
SETTLED_SECONDS = 240.0
"""How long the background tasks may take to conclude about the last calls."""
TARGET = {"lost": 0, "twice": 0, "double_dispatch": 0, "ladder_late_seconds": 1.0}


def run(*, tenants: int, customers: int, rate: float, seconds: float, fresh: bool, keep: bool) -> Figures:
    """Prepare what is missing, let the night pass, ask the database; the figures, recorded when `keep`."""
    load = Load()
    if rate * seconds > tenants * customers:
        raise RuntimeError("every call is somebody's first of the night: more customers are needed")
    names = database.prepare(FAMILY, Size(customers=customers), [tenants], fresh=fresh)
    with database.running() as server:
        bench = database.opened(server, FAMILY, names[tenants])
        facts = machine(server.uri)
        serving.empty(bench)
        found = asyncio.run(_night(server, bench, tenants, rate, seconds))
    figures: Figures = {
        "bench": "frost",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": facts,
        "load": load.figures(),
        "sizes": {"tenants": tenants, "customers_each": customers, "calls_per_second": rate, "seconds": seconds},
        **found,
        "target": TARGET,
    }
    if keep:
        say(f"recorded in {record('frost', figures).name}")
    return figures


async def _night(server: EmbeddedPostgres, bench: BenchDatabase, tenants: int, rate: float, seconds: float) -> Figures:
    port = free_port()
    environment = serving.production(bench, port, MAILLAGE_TELEPHONY__RING_SECONDS=str(RING_SECONDS))
    web = serving.Server(serving.SERVE, environment, lambda: serving.answers(port, "/health"))
    worker = serving.Server([sys.executable, "-m", "maillage_app.cli", "worker"], environment, lambda: True)
    web.start()
    worker.start()
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=40)
    auth = httpx.BasicAuth("edge", serving.SECRET)
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", auth=auth, limits=limits, timeout=httpx.Timeout(10.0, connect=2.0)
        ) as client:
            plans = (await client.get("/telephony/sip/plan")).raise_for_status().json()
            by_number = {plan["called"]: plan for plan in plans["plans"]}
            board = Switchboard(client, by_number, keys=("1", "2", "3"))
            pumps = [asyncio.create_task(spool.run()) for spool in (board.edge, board.voice)]
            bad_days = asyncio.create_task(_bad_days(server, web, seconds))
            began = time.monotonic()
            await _calls(board, tenants, rate, seconds)
            await bad_days
            say("every line is down; the last events are delivered")
            while not (board.edge.empty and board.voice.empty):
                for pump in pumps:
                    if pump.done():
                        pump.result()
                await asyncio.sleep(0.2)
            for pump in pumps:
                pump.cancel()
            lasted = time.monotonic() - began
        settled = await _settled(bench)
    finally:
        worker.stop()
        web.stop()
    return {**_verdict(bench, board), "took_seconds": round(lasted, 1), "settled_after_seconds": round(settled, 1)}


async def _calls(board: Switchboard, tenants: int, rate: float, seconds: float) -> None:
    """By chance (Poisson), each from somebody else, to the cooperatives in turn."""
    chance = random.Random(3)
    began, due, number = time.monotonic(), 0.0, 0
    async with asyncio.TaskGroup() as group:
        while due < seconds:
            await asyncio.sleep(max(0.0, began + due - time.monotonic()))
            group.create_task(board.call(caller_phone(number // tenants), public_number(number % tenants)))
            number += 1
            due += chance.expovariate(rate)


async def _bad_days(server: EmbeddedPostgres, web: serving.Server, seconds: float) -> None:
    await asyncio.sleep(seconds / 3)
    say("the application is restarted")
    await asyncio.to_thread(web.stop)
    await asyncio.to_thread(web.start)
    await asyncio.sleep(seconds / 3)
    say("the database is restarted")
    await asyncio.to_thread(server.stop, force=True)
    await asyncio.sleep(DATABASE_AWAY_SECONDS)
    await asyncio.to_thread(server.start)


async def _settled(bench: BenchDatabase) -> float:
    """Seconds until every call has ended for the background tasks too."""
    query = _sum(bench, "select count(*) from {}.call where state <> 'ended'")
    began = time.monotonic()
    while time.monotonic() - began < SETTLED_SECONDS:
        if await asyncio.to_thread(_one, bench, query) == 0:
            break
        await asyncio.sleep(1.0)
    return time.monotonic() - began


# --- what the database says ---------------------------------------------------


def _verdict(bench: BenchDatabase, board: Switchboard) -> Figures:
    with psycopg.connect(bench.owner_url) as connection:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return connection.execute(serving.everywhere(bench, query)).fetchall()

        stored = rows("select provider_call_id, state, outcome, intervention_id from {}.call")
        accepted = rows(
            "select c.provider_call_id, l.phone from {0}.call c join {0}.call_leg l on l.call_id = c.id"
            " where l.state = 'accepted'"
        )
        cases = rows("select id from {}.intervention")
        kept = rows("select payload->'event'->>'id' from {}.call_event where payload ? 'event'")
        rung = rows(
            "select extract(epoch from ended_at - started_at)::float8 from {}.call_leg where state = 'no_answer'"
        )
        passing = rows(
            "select extract(epoch from n.started_at - l.ended_at)::float8 from {0}.call_leg l join {0}.call_leg n"
            " on n.call_id = l.call_id and n.position = (select min(o.position) from {0}.call_leg o"
            " where o.call_id = l.call_id and o.position > l.position)"
            " where l.state in ('no_answer', 'busy', 'refused', 'unreachable')"
        )
    names = [row[0] for row in stored]
    made = {call.call_id: call for call in board.made}
    reached: dict[str, list[str]] = {}
    for call_id, phone in accepted:
        reached.setdefault(call_id, []).append(phone)
    told = board.edge.told | board.voice.told
    ladder_late = [abs(seconds - RING_SECONDS) for (seconds,) in rung] + [abs(seconds) for (seconds,) in passing]
    by_plan = sum(call.by == "plan" for call in board.made)
    of_calls = [row[3] for row in stored if row[3] is not None]
    return {
        "made": len(made),
        "lost": len(made.keys() - set(names)) + sum(state != "ended" for _, state, _, _ in stored),
        "twice": len(names) - len(set(names)),
        "double_dispatch": sum(len(phones) > 1 for phones in reached.values()) + len(cases) - len(set(of_calls)),
        "nobody_reached": sum(call.reached is None for call in board.made),
        "reached_otherwise": sum(reached.get(name, [None])[0] != call.reached for name, call in made.items()),
        "without_case": sum(row[3] is None for row in stored),
        "decided": {"app": len(made) - by_plan, "plan": by_plan},
        "events": {
            "told": len(told),
            "kept": len(kept),
            "missing": len(told - {row[0] for row in kept}),
            "repeated": board.edge.duplicates + board.voice.duplicates,
            "late": board.edge.late + board.voice.late,
            "batches": board.edge.batches + board.voice.batches,
            "behind_ms": latency(board.edge.behind + board.voice.behind),
        },
        "requests": {
            "repeated": board.repeated,
            "answered_otherwise": len(board.differently),
            "unanswered": board.unanswered,
        },
        "ladder": {
            "late_seconds": round(max(ladder_late, default=0.0), 3),
            "late_ms": latency(ladder_late) if ladder_late else None,
        },
    }


def _sum(bench: BenchDatabase, query: str) -> sql.Composed:
    return sql.SQL("select coalesce(sum(count), 0)::int from ({}) as counted").format(serving.everywhere(bench, query))


def _one(bench: BenchDatabase, query: sql.Composed) -> int:
    with psycopg.connect(bench.owner_url) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def table(figures: Figures) -> Table:
    """The figures for people."""
    found = Table(title="Frost night")
    found.add_column("what")
    found.add_column("found", justify="right")
    for name in ("made", "lost", "twice", "double_dispatch", "nobody_reached", "reached_otherwise", "without_case"):
        found.add_row(name, str(figures[name]))
    found.add_row("ladder late, seconds at most", str(figures["ladder"]["late_seconds"]))
    for group in ("decided", "events", "requests"):
        for name, value in figures[group].items():
            found.add_row(f"{group}: {name}", str(value))
    return found
