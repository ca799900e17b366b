"""HTTP towards carriers and services: the certificate authorities are read once per process.

Reading them takes 30 ms of processor, during which the event loop answers nobody: too long for each text message.
"""

import functools
import ssl
from typing import Any

import httpx


@functools.cache
def authorities() -> ssl.SSLContext:
    """Whom this process trusts: the authorities that come with httpx, or those that `SSL_CERT_FILE` names."""
    return httpx.create_ssl_context()


def http_client(**options: Any) -> httpx.AsyncClient:
    """A client for one exchange; `options` are those of `httpx.AsyncClient`."""
    return httpx.AsyncClient(verify=authorities(), **options)
