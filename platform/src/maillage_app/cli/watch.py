"""`./maillage watch …`: the guard of the guard from the command line."""

import click
from rich.table import Table

from maillage_app.cli.common import console, with_runtime
from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext
from maillage_kit.errors import Invalid
from maillage_tenants import audit
from maillage_tenants import watch as guard
from maillage_tenants.watch.rules import as_csv, in_words

_ACTOR = "ligne de commande"
_COOPERATIVE = click.option("--cooperative", "slug", required=True, help="Nom court de la coopérative : eure")


@click.group()
def watch() -> None:
    """La veille : appels d'essai, listes de renvois de l'opérateur."""


@watch.command()
@_COOPERATIVE
@click.option("--csv", "as_file", is_flag=True, help="Pour un import chez l'opérateur, au lieu de phrases")
def forwards(slug: str, as_file: bool) -> None:
    """Montre la liste de renvois statique du moment (R104). Elle contient des numéros : chaque lecture est notée."""

    async def work(runtime: Runtime) -> None:
        cooperative = await _found(runtime, slug)
        async with runtime.database.tenant(cooperative.tenant) as session:
            current = await guard.current_forwards(
                session,
                cooperative=cooperative,
                trades=runtime.trades.enabled(cooperative.trades),
                at=clock.now(),
            )
            await audit.record(
                session,
                actor=_ACTOR,
                action="watch.read_forwards",
                subject_type="forward_list",
                subject_id="current",
                detail={"rows": len(current.rows)},
            )
        if as_file:
            click.echo(as_csv(current.rows), nl=False)
            return
        click.echo(f"{cooperative.name} : renvois à poser si le service ne répond plus\n")
        for row in current.rows:
            click.echo(in_words(row))

    with_runtime(work)


@watch.command()
@_COOPERATIVE
def call(slug: str) -> None:
    """Demande un appel d'essai tout de suite ; les tâches de fond le passent."""

    async def work(runtime: Runtime) -> None:
        cooperative = await _found(runtime, slug)
        async with runtime.database.tenant(cooperative.tenant) as session:
            await guard.plan_run(
                session,
                trades=runtime.trades.enabled(cooperative.trades),
                settings=runtime.settings,
                by=_ACTOR,
            )
        console.print("Appel d'essai demandé. Son résultat : maillage watch status.")

    with_runtime(work)


@watch.command()
def status() -> None:
    """Dit pour chaque coopérative quand un appel d'essai a réussi et ce que le contrôle a trouvé."""

    async def work(runtime: Runtime) -> None:
        table = Table("Coopérative", "Appels d'essai", "Dernier réussi", "Dernier contrôle", "Constats")
        now = clock.now()
        for cooperative in await runtime.directory.all():
            async with runtime.database.tenant(cooperative.tenant) as session:
                state = await guard.standing(session, settings=runtime.settings, at=now)
            success, looked = state.last_success_at, state.audited_at
            table.add_row(
                cooperative.slug,
                ("muets" if state.silent_since else "oui") if state.calls else "non",
                f"{paris(success):%d/%m %H:%M}" if success else "jamais",
                f"{paris(looked):%d/%m %H:%M}" if looked else "jamais",
                str(state.findings),
            )
        console.print(table)

    with_runtime(work)


async def _found(runtime: Runtime, slug: str) -> CooperativeContext:
    cooperative = await runtime.directory.by_slug(slug)
    if cooperative is None:
        raise Invalid(f"Aucune coopérative « {slug} ».")
    return cooperative
