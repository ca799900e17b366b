"""`./maillage bench …`: the performance programs of the checkout (`bench/`), which are no part of the product."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from rich.console import Console

ROOT = Path(__file__).resolve().parents[4]

_rounds = click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="The median counts.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Machine-readable figures on standard output.")
_fresh = click.option("--fresh", is_flag=True, help="Make the databases again, even when they could serve.")
_keep = click.option("--record", "keep", is_flag=True, help="Keep the figures under bench/results/.")
_tenants = click.option("--tenants", default=20, show_default=True, type=click.IntRange(1, 500), help="Cooperatives.")
_customers = click.option(
    "--customers", default=20_000, show_default=True, type=click.IntRange(1), help="Of each cooperative."
)


def _over_http(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a program that puts HTTP beside pgbench."""
    seconds = click.option("--seconds", default=8.0, show_default=True, help="Of each round.")
    warm_up = click.option("--warm-up", default=10.0, show_default=True, help="Seconds before them that do not count.")
    many = click.IntRange(1, 128)
    recorded = click.option("--recorded", default=100, show_default=True, type=many, help="Whose SQL pgbench says.")
    for option in (_keep, _fresh, _as_json, recorded, _rounds, warm_up, seconds, _customers, _tenants):
        command = option(command)
    return command


@click.group()
def bench() -> None:
    """Measure the hot paths; see bench/README.md."""


@bench.command()
@click.option("--tenants", default="1,101,500", show_default=True, help="Numbers of cooperatives to compare.")
@click.option("--years", default=5, show_default=True, help="Of history.")
@click.option("--seconds", default=9.0, show_default=True, help="Of each measure, of each database.")
@_rounds
@_as_json
@_fresh
@_keep
def oncall(tenants: str, years: int, seconds: float, rounds: int, as_json: bool, fresh: bool, keep: bool) -> None:
    """Who is on call: rate and p99, from one cooperative to many."""
    try:
        counts = sorted({int(count) for count in tenants.split(",")})
    except ValueError:
        counts = []
    if not counts or counts[0] < 1:
        raise click.BadParameter("numbers separated by commas: 1,101,500", param_hint="--tenants")
    program = _program("bench.oncall")
    figures = program.run(counts, years=years, seconds=seconds, rounds=rounds, fresh=fresh, keep=keep)
    _show(program, figures, as_json)


@bench.command()
@_over_http
def routing(**options: Any) -> None:
    """An inbound call over HTTP, beside pgbench with the same SQL."""
    _beside_pgbench("bench.routing", **options)


@bench.command()
@_over_http
def api(**options: Any) -> None:
    """The REST API over HTTP, with tokens, beside pgbench with the same SQL."""
    _beside_pgbench("bench.api", **options)


@bench.command()
@_tenants
@_customers
@click.option("--rates", default="50,200,500", show_default=True, help="Calls a second to offer, one after the other.")
@click.option("--seconds", default=10.0, show_default=True, help="Of each rate.")
@_as_json
@_fresh
@_keep
def telephony(as_json: bool, rates: str, **options: Any) -> None:
    """Calls over SIP through the edge: rate without loss, time of the decision."""
    try:
        wanted = tuple(sorted({int(rate) for rate in rates.split(",")}))
    except ValueError:
        wanted = ()
    if not wanted or wanted[0] < 1:
        raise click.BadParameter("numbers separated by commas: 50,200,500", param_hint="--rates")
    program = _program("bench.telephony")
    _show(program, program.run(rates=wanted, **options), as_json)


@bench.command()
@_tenants
@_customers
@click.option("--rate", default=14.0, show_default=True, help="Calls a second, over all of them.")
@click.option("--seconds", default=600.0, show_default=True, help="Of calls.")
@_as_json
@_fresh
@_keep
def frost(as_json: bool, **options: Any) -> None:
    """A frost night: calls everywhere, the application and the database restarted in the middle."""
    program = _program("bench.frost")
    _show(program, program.run(**options), as_json)


@bench.command()
@click.option("--shape", "shapes", multiple=True, help="eure, normandie, tight-winter, tight-few, tight-papers; all.")
@click.option("--seed", "seeds", multiple=True, type=click.IntRange(0, 5), help="Of the instance; all six.")
@click.option("--seconds", type=click.FloatRange(1), help="Of each search; 60, for normandie 360.")
@click.option("--solver-seed", default=0, show_default=True, help="Of the search.")
@_as_json
@_keep
def rota(as_json: bool, **options: Any) -> None:
    """The semester rota: cover, fairness, proof, least change, beside the rules of other products."""
    program = _program("bench.rota")
    _show(program, program.run(**options), as_json)


def _beside_pgbench(name: str, *, as_json: bool, fresh: bool, keep: bool, **extent: Any) -> None:
    program = _program(name)
    _show(program, program.run(_program("bench.rounds").Extent(**extent), fresh=fresh, keep=keep), as_json)


def _program(name: str) -> ModuleType:
    """A program of the checkout. Raises ClickException where only the product is installed."""
    if not (ROOT / "bench").is_dir():
        raise click.ClickException("the bench programs are in the checkout, not in an installed Maillage")
    sys.path.insert(0, str(ROOT))
    from importlib import import_module

    return import_module(name)


def _show(program: ModuleType, figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(figures, indent=1, ensure_ascii=False))
    else:
        Console(width=110).print(program.table(figures))
