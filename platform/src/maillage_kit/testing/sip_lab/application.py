"""An application that says what a test wants: the contract of `/telephony/sip` seen from the edge, over real HTTP."""

import base64
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from maillage_kit.testing.sip_lab.processes import HOST, wait_until

Document = dict[str, Any]


@dataclass
class ScriptedApplication:
    """Serves route, plan and events. `mood`: None, or what is wrong with it today.

    `hangs`: keeps every question; `nonsense`: answers 200 with no JSON; `empty`: answers a document without routes;
    `error`: 500; `sleeps`: answers after `delay` seconds; `deaf`: only events are not taken (503); `refuses`: events
    are said to be nonsense (422); `absurd`: whatever is asked, a page. `forgets_to_answer`: so many batches are taken,
    and the connection is cut.
    """

    secret: str
    decide: Callable[[Document], Document]
    plans: Document = field(default_factory=lambda: {"plans": [], "default": {}})
    mood: str | None = None
    delay: float = 0.0
    asked: list[Document] = field(default_factory=list)
    batches: list[list[Document]] = field(default_factory=list)
    refused: int = 0
    forgets_to_answer: int = 0
    at_port: int = 0

    def __post_init__(self) -> None:
        self.connections: set[socket.socket] = set()
        self._wanted = "Basic " + base64.b64encode(f"edge:{self.secret}".encode()).decode()
        self._server = _server(self, self.at_port)
        self.port: int = self._server.server_address[1]

    def start(self) -> "ScriptedApplication":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def die(self) -> None:
        """Nothing listens any more, and what was connected is cut."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def revive(self) -> None:
        self.mood = None
        self._server = _server(self, self.port)
        self.start()

    # --------------------------------------------------------------------------------------------------- what came

    def events(self, call_id: str | None = None) -> list[Document]:
        """Each event once, in the order in which it came first."""
        found = {event["id"]: event for batch in self.batches for event in batch}
        return [event for event in found.values() if call_id is None or event["call_id"] == call_id]

    def types(self, call_id: str) -> list[str]:
        return [event["type"] for event in self.events(call_id)]

    def wait_for(self, call_id: str, last: str, within: float = 10.0) -> list[Document]:
        """The events of a call, once its `last` one has come."""
        what = f"{last} of {call_id}"
        try:
            wait_until(lambda: last in self.types(call_id), within=within, what=what)
        except AssertionError as exc:
            raise AssertionError(f"{exc}; came: {self.types(call_id)}") from exc
        return self.events(call_id)

    # ------------------------------------------------------------------------------------------------------ inside

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if handler.headers.get("Authorization") != self._wanted:
            self.refused += 1
            _say(handler, 401, b"")
            return
        if self.mood == "absurd":
            _say(handler, 200, b"<html>It works!</html>")
            return
        path = handler.path.partition("?")[0]
        if path == "/telephony/sip/events":
            if self.mood in {"deaf", "error"}:
                _say(handler, 503, b"")
                return
            if self.mood == "refuses":
                _say(handler, 422, b"")
                return
            self.batches.append(json.loads(body))
            if self.forgets_to_answer > 0:
                self.forgets_to_answer -= 1
                handler.close_connection = True
                return
            _say(handler, 204, b"")
        elif path == "/telephony/sip/plan":
            _say(handler, 200, json.dumps(self.plans).encode())
        elif path == "/telephony/sip/route":
            self._route(handler, json.loads(body))
        else:
            _say(handler, 404, b"")

    def _route(self, handler: BaseHTTPRequestHandler, asked: Document) -> None:
        self.asked.append(asked)
        if self.mood in {"hangs", "sleeps"}:
            time.sleep(30.0 if self.mood == "hangs" else self.delay)
        answers = {
            "nonsense": (200, b"<html>{oops"),
            "empty": (200, b'{"version":"1.0","routes":[]}'),
            "error": (500, b"{}"),
        }
        status, text = answers.get(self.mood or "", (200, b""))
        _say(handler, status, text or json.dumps(self.decide(asked)).encode())


def _server(application: ScriptedApplication, port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            application.answer(self, self.rfile.read(length))

        def do_GET(self) -> None:
            application.answer(self, b"")

        def setup(self) -> None:
            super().setup()
            application.connections.add(self.connection)

        def finish(self) -> None:
            application.connections.discard(self.connection)
            with suppress(OSError):
                super().finish()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    ThreadingHTTPServer.allow_reuse_address = True
    server = ThreadingHTTPServer((HOST, port), Handler)
    server.daemon_threads = True
    return server


def _say(handler: BaseHTTPRequestHandler, status: int, text: bytes) -> None:
    try:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)
    except (BrokenPipeError, ConnectionResetError):
        handler.close_connection = True
