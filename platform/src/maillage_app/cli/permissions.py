"""`./maillage permissions`: the page of roles and permissions, made of the code."""

import click

from maillage_app.permission_table import document


@click.command()
def permissions() -> None:
    """Écrit la page des rôles et des permissions (docs/permissions.md)."""
    click.echo(document(), nl=False)
