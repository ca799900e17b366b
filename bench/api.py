"""The REST API over HTTP, with tokens: how many a second, how late, how far from the best?

The product's own server, in production settings, two processes beside PostgreSQL on this machine; partners' software in
one more process (bench/software.py). Each cooperative has one application, whose token our authorization server signs;
it sees the customers that the cooperative gave it. A read is `GET` of a case; a request is `POST` of one: token, rate,
key, customer, triage with the trade's rules, price, promise, ladder, first artisan alerted, answer kept.

The limit is pgbench saying the same SQL, recorded from the application (bench/recorded.py), on the same database, as
many at a time, in the same run (bench/rounds.py).
"""

import asyncio
import json
import logging
import multiprocessing
import secrets
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import structlog
from bench import database, replay, serving, software
from bench.common import Figures, Load, machine, record, say
from bench.crowd import Message
from bench.database import BenchDatabase
from bench.recorded import Recorded, sql_figures
from bench.rounds import Course, Extent, Path, add_full, add_half, rate_table, said
from bench.rows import Size
from bench.software import READ, REQUEST, Dwelling, Opening, Target
from psycopg import sql
from pydantic import SecretStr
from rich.table import Table

from maillage_app.app import build_app
from maillage_app.runtime import Runtime
from maillage_kit.crypto import token_hash
from maillage_kit.settings import CryptoSettings, Settings, WebSettings

FAMILY = "bench_routing"
"""The same cooperatives as the bench of routing: made once for both."""
CUSTOMERS_OF_A_PARTNER = 50
SCOPES = ["requests:write", "interventions:read"]
WRITTEN = (
    "intervention",
    "intervention_clock",
    "intervention_event",
    "offer",
    "message",
    "partner_order",
    "api_answer",
)
_CLIENT = "019536a1-7c00-7000-8000-"
_CLIENT_DRAWN = f"'{_CLIENT}' || lpad(:tenant::text, 12, '0')"


def run(extent: Extent, *, fresh: bool, keep: bool) -> Figures:
    """Prepare what is missing, measure; the figures, recorded when `keep`."""
    load = Load()
    names = database.prepare(FAMILY, Size(customers=extent.customers), [extent.tenants], fresh=fresh)
    context = multiprocessing.get_context("spawn")
    with database.running() as server, ProcessPoolExecutor(1, mp_context=context) as pool:
        bench = database.opened(server, FAMILY, names[extent.tenants])
        facts = machine(server.uri)
        measured = _Bench(bench, pool, extent).measure()
    figures: Figures = {
        "bench": "api",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": facts,
        "load": load.figures(),
        "sizes": {**extent.figures, "customers_of_a_partner": min(extent.customers, CUSTOMERS_OF_A_PARTNER)},
        **measured,
    }
    if keep:
        say(f"recorded in {record('api', figures).name}")
    return figures


@dataclass
class _Partners:
    """One application for each cooperative, and the key of the field cipher that opens the signing key."""

    bench: BenchDatabase
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    field_key: str = field(default_factory=lambda: urlsafe_b64encode(secrets.token_bytes(32)).decode())
    dwellings: tuple[Dwelling, ...] = ()

    def register(self) -> None:
        """Take away the run before; add the applications, and give each its customers."""
        serving.empty(self.bench)
        with psycopg.connect(self.bench.owner_url, autocommit=True) as connection:
            connection.execute(
                "truncate platform.oauth_client, platform.oauth_signing_key, platform.rate_limit cascade"
            )
            for number, tenant in enumerate(self.bench.tenants):
                schema = sql.Identifier(tenant.schema)
                connection.execute(sql.SQL("truncate {0}.api_answer, {0}.partner_client cascade").format(schema))
                connection.execute(
                    "insert into platform.oauth_client (id, cooperative_id, name, auth_method, grants, redirect_uris,"
                    " scopes, secret_hash, created_at, changed_at, changed_by) values"
                    " (%s, %s, 'Habitat', 'secret', '{client_credentials}', '{}', %s, %s, now(), now(), 'bench')",
                    (_client(number), tenant.cooperative_id, SCOPES, token_hash(self.secret)),
                )
                connection.execute(
                    sql.SQL("insert into {}.partner_client values (%s, 'Habitat', false, now(), 'bench')").format(
                        schema
                    ),
                    (_client(number),),
                )
                connection.execute(
                    sql.SQL(
                        "insert into {0}.partner_customer select %s, id, now(), 'bench' from {0}.customer"
                        " order by number limit %s"
                    ).format(schema),
                    (_client(number), CUSTOMERS_OF_A_PARTNER),
                )
            self.dwellings = tuple(
                Dwelling(str(customer), str(site))
                for customer, site in connection.execute(
                    "select customer_id, site.id from t0001.site join t0001.partner_customer using (customer_id)"
                    " order by customer_id"
                ).fetchall()
            )

    async def openings(self, client: httpx.AsyncClient, cases: Sequence[tuple[str, ...]]) -> tuple[Opening, ...]:
        """A token for each application, asked for as its author would."""
        found = []
        for number in range(len(self.bench.tenants)):
            answer = await client.post(
                "/oauth/token", data={"grant_type": "client_credentials"}, auth=(_client(number), self.secret)
            )
            token = answer.raise_for_status().json()["access_token"]
            found.append(Opening(f"bench-{number:03d}", token, cases[number] if cases else ()))
        return tuple(found)


def _client(number: int) -> str:
    """The application of the cooperative at that place, from 0; pgbench counts from 1."""
    return f"{_CLIENT}{number + 1:012d}"


@dataclass(frozen=True)
class _Bench:
    database: BenchDatabase
    pool: Executor
    extent: Extent

    def measure(self) -> Figures:
        partners = _Partners(self.database)
        partners.register()
        say(f"recording the SQL of {self.extent.recorded} reads and {self.extent.recorded} requests")
        recorded, cases = asyncio.run(_record(partners, self.extent.recorded))
        course = Course(self.database, self.pool, self.extent)

        def targets(port: int) -> dict[str, Target]:
            async def asked() -> tuple[Opening, ...]:
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                    return await partners.openings(client, cases)

            return _targets(port, asyncio.run(asked()), partners.dwellings)

        def nothing(port: int) -> dict[str, Target]:
            openings = tuple(Opening(f"bench-{number:03d}", "x" * 700, each) for number, each in enumerate(cases))
            return _targets(port, openings, partners.dwellings)

        ceiling, cores = course.ceiling("bench.trivial:app", nothing, READ)
        beside, half = course.measure(
            [self._path(READ, recorded, None), self._path(REQUEST, recorded, len(self.database.tenants))],
            environment=lambda port: serving.production(
                self.database,
                port,
                MAILLAGE_CRYPTO__FIELD_KEYS=json.dumps([partners.field_key]),
                MAILLAGE_API__REQUESTS_PER_MINUTE="100000",
            ),
            targets=targets,
            warm=(READ, REQUEST),
        )
        return {
            **{name: {**beside[name], "half_rate": half[name]} for name in (READ, REQUEST)},
            "sql": sql_figures(recorded),
            "callers_ceiling": {"requests_per_second": ceiling, "cores": {"callers": cores}},
        }

    def _path(self, kind: str, recorded: Sequence[Recorded], tenants: int | None) -> Path:
        """Reads are said as they were, of the cases there are; requests of any cooperative, with new keys."""
        scripts = {
            f"{kind}_{n}": one.script((kind,), tenants=tenants, numbered=kind == REQUEST)
            for n, one in enumerate(one for one in recorded if kind in one.requests)
        }
        return Path(kind, "request", "request", 1, scripts, WRITTEN if kind == REQUEST else ())


def _targets(port: int, openings: tuple[Opening, ...], dwellings: tuple[Dwelling, ...]) -> dict[str, Target]:
    return {READ: Target(port, READ, openings, dwellings), REQUEST: Target(port, REQUEST, openings, dwellings)}


# --- the same SQL -----------------------------------------------------------


async def _record(partners: _Partners, count: int) -> tuple[list[Recorded], list[tuple[str, ...]]]:
    """Let the application open cases and read them in this process, and write down what it sends to the database. With
    the cases of each cooperative."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # standard output is for the figures
    bench = partners.bench
    runtime = Runtime.start(
        Settings(
            environment="test",
            database=bench.settings,
            web=WebSettings(public_url=serving.PUBLIC_URL),
            crypto=CryptoSettings(field_keys=(SecretStr(partners.field_key),)),
        )
    )
    app: Any = build_app(runtime)
    transport = httpx.ASGITransport(app=app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=serving.PUBLIC_URL) as client:
            openings = await partners.openings(client, ())
            cases: list[tuple[str, ...]] = [() for _ in openings]
            found = []

            async def send(message: Message) -> Any:
                headers = dict(line.split(": ", 1) for line in message.headers.strip().split("\r\n"))
                answer = await client.request(message.method, message.path, headers=headers, content=message.body)
                return answer.raise_for_status().json()

            async def recorded(number: int, message: Message, names: dict[str, str]) -> Any:
                opening = openings[number]
                # what is read once in a while is read now, and not in the middle of the request
                await client.get(opening.base, headers={"authorization": f"Bearer {opening.token}"})
                began = time.time_ns() // 1_000_000
                with replay.recording(runtime.database.engine) as steps:
                    answered = await send(message)
                ended = time.time_ns() // 1_000_000
                found.append(Recorded(bench.tenants[number], began, ended, names, {message.kind: steps}))
                return answered

            for place in range(count):
                number = place % len(openings)
                key = f"recorded{place:04d}"
                message = software.request(
                    openings[number], partners.dwellings[place % len(partners.dwellings)], key=key
                )
                names = {key: "'K' || :id0::text", _client(number): _CLIENT_DRAWN}
                opened = await recorded(number, message, names)
                cases[number] = (*cases[number], opened["intervention"]["id"])
            for place in range(count):
                number = place % len(openings)
                case = cases[number][place // len(openings) % len(cases[number])]
                await recorded(number, software.read(openings[number], case), {})
            return found, cases
    finally:
        await runtime.close()


# --- figures ----------------------------------------------------------------


def table(figures: Figures) -> Table:
    ceiling = figures["callers_ceiling"]["requests_per_second"]
    found = rate_table(
        "The REST API over HTTP, with tokens",
        f"{said(figures)} · the software alone reaches {ceiling:.0f} requests/s",
    )
    for name, words in ((READ, "GET of a case"), (REQUEST, "POST of a request")):
        add_full(found, words, figures[name], "request")
        add_half(
            found, f"{words}, by chance, half the rate", figures[name]["half_rate"], unit="request", part="request"
        )
    return found
