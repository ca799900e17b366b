"""One call as the edge and the voice of the SIP switchboard tell it to the application, over real HTTP.

    line = SipLine(client, secret=…, caller="+33699999999", called="+33232402727", now=…)
    await line.rings()                          # the edge asks where the call goes
    plan = await line.start()                   # the voice asks what to say
    plan = await line.types("1")                # … and comes back with the keys of the question just asked
    await line.tell(line.event("attempt", step=0))
    await line.whisper(0); await line.key(0, "1"); await line.step(0, bridged=True)

Nothing here decides: what comes back is kept as it came. `at` of everything is `now()` unless told otherwise.
"""

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx

ROUTE, EVENTS, PLAN = "/telephony/sip/route", "/telephony/sip/events", "/telephony/sip/plan"


class NoQuestion(AssertionError):
    """Keys are typed although the last plan asked for none."""


class SipLine:
    """A caller's line at the trunk. `call_id` is its SIP Call-ID."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        secret: str,
        caller: str,
        called: str,
        now: Callable[[], datetime],
        call_id: str | None = None,
    ) -> None:
        self.client = client
        self.caller = caller
        self.called = called
        self.now = now
        self.call_id = call_id or f"{uuid4().hex}@trunk.example"
        token = base64.b64encode(f"edge:{secret}".encode()).decode()
        self.headers = {"authorization": f"Basic {token}"}
        self.document: dict[str, Any] = {}
        self.verbs: list[dict[str, Any]] = []

    # ------------------------------------------------------------------------------------------------- what is asked

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.client.post(path, json=body, headers=self.headers)

    def body(self, *, at: datetime | None = None, **more: Any) -> dict[str, Any]:
        """What every question of the voice carries; `more` adds to it or overrides it."""
        return {
            "id": str(uuid4()),
            "call_id": self.call_id,
            "leg": None,
            "digits": "",
            "gone": False,
            "at": (at or self.now()).timestamp(),
            **more,
        }

    async def rings(self, **more: Any) -> dict[str, Any]:
        """The edge asks where the call goes; the document it is answered with."""
        asked = {"caller": self.caller, "called": self.called, "source_ip": "192.0.2.1", **more}
        answer = await self.post(ROUTE, self.body() | asked)
        answer.raise_for_status()
        self.document = answer.json()
        return self.document

    @property
    def here(self) -> str:
        return f"/telephony/sip/{self.document['cooperative']}/{self.document['call']}"

    async def ask(self, path: str, **more: Any) -> list[dict[str, Any]]:
        """The verbs that the voice is answered with."""
        answer = await self.post(path, self.body(**more))
        answer.raise_for_status()
        verbs: list[dict[str, Any]] = answer.json()["verbs"]
        return verbs

    async def start(self, **more: Any) -> list[dict[str, Any]]:
        self.verbs = await self.ask(f"{self.here}/start", **more)
        return self.verbs

    async def types(self, digits: str, **more: Any) -> list[dict[str, Any]]:
        """Answer the question of the last plan."""
        question = next((verb["gather"] for verb in self.verbs if "gather" in verb), None)
        if question is None:
            raise NoQuestion(str(self.verbs))
        self.verbs = await self.ask(question["then"], digits=digits, **more)
        return self.verbs

    @property
    def said(self) -> list[str]:
        """The sentences of the last plan."""
        spoken = [verb["say"]["text"] for verb in self.verbs if "say" in verb]
        return spoken + [one["text"] for verb in self.verbs if "gather" in verb for one in verb["gather"]["say"]]

    @property
    def hunt(self) -> list[tuple[int, str]]:
        """Whom the last plan rings, in order: (position, number)."""
        found: dict[str, Any] = next((verb["hunt"] for verb in self.verbs if "hunt" in verb), {"steps": []})
        return [(step["position"], step["uri"].partition(":")[2].partition("@")[0]) for step in found["steps"]]

    async def whisper(self, position: int, **more: Any) -> list[dict[str, Any]]:
        return await self.ask(f"{self.here}/whisper/{position}", leg=f"{self.call_id}/{position}", **more)

    async def key(self, position: int, digits: str, **more: Any) -> list[dict[str, Any]]:
        path = f"{self.here}/key/{position}"
        return await self.ask(path, leg=f"{self.call_id}/{position}", digits=digits, **more)

    async def step(
        self, position: int, *, ending: str = "completed", bridged: bool = False, **more: Any
    ) -> list[dict[str, Any]]:
        leg = f"{self.call_id}/{position}"
        path = f"{self.here}/step/{position}"
        self.verbs = await self.ask(path, leg=leg, ending=ending, bridged=bridged, **more)
        return self.verbs

    # ------------------------------------------------------------------------------------------------ what is told

    def event(self, kind: str, *, step: int | str = "", at: datetime | None = None, **more: Any) -> dict[str, Any]:
        """One event of this call, not sent yet."""
        return {
            "id": str(uuid4()),
            "call_id": self.call_id,
            "type": kind,
            "at": (at or self.now()).timestamp(),
            "attempt": 0,
            "step": str(step),
            "target": "",
            "code": 0,
            "detail": "",
            "source": "",
            "caller": self.caller,
            "called": self.called,
            **more,
        }

    async def tell(self, *events: dict[str, Any]) -> httpx.Response:
        """One batch."""
        return await self.send(events)

    async def send(self, batch: Sequence[Any]) -> httpx.Response:
        return await self.post(EVENTS, list(batch))
