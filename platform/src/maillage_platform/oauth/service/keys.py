"""The keys that sign access tokens: made, listed an hour before they sign, forgotten once nothing they signed runs."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from joserfc.jwk import ECKey, KeySet

from maillage_kit import clock
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import PlatformSession
from maillage_platform.oauth import queries
from maillage_platform.oauth.models import SigningKey
from maillage_platform.oauth.rules import ACCESS_TOKEN_LIFE, CLOCK_SKEW, KEY_LIFE, KEY_NOTICE

log = structlog.get_logger(__name__)
ALGORITHM = "ES256"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The key that signs now, opened."""

    kid: str
    private: ECKey


async def signing_key(session: PlatformSession, *, cipher: FieldCipher) -> KeyPair:
    """The key that signs now; the very first one is made here. Raises Unavailable when no field key opens it."""
    now = clock.now()
    ready = [key for key in await queries.listed_keys(session, now=now) if key.signs_from <= now]
    key = ready[0] if ready else await _make(session, cipher=cipher, signs_from=now)
    return KeyPair(key.kid, ECKey.import_key(json.loads(cipher.decrypt(key.private_jwk))))


async def public_keys(session: PlatformSession) -> dict[str, Any]:
    """The JWKS (RFC 7517): every key whose signature is to be believed, now or within the hour."""
    return {"keys": [key.public_jwk for key in await queries.listed_keys(session, now=clock.now())]}


def key_set(listed: Any) -> KeySet:
    """The same, to verify with."""
    return KeySet.import_key_set(listed) if listed["keys"] else KeySet([])


async def turn_keys(session: PlatformSession, *, cipher: FieldCipher) -> None:
    """Make the next key once the newest has signed for `KEY_LIFE`, and erase those that are listed no more."""
    now = clock.now()
    await session.execute(sa.delete(SigningKey).where(SigningKey.listed_until <= now))
    listed = await queries.listed_keys(session, now=now)
    if listed and listed[0].signs_from + KEY_LIFE <= now:
        await replace_key(session, cipher=cipher)


async def replace_key(session: PlatformSession, *, cipher: FieldCipher) -> SigningKey:
    """Make the next key, and say of those before until when they are listed: until their last token has expired."""
    now = clock.now()
    signs_from = now + KEY_NOTICE
    for before in await queries.listed_keys(session, now=now):
        before.listed_until = before.listed_until or signs_from + ACCESS_TOKEN_LIFE + CLOCK_SKEW
    return await _make(session, cipher=cipher, signs_from=signs_from)


async def _make(session: PlatformSession, *, cipher: FieldCipher, signs_from: datetime) -> SigningKey:
    pair = ECKey.generate_key("P-256", private=True)
    kid = pair.thumbprint()
    made = SigningKey(
        kid=kid,
        public_jwk={**pair.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM},
        private_jwk=cipher.encrypt(json.dumps(pair.as_dict(private=True))),
        signs_from=signs_from,
    )
    session.add(made)
    await session.flush()
    log.info("oauth_key_made", kid=kid, signs_from=signs_from.isoformat())
    return made
