"""`./maillage partner …`: which customers a client of the REST API sees in one cooperative."""

import click

from maillage_app.cli.common import console, with_runtime
from maillage_app.runtime import Runtime
from maillage_kit.errors import NotFound
from maillage_tenants import customers, partners

_ACTOR = "ligne de commande"


@click.group()
def partner() -> None:
    """Les logiciels partenaires : ce que chacun voit."""


@partner.command()
@click.option("--cooperative", "slug", required=True, help="Nom court de la coopérative : eure")
@click.option("--client", "client_id", required=True, help="Identifiant du logiciel chez qui donne les jetons")
@click.option("--name", required=True, help="Nom du logiciel, tel que les dossiers le diront")
@click.option("--customer", "numbers", multiple=True, help="Numéro d'un client qu'il voit : C-2027-000012 (répétable)")
@click.option("--everything", is_flag=True, help="Il voit tous les clients de la coopérative")
def grant(slug: str, client_id: str, name: str, numbers: tuple[str, ...], everything: bool) -> None:
    """Dit ce que le logiciel voit désormais : ces clients et nul autre, ou tout. Sans client, plus rien."""

    async def work(runtime: Runtime) -> None:
        cooperative = await runtime.directory.by_slug(slug)
        if cooperative is None:
            raise NotFound("Cette coopérative n’existe pas.")
        async with runtime.database.tenant(cooperative.tenant) as session:
            found = await customers.ids_of_numbers(session, numbers=numbers)
            unknown = sorted(set(numbers) - set(found))
            if unknown:
                raise NotFound(f"Clients inconnus : {', '.join(unknown)}.")
            await partners.grant(
                session,
                client_id=client_id,
                name=name,
                customers=list(found.values()),
                everything=everything,
                by=_ACTOR,
            )
        seen = "tous les clients" if everything else f"{len(found)} client(s)"
        console.print(f"[green]Dit[/green] : {name} voit {seen} de {cooperative.name}.")

    with_runtime(work)
