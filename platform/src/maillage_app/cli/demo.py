"""`./maillage demo`: two fictional cooperatives, one night of calls, a report, then the console to look at."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from maillage_app.demo.processes import DemoError
from maillage_app.demo.stage import CUSTOMERS, Options, Stage, staged
from maillage_kit.embedded_postgres import EmbeddedPostgresError
from maillage_kit.loading import loading

if TYPE_CHECKING:
    from maillage_app.demo.run import Demo

FOLDER = Path(".maillage/demo")


@click.command()
@click.option("--once", is_flag=True, help="S'arrête après le rapport ; 0 si rien n'est perdu et si tout est juste.")
@click.option("--json", "as_json", is_flag=True, help="Le rapport en JSON sur la sortie standard, rien d'autre.")
@click.option("--keep", is_flag=True, help="Garde la nuit de la dernière fois au lieu d'en jouer une nouvelle.")
@click.option("--short", is_flag=True, help="Seulement le cœur de la nuit.")
@click.option(
    "--customers", default=CUSTOMERS, show_default=True, type=click.IntRange(60, 4_000), help="Par coopérative."
)
@click.option("--port", type=click.IntRange(1, 65_535), help="Port du serveur ; libre par défaut.")
@click.option("--dir", "folder", default=FOLDER, show_default=True, type=click.Path(path_type=Path, file_okay=False))
def demo(once: bool, as_json: bool, keep: bool, short: bool, customers: int, port: int | None, folder: Path) -> None:
    """Joue une nuit d'astreinte dans deux coopératives fictives, puis montre la console."""
    out, err = Console(), Console(stderr=True)
    options = Options(folder=folder, customers=customers, short=short, keep=keep, port=port)
    try:
        with staged(options, err) as stage:
            ok = _play(stage, once=once, as_json=as_json, out=out, err=err)
    except (DemoError, EmbeddedPostgresError) as wrong:
        raise click.ClickException(str(wrong)) from wrong
    except KeyboardInterrupt:
        err.print("Démonstration arrêtée.")
        raise SystemExit(130) from None
    if not ok:
        raise SystemExit(1)


def _play(stage: Stage, *, once: bool, as_json: bool, out: Console, err: Console) -> bool:
    """The night, its report, then the console unless `once`. Whether everything was right."""
    with loading():  # the server loads the same meanwhile
        from maillage_app.demo.run import played_demo, serve_until_stopped
        from maillage_app.demo.showing import show

    with played_demo(stage) as played:
        if as_json:
            click.echo(json.dumps(played.report.as_json(), ensure_ascii=False, indent=2))
            sys.stdout.flush()
        else:
            show(played.report, out)
        if not once:
            _invite(played, err if as_json else out)
            serve_until_stopped(played)
        return played.report.ok


def _invite(played: "Demo", console: Console) -> None:
    """Where to look, and how to sign in."""
    console.print(f"\nLa console répond sur [bold]{played.place.url}[/bold]")
    console.print("Liens de connexion, valables une fois (un autre se demande sur la page de connexion) :")
    for label, link in played.links:
        console.print(f"  {label}\n    {link}", soft_wrap=True, highlight=False)
    console.print(f"Messages envoyés : {played.place.url}/dev/mailbox · Ctrl+C pour tout arrêter")
