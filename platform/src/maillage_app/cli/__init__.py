"""The command line: `./maillage <command>`.

A command is one line in COMMANDS; its module is imported only when the command is used.
"""

from importlib import import_module

import click

from maillage_kit.loading import loading

# name: "module:attribute" (a click command), in the order `--help` shows them.
COMMANDS: dict[str, str] = {
    "demo": "maillage_app.cli.demo:demo",
    "serve": "maillage_app.cli.serve:serve",
    "worker": "maillage_app.cli.serve:worker",
    "voice": "maillage_app.cli.voice:voice",
    "prompts": "maillage_app.cli.voice:prompts",
    "telephony": "maillage_app.cli.telephony:telephony",
    "cooperative": "maillage_app.cli.cooperatives:cooperative",
    "migrate": "maillage_app.cli.migrate:migrate",
    "doctor": "maillage_app.cli.doctor:doctor",
    "partner": "maillage_app.cli.partners:partner",
    "openapi": "maillage_app.cli.openapi:openapi",
    "watch": "maillage_app.cli.watch:watch",
    "mail": "maillage_app.cli.mail:mail",
    "audit": "maillage_app.cli.audit:audit",
    "permissions": "maillage_app.cli.permissions:permissions",
    "push-key": "maillage_app.cli.push_key:push_key",
    "test": "maillage_app.cli.checks:test",
    "lint": "maillage_app.cli.checks:lint",
    "bench": "maillage_app.cli.bench:bench",
}


class LazyGroup(click.Group):
    """Imports a command's module when the command is asked for; `--help` imports them all, for their one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, attribute = place.split(":")
        with loading():
            command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{place} is not a click command")
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """Maillage : le dépannage d'urgence des coopératives d'artisans."""


def main() -> None:
    cli(prog_name="maillage")
