"""Real SIP on the loopback: skipped, with the reason, where Kamailio or sipp are absent; a failure in CI."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maillage_kit.testing.sip_lab import HOST, Caller, CallerScript, Edge, PhoneScript, SipLab, missing, wait_until
from maillage_kit.testing.sip_lab.application import Document, ScriptedApplication

ROOT = Path(__file__).resolve().parents[2]
KAMAILIO = ROOT / "deploy" / "kamailio"
SECRET = "laboratory-secret-of-the-edge"
NUMBER = "+33232402727"
FALLBACK, MANAGER, LAST_RESORT = "+33232402700", "+33612345601", "+33144000000"
ANSWERS = PhoneScript(answers_after=0.2, talks=30, sound=False)


@pytest.fixture(scope="session", autouse=True)
def sip_is_possible() -> None:
    """Skips every test of this folder on a machine that cannot run them; in CI that is a failure."""
    reason = missing()
    if reason is None:
        return
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"SIP tests cannot run: {reason}", pytrace=False)
    pytest.skip(f"no SIP here: {reason}")


@pytest.fixture(scope="module")
def lab(sip_is_possible: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SipLab]:
    """One laboratory for the tests of a file."""
    with SipLab(tmp_path_factory.mktemp("sip"), secret=SECRET, source=KAMAILIO) as lab:
        yield lab


class Stage:
    """The edge, a scripted application that it asks, and who answers where. Each test takes numbers of its own."""

    def __init__(self, lab: SipLab) -> None:
        self.lab = lab
        self.documents: dict[str, Document] = {}
        self.application = ScriptedApplication(lab.secret, self.decide, plans=self.plans()).start()
        self.edge: Edge = lab.edge(application_port=self.application.port, last_resort=LAST_RESORT, flood_calls=30)
        self.edge.start()
        self._numbers = 0

    def decide(self, asked: Document) -> Document:
        return self.documents.get(asked["caller"]) or self.document()

    def document(self, *persons: tuple[str, int], voice: bool = False, **more: object) -> Document:
        """To ring these persons directly (number, seconds), from position 100 on, after the voice if wanted."""
        routes = [self.person(number, seconds) for number, seconds in persons]
        steps = [str(position) for position in range(100, 100 + len(persons))]
        if voice:
            routes.insert(0, {"uri": f"sip:voice@{HOST}:{self.lab.voice_port}", "fr_timer": 500, "fr_inv_timer": 5000})
            steps.insert(0, "voice")
        return {
            "version": "1.0",
            "routing": "serial",
            "call": "0190aaaa-0000-7000-8000-000000000001",
            "cooperative": "0190bbbb-0000-7000-8000-000000000002",
            "steps": ",".join(steps),
            "rescue": [{"position": 100, "uri": routes[-1]["uri"], "ring_seconds": 20}] if routes else [],
            "caller_id": NUMBER,
            "routes": routes,
            **more,
        }

    def person(self, number: str, seconds: int) -> Document:
        return {
            "uri": f"sip:{number}@{self.lab.operator.address};user=phone",
            "fr_timer": 1000,
            "fr_inv_timer": seconds * 1000,
            "headers": {"from": {"display": "", "uri": f"sip:{NUMBER}@{self.lab.operator.address}"}},
        }

    def plans(self) -> Document:
        plan = self.document((FALLBACK, 5), (MANAGER, 5))
        return {"plans": [{"called": NUMBER, **plan}], "default": self.document((MANAGER, 5))}

    def somebody(self) -> str:
        """A caller that nobody else is."""
        self._numbers += 1
        return f"+336990{self._numbers:05d}"

    def numbers(self, count: int) -> list[str]:
        self._numbers += count
        return [f"+336110{self._numbers - n:05d}" for n in range(count)]

    def rung(self, call_id: str) -> list[str]:
        """Whose telephones rang for that call, in order, as the operator saw it."""
        seen = self.lab.operator.messages()
        invites = [m for m in seen if m.start.startswith("INVITE ") and m.header("Call-ID") == call_id]
        return list(dict.fromkeys(m.number for m in invites))

    def call(self, caller: str, called: str = NUMBER, **script: Any) -> Caller:
        script.setdefault("talks", 0.5)
        return self.lab.caller(CallerScript(caller, called, **script), self.edge)


@pytest.fixture(scope="module")
def shared_stage(lab: SipLab) -> Iterator[Stage]:
    """One edge for a file."""
    stage = Stage(lab)
    wait_until(lambda: stage.edge.knows_plans(NUMBER, "default"), within=10, what="the plans are learnt")
    for number in (FALLBACK, MANAGER, LAST_RESORT):
        lab.telephone(number, ANSWERS)
    yield stage
    stage.application.die()


@pytest.fixture
def stage(shared_stage: Stage) -> Iterator[Stage]:
    """The same stage, the application in a good mood again and asked again."""
    yield shared_stage
    shared_stage.application.mood = None
    shared_stage.edge.rpc("htable.delete", "state", "open_until")
