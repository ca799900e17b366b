"""The verifier: every access token of the API passes here. Its signature costs no query, the rest one in a while.

Revoking an application, a consent or a token is believed within `FRESH_SECONDS` by every process.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from maillage_kit import clock
from maillage_kit.api_access import ApiCaller, InvalidToken
from maillage_kit.db import Database
from maillage_kit.settings import Settings
from maillage_platform.oauth import access_tokens, queries
from maillage_platform.oauth.access_tokens import AccessToken
from maillage_platform.oauth.queries import Standing
from maillage_platform.oauth.rules import known_scopes
from maillage_platform.oauth.service import keys as signing

log = structlog.get_logger(__name__)
FRESH_SECONDS = 5.0
KEYS_SECONDS = 60.0
MOST_REMEMBERED = 10_000
MAX_TOKEN_LENGTH = 4096


@dataclass(slots=True)
class _Remembered:
    standing: Standing | None
    read_at: float


class Verifier:
    """Implements `maillage_kit.api_access.TokenVerifier`. One per process: it remembers keys and standings."""

    def __init__(
        self, database: Database, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._issuer = settings.web.public_url
        self._monotonic = monotonic
        self._keys = KeySet([])
        self._kids: frozenset[str] = frozenset()
        self._reading_keys = asyncio.Lock()
        self._keys_read_at: float | None = None
        self._standings: dict[tuple[str, UUID, UUID | None], _Remembered] = {}

    async def verify(self, token: str, *, audience: str) -> ApiCaller:
        """The caller behind a token that is ours, runs, is meant for `audience` and was not taken back.

        Its scopes are those of the token that the application still has. Raises InvalidToken.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise InvalidToken
        await self._know_key(_key_named(token))
        said = access_tokens.read(token, keys=self._keys, issuer=self._issuer, audience=audience)
        standing = await self._standing(said)
        if standing is None:
            log.warning("api_token_revoked", client=str(said.client_id), token=said.token_id)
            raise InvalidToken
        return ApiCaller(
            client_id=str(said.client_id),
            client_name=standing.client_name,
            cooperative_id=standing.cooperative_id,
            scopes=said.scopes & known_scopes(standing.scopes),
            token_id=said.token_id,
            user_id=standing.account_id,
        )

    async def _know_key(self, kid: str) -> None:
        """Read the keys again when they are old, or when this one is new to us: at most once a second."""
        async with self._reading_keys:
            age = None if self._keys_read_at is None else self._monotonic() - self._keys_read_at
            if age is None or age > KEYS_SECONDS or (kid not in self._kids and age >= 1):
                async with self._database.platform() as session:
                    listed = await signing.public_keys(session)
                self._keys = signing.key_set(listed)
                self._kids = frozenset(key["kid"] for key in listed["keys"])
                self._keys_read_at = self._monotonic()
        if kid not in self._kids:
            raise InvalidToken

    async def _standing(self, said: AccessToken) -> Standing | None:
        asked = (said.token_id, said.client_id, said.consent_id)
        known = self._standings.get(asked)
        now = self._monotonic()
        if known is not None and now - known.read_at < FRESH_SECONDS:
            return known.standing
        async with self._database.platform() as session:
            standing = await queries.standing_of(
                session,
                client_id=said.client_id,
                consent_id=said.consent_id,
                token_id=said.token_id,
                now=clock.now(),
            )
        if len(self._standings) >= MOST_REMEMBERED:
            self._standings = {key: each for key, each in self._standings.items() if now - each.read_at < FRESH_SECONDS}
        self._standings[asked] = _Remembered(standing, now)
        return standing


def _key_named(token: str) -> str:
    try:
        return str(extract_compact(token.encode()).headers().get("kid", ""))
    except (JoseError, ValueError) as exc:
        raise InvalidToken from exc
