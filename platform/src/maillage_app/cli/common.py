"""What the commands share: a started runtime, clear errors."""

import asyncio
from collections.abc import Awaitable, Callable

import click
from pydantic import ValidationError
from rich.console import Console

from maillage_app.runtime import Runtime
from maillage_hooks import PluginError
from maillage_kit.errors import AppError
from maillage_kit.settings import Settings

console = Console()


def start_runtime() -> Runtime:
    """A runtime from the environment; exits with a clear message when it cannot start."""
    try:
        return Runtime.start(Settings())
    except PluginError as exc:
        raise click.ClickException(f"Démarrage refusé : {exc}") from exc
    except ValidationError as exc:
        problems = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors())
        raise click.ClickException(f"Réglages incorrects : {problems}") from exc


def with_runtime(work: Callable[[Runtime], Awaitable[None]]) -> None:
    """Run `work` on a runtime and close it; a refusal becomes the command's error message."""

    async def run() -> None:
        runtime = start_runtime()
        try:
            await work(runtime)
        finally:
            await runtime.close()

    try:
        asyncio.run(run())
    except AppError as exc:
        details = "".join(f"\n  {name} : {reason}" for name, reason in exc.fields.items())
        raise click.ClickException(exc.message + details) from exc
