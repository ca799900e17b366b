"""`./maillage openapi`: the document of the REST API, as it is served."""

import click

from maillage_app.api import operations
from maillage_app.api.reference import document_bytes


@click.command()
def openapi() -> None:
    """Écrit le document OpenAPI 3.1 de l'API sur la sortie standard."""
    click.echo(document_bytes(operations()), nl=False)
