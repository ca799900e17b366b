"""One effect for one Idempotency-Key: a request that is sent again is answered again, and done once."""

import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

from maillage_kit.db import TenantSession
from maillage_kit.rest.problems import KeyRequired
from maillage_kit.web import AnyRequest

_KEY = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered the first time."""

    status: int
    body: bytes


class KeptAnswers(Protocol):
    """Where answers are kept for a day, in the transaction of the act itself: both happen, or neither."""

    async def claim(self, session: TenantSession, *, client_id: str, key: str, fingerprint: str) -> KeptAnswer | None:
        """Take the key, waiting for a twin that is being served. What was answered before, or None: act now.

        Raises KeyReused when the key served another request.
        """
        ...

    async def keep(self, session: TenantSession, *, client_id: str, key: str, answer: KeptAnswer) -> None:
        """Keep what is answered under the key that was claimed."""
        ...


async def fingerprint_of(request: AnyRequest) -> str:
    """The same request, the same print: method, address, body."""
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + await request.body()).hexdigest()


def key_of(request: AnyRequest, *, required: bool) -> str | None:
    """The Idempotency-Key, quoted or not. Raises KeyRequired when it must be there and is not, or when it is none."""
    given = request.headers.get("idempotency-key")
    if given is None:
        if required:
            raise KeyRequired
        return None
    key = given.strip().strip('"')
    if not _KEY.fullmatch(key):
        raise KeyRequired
    return key
