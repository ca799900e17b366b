"""An application that only answers like the product: what a crowd reaches when nothing slows it."""

from typing import Any

_MENU = (
    b'<Response><Gather action="https://bench.example/telephony/twiml/0/0/menu?ask=start&amp;attempt=1"/></Response>'
)
_DIAL = b"<Response><Dial><Number>+33600000000</Number></Dial></Response>"


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    path: str = scope["path"]
    if "/interventions/" in path:
        body = b'{"id":"%b"}' % path.rpartition("/")[2].encode()
    else:
        body = _MENU if path.endswith("/inbound") else _DIAL
    headers = [(b"content-type", b"text/xml"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
