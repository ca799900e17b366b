"""What the programs share: the machine, CPU time, percentiles, pgbench, results."""

import json
import math
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import psycopg
from rich.console import Console

from maillage_kit.embedded_postgres import bin_dir

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
DATA_DIR = Path(os.environ.get("MAILLAGE_BENCH_DIR") or ROOT / ".maillage" / "bench") / "postgres"

Figures = dict[str, Any]

progress = Console(stderr=True)
"""What a program says while it works; what it found goes to standard output."""


def say(text: str) -> None:
    progress.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/dim] {text}", highlight=False)


# --- figures ----------------------------------------------------------------


def percentile(ordered: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that at least `share` of the values do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def latency(seconds: Sequence[float]) -> Figures:
    """Percentiles in milliseconds, and how many values they rest on."""
    if not seconds:
        raise RuntimeError("nothing was measured: more seconds are needed")
    ordered = sorted(seconds)
    named = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    return {
        **{name: round(percentile(ordered, share) * 1000, 2) for name, share in named.items()},
        "max": round(ordered[-1] * 1000, 2),
        "count": len(ordered),
    }


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


# --- the machine ------------------------------------------------------------


def machine(owner_url: str) -> Figures:
    """What the figures were taken on. No name and no path of the machine."""
    names = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_connections")
    with psycopg.connect(owner_url) as connection:
        server = connection.execute("show server_version").fetchone()
        settings = {name: _one(connection, f"show {name}") for name in names}
    if settings["fsync"] != "on":
        raise RuntimeError("the bench server is being filled by another run: wait for it")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": server[0].split()[0] if server else "",
        "postgresql_settings": settings,
        "packages": {name: version(name) for name in ("sqlalchemy", "psycopg", "litestar", "granian")},
        "revision": _revision(),
    }


def _one(connection: psycopg.Connection[Any], query: str) -> str:
    row = connection.execute(query.encode()).fetchone()
    return str(row[0]) if row else ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _revision() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()


class Load:
    """How busy the machine is with other things: the load average when a run began and when it ended."""

    def __init__(self) -> None:
        self._before = os.getloadavg()[0]

    def figures(self) -> Figures:
        return {"load_before": round(self._before, 2), "load_after": round(os.getloadavg()[0], 2)}


@dataclass(frozen=True)
class Cpu:
    """Seconds of CPU that a process and its descendants have used, those that ended included."""

    pid: int

    def seconds(self) -> float:
        """0 when there is no such process."""
        while True:
            try:
                root = psutil.Process(self.pid)
            except psutil.NoSuchProcess:
                return 0.0
            try:
                times = [process.cpu_times() for process in (*root.children(recursive=True), root)]
            except psutil.NoSuchProcess:  # one ended since they were listed: its parent counts it at the next look
                continue
            return sum(t.user + t.system + t.children_user + t.children_system for t in times)


def children_seconds() -> float:
    """Seconds of CPU that this process's ended children have used."""
    used = os.times()
    return used.children_user + used.children_system


def postmaster() -> Cpu:
    """The bench server's processes."""
    first = (DATA_DIR / "data" / "postmaster.pid").read_text().split("\n", 1)[0]
    return Cpu(int(first))


# --- pgbench ----------------------------------------------------------------


def pgbench(
    url: str, scripts: Mapping[str, str], *, warm_up: float, seconds: float, clients: int, threads: int = 2
) -> Figures:
    """Run scripts at random: rate of scripts a second, their latency, their CPU, all after the warm-up. Extended
    protocol, nothing prepared: what the application's driver does. `scripts_run` counts those of the warm-up too.

    Raises RuntimeError when a statement fails: a limit measured on errors is none.
    """
    with tempfile.TemporaryDirectory(prefix="maillage-pgbench-") as folder:
        command = [str(bin_dir() / "pgbench"), "-n", "-M", "extended", "-c", str(clients), "-j", str(threads)]
        command += ["-T", str(max(1, round(warm_up + seconds))), "-l", "--log-prefix", str(Path(folder) / "log")]
        for name, text in scripts.items():
            path = Path(folder) / f"{name}.sql"
            path.write_text(text)
            command += ["-f", str(path)]
        ended_before = children_seconds()
        process = subprocess.Popen(
            [*command, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
        )
        time.sleep(warm_up)
        warm = time.time()
        before = postmaster().seconds(), Cpu(process.pid).seconds()
        _, complaints = process.communicate()
        used = postmaster().seconds() - before[0], children_seconds() - ended_before - before[1]
        if process.returncode or "aborted" in complaints:
            raise RuntimeError(f"pgbench failed:\n{complaints[-2000:]}")
        lines = [line.split() for log in Path(folder).glob("log.*") for line in log.read_text().splitlines()]
    # client, how many before, microseconds, script, end in seconds, and its microseconds
    runs = [(int(line[4]) + int(line[5]) / 1e6, int(line[2]) / 1e6) for line in lines]
    counted = [took for ended, took in runs if ended >= warm]
    if not counted:
        raise RuntimeError("pgbench did nothing after the warm-up: more seconds are needed")
    lasted = max(ended for ended, _ in runs) - warm
    share = 1000 / len(counted)
    return {
        "per_second": round(len(counted) / lasted, 1),
        "ms": latency(counted),
        "clients": clients,
        "cpu_ms": {"postgresql": round(used[0] * share, 2), "pgbench": round(used[1] * share, 2)},
        "scripts_run": len(runs),
    }


# --- results ----------------------------------------------------------------


def record(name: str, figures: Figures) -> Path:
    """Keep a run under `bench/results/`; the last of a day is the one kept."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{datetime.now(UTC):%Y-%m-%d}.json"
    path.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    return path
