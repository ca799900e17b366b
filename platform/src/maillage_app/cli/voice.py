"""`./maillage voice` and `./maillage prompts`: the voice menu of our own SIP switchboard, and its sentences."""

import asyncio

import click
from pydantic import ValidationError

from maillage_kit import clock
from maillage_kit.clock import SharedClock
from maillage_kit.settings import Settings


@click.command()
def voice() -> None:
    """Lance le serveur vocal (SIP), à côté du serveur web."""
    from maillage_app.logs import configure_logs
    from maillage_voice.service import Service

    settings = _settings()
    secrets = [secret.get_secret_value() for secret in settings.telephony.sip.secrets]
    if not secrets:
        raise click.ClickException("Réglage manquant : MAILLAGE_TELEPHONY__SIP__SECRETS.")
    if settings.clock_file is not None:
        clock.use_for_process(SharedClock(settings.clock_file))
    configure_logs(settings)
    try:
        Service(settings.voice, secrets).run()
    except OSError as exc:
        raise click.ClickException(f"Le serveur vocal ne démarre pas : {exc}") from exc


@click.command()
def prompts() -> None:
    """Fabrique d'avance le son des phrases fixes du serveur vocal."""
    from maillage_tenants.calls import words
    from maillage_voice.service import make_prompts

    sentences = words.SENTENCES
    missing = asyncio.run(make_prompts(_settings().voice, sentences))
    if missing:
        raise click.ClickException("Sans son (espeak-ng est-il installé ?) : " + ", ".join(missing))
    click.echo(f"{len(sentences)} phrases prêtes, et celles de secours")


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as exc:
        problems = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors())
        raise click.ClickException(f"Réglages incorrects : {problems}") from exc
