"""Calls to addresses that somebody else wrote: an identity provider's, a webhook's.

In production only https, only public addresses: the name is resolved here, every address it gives is checked, and the
call goes to the very address that was checked, so a name that changes its mind in between gains nothing. Redirects are
never followed, answers are short, and no proxy of the environment is used.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from maillage_kit.http_client import http_client
from maillage_kit.settings import Settings

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class CallRefused(Exception):
    """The address must not be called: not https, no public address, malformed. `str()` says why, in English."""


class CallFailed(Exception):
    """The call was made or tried and gave nothing usable: no answer, too slow, too long."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: httpx.Headers


class GuardedHttp:
    """Makes guarded calls. `open_to_private`: development and tests, where providers run beside us over http."""

    def __init__(self, *, open_to_private: bool, timeout: float = 5.0, max_bytes: int = 512 * 1024) -> None:
        self._open = open_to_private
        self._timeout = timeout
        self._max_bytes = max_bytes

    @classmethod
    def of(cls, settings: Settings, *, timeout: float = 5.0) -> "GuardedHttp":
        """As this installation calls: outside production others may be on this machine."""
        return cls(open_to_private=not settings.in_production, timeout=timeout)

    def check_form(self, url: str) -> httpx.URL:
        """The address, once its form is acceptable: scheme, host, no password, no fragment, no private IP address
        written out. Raises CallRefused."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, TypeError) as exc:
            raise CallRefused("malformed address") from exc
        if parsed.scheme != "https" and not (self._open and parsed.scheme == "http"):
            raise CallRefused("not https")
        if not parsed.host or parsed.userinfo or parsed.fragment:
            raise CallRefused("no host, a password or a fragment in the address")
        if not self._open and _is_address(parsed.host) and not is_public(parsed.host):
            raise CallRefused("not a public address")
        return parsed

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Raises CallRefused or CallFailed."""
        return await self._call("GET", url, headers=headers or {}, body=None)

    async def post(self, url: str, *, form: str, headers: Mapping[str, str] | None = None) -> Answer:
        """`form` is already url-encoded. Raises CallRefused or CallFailed."""
        asked = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
        return await self._call("POST", url, headers=asked, body=form.encode())

    async def post_bytes(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """`headers` says what the body is. Raises CallRefused or CallFailed."""
        return await self._call("POST", url, headers=headers, body=body)

    async def _call(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None) -> Answer:
        asked = self.check_form(url)
        address = await self._resolve(asked)
        place = asked.copy_with(host=address)
        sent = {"accept": "application/json", **headers, "host": asked.netloc.decode("ascii")}
        extensions = {"sni_hostname": asked.host} if asked.scheme == "https" else {}
        try:
            async with (
                asyncio.timeout(self._timeout),
                http_client(trust_env=False, follow_redirects=False) as client,
                client.stream(method, place, headers=sent, content=body, extensions=extensions) as answer,
            ):
                received = b""
                async for part in answer.aiter_bytes():
                    received += part
                    if len(received) > self._max_bytes:
                        raise CallFailed("the answer is too long")
                return Answer(answer.status_code, received, answer.headers)
        except (httpx.HTTPError, OSError, TimeoutError) as exc:
            raise CallFailed(type(exc).__name__) from exc

    async def _resolve(self, url: httpx.URL) -> str:
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await asyncio.wait_for(
                asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM), self._timeout
            )
        except (OSError, UnicodeError) as exc:  # TimeoutError is an OSError
            raise CallFailed("the name is not known") from exc
        addresses = list(dict.fromkeys(str(place[4][0]) for place in found))
        if not addresses or (not self._open and not all(map(is_public, addresses))):
            raise CallRefused("not a public address")
        # the older family first: a host without a route for the newer one is still reached
        return min(addresses, key=lambda address: ":" in address)


def _is_address(host: str) -> bool:
    """Whether a host is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's: not private, loopback, link-local, shared, multicast, nor one
    of these hidden in an IPv6 form."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if parsed in _NAT64 or parsed.sixtofour is not None or parsed.teredo is not None:
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved
