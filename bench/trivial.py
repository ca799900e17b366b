"""An application that only answers like the switchboard: what the callers reach when nothing slows them."""

from typing import Any

_MENU = (
    b'<Response><Gather action="https://bench.example/telephony/twiml/0/0/menu?ask=start&amp;attempt=1"/></Response>'
)
_DIAL = b"<Response><Dial><Number>+33600000000</Number></Dial></Response>"


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    body = _MENU if scope["path"].endswith("/inbound") else _DIAL
    headers = [(b"content-type", b"text/xml"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
