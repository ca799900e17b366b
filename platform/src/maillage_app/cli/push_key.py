"""`./maillage push-key`: the key with which notifications are signed (RFC 8292)."""

import click
from cryptography.hazmat.primitives.asymmetric import ec

from maillage_tenants.messages import VapidKey, padless


@click.command("push-key")
def push_key() -> None:
    """Tire une clé pour les notifications : à garder secrète, à ne changer que si elle fuit."""
    secret = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    key = padless(secret.to_bytes(32, "big"))
    VapidKey(key)  # what is given works
    click.echo(f"MAILLAGE_PUSH__VAPID_PRIVATE_KEY={key}")
