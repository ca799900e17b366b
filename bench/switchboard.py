"""Edge and voice as the application meets them, without sound: many calls at a time over the real HTTP contract.

They ask what the edge and the voice ask, ring telephones that answer by chance, and keep what could not be told until
it can. They also do what networks do: some requests and events come twice, some events come after those that followed
them. The application may be away: then a call goes by the plan that was learnt before, as with the real ones.
"""

import asyncio
import json
import random
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

Document = dict[str, Any]
DUPLICATED = 0.05
LATE = 0.02
ROUTE_SECONDS = 2.0
VOICE_SECONDS = 3.0
TALKS_SECONDS = 2.0
PUMP_SECONDS = 0.05
BATCH = 100


@dataclass
class Made:
    """A call as it really went. `reached`: the number of who was put through; `by`: who decided."""

    call_id: str
    caller: str
    called: str
    began: float
    by: str = "app"
    reached: str | None = None


class Spool:
    """Events in the order they happened, told in batches, at least once. `late` and `duplicated` disturb that order."""

    def __init__(self, client: httpx.AsyncClient, chance: random.Random) -> None:
        self._client, self._chance = client, chance
        self._waiting: deque[Document] = deque()
        self._later: list[tuple[float, Document]] = []
        self.told: set[str] = set()
        self.duplicates = self.late = self.batches = self.refusals = 0
        self.behind: list[float] = []

    def tell(self, event: Document) -> None:
        self.told.add(event["id"])
        if self._chance.random() < LATE:
            self.late += 1
            self._later.append((time.monotonic() + self._chance.uniform(0.3, 3.0), event))
            return
        self._waiting.append(event)
        if self._chance.random() < DUPLICATED:
            self.duplicates += 1
            self._later.append((time.monotonic() + self._chance.uniform(0.0, 3.0), event))

    @property
    def empty(self) -> bool:
        return not self._waiting and not self._later

    async def run(self) -> None:
        while True:
            await asyncio.sleep(PUMP_SECONDS)
            now = time.monotonic()
            self._waiting.extend(event for due, event in self._later if due <= now)
            self._later = [(due, event) for due, event in self._later if due > now]
            while self._waiting:
                batch = [self._waiting[n] for n in range(min(BATCH, len(self._waiting)))]
                if not await self._taken(batch):
                    await asyncio.sleep(1.0)
                    break
                self.behind.append(time.time() - batch[-1]["at"])
                for _ in batch:
                    self._waiting.popleft()

    async def _taken(self, batch: list[Document]) -> bool:
        try:
            answer = await self._client.post("/telephony/sip/events", json=batch, timeout=5.0)
        except httpx.HTTPError:
            self.refusals += 1
            return False
        self.batches += 1
        if answer.status_code in {400, 413, 422}:
            raise RuntimeError(f"events refused for good: {answer.status_code} {answer.text[:300]}")
        self.refusals += answer.status_code != 204
        return answer.status_code == 204


@dataclass
class Switchboard:
    """`plans`: by number called. `differently`: repeats that were answered otherwise than the first time."""

    client: httpx.AsyncClient
    plans: Mapping[str, Document]
    keys: tuple[str, ...]
    chance: random.Random = field(default_factory=lambda: random.Random(27))
    made: list[Made] = field(default_factory=list)
    differently: list[str] = field(default_factory=list)
    repeated: int = 0
    unanswered: int = 0

    def __post_init__(self) -> None:
        self.edge = Spool(self.client, self.chance)
        self.voice = Spool(self.client, self.chance)

    # ------------------------------------------------------------------------------------------------------- one call

    async def call(self, caller: str, called: str) -> None:
        """From the INVITE to the last BYE."""
        made = Made(f"{uuid.uuid4()}@bench", caller, called, time.time())
        self.made.append(made)
        self._edge(made, "received")
        document = await self._route(made)
        if document is None:
            made.by = "plan"
            document = self.plans[called]
            self._edge(made, "decision_failed")
        self._edge(made, "decided", source=made.by)
        self._edge(made, "attempt", step="voice", target="sip:voice@bench", source=made.by)
        self._edge(made, "answered", step="voice", target="sip:voice@bench", code=200, source=made.by)
        self._voice(made, "voice_answered", step="voice")
        self._edge(made, "established", step="voice", target="sip:voice@bench", code=200, source=made.by)
        here = f"/telephony/sip/{document['cooperative']}/{document['call']}" if document.get("call") else ""
        if not (here and await self._led(made, here)):
            await self._alone(made, document["rescue"])
        self._voice(made, "voice_ended", step="voice", detail="caller")
        self._edge(made, "ended", step="voice", target="sip:voice@bench", detail="caller")

    async def _route(self, made: Made) -> Document | None:
        body = {"id": str(uuid.uuid4()), "call_id": made.call_id, "caller": made.caller, "called": made.called}
        return await self._ask(
            "/telephony/sip/route", {**body, "source_ip": "198.51.100.7", "at": time.time()}, ROUTE_SECONDS
        )

    async def _led(self, made: Made, here: str) -> bool:
        """By the application's plans, to the end; False when it fails before somebody was put through."""
        plan = await self._question(made, f"{here}/start")
        while plan is not None:
            verbs = {name: value for verb in plan["verbs"] for name, value in verb.items()}
            if "hunt" in verbs:
                return await self._hunt(made, verbs["hunt"])
            if "gather" not in verbs:
                return False
            await asyncio.sleep(self.chance.uniform(0.5, 1.5))
            plan = await self._question(made, verbs["gather"]["then"], digits=self.chance.choice(self.keys))
        return False

    async def _hunt(self, made: Made, hunt: Document) -> bool:
        """Each rings for its time; who answers hears the whisper; the first who presses 1 is put through."""
        alone = False
        for step in hunt["steps"]:
            last = step is hunt["steps"][-1]
            end = await self._ring(made, step, certain=last)
            if end != "answered":
                continue
            position = step["position"]
            machine = not last and self.chance.random() < 0.15
            leg = f"{made.call_id}/{position}"
            if not alone:
                heard = await self._question(made, hunt["whisper"].replace("{position}", str(position)), leg=leg)
                alone = heard is None
            if machine:
                await asyncio.sleep(hunt["accept_seconds"])
                self._voice(made, "not_accepted", step=str(position), target=step["uri"], detail="no key")
                self._edge(made, "ended", step=str(position), target=step["uri"], detail="caller")
                continue
            await asyncio.sleep(self.chance.uniform(0.5, 1.5))
            self._voice(made, "key", step=str(position), detail="1")
            if not alone:
                address = hunt["whisper"].replace("whisper/{position}", f"key/{position}")
                judged = await self._question(made, address, leg=leg, digits="1")
                if judged is not None and judged["verbs"]:
                    self._voice(made, "not_accepted", step=str(position), target=step["uri"], detail="taken")
                    continue
                alone = judged is None
            await self._talk(made, step)
            address = hunt["then"].replace("{position}", str(position))
            await self._question(made, address, ending="completed", bridged=True, gone=True)
            return True
        return False

    async def _alone(self, made: Made, steps: list[Document]) -> None:
        """Without the application: the humans of last resort, the key judged here."""
        for step in steps:
            if await self._ring(made, step, certain=True) == "answered":
                await asyncio.sleep(0.5)
                self._voice(made, "key", step=str(step["position"]), detail="1")
                await self._talk(made, step)
                return

    async def _ring(self, made: Made, step: Document, *, certain: bool) -> str:
        position, uri = str(step["position"]), step["uri"]
        self._edge(made, "attempt", step=position, target=uri)
        chance = 1.0 if certain else self.chance.random()
        if chance < 0.10:
            self._edge(made, "busy", step=position, target=uri, code=486)
            return "busy"
        self._edge(made, "ringing", step=position, target=uri, code=180)
        if chance < 0.35:
            await asyncio.sleep(step["ring_seconds"])
            self._edge(made, "no_answer", step=position, target=uri, code=408)
            return "no_answer"
        await asyncio.sleep(self.chance.uniform(0.5, 2.0))
        self._edge(made, "answered", step=position, target=uri, code=200)
        self._edge(made, "established", step=position, target=uri, code=200)
        self._voice(made, "whispered", step=position, target=uri)
        return "answered"

    async def _talk(self, made: Made, step: Document) -> None:
        position, uri = str(step["position"]), step["uri"]
        made.reached = uri.partition(":")[2].partition("@")[0]
        self._voice(made, "accepted", step=position, target=uri)
        self._voice(made, "bridged", step=position, target=uri)
        await asyncio.sleep(TALKS_SECONDS)
        self._voice(made, "unbridged", step=position, target=uri)
        self._edge(made, "ended", step=position, target=uri, detail="caller")

    # ---------------------------------------------------------------------------------------------------------- words

    async def _question(self, made: Made, path: str, **more: Any) -> Document | None:
        body = {"id": str(uuid.uuid4()), "call_id": made.call_id, "leg": None, "digits": "", "gone": False}
        return await self._ask(path, {**body, "at": time.time(), **more}, VOICE_SECONDS)

    async def _ask(self, path: str, body: Document, seconds: float) -> Document | None:
        """The answer, or None when it does not come in time. One in twenty is asked twice."""
        twice = self.chance.random() < DUPLICATED
        try:
            async with asyncio.timeout(seconds):
                first = await self.client.post(path, json=body)
                if twice:
                    self.repeated += 1
                    again = await self.client.post(path, json=body)
                    if (first.status_code, again.status_code) == (200, 200) and first.text != again.text:
                        self.differently.append(f"{path}: {first.text[:300]} then {again.text[:300]}")
        except (httpx.HTTPError, TimeoutError):
            self.unanswered += 1
            return None
        if first.status_code != 200:
            self.unanswered += 1
            return None
        found: Document = json.loads(first.text)
        return found

    def _edge(self, made: Made, kind: str, **more: Any) -> None:
        self.edge.tell(self._event(made, kind, {"source": "", **more}))

    def _voice(self, made: Made, kind: str, **more: Any) -> None:
        self.voice.tell(self._event(made, kind, {**more, "source": "voice"}))

    def _event(self, made: Made, kind: str, more: Document) -> Document:
        nothing = {"attempt": 0, "step": "", "target": "", "code": 0, "detail": ""}
        known = {"id": str(uuid.uuid4()), "call_id": made.call_id, "type": kind, "at": time.time()}
        return {**nothing, **known, "caller": made.caller, "called": made.called, **more}
