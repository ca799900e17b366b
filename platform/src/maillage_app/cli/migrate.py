"""`./maillage migrate`: bring the control plane and every cooperative to the newest revision."""

import click

from maillage_app.cli.common import console, with_runtime
from maillage_app.fleet import migrate_fleet
from maillage_app.runtime import Runtime


@click.command()
def migrate() -> None:
    """Met à jour la base : la plateforme d'abord, puis chaque coopérative, avec un compte rendu."""
    failures = []

    async def work(runtime: Runtime) -> None:
        async for line in migrate_fleet(runtime):
            if line.error:
                failures.append(line.name)
                console.print(f"[red]échec[/red]  {line.name} : {line.error}, reste en {line.revision}")
            else:
                console.print(f"[green]à jour[/green] {line.name} : {line.before or '—'} → {line.revision}")

    with_runtime(work)
    if failures:
        raise click.ClickException(f"{len(failures)} coopérative(s) non mise(s) à jour : {', '.join(failures)}")
