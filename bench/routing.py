"""An inbound call over HTTP, from the ring to the artisan's number: how many a second, how late, how far from the best?

The product's own server, in production settings, two processes beside PostgreSQL on this machine; callers in one more
process. A call is the carrier's two webhooks (bench/callers.py): the ring is recognised, written down and answered with
a menu; the key routes it: place, promise, ladder frozen with its reasons, case opened, first artisan dialled.

The limit is pgbench saying the same SQL, recorded from the application (bench/recorded.py), on the same database, as
many at a time, in the same run (bench/rounds.py).
"""

import asyncio
import logging
import multiprocessing
import secrets
import time
from collections.abc import Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from bench import callers, database, replay, serving
from bench.callers import Target
from bench.common import Figures, Load, machine, record, say
from bench.database import BenchDatabase
from bench.recorded import Recorded, sql_figures
from bench.rounds import Course, Extent, Path, add_full, add_half, rate_table, said
from bench.rows import Size, caller_phone, public_number
from pydantic import SecretStr
from rich.table import Table

from maillage_app.app import build_app
from maillage_app.runtime import Runtime
from maillage_kit.settings import Settings, TelephonySettings, WebSettings
from maillage_tenants.calls.carriers import twiml

FAMILY = "bench_routing"
FIRST_TARGET = {"ratio": 0.35, "half_rate_p99_ms": 50.0, "ring_half_rate_p99_ms": 50.0}
WRITTEN = (
    "call",
    "call_event",
    "ladder_step",
    "call_leg",
    "intervention",
    "intervention_clock",
    "intervention_event",
)


def run(extent: Extent, *, fresh: bool, keep: bool) -> Figures:
    """Prepare what is missing, measure; the figures, recorded when `keep`."""
    load = Load()
    started = time.monotonic()
    names = database.prepare(FAMILY, Size(customers=extent.customers), [extent.tenants], fresh=fresh)
    prepared = time.monotonic() - started
    context = multiprocessing.get_context("spawn")
    with database.running() as server, ProcessPoolExecutor(1, mp_context=context) as pool:
        bench = database.opened(server, FAMILY, names[extent.tenants])
        facts = machine(server.uri)
        measured = _Bench(bench, pool, extent).measure()
    figures: Figures = {
        "bench": "routing",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": facts,
        "load": load.figures(),
        "sizes": extent.figures,
        "preparation_seconds": round(prepared, 1),
        **measured,
        "first_target": FIRST_TARGET,
    }
    if keep:
        say(f"recorded in {record('routing', figures).name}")
    return figures


@dataclass(frozen=True)
class _Bench:
    database: BenchDatabase
    pool: Executor
    extent: Extent

    def measure(self) -> Figures:
        token = secrets.token_urlsafe(24)
        serving.empty(self.database)
        say(f"recording the SQL of {self.extent.recorded} calls")
        recorded = asyncio.run(_record(self.database, self.extent))
        course = Course(self.database, self.pool, self.extent)

        def targets(port: int) -> dict[str, Target]:
            return {name: self._target(port, token, with_key=name == "call") for name in ("call", "ring")}

        ceiling, cores = course.ceiling("bench.trivial:app", targets, "call")
        beside, half = course.measure(
            [self._path("call", recorded, ("ring", "key")), self._path("ring", recorded, ("ring",))],
            environment=lambda port: serving.production(
                self.database, port, MAILLAGE_TELEPHONY__AUTH_TOKENS=f'["{token}"]'
            ),
            targets=targets,
            warm=("call",),
        )
        return {
            "call": beside["call"],
            "ring_only": beside["ring"],
            "half_rate": half["call"],
            "ring_half_rate": half["ring"],
            "ratio": beside["call"]["ratio"],
            "half_rate_p99_ms": half["call"]["webhook_ms"]["p99"],
            "ring_half_rate_p99_ms": half["ring"]["webhook_ms"]["p99"],
            "sql": sql_figures(recorded),
            "callers_ceiling": {"calls_per_second": ceiling, "cores": {"callers": cores}},
        }

    def _path(self, name: str, recorded: list[Recorded], kinds: tuple[str, ...]) -> Path:
        """Whole calls, or rings alone."""
        whole = "key" in kinds
        scripts = {
            f"call_{n}": one.script(kinds, tenants=self.extent.tenants, numbered=whole)
            for n, one in enumerate(recorded)
        }
        return Path(name, "call", "webhook", len(kinds), scripts, WRITTEN)

    def _target(self, port: int, token: str, *, with_key: bool) -> Target:
        return Target(
            port=port,
            public_url=serving.PUBLIC_URL,
            token=token,
            called=tuple(public_number(number) for number in range(self.extent.tenants)),
            callers=tuple(caller_phone(number) for number in range(self.extent.customers)),
            with_key=with_key,
        )


# --- the same SQL -----------------------------------------------------------


async def _record(bench: BenchDatabase, extent: Extent) -> list[Recorded]:
    """Let the application answer calls in this process, and write down what it sends to the database."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    token = secrets.token_urlsafe(24)
    runtime = Runtime.start(
        Settings(
            environment="test",
            database=bench.settings,
            web=WebSettings(public_url=serving.PUBLIC_URL),
            telephony=TelephonySettings(auth_tokens=(SecretStr(token),)),
        )
    )
    app: Any = build_app(runtime)
    transport = httpx.ASGITransport(app=app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=serving.PUBLIC_URL) as client:

            async def post(path: str, fields: Mapping[str, str]) -> str:
                signed = twiml.signature(token, serving.PUBLIC_URL + path, tuple(fields.items()))
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
            for number in range(extent.recorded):
                tenant = bench.tenants[number % extent.tenants]
                caller = caller_phone(number * 7919 % extent.customers)
                await runtime.directory.all()  # read again now, if it must be, and not in the middle of a call
                name = f"CA{number:032x}"
                fields = callers.ring_fields(name, caller, public_number(number % extent.tenants))
                began = time.time_ns() // 1_000_000
                with replay.recording(runtime.database.engine) as ring:
                    menu = await post(f"{twiml.BASE}/inbound", fields)
                parts = urlsplit(menu.partition('action="')[2].partition('"')[0].replace("&amp;", "&"))
                with replay.recording(runtime.database.engine) as key:
                    dial = await post(f"{parts.path}?{parts.query}", callers.key_fields(fields))
                if "<Dial" not in dial or "/rescue/" in dial:
                    raise RuntimeError(f"a call was not routed: {dial}")
                ended = time.time_ns() // 1_000_000
                names = {name: "'CA' || replace(:id0::text, '-', '')"}
                found.append(Recorded(tenant, began, ended, names, {callers.RING: ring, callers.KEY: key}))
            return found
    finally:
        await runtime.close()


# --- figures ----------------------------------------------------------------


def table(figures: Figures) -> Table:
    ceiling = figures["callers_ceiling"]["calls_per_second"]
    found = rate_table(
        "An inbound call over HTTP, from the ring to the artisan’s number",
        f"times are of one webhook · {said(figures)} · callers alone reach {ceiling:.0f} calls/s",
    )
    add_full(found, "ring and key (a call)", figures["call"], "webhook")
    add_full(found, "ring only", figures["ring_only"], "webhook")
    add_half(found, "calls by chance, half the rate", figures["half_rate"], unit="call", part="webhook")
    add_half(found, "rings by chance, half the rate", figures["ring_half_rate"], unit="call", part="webhook")
    return found
