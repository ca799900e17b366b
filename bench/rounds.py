"""An application beside its limit: rounds of pgbench and of a crowd over HTTP in turns, on the same database, each
ended by the crowd by chance at half the rate. The server is stopped while pgbench runs; the ratio of the two medians
says what the application costs beside the database. Of every figure the median of the rounds counts: the processors of
a shared machine are not equally fast from minute to minute.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from bench import crowd, serving
from bench.common import Cpu, Figures, latency, median, pgbench, postmaster, say
from bench.crowd import Heard, Target
from bench.database import BenchDatabase, vacuum
from psycopg import sql
from rich.table import Table

from maillage_kit.testing.sip_lab import free_port

SERVER_PROCESSES = 2
LINES = 16
"""At a time, for the highest rate; pgbench has as many clients."""
SPREAD = 0.15
"""How far the rows that pgbench writes may be from those of the application."""

Targets = Callable[[int], Mapping[str, Target]]
"""Where each path is asked, by its name, once a server listens on that port."""


@dataclass(frozen=True)
class Extent:
    """How large a run is: cooperatives, customers of each; seconds of each round and, before it, those that do not
    count; rounds; how many requests of each kind are recorded, each a script of pgbench, which takes at most 128."""

    tenants: int
    customers: int
    seconds: float
    warm_up: float
    rounds: int
    recorded: int

    @property
    def figures(self) -> Figures:
        return {
            "tenants": self.tenants,
            "customers_each": self.customers,
            "server_processes": SERVER_PROCESSES,
            "lines": LINES,
            "recorded": self.recorded,
            "rounds": self.rounds,
            "seconds": self.seconds,
            "warm_up_seconds": self.warm_up,
        }


@dataclass(frozen=True)
class Path:
    """One thing that is measured. `unit` is one of it, made of `parts` HTTP requests, each called a `part`; `scripts`
    are the same for pgbench; `written` the tables of a cooperative that one writes rows of."""

    name: str
    unit: str
    part: str
    parts: int
    scripts: Mapping[str, str]
    written: Sequence[str]


@dataclass(frozen=True)
class Course:
    """A run: the database, the process of the crowd, how large it is."""

    database: BenchDatabase
    pool: Executor
    extent: Extent

    def measure(self, paths: Sequence[Path], *, environment: Callable[[int], Mapping[str, str]], targets: Targets,
                warm: Sequence[str]) -> tuple[dict[str, Figures], dict[str, Figures]]:  # fmt: skip
        """Of each path by its name: the figures beside pgbench, those at half the rate. `environment` of a server on
        that port; `warm`: the paths that a new server is warmed up with, the warm-up shared between them."""
        beside = [_Beside(path) for path in paths]
        for number in range(1, self.extent.rounds + 1):
            for one in beside:
                one.limit(self)
            port = free_port()
            ready = partial(serving.answers, port, "/health")
            with serving.running(serving.SERVE, environment(port), ready) as server:
                where = targets(port)
                # Each connection must have met each cooperative: it then knows its tables and their keys.
                for name in warm:
                    self.ask(crowd.busy, where[name], LINES, self.extent.warm_up / len(warm), 100 * number)
                for place, one in enumerate(beside):
                    one.application(self, where[one.path.name], server.pid, 100 * number + 1 + place)
                    say(f"round {number}: {one.last}")
                self.clean(paths)
                for place, one in enumerate(beside):
                    one.half_rate(self, where[one.path.name], server.pid, 100 * number + 11 + place)
                    say(f"round {number}: {one.last_half}")
        for one in beside:
            one.check()
        return (
            {one.path.name: one.figures() for one in beside},
            {one.path.name: one.half_rate_figures() for one in beside},
        )

    def clean(self, paths: Sequence[Path]) -> None:
        """What the highest rates left to clean is cleaned, so that PostgreSQL does not do it while half the rate is
        measured."""
        tables = dict.fromkeys(table for path in paths for table in path.written)
        for tenant in self.database.tenants:
            vacuum(self.database.owner_url, tenant.schema, tables)

    def ceiling(self, application: str, targets: Targets, name: str) -> tuple[float, float]:
        """What the crowd reaches when nothing slows it: asked of an application that does nothing (`module:name`). How
        many a second, on how many cores of its own."""
        port = free_port()
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--workers", str(SERVER_PROCESSES)]
        command += ["--host", "127.0.0.1", "--port", str(port), "--no-ws", "--log-level", "error", application]
        with serving.running(command, {}, lambda: serving.answers(port, "/")):
            heard = self.ask(crowd.busy, targets(port)[name], LINES, min(self.extent.seconds, 4.0), 9)
        return round(heard.stories / heard.seconds, 1), round(heard.cpu / heard.seconds, 2)

    def ask(self, how: Callable[..., Heard], *arguments: Any) -> Heard:
        """Raises RuntimeError when anything was answered otherwise than it should."""
        heard = self.pool.submit(how, *arguments).result()
        if heard.errors:
            raise RuntimeError(f"{len(heard.errors)} were not answered as they should: {heard.errors[0]}")
        return heard


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
            "cpu_ms": {who: round(used / heard.stories * 1000, 2) for who, used in seconds.items()},
        }


class _Beside:
    """What was measured of a path, round after round."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._heard: list[Heard] = []
        self._limits: list[Figures] = []
        self._rounds: list[Figures] = []
        self._halves: list[Figures] = []
        self._written: dict[str, dict[str, float]] = {}

    def limit(self, course: Course) -> None:
        before = self._counts(course.database)
        url = course.database.app_url
        found = pgbench(
            url, self.path.scripts, warm_up=course.extent.warm_up, seconds=course.extent.seconds, clients=LINES
        )
        self._limits.append(found)
        self._written["pgbench"] = self._each(before, course.database, found["scripts_run"])

    def application(self, course: Course, target: Target, pid: int, seed: int) -> None:
        before = self._counts(course.database)
        with _Used(pid) as used:
            heard = course.ask(crowd.busy, target, LINES, course.extent.seconds, seed)
        self._written["application"] = self._each(before, course.database, heard.stories)
        self._heard.append(heard)
        limit = self._limits[-1]
        self._rounds.append(
            {
                "per_second": round(heard.stories / heard.seconds, 1),
                "pgbench_per_second": limit["per_second"],
                **used.figures(heard),
                "pgbench_cpu_ms": limit["cpu_ms"],
            }
        )

    def half_rate(self, course: Course, target: Target, pid: int, seed: int) -> None:
        """By chance, at half the rate of this round."""
        rate = self._rounds[-1]["per_second"] / 2
        with _Used(pid) as used:
            heard = course.ask(crowd.steady, target, rate, max(course.extent.seconds, 3.0), seed)
        rates = {f"{self.path.unit}s_per_second": round(rate, 1)}
        self._halves.append({**rates, **_latencies(self.path, [heard]), **used.figures(heard)})

    @property
    def last_half(self) -> str:
        one, path = self._halves[-1], self.path
        rate, slow = one[f"{path.unit}s_per_second"], one[f"{path.part}_ms"]["p99"]
        return f"{path.name} by chance: {rate:.0f}/s, p99 {slow:.0f} ms"

    def half_rate_figures(self) -> Figures:
        """The median of the rounds, and each of them."""
        unit, part = self.path.unit, self.path.part
        kinds = self._halves[0][f"by_{part}_ms"]
        return {
            f"{unit}s_per_second": round(self.rate / 2, 1),
            f"{part}_ms": _middle([one[f"{part}_ms"] for one in self._halves]),
            f"by_{part}_ms": {kind: _middle([one[f"by_{part}_ms"][kind] for one in self._halves]) for kind in kinds},
            "cores": _middle([one["cores"] for one in self._halves]),
            "cpu_ms": _middle([one["cpu_ms"] for one in self._halves]),
            "rounds": self._halves,
        }

    @property
    def rate(self) -> float:
        return median([one["per_second"] for one in self._rounds])

    @property
    def last(self) -> str:
        one = self._rounds[-1]
        return f"{self.path.name}: {one['per_second']:.0f}/s, pgbench {one['pgbench_per_second']:.0f}"

    def check(self) -> None:
        """The limit is one only if pgbench writes what the application writes. Raises RuntimeError otherwise."""
        for table in self.path.written:
            ours, theirs = self._written["application"][table], self._written["pgbench"][table]
            if abs(ours - theirs) > SPREAD * max(ours, theirs):
                raise RuntimeError(f"pgbench writes {theirs} rows of {table} for one, the application {ours}")

    def figures(self) -> Figures:
        path = self.path
        limit = median([one["per_second"] for one in self._limits])
        cpu = [sum(one["pgbench_cpu_ms"].values()) / sum(one["cpu_ms"].values()) for one in self._rounds]
        return {
            "per_second": self.rate,
            f"{path.part}s_per_second": round(self.rate * path.parts, 1),
            **_latencies(path, self._heard),
            "pgbench": {
                "per_second": limit,
                "ms": {name: median([one["ms"][name] for one in self._limits]) for name in ("p50", "p95", "p99")},
            },
            "ratio": round(self.rate / limit, 2),
            "cpu_ratio": round(median(cpu), 2),
            "rounds": self._rounds,
            f"rows_per_{path.unit}": self._written,
        }

    def _counts(self, bench: BenchDatabase) -> dict[str, int]:
        """Rows of each table that is written, over all cooperatives."""
        with psycopg.connect(bench.owner_url) as connection:
            counted = {}
            for table in self.path.written:
                each = serving.everywhere(bench, f"select count(*) from {{}}.{table}")
                row = connection.execute(sql.SQL("select sum(count) from ({}) counts").format(each)).fetchone()
                counted[table] = int(row[0]) if row else 0
        return counted

    def _each(self, before: Mapping[str, int], bench: BenchDatabase, how_many: int) -> dict[str, float]:
        return {table: round((after - before[table]) / how_many, 2) for table, after in self._counts(bench).items()}


def _latencies(path: Path, heard: Sequence[Heard]) -> Figures:
    kinds = dict.fromkeys(kind for one in heard for kind in one.took)
    by_kind = {kind: [took for one in heard for took in one.took.get(kind, ())] for kind in kinds}
    return {
        f"{path.part}_ms": latency([took for times in by_kind.values() for took in times]),
        f"by_{path.part}_ms": {kind: latency(times) for kind, times in by_kind.items()},
    }


def _middle(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {name: round(median([one[name] for one in rounds]), 2) for name in rounds[0]}


# --- what a person reads ----------------------------------------------------


def rate_table(title: str, caption: str) -> Table:
    found = Table(title=title, caption=caption)
    for heading in ("", "a second", "pgbench", "ratio", "p50", "p95", "p99 (ms)", "server", "PostgreSQL (cores)"):
        found.add_column(heading, justify="left" if not heading else "right")
    return found


def add_full(table: Table, name: str, figures: Figures, part: str) -> None:
    """A path at its highest rate."""
    cores = {who: median([one["cores"][who] for one in figures["rounds"]]) for who in ("server", "postgresql")}
    rates = (f"{figures['per_second']:.0f}", f"{figures['pgbench']['per_second']:.0f}", f"{figures['ratio']:.2f}")
    table.add_row(name, *rates, *_three(figures[f"{part}_ms"]), f"{cores['server']:.2f}", f"{cores['postgresql']:.2f}")


def add_half(table: Table, name: str, figures: Figures, *, unit: str, part: str) -> None:
    """A path by chance at half its rate."""
    cores = figures["cores"]
    rate = f"{figures[f'{unit}s_per_second']:.0f}"
    times = _three(figures[f"{part}_ms"])
    table.add_row(name, rate, "", "", *times, f"{cores['server']:.2f}", f"{cores['postgresql']:.2f}")


def said(figures: Figures) -> str:
    """How many statements each request is."""
    return ", ".join(f"{name}: {one['statements']:.0f} statements" for name, one in figures["sql"].items())


def _three(milliseconds: Mapping[str, float]) -> list[str]:
    return [f"{milliseconds[name]:.1f}" for name in ("p50", "p95", "p99")]
