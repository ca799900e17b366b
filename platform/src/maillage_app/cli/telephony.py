"""`./maillage telephony …`: the files of our own SIP switchboard."""

from pathlib import Path
from urllib.parse import urlsplit

import click
from pydantic import ValidationError

from maillage_kit.edge_config import EdgeConfig, EdgeConfigError
from maillage_kit.settings import Settings

SOURCE = Path(__file__).resolve().parents[4] / "deploy" / "kamailio"


@click.group()
def telephony() -> None:
    """Le standard téléphonique SIP."""


@telephony.command("edge-config")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), required=True, help="Base de la bordure.")
@click.option("--sip-listen", default="127.0.0.1:5060", show_default=True, help="Adresse et port SIP de cette machine.")
@click.option("--advertise", help="Adresse publique, derrière une traduction d'adresses.")
@click.option("--trunk-address", "trunk_addresses", multiple=True, required=True, help="D'où l'opérateur appelle.")
@click.option("--called-in-to", is_flag=True, help="L'opérateur met le numéro appelé dans To.")
@click.option("--flood-calls", default=400, show_default=True, help="Appels par seconde au-delà desquels le plan sert.")
@click.option("--tls-listen", help="Adresse et port SIP sur TLS (paquet kamailio-tls-modules).")
@click.option("--tls-certificate", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--tls-key", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def edge_config(
    directory: Path,
    data_dir: Path,
    sip_listen: str,
    advertise: str | None,
    trunk_addresses: tuple[str, ...],
    called_in_to: bool,
    flood_calls: int,
    tls_listen: str | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
) -> None:
    """Écrit la configuration de Kamailio dans DIRECTORY, d'après les réglages."""
    if not SOURCE.is_dir():
        raise click.ClickException("deploy/kamailio est dans les sources, pas dans un Maillage installé seul")
    try:
        settings = Settings()
    except ValidationError as exc:
        problems = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors())
        raise click.ClickException(f"Réglages incorrects : {problems}") from exc
    sip = settings.telephony.sip
    if not sip.secrets:
        raise click.ClickException("Réglage manquant : MAILLAGE_TELEPHONY__SIP__SECRETS.")
    config = EdgeConfig(
        application=settings.voice.application_url,
        secret=sip.secrets[0].get_secret_value(),
        voice=sip.voice,
        trunk=sip.trunk,
        trunk_addresses=trunk_addresses,
        data_dir=data_dir,
        sip_listen=sip_listen,
        advertise=advertise,
        rpc_listen=urlsplit(sip.edge_rpc).netloc,
        last_resort=settings.telephony.last_resort_number,
        tls_listen=tls_listen,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        called_in_to=called_in_to,
        flood_calls=flood_calls,
    )
    try:
        main = config.write(directory, source=SOURCE)
    except (EdgeConfigError, OSError) as exc:
        raise click.ClickException(f"Configuration refusée : {exc}") from exc
    click.echo(f"{main} est prêt ; vérifier avec : kamailio -c -f {main}")
