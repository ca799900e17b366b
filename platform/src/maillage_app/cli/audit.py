"""`./maillage audit …`: the audit logs of the cooperatives from the command line."""

import click

from maillage_app.cli.common import console, with_runtime
from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.errors import Invalid
from maillage_tenants import audit as log


@click.group()
def audit() -> None:
    """Les journaux des actes sensibles : vérifier la chaîne, effacer ce qui a plus d'un an."""


@audit.command()
@click.argument("slug", required=False)
def verify(slug: str | None) -> None:
    """Recalcule chaque empreinte, d'une coopérative ou de toutes ; nomme la première entrée qui ne tient pas."""
    broken: list[str] = []

    async def work(runtime: Runtime) -> None:
        for cooperative in await runtime.directory.all():
            if slug not in (None, cooperative.slug):
                continue
            async with runtime.database.tenant(cooperative.tenant) as session:
                verdict = await log.verify(session)
            if verdict.broken is None:
                console.print(
                    f"[green]entier[/green] {cooperative.slug} : {verdict.entries} entrées, "
                    f"la dernière {verdict.end.position} {verdict.end.hash}",
                    soft_wrap=True,
                )
            else:
                broken.append(cooperative.slug)
                console.print(f"[red]rompu [/red] {cooperative.slug} : {verdict.broken.words}", soft_wrap=True)
        if slug is not None and await runtime.directory.by_slug(slug) is None:
            raise Invalid(f"Aucune coopérative « {slug} ».")

    with_runtime(work)
    if broken:
        raise click.ClickException(f"{len(broken)} journal ou journaux rompus : {', '.join(broken)}.")


@audit.command()
def purge() -> None:
    """Efface les entrées de plus d'un an (R68) ; le reste demeure vérifiable. Le service le fait chaque minute."""

    async def work(runtime: Runtime) -> None:
        for cooperative in await runtime.directory.all():
            async with runtime.database.tenant(cooperative.tenant) as session:
                gone = await log.purge(session, at=clock.now())
            console.print(f"{cooperative.slug} : {gone} entrées effacées")

    with_runtime(work)
