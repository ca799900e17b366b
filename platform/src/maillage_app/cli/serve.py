"""`./maillage serve` and `./maillage worker`: the processes of production, and of development."""

import asyncio
import multiprocessing
import os
import signal
import sys

import click

from maillage_app.cli.common import console, start_runtime, with_runtime
from maillage_app.fleet import migrate_fleet
from maillage_app.runtime import Runtime
from maillage_app.worker import main as run_worker
from maillage_kit.loading import loading
from maillage_kit.settings import Settings


@click.command()
@click.option("--with-worker/--without-worker", default=True, show_default=True, help="Lance aussi les tâches de fond")
def serve(with_worker: bool) -> None:
    """Lance le serveur web (et les tâches de fond), après mise à jour de la base."""

    async def prepare(runtime: Runtime) -> None:
        async for line in migrate_fleet(runtime):
            if line.error:
                console.print(f"[red]{line.name} : {line.error}[/red]")

    with_runtime(prepare)
    settings = Settings()
    worker = None
    if with_worker:
        worker = multiprocessing.get_context("spawn").Process(target=_worker_process, name="worker")
        worker.start()
    console.print(f"Maillage répond sur {settings.web.public_url} (Ctrl+C pour arrêter)")
    try:
        serve_web(settings)
    finally:
        if worker is not None and worker.pid:
            os.kill(worker.pid, signal.SIGTERM)
            worker.join(timeout=15)


@click.command()
def worker() -> None:
    """Lance seulement les tâches de fond."""
    _worker_process()


def serve_web(settings: Settings) -> None:
    """Run the web server in this process until it is told to stop.

    The application is imported before the processes fork: each of them, and one that replaces another, starts with it.
    """
    with loading():
        from granian import Granian
        from granian.constants import Interfaces, Loops

        import maillage_app.app  # noqa: F401

    Granian(
        "maillage_app.asgi:create",
        address=settings.web.host,
        port=settings.web.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.web.workers,
        factory=True,
        log_access=False,
        respawn_failed_workers=True,
    ).serve()


def _worker_process() -> None:
    asyncio.set_event_loop_policy(None)
    try:
        run_worker(start_runtime())
    except KeyboardInterrupt:
        sys.exit(0)
