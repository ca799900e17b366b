"""How a request proves that it is the carrier's: the same language, TwiML, is signed in more than one way.

Twilio and SignalWire sign the address and the form with a shared token (HMAC-SHA1), each in a header of its own; Telnyx
signs `timestamp|body` with its key (Ed25519), which also tells how old the request is.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from maillage_tenants.calls.carriers import Heard

TIMESTAMP_HEADER = "telnyx-timestamp"
SIGNATURE_HEADER = "telnyx-signature-ed25519"
TOKEN_HEADERS = {"twilio": "x-twilio-signature", "signalwire": "x-signalwire-signature"}
"""Where the carriers that sign with a token put the signature."""


class Refusal(StrEnum):
    """Why a request is not believed; None when it is."""

    UNSIGNED = "unsigned"
    FORGED = "forged"
    TOO_OLD = "too_old"


def signed_with_a_key(heard: Heard, *, keys: Sequence[str], now: datetime, tolerance: timedelta) -> Refusal | None:
    """Check `timestamp|body` against the carrier's public keys (base64, two during a rotation).

    A request older or newer than `tolerance` is refused, whoever signed it: it was kept and is sent again.
    """
    stamp, given = heard.headers.get(TIMESTAMP_HEADER, ""), heard.headers.get(SIGNATURE_HEADER, "")
    if not stamp or not given:
        return Refusal.UNSIGNED
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return Refusal.FORGED
    try:
        signature = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return Refusal.FORGED
    signed = stamp.encode() + b"|" + heard.body
    if not any(_verifies(key, signature, signed) for key in keys):
        return Refusal.FORGED
    told = datetime.fromtimestamp(int(stamp), tz=UTC)
    return Refusal.TOO_OLD if abs(now - told) > tolerance else None


def _verifies(key: str, signature: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key)).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True
