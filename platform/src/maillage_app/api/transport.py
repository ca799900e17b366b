"""What every answer of the API carries, refusals included: what is left of the rate, nothing for a browser to keep."""

import re
from collections.abc import Mapping

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from maillage_kit.rest import Rest

_PARAMETER = re.compile(r"\{(\w+):\w+\}")


class ApiTransport(ASGIMiddleware):
    """Puts `rest` in the scope's state; adds the rate headers to what is answered."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, rest: Rest, methods: Mapping[str, str]) -> None:
        """`methods`: what `Allow` says of each address, as it is declared; the framework would forget some."""
        self._rest = rest
        self._methods = methods

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        state = scope["state"]
        state["rest"] = self._rest

        async def send_with_rate(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, value in state.get("rate_limit", {}).items():
                    headers[name] = value
                headers["Vary"] = "Authorization"
                if scope["type"] == ScopeType.HTTP and scope["method"] == "OPTIONS":
                    headers["Allow"] = self._methods.get(
                        _PARAMETER.sub(r"{\1}", scope["path_template"]), "GET, OPTIONS"
                    )
            await send(message)

        await next_app(scope, receive, send_with_rate)
