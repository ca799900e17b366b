"""`./maillage doctor`: is this installation able to take tonight's calls?"""

import click

from maillage_app.cli.common import console, with_runtime
from maillage_app.diagnosis import examine
from maillage_app.runtime import Runtime


@click.command()
def doctor() -> None:
    """Vérifie la base, les révisions, les métiers, l'heure d'été, le dernier recours de chaque coopérative."""
    failed = []

    async def work(runtime: Runtime) -> None:
        async for finding in examine(runtime):
            mark = "[green]bon   [/green]" if finding.ok else "[red]à voir[/red]"
            console.print(f"{mark} {finding.subject} : {finding.detail}")
            if not finding.ok:
                failed.append(finding.subject)

    with_runtime(work)
    if failed:
        raise click.ClickException(f"{len(failed)} point(s) à voir.")
