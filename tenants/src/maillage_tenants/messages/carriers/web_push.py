"""Notifications to browsers: RFC 8030 (the protocol), RFC 8291 (sealed for one browser), RFC 8292 (signed by us)."""

import base64
import json
import os
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from maillage_kit import clock
from maillage_kit.http_client import http_client
from maillage_tenants.messages.carriers.ports import (
    TIMEOUT_SECONDS,
    AddressDead,
    CarrierRefused,
    CarrierUnavailable,
    Notice,
)

NAME = "webpush"
_TOKEN_LASTS = timedelta(hours=12)
_RECORD = 4096


class VapidKey:
    """The product's key for push services: a P-256 private key, 32 bytes written in base64url."""

    def __init__(self, private_key: str) -> None:
        """Raises ValueError for anything that is not such a key."""
        raw = unpadded(private_key)
        if len(raw) != 32:
            raise ValueError("MAILLAGE_PUSH__VAPID_PRIVATE_KEY holds 32 bytes in base64url")
        self._key = ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
        self.public = padless(_point(self._key.public_key()))

    def authorization(self, endpoint: str, *, subject: str) -> str:
        """The header that says who sends, for one push service, for twelve hours."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((clock.now() + _TOKEN_LASTS).timestamp()),
            "sub": subject,
        }
        body = ".".join(padless(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
        r, s = utils.decode_dss_signature(self._key.sign(body.encode(), ec.ECDSA(hashes.SHA256())))
        token = f"{body}.{padless(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
        return f"vapid t={token}, k={self.public}"


class WebPushSender:
    """Gives sealed notifications to the push service that the browser chose."""

    def __init__(self, key: VapidKey, *, subject: str) -> None:
        self._key = key
        self._subject = subject

    async def send(self, notice: Notice) -> str:
        try:
            sealed = seal(notice.payload, key=notice.key, secret=notice.secret)
        except ValueError as exc:
            raise AddressDead("abonnement inutilisable") from exc
        headers = {
            "Authorization": self._key.authorization(notice.endpoint, subject=self._subject),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(notice.seconds),
            "Urgency": "high" if notice.urgent else "normal",
            "Topic": notice.topic,
        }
        try:
            async with http_client(timeout=TIMEOUT_SECONDS) as client:
                answer = await client.post(notice.endpoint, content=sealed, headers=headers)
        except httpx.HTTPError as exc:
            raise CarrierUnavailable(f"service de notification injoignable : {type(exc).__name__}") from exc
        if answer.is_success:
            return answer.headers.get("location", "") or f"{answer.status_code}"
        reason = f"service de notification : {answer.status_code}"
        if answer.status_code in (404, 410):
            raise AddressDead(f"{reason}, l’abonnement n’existe plus")
        later = answer.status_code in (401, 403, 408, 429) or not answer.is_client_error
        raise CarrierUnavailable(reason) if later else CarrierRefused(reason)


def seal(
    payload: bytes,
    *,
    key: str,
    secret: str,
    salt: bytes | None = None,
    own_key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """The payload that only one browser opens (RFC 8291): `key` and `secret` are its own, in base64url.

    `salt` and `own_key` are fresh at each call; the RFC's worked example gives them. Raises ValueError for a key that
    is not a point of the curve or a payload that does not fit one record.
    """
    theirs_raw, secret_raw = unpadded(key), unpadded(secret)
    if len(secret_raw) != 16 or len(payload) > _RECORD - 103:
        raise ValueError("a push secret is 16 bytes, a payload at most 3993")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs_raw)
    ours = own_key or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(16)
    ours_raw = _point(ours.public_key())
    shared = ours.exchange(ec.ECDH(), theirs)
    info = b"WebPush: info\x00" + theirs_raw + ours_raw
    material = HKDF(hashes.SHA256(), 32, salt=secret_raw, info=info).derive(shared)
    extracted = HKDF.extract(hashes.SHA256(), salt, material)
    content_key = HKDFExpand(hashes.SHA256(), 16, b"Content-Encoding: aes128gcm\x00").derive(extracted)
    nonce = HKDFExpand(hashes.SHA256(), 12, b"Content-Encoding: nonce\x00").derive(extracted)
    header = salt + _RECORD.to_bytes(4, "big") + bytes([len(ours_raw)]) + ours_raw
    return header + AESGCM(content_key).encrypt(nonce, payload + b"\x02", None)


def can_seal(*, key: str, secret: str) -> bool:
    """Whether a browser's key and secret can be used."""
    try:
        seal(b"", key=key, secret=secret)
    except ValueError:
        return False
    return True


def padless(raw: bytes) -> str:
    """Base64url without padding, as every push document writes bytes."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unpadded(text: str) -> bytes:
    """The bytes of a base64url text, padded or not. Raises ValueError."""
    return base64.urlsafe_b64decode(text.strip().rstrip("=").encode() + b"=" * (-len(text.strip().rstrip("=")) % 4))


def known_service(endpoint: str, hosts: tuple[str, ...]) -> bool:
    """Whether an endpoint given by a browser is at one of the push services allowed: we only post to those."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    named = any(host == allowed or host.endswith(f".{allowed}") for allowed in hosts)
    return parts.scheme == "https" and named and not parts.username


def _point(public: ec.EllipticCurvePublicKey) -> bytes:
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
