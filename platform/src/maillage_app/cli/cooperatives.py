"""`./maillage cooperative …`: the directory of cooperatives from the command line."""

import click
from rich.table import Table

from maillage_app.cli.common import console, with_runtime
from maillage_app.fleet import migrate_fleet
from maillage_app.onboarding import open_cooperative, open_trade
from maillage_app.runtime import Runtime
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Role
from maillage_kit.phone import show_phone
from maillage_platform import identity
from maillage_platform.cooperatives import NewCooperative, all_cooperatives, by_slug, change_trades

_ACTOR = "ligne de commande"


@click.group()
def cooperative() -> None:
    """Les coopératives : créer, lister, montrer, activer un métier."""


@cooperative.command()
@click.option("--slug", required=True, help="Nom court, utilisé dans les adresses : eure")
@click.option("--name", required=True, help="Nom d'usage")
@click.option("--legal-name", required=True, help="Dénomination sociale")
@click.option("--siren", required=True)
@click.option("--department", required=True, help="Code du département : 27")
@click.option("--address", required=True)
@click.option("--email", required=True, help="Adresse de la permanence ; elle pourra se connecter")
@click.option("--public-number", required=True, help="Numéro unique, non surtaxé (R22)")
@click.option("--manager-name", required=True)
@click.option("--manager-phone", required=True)
@click.option("--fallback-phone", required=True, help="Le numéro d'une personne, appelé en dernier")
@click.option("--mediator-name", required=True, help="Médiateur de la consommation (R21)")
@click.option("--mediator-contact", required=True)
@click.option("--trade", "trades", multiple=True, help="Métier activé (répétable) ; tous par défaut")
def create(trades: tuple[str, ...], **options: str) -> None:
    """Crée une coopérative : annuaire, schéma, communes, secteurs, tarifs, formules."""

    async def work(runtime: Runtime) -> None:
        async for _ in migrate_fleet(runtime):
            pass
        new = NewCooperative(trades=trades or runtime.trades.codes, **options)
        context = await open_cooperative(runtime, new, actor=_ACTOR)
        async with runtime.database.platform() as session:
            account = await identity.add_account(session, email=new.email, display_name=new.manager_name)
            await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=context.id)
        console.print(
            f"[green]Créée[/green] : {context.name} ({context.tenant.schema}), {len(context.trades)} métiers."
        )

    with_runtime(work)


@cooperative.command(name="list")
def list_() -> None:
    """Liste les coopératives."""

    async def work(runtime: Runtime) -> None:
        table = Table("Dép.", "Nom court", "Nom", "Numéro unique", "Métiers", "État", "Révision")
        async with runtime.database.platform() as session:
            for row in await all_cooperatives(session):
                table.add_row(
                    row.department,
                    row.slug,
                    row.name,
                    show_phone(row.public_number),
                    ", ".join(row.trades),
                    row.state,
                    row.schema_revision or "—",
                )
        console.print(table)

    with_runtime(work)


@cooperative.command()
@click.argument("slug")
def show(slug: str) -> None:
    """Montre une coopérative."""

    async def work(runtime: Runtime) -> None:
        async with runtime.database.platform() as session:
            row = await by_slug(session, slug)
        if row is None:
            raise Invalid(f"Aucune coopérative « {slug} ».")
        table = Table(show_header=False)
        for label, value in (
            ("Nom", row.name),
            ("Dénomination", f"{row.legal_name}, {row.legal_form}"),
            ("SIREN", row.siren),
            ("Département", row.department),
            ("Adresse", row.address),
            ("Numéro unique", show_phone(row.public_number)),
            ("Gérant", f"{row.manager_name}, {show_phone(row.manager_phone)}"),
            ("Dernier recours", show_phone(row.fallback_phone)),
            ("Médiateur", f"{row.mediator_name}, {row.mediator_contact}"),
            ("Métiers", ", ".join(row.trades)),
            ("État", row.state),
            ("Schéma", f"{row.schema_name} (révision {row.schema_revision or '—'})"),
        ):
            table.add_row(label, value)
        console.print(table)

    with_runtime(work)


@cooperative.command(name="enable-trade")
@click.argument("slug")
@click.argument("trade")
def enable_trade(slug: str, trade: str) -> None:
    """Active un métier : secteurs et tarif de départ compris."""

    async def work(runtime: Runtime) -> None:
        context = await open_trade(runtime, slug=slug, trade=trade, actor=_ACTOR)
        console.print(f"{context.name} : {', '.join(context.trades)}")

    with_runtime(work)


@cooperative.command(name="disable-trade")
@click.argument("slug")
@click.argument("trade")
def disable_trade(slug: str, trade: str) -> None:
    """Désactive un métier ; son histoire reste."""

    async def work(runtime: Runtime) -> None:
        async with runtime.database.platform() as session:
            context = await change_trades(session, slug=slug, disable=trade, actor=_ACTOR)
        console.print(f"{context.name} : {', '.join(context.trades) or 'aucun métier'}")

    with_runtime(work)
