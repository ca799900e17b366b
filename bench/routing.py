"""An inbound call over HTTP, from the ring to the artisan's number: how many a second, how late, how far from the best?

The product's own server, in production settings, two processes beside PostgreSQL on this machine; callers in one more
process. A call is the carrier's two webhooks (bench/callers.py): the ring is recognised, written down and answered with
a menu; the key routes it: place, promise, ladder frozen with its reasons, case opened, first artisan dialled.

The limit is pgbench saying the same SQL, recorded from the application (bench/replay.py), on the same database, as many
at a time, in the same run: rounds of one and the other in turns, the server stopped while pgbench runs. The ratio of
the two medians says what the application costs beside the database.
"""

import asyncio
import logging
import multiprocessing
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import httpx
import psycopg
from bench import callers, database, replay
from bench.callers import Heard, Target
from bench.common import DATA_DIR, ROOT, Cpu, Figures, Load, latency, machine, median, pgbench, postmaster, record, say
from bench.database import BenchDatabase
from bench.rows import Size, caller_phone, public_number
from psycopg import sql
from pydantic import SecretStr
from rich.table import Table

from maillage_app.app import build_app
from maillage_app.runtime import Runtime
from maillage_kit.settings import Settings, TelephonySettings, WebSettings
from maillage_tenants.calls.carriers import twiml

FAMILY = "bench_routing"
PUBLIC_URL = "https://bench.example"
SERVER_PROCESSES = 2
LINES = 16
"""Calls at a time, for the highest rate; pgbench has as many clients."""
RECORDED_CALLS = 100
"""Each becomes a script of pgbench, which takes at most 128."""
SPREAD = 0.15
"""How far the rows that pgbench writes for a call may be from those of the application."""
FIRST_TARGET = {"ratio": 0.35, "half_rate_p99_ms": 50.0}
WRITTEN = (
    "call",
    "call_event",
    "ladder_step",
    "call_leg",
    "intervention",
    "intervention_clock",
    "intervention_event",
)


def run(
    *, tenants: int, customers: int, seconds: float, warm_up: float, rounds: int, fresh: bool, keep: bool
) -> Figures:
    """Prepare what is missing, measure; the figures, recorded when `keep`."""
    load = Load()
    started = time.monotonic()
    names = database.prepare(FAMILY, Size(customers=customers), [tenants], fresh=fresh)
    prepared = time.monotonic() - started
    context = multiprocessing.get_context("spawn")
    with database.running() as server, ProcessPoolExecutor(1, mp_context=context) as pool:
        bench = database.opened(server, FAMILY, names[tenants])
        facts = machine(server.uri)
        measured = _Bench(bench, pool, tenants, customers, seconds, warm_up, rounds).measure()
    figures: Figures = {
        "bench": "routing",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": facts,
        "load": load.figures(),
        "sizes": {
            "tenants": tenants,
            "customers_each": customers,
            "server_processes": SERVER_PROCESSES,
            "lines": LINES,
            "rounds": rounds,
            "seconds": seconds,
            "warm_up_seconds": warm_up,
        },
        "preparation_seconds": round(prepared, 1),
        **measured,
        "first_target": FIRST_TARGET,
    }
    if keep:
        say(f"recorded in {record('routing', figures).name}")
    return figures


class _Used:
    """CPU that server and PostgreSQL use in the meantime."""

    def __init__(self, pid: int) -> None:
        self._cpu = {"server": Cpu(pid), "postgresql": postmaster()}
        self._seconds: dict[str, float] = {}

    def __enter__(self) -> "_Used":
        self._seconds = {who: cpu.seconds() for who, cpu in self._cpu.items()}
        return self

    def __exit__(self, *_: object) -> None:
        self._seconds = {who: cpu.seconds() - self._seconds[who] for who, cpu in self._cpu.items()}

    def figures(self, heard: Heard) -> Figures:
        seconds = {**self._seconds, "callers": heard.cpu}
        return {
            "cores": {who: round(used / heard.seconds, 2) for who, used in seconds.items()},
            "cpu_ms": {who: round(used / heard.calls * 1000, 2) for who, used in seconds.items()},
        }


class _Path:
    """Whole calls, or rings alone: what was measured of them, round after round."""

    def __init__(self, name: str, recorded: "Sequence[_Recorded]", tenants: int) -> None:
        self.name, self.with_key = name, name == "call"
        self._what = f"{name}s"
        self._scripts = {f"call_{n}": one.script(tenants, self.with_key) for n, one in enumerate(recorded)}
        self._heard: list[Heard] = []
        self._limits: list[Figures] = []
        self._rounds: list[Figures] = []
        self._written: dict[str, dict[str, float]] = {}

    def limit(self, bench: "_Bench") -> None:
        before = _counts(bench.database)
        url = bench.database.app_url
        found = pgbench(url, self._scripts, warm_up=bench.warm_up, seconds=bench.seconds, clients=LINES)
        self._limits.append(found)
        self._written["pgbench"] = _per_call(before, _counts(bench.database), found["scripts_run"])

    def application(self, bench: "_Bench", target: Target, pid: int, number: int) -> None:
        before = _counts(bench.database)
        with _Used(pid) as used:
            heard = bench.ring(callers.busy, target, LINES, bench.seconds, 100 * number + 1 + self.with_key)
        self._written["application"] = _per_call(before, _counts(bench.database), heard.calls)
        self._heard.append(heard)
        limit = self._limits[-1]
        self._rounds.append(
            {
                "per_second": round(heard.calls / heard.seconds, 1),
                "pgbench_per_second": limit["per_second"],
                **used.figures(heard),
                "pgbench_cpu_ms": limit["cpu_ms"],
            }
        )

    @property
    def rate(self) -> float:
        return median([one["per_second"] for one in self._rounds])

    @property
    def last(self) -> str:
        one = self._rounds[-1]
        return f"{one['per_second']:.0f} {self._what}/s, pgbench {one['pgbench_per_second']:.0f}"

    def check(self) -> None:
        """The limit is one only if pgbench writes what the application writes. Raises RuntimeError otherwise."""
        for table in WRITTEN:
            ours, theirs = self._written["application"][table], self._written["pgbench"][table]
            if abs(ours - theirs) > SPREAD * max(ours, theirs):
                raise RuntimeError(f"pgbench writes {theirs} rows of {table} for a call, the application {ours}")

    def figures(self) -> Figures:
        limit = median([one["per_second"] for one in self._limits])
        cpu = [sum(one["pgbench_cpu_ms"].values()) / sum(one["cpu_ms"].values()) for one in self._rounds]
        return {
            "per_second": self.rate,
            "webhooks_per_second": round(self.rate * (2 if self.with_key else 1), 1),
            **_latencies(self._heard),
            "pgbench": {
                "per_second": limit,
                "ms": {name: median([one["ms"][name] for one in self._limits]) for name in ("p50", "p95", "p99")},
            },
            "ratio": round(self.rate / limit, 2),
            "cpu_ratio": round(median(cpu), 2),
            "rounds": self._rounds,
            "rows_per_call": self._written,
        }


@dataclass(frozen=True)
class _Bench:
    database: BenchDatabase
    pool: Executor
    tenants: int
    customers: int
    seconds: float
    warm_up: float
    rounds: int

    def measure(self) -> Figures:
        token = secrets.token_urlsafe(24)
        _empty(self.database)
        say(f"recording the SQL of {RECORDED_CALLS} calls")
        recorded = asyncio.run(_record(self.database, self.tenants, self.customers))
        ceiling = self._ceiling(token)
        paths = _Path("call", recorded, self.tenants), _Path("ring", recorded, self.tenants)
        half: dict[str, Figures] = {}
        for number in range(1, self.rounds + 1):
            for path in paths:
                path.limit(self)
            with self._server(token) as (port, pid):
                # Each connection must have met each cooperative: it then knows its tables and their keys.
                self.ring(callers.busy, self._target(port, token, True), LINES, self.warm_up, 100 * number)
                for path in paths:
                    path.application(self, self._target(port, token, path.with_key), pid, number)
                    say(f"round {number}: {path.last}")
                if number == self.rounds:
                    for path in paths:
                        target = self._target(port, token, path.with_key)
                        half[path.name] = self._half_rate(target, pid, path)
        for path in paths:
            path.check()
        call, ring = (path.figures() for path in paths)
        return {
            "call": call,
            "ring_only": ring,
            "half_rate": half["call"],
            "ring_half_rate": half["ring"],
            "ratio": call["ratio"],
            "half_rate_p99_ms": half["call"]["webhook_ms"]["p99"],
            "ring_half_rate_p99_ms": half["ring"]["webhook_ms"]["p99"],
            "sql": _sql_figures(recorded),
            "callers_ceiling": ceiling,
        }

    def _half_rate(self, target: Target, pid: int, path: "_Path") -> Figures:
        rate = path.rate / 2
        say(f"{path.name}s by chance, {rate:.0f}/s")
        with _Used(pid) as used:
            heard = self.ring(callers.steady, target, rate, max(self.seconds * 2, 5.0), 8 if path.with_key else 7)
        return {"calls_per_second": round(rate, 1), **_latencies([heard]), **used.figures(heard)}

    def _ceiling(self, token: str) -> Figures:
        """What the callers reach when nothing slows them: the same calls to an application that does nothing."""
        port = _free_port()
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--workers", str(SERVER_PROCESSES)]
        command += ["--host", "127.0.0.1", "--port", str(port), "--no-ws", "--log-level", "error", "bench.trivial:app"]
        with _process(command, {}, lambda: _answers(port, "/")):
            heard = self.ring(callers.busy, self._target(port, token, True), LINES, min(self.seconds, 4.0), 9)
        return {
            "calls_per_second": round(heard.calls / heard.seconds, 1),
            "cores": {"callers": round(heard.cpu / heard.seconds, 2)},
        }

    # -- parts ----------------------------------------------------------------

    def ring(self, how: Callable[..., Heard], *arguments: Any) -> Heard:
        heard = self.pool.submit(how, *arguments).result()
        if heard.errors:
            raise RuntimeError(f"{len(heard.errors)} calls were not answered as they should: {heard.errors[0]}")
        return heard

    def _target(self, port: int, token: str, with_key: bool) -> Target:
        return Target(
            port=port,
            public_url=PUBLIC_URL,
            token=token,
            called=tuple(public_number(number) for number in range(self.tenants)),
            callers=tuple(caller_phone(number) for number in range(self.customers)),
            with_key=with_key,
        )

    @contextmanager
    def _server(self, token: str) -> Iterator[tuple[int, int]]:
        """`./maillage serve` in production settings. Gives its port and its process."""
        port = _free_port()
        environment = {
            "MAILLAGE_ENVIRONMENT": "production",
            "MAILLAGE_DATABASE__URL": self.database.owner_url,
            "MAILLAGE_DATABASE__APP_URL": self.database.app_url,
            "MAILLAGE_WEB__PORT": str(port),
            "MAILLAGE_WEB__WORKERS": str(SERVER_PROCESSES),
            "MAILLAGE_WEB__PUBLIC_URL": PUBLIC_URL,
            "MAILLAGE_WEB__SECRET_KEY": secrets.token_urlsafe(48),
            "MAILLAGE_TELEPHONY__AUTH_TOKENS": f'["{token}"]',
            "MAILLAGE_TELEPHONY__LAST_RESORT_NUMBER": "+33232599999",
            "MAILLAGE_CRYPTO__FIELD_KEYS": f'["{urlsafe_b64encode(secrets.token_bytes(32)).decode()}"]',
        }
        command = [sys.executable, "-m", "maillage_app.cli", "serve", "--without-worker"]
        with _process(command, environment, lambda: _answers(port, "/health")) as pid:
            yield port, pid


# --- the same SQL -----------------------------------------------------------


@dataclass(frozen=True)
class _Recorded:
    """What one call sent to the database, and what in it belongs to that call alone."""

    role: str
    schema: str
    call: str
    began_ms: int
    ended_ms: int
    ring: list[replay.Step]
    key: list[replay.Step]

    def script(self, tenants: int, with_key: bool) -> str:
        """The call as pgbench says it: of a random cooperative, with keys that were never used."""
        steps = [*self.ring, *self.key] if with_key else self.ring
        drawn = _Drawn(self, steps)
        gather = {"set_config('role'": ", ".join(f"uuidv7() as id{n}" for n in range(drawn.how_many_ids))}
        if with_key:
            gather["INSERT INTO number_counter"] = ""
        return replay.script(steps, drawn.words, before=f"\\set tenant random(1, {tenants})", gather=gather)


class _Drawn:
    """SQL for what differs from call to call: cooperative, keys, the carrier's name of the call, fingerprints, number,
    the present. `:id0` names the call for the carrier; the others are the keys that the application draws."""

    def __init__(self, one: _Recorded, steps: Sequence[replay.Step]) -> None:
        self._one = one
        self._ids: dict[UUID, str] = {}
        self._prints: dict[str, str] = {}
        for value in (value for step in steps for values in step.values for value in values.values()):
            if isinstance(value, UUID) and self._is_new(value):
                self._ids.setdefault(value, f":id{len(self._ids) + 1}")
            elif isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value):
                self._prints.setdefault(value, f"md5('{len(self._prints)}' || :id0::text) || md5(:id0::text)")

    @property
    def how_many_ids(self) -> int:
        return len(self._ids) + 1

    def words(self, value: Any) -> str | None:
        match value:
            case UUID() if value in self._ids:
                return f"{self._ids[value]}::uuid"
            case datetime() if self._one.began_ms <= value.timestamp() * 1000 <= self._one.ended_ms:
                return "now()"
            case str() if value == self._one.role:
                return f"'{value[:-4]}' || lpad(:tenant::text, 4, '0')"
            case str() if value == self._one.schema:
                return "'t' || lpad(:tenant::text, 4, '0')"
            case str() if value in self._prints:
                return self._prints[value]
            case str() if found := re.fullmatch(r"([A-Z]-\d{4}-)\d{6}", value):
                return f"'{found[1]}' || lpad(:last::text, 6, '0')"
            case str():
                return self._within(value)
            case _:
                return None

    def _within(self, text: str) -> str | None:
        """A text that holds keys of the call: the same with other keys."""
        names = {self._one.call: "'CA' || replace(:id0::text, '-', '')"}
        names |= {str(key): f"{variable}::text" for key, variable in self._ids.items()}
        pieces = re.split("(" + "|".join(map(re.escape, names)) + ")", text)
        if len(pieces) == 1:
            return None
        return " || ".join(names.get(piece) or replay.literal(piece) for piece in pieces if piece)

    def _is_new(self, key: UUID) -> bool:
        return key.version == 7 and self._one.began_ms <= key.int >> 80 <= self._one.ended_ms


async def _record(bench: BenchDatabase, tenants: int, customers: int) -> list[_Recorded]:
    """Let the application answer calls in this process, and write down what it sends to the database."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    token = secrets.token_urlsafe(24)
    runtime = Runtime.start(
        Settings(
            environment="test",
            database=bench.settings,
            web=WebSettings(public_url=PUBLIC_URL),
            telephony=TelephonySettings(auth_tokens=(SecretStr(token),)),
        )
    )
    app: Any = build_app(runtime)
    transport = httpx.ASGITransport(app=app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:

            async def post(path: str, fields: Mapping[str, str]) -> str:
                signed = twiml.signature(token, PUBLIC_URL + path, tuple(fields.items()))
                answer = await client.post(
                    path,
                    content=urlencode(fields),
                    headers={
                        "content-type": "application/x-www-form-urlencoded",
                        "x-twilio-signature": signed,
                    },
                )
                return answer.raise_for_status().text

            found = []
            for number in range(RECORDED_CALLS):
                tenant = bench.tenants[number % tenants]
                caller = caller_phone(number * 7919 % customers)
                await runtime.directory.all()  # read again now, if it must be, and not in the middle of a call
                name = f"CA{number:032x}"
                fields = callers.ring_fields(name, caller, public_number(number % tenants))
                began = time.time_ns() // 1_000_000
                with replay.recording(runtime.database.engine) as ring:
                    menu = await post(f"{twiml.BASE}/inbound", fields)
                parts = urlsplit(menu.partition('action="')[2].partition('"')[0].replace("&amp;", "&"))
                with replay.recording(runtime.database.engine) as key:
                    dial = await post(f"{parts.path}?{parts.query}", callers.key_fields(fields))
                if "<Dial" not in dial or "/rescue/" in dial:
                    raise RuntimeError(f"a call was not routed: {dial}")
                ended = time.time_ns() // 1_000_000
                found.append(_Recorded(tenant.role, tenant.schema, name, began, ended, ring, key))
            return found
    finally:
        await runtime.close()


def _sql_figures(recorded: Sequence[_Recorded]) -> Figures:
    """How much the application says to the database for each webhook: medians over the recorded calls."""
    return {
        name: {
            "statements": median([sum(len(s.values) for s in steps) for steps in each]),
            "round_trips": median([replay.round_trips(steps) for steps in each]),
        }
        for name, each in (("ring", [one.ring for one in recorded]), ("key", [one.key for one in recorded]))
    }


# --- rows -------------------------------------------------------------------


def _empty(bench: BenchDatabase) -> None:
    """Take away the calls of the run before."""
    with psycopg.connect(bench.owner_url, autocommit=True) as connection:
        for tenant in bench.tenants:
            connection.execute(sql.SQL("truncate {}.call cascade").format(sql.Identifier(tenant.schema)))
        connection.execute("truncate platform.outbox_event")
        connection.execute("truncate tasks.procrastinate_jobs cascade")
        connection.execute("checkpoint")


def _counts(bench: BenchDatabase) -> dict[str, int]:
    """Rows of each table that a call writes, over all cooperatives."""
    with psycopg.connect(bench.owner_url) as connection:
        counted = {}
        for table in WRITTEN:
            parts = [sql.SQL("select count(*) from {}.{}").format(*map(sql.Identifier, (tenant.schema, table)))
                     for tenant in bench.tenants]  # fmt: skip
            row = connection.execute(
                sql.SQL("select sum(count) from ({}) counts").format(sql.SQL(" union all ").join(parts))
            ).fetchone()
            counted[table] = int(row[0]) if row else 0
    return counted


def _per_call(before: Mapping[str, int], after: Mapping[str, int], calls: int) -> dict[str, float]:
    return {table: round((after[table] - before[table]) / calls, 2) for table in WRITTEN}


# --- figures ----------------------------------------------------------------


def _latencies(heard: Sequence[Heard]) -> Figures:
    by_kind = {kind: [took for one in heard for took in one.took.get(kind, ())] for kind in (callers.RING, callers.KEY)}
    both = [took for times in by_kind.values() for took in times]
    return {
        "webhook_ms": latency(both),
        "by_webhook_ms": {kind: latency(times) for kind, times in by_kind.items() if times},
    }


def table(figures: Figures) -> Table:
    found = Table(title="An inbound call over HTTP, from the ring to the artisan’s number", caption=_caption(figures))
    for heading in ("", "a second", "pgbench", "ratio", "p50", "p95", "p99 (ms)", "server", "PostgreSQL (cores)"):
        found.add_column(heading, justify="left" if not heading else "right")
    for name, key in (("ring and key (a call)", "call"), ("ring only", "ring_only")):
        part = figures[key]
        cores = {who: median([one["cores"][who] for one in part["rounds"]]) for who in ("server", "postgresql")}
        found.add_row(
            name,
            f"{part['per_second']:.0f}",
            f"{part['pgbench']['per_second']:.0f}",
            f"{part['ratio']:.2f}",
            *_three(part["webhook_ms"]),
            f"{cores['server']:.2f}",
            f"{cores['postgresql']:.2f}",
        )
    for name, key in (
        ("calls by chance, half the rate", "half_rate"),
        ("rings by chance, half the rate", "ring_half_rate"),
    ):
        half = figures[key]
        cores = half["cores"]
        found.add_row(
            name,
            f"{half['calls_per_second']:.0f}",
            "",
            "",
            *_three(half["webhook_ms"]),
            f"{cores['server']:.2f}",
            f"{cores['postgresql']:.2f}",
        )
    return found


def _three(milliseconds: Mapping[str, float]) -> list[str]:
    return [f"{milliseconds[name]:.1f}" for name in ("p50", "p95", "p99")]


def _caption(figures: Figures) -> str:
    said, ceiling = figures["sql"], figures["callers_ceiling"]
    counts = ", ".join(f"{name}: {one['statements']:.0f} statements" for name, one in said.items())
    return f"times are of one webhook · {counts} · callers alone reach {ceiling['calls_per_second']:.0f} calls/s"


# --- processes --------------------------------------------------------------


@contextmanager
def _process(command: Sequence[str], environment: Mapping[str, str], ready: Callable[[], bool]) -> Iterator[int]:
    """Run a server once it answers, as long as wanted. Raises RuntimeError with its last words when it does not."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")}
    log = (DATA_DIR.parent / "server.log").open("w+")
    process = subprocess.Popen(command, cwd=ROOT, env={**clean, **environment}, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                raise RuntimeError(f"the server did not start:\n{log.read()[-2000:]}")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
            return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
