"""The way in: one application, one cooperative."""

from types import TracebackType
from typing import Self

import httpx

from maillage_client.operations import Operations
from maillage_client.sending import Patience, Sender


class Client(Operations):
    """`with Client("https://…", "eure", client_id=…, secret=…) as eure: …`; its methods are the API's operations.

    Tokens are asked for and renewed by themselves; without `scope` they hold all that the application may do. A request
    that finds nobody, or too many others (429), is sent again as `patience` says, a POST with the same Idempotency-Key.
    """

    def __init__(
        self,
        url: str,
        cooperative: str,
        *,
        client_id: str,
        secret: str,
        scope: str | None = None,
        timeout: float = 30.0,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=url, timeout=timeout, transport=transport, headers={"user-agent": "maillage-client/1.0.0"}
        )
        super().__init__(
            Sender(
                self._http,
                cooperative=cooperative,
                client_id=client_id,
                secret=secret,
                scope=scope,
                patience=patience or Patience(),
            )
        )

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
