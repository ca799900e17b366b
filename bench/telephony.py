"""Calls over SIP: how many a second without losing one, and how long a caller waits before it is known where they go?

The product's own edge (Kamailio), server (`./maillage serve`, production settings, two processes) and database, on
this machine; sipp dials, another sipp answers in the voice's place. Each call rings one of the cooperatives from the
number of a customer, is written, decided, answered, acknowledged and hung up; every event is delivered and put on
record. Each rate is offered for some seconds, then the queue of events is waited for.

The limit, in the same run: the same edge with a constant target, nobody to ask, and an application that takes events
without looking.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
from bench import database, serving
from bench.common import ROOT, Cpu, Figures, Load, latency, machine, postmaster, record, say
from bench.database import BenchDatabase
from bench.rows import Size, caller_phone, public_number
from psycopg import sql
from rich.table import Table

from maillage_kit.testing.sip_lab import HOST, CallerScript, Edge, PhoneScript, SipLab, free_port, missing, wait_until

FAMILY = "bench_routing"
"""The same cooperatives as the bench of routing: made once for both."""
TARGET = {"held_per_second": 200, "decision_p99_ms_at_50": 30.0}
HOLDS_SECONDS = 0.2
DRAIN_SECONDS = 180.0
SEVERAL_CALLERS = 4000


def run(*, tenants: int, customers: int, rates: tuple[int, ...], seconds: float, fresh: bool, keep: bool) -> Figures:
    """Prepare what is missing, measure; the figures, recorded when `keep`. Raises RuntimeError where SIP is missing."""
    reason = missing()
    if reason is not None:
        raise RuntimeError(reason)
    load = Load()
    names = database.prepare(FAMILY, Size(customers=customers), [tenants], fresh=fresh)
    with database.running() as server, tempfile.TemporaryDirectory(prefix="maillage-sip-") as folder:
        bench = database.opened(server, FAMILY, names[tenants])
        facts = machine(server.uri)
        measured = _Bench(bench, Path(folder), tenants, customers, seconds).measure(rates)
    figures: Figures = {
        "bench": "telephony",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": facts,
        "load": load.figures(),
        "sizes": {"tenants": tenants, "customers_each": customers, "seconds": seconds, "rates": list(rates)},
        **measured,
        "target": TARGET,
    }
    if keep:
        say(f"recorded in {record('telephony', figures).name}")
    return figures


class _Bench:
    def __init__(self, bench: BenchDatabase, folder: Path, tenants: int, customers: int, seconds: float) -> None:
        self.bench, self.folder, self.seconds = bench, folder, seconds
        self.callers = [
            f"{caller_phone(number % customers)};{public_number(number % tenants)}"
            for number in range(0, SEVERAL_CALLERS * 7, 7)
        ]

    def measure(self, rates: tuple[int, ...]) -> Figures:
        limit = self._limit(rates)
        product = self._product(rates)
        held = [one["calls_per_second"] for one in product if one["lost"] == 0 and one["not_decided"] == 0]
        without_loss = [one["calls_per_second"] for one in product if one["lost"] == 0]
        at_50 = next((one["decision_ms"]["p99"] for one in product if one["calls_per_second"] == 50), None)
        return {
            "calls": product,
            "constant_target": limit,
            "held_per_second": max(held, default=0),
            "without_loss_per_second": max(without_loss, default=0),
            "decision_p99_ms_at_50": at_50,
        }

    # -- the limit --------------------------------------------------------------

    def _limit(self, rates: tuple[int, ...]) -> list[Figures]:
        port = free_port()
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", HOST, "--port", str(port)]
        command += ["--no-ws", "--log-level", "error", "bench.acknowledged:app"]
        with (
            serving.running(command, {}, lambda: serving.answers(port, "/")) as server,
            SipLab(self.folder / "limit", secret=serving.SECRET, source=ROOT / "deploy" / "kamailio") as lab,
        ):
            edge = self._edge(lab, port, constant_target=True)
            return [self._rate(lab, edge, server, rate, decided=False) for rate in rates]

    # -- the product ------------------------------------------------------------

    def _product(self, rates: tuple[int, ...]) -> list[Figures]:
        serving.empty(self.bench)
        port = free_port()
        with SipLab(self.folder / "product", secret=serving.SECRET, source=ROOT / "deploy" / "kamailio") as lab:
            edge = self._edge(lab, port)
            environment = serving.production(
                self.bench,
                port,
                MAILLAGE_TELEPHONY__SIP__VOICE=f"sip:voice@{HOST}:{lab.voice_port}",
                MAILLAGE_TELEPHONY__SIP__TRUNK=lab.operator.address,
                MAILLAGE_TELEPHONY__SIP__EDGE_RPC=edge.rpc_url,
            )
            with serving.running(serving.SERVE, environment, lambda: serving.answers(port, "/health")) as server:
                wait_until(lambda: edge.knows_plans(public_number(0)), within=20, what="the edge learnt the plans")
                say("warming up: each connection meets each cooperative")
                self._offer(lab, edge, 20, 6.0)
                self._drained(edge)
                return [self._rate(lab, edge, server, rate, decided=True) for rate in rates]

    # -- parts ------------------------------------------------------------------

    def _edge(self, lab: SipLab, port: int, **options: Any) -> Edge:
        lab.answering(lab.voice_port, PhoneScript(answers_after=0.01, talks=60, sound=False).xml(), quiet=True)
        edge = lab.edge(
            application_port=port,
            last_resort="+33232599999",
            flood_calls=100_000,
            sip_workers=4,
            memory_mb=512,
            **options,
        )
        return edge.start()

    def _offer(self, lab: SipLab, edge: Edge, rate: float, seconds: float) -> Any:
        xml = CallerScript("[field0]", "[field1]", talks=HOLDS_SECONDS).xml()
        calls = max(1, round(rate * seconds))
        return lab.load(edge, xml, callers=self.callers, rate=rate, calls=calls, within=seconds + 60)

    def _drained(self, edge: Edge) -> float:
        """Seconds until every event was delivered."""
        began = time.monotonic()
        wait_until(lambda: not edge.undelivered(), within=DRAIN_SECONDS, what="every event is delivered", every=0.2)
        return time.monotonic() - began

    def _rate(self, lab: SipLab, edge: Edge, server: serving.Server, rate: int, *, decided: bool) -> Figures:
        began = time.time()
        before = {"server": Cpu(server.pid), "edge": Cpu(edge.child.pid), "postgresql": postmaster()}
        used = {name: cpu.seconds() for name, cpu in before.items()}
        offered = self._offer(lab, edge, rate, self.seconds)
        used = {name: cpu.seconds() - used[name] for name, cpu in before.items()}
        drained = self._drained(edge)
        figures: Figures = {
            "calls_per_second": rate,
            "made": offered.made,
            "answered": offered.answered,
            "lost": offered.made - offered.answered,
            "retransmissions": offered.retransmissions,
            "events_late_seconds": round(drained, 1),
            "cores": {name: round(seconds / self.seconds, 2) for name, seconds in used.items()},
            "idle_percent": round(psutil.cpu_times_percent(0.1).idle, 0),
        }
        if decided:
            figures |= self._decisions(began, offered.made)
        say(
            f"{rate}/s: {figures['lost']} lost of {figures['made']}"
            + (f", {figures['decision_ms']}" if decided else "")
        )
        return figures

    def _decisions(self, since: float, made: int) -> Figures:
        """From the edge's own times: received, then decided. And what the database holds of these calls."""
        query = serving.everywhere(
            self.bench,
            "select provider_call_id, max((payload->'event'->>'at')::float8) filter (where kind = 'received'),"
            " max((payload->'event'->>'at')::float8) filter (where kind = 'decided'),"
            " max(payload->'event'->>'source') filter (where kind = 'decided') from {}.call_event"
            " where kind in ('received', 'decided') group by provider_call_id",
        )
        stored = serving.everywhere(
            self.bench, "select count(*) from {}.call where started_at >= to_timestamp(%(since)s)"
        )
        with psycopg.connect(self.bench.owner_url) as connection:
            rows = [row for row in connection.execute(query).fetchall() if row[1] is not None and row[1] >= since]
            summed = sql.SQL("select coalesce(sum(count), 0)::int from ({}) as counted").format(stored)
            count = connection.execute(summed, {"since": since}).fetchone()
        told = [(decided - received, source) for _, received, decided, source in rows if decided is not None]
        by_application = [took for took, source in told if source == "app"]
        return {
            "decision_ms": latency(by_application),
            "not_decided": made - len(by_application),
            "on_record": count[0] if count else 0,
        }


def table(figures: Figures) -> Table:
    """The figures for people."""
    found = Table(title="Calls over SIP")
    for column in (
        "calls/s",
        "made",
        "lost",
        "not decided",
        "decision p50/p95/p99 ms",
        "on record",
        "cores app/edge/pg",
    ):
        found.add_column(column, justify="right")
    for one in figures["calls"]:
        ms, cores = one["decision_ms"], one["cores"]
        found.add_row(
            str(one["calls_per_second"]),
            str(one["made"]),
            str(one["lost"]),
            str(one["not_decided"]),
            f"{ms['p50']} / {ms['p95']} / {ms['p99']}",
            str(one["on_record"]),
            f"{cores['server']} / {cores['edge']} / {cores['postgresql']}",
        )
    for one in figures["constant_target"]:
        cores = one["cores"]
        row = (
            f"{one['calls_per_second']} (limit)",
            str(one["made"]),
            str(one["lost"]),
            "",
            "",
            "",
            f"/ {cores['edge']} /",
        )
        found.add_row(*row)
    return found
