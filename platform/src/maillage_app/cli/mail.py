"""`./maillage mail bounce`: what a mail server runs for each e-mail that comes back."""

import sys

import click

from maillage_app.cli.common import with_runtime
from maillage_app.messaging import inbox_of
from maillage_app.runtime import Runtime

LATER = 75
"""EX_TEMPFAIL of sysexits.h: the mail server keeps the message and comes again."""


@click.group()
def mail() -> None:
    """Les courriels qui reviennent."""


@mail.command()
@click.argument("recipient", default="")
def bounce(recipient: str) -> None:
    """Lit un avis de non-remise (RFC 3464) sur l'entrée standard ; RECIPIENT est l'adresse à laquelle il est revenu.

    Un autre courriel est ignoré sans erreur. Quand la base ne répond pas, le code de sortie 75 dit de revenir.
    """
    text = sys.stdin.buffer.read()

    async def work(runtime: Runtime) -> None:
        heard = await inbox_of(runtime).bounce(text, recipient=recipient)
        click.echo("Noté." if heard else "Ce courriel ne dit rien d'un message de Maillage.")

    try:
        with_runtime(work)
    except Exception as exc:
        click.echo(f"Plus tard : {exc}", err=True)
        sys.exit(LATER)
