"""Drills: a part of the product is killed, hung or lies while a caller is on the line.

Each time the caller reaches a person at most ten seconds later than usual, and once everything is back the call is on
record exactly once, with its case, whatever was told twice or late.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from maillage_kit.testing.sip_lab import Caller, CallerScript, Keys, PhoneScript, SipLab, Telephone, wait_until
from maillage_kit.testing.sip_lab.application import ScriptedApplication

pytestmark = [pytest.mark.sip, pytest.mark.slow]
RING_SECONDS = 5
LATER = 10.0
NUMBER = "+33232402727"
FALLBACK, MANAGER, LAST_RESORT = "+33232402700", "+33612345601", "+33144000000"
# They hang up soon: the next drill waits for it.
TAKES_IT = PhoneScript(answers_after=0.5, keys=(Keys("1", after=1.5), Keys("1", after=2.0)), talks=2)
TALKS = 30.0


@dataclass
class Drill:
    """One caller, an artisan who takes the call, and the moments that matter."""

    installation: Any
    call: Caller
    phone: Telephone
    number: str

    def until(self, kind: str, within: float = 15.0) -> None:
        """Wait until the edge or the voice has told that of this call, wherever it is kept by now."""

        def told() -> bool:
            undelivered = [e["type"] for e in self.installation.edge.undelivered() if e["call_id"] == self.call.call_id]
            return kind in undelivered or kind in self.installation.kinds_of(self.call)

        wait_until(told, within=within, what=f"{kind} is told of {self.call.script.caller}")

    def until_rung(self, within: float = 20.0) -> None:
        wait_until(lambda: self.phone.rung > 0, within=within, what=f"{self.number} rings")

    def reached(self) -> tuple[str, float]:
        """(who, seconds since the call was dialled) of the person who was put through, from the record."""
        told = self.installation.rows(
            "select kind, payload -> 'event' as event from call_event where provider_call_id = %s"
            " and kind in ('bridged', 'established') order by (payload -> 'event' ->> 'at')::float",
            self.call.call_id,
        )
        events = [row["event"] for row in told]
        found = [event for event in events if event["type"] == "bridged"]
        found += [event for event in events if event["type"] == "established" and event["step"] != "voice"]
        assert found, f"nobody was reached: {self.installation.kinds_of(self.call)}"
        first = found[0]
        return first["target"].partition(":")[2].partition("@")[0], first["at"] - self.call.started


@pytest.fixture(scope="module")
def humans(installation, lab: SipLab) -> dict[str, Telephone]:
    """The people of last resort, who take what comes."""
    return {number: lab.telephone(number, TAKES_IT) for number in (FALLBACK, MANAGER, LAST_RESORT)}


@pytest.fixture(scope="module")
def dial(installation, lab: SipLab, humans: dict[str, Telephone]) -> Callable[..., Drill]:
    """A known customer calls, listens, types the trade, and somebody of their own ward takes it."""
    wards = iter(installation.wards)

    def calls(**script: Any) -> Drill:
        ward = next(wards)
        (number,) = installation.on_call(ward, f"Artisan{ward.sector}{ward.key}")
        phone = lab.telephone(number, script.pop("answers", TAKES_IT))
        caller = installation.customer(ward)
        script.setdefault("keys", (Keys(ward.key, after=6.0),))
        script.setdefault("talks", TALKS)
        call = lab.caller(CallerScript(caller, NUMBER, **script), installation.edge)
        return Drill(installation, call, phone, number)

    return calls


@pytest.fixture(scope="module")
def usual(dial: Callable[..., Drill]) -> float:
    """Seconds from dialling to a person, when everything is well."""
    drill = dial(talks=20)
    drill.call.must_end_well()
    drill.installation.settled(drill.call, within=30, voice_lives=False)
    who, seconds = drill.reached()
    assert who == drill.number
    return seconds


@contextmanager
def back_again(installation, usual: float, drill: Drill, *, who: set[str], allowed: float = LATER) -> Iterator[None]:
    """After the block everything runs again: the call is there once, and a person was reached in time."""
    yield
    drill.call.must_end_well(90)
    stored = installation.settled(drill.call, within=60, voice_lives=False)
    reached, seconds = drill.reached()
    assert reached in who
    assert seconds <= usual + allowed
    assert stored["outcome"] in {"accepted", "fallback"}
    assert len(installation.case_of(drill.call)) == 1
    told = installation.rows(
        "select payload -> 'event' ->> 'id' as id from call_event where provider_call_id = %s and payload ? 'event'",
        drill.call.call_id,
    )
    assert len({row["id"] for row in told}) == len(told)
    unended = installation.rows("select provider_call_id from call where ended_at is null and line_ended_at is null")
    assert unended == []


EVERYBODY = {FALLBACK, MANAGER, LAST_RESORT}


def test_application_killed_before_the_call(installation, dial, usual: float) -> None:
    installation.server.kill()
    drill = dial()
    with back_again(installation, usual, drill, who=EVERYBODY):
        wait_until(
            lambda: any(person_of(installation, number, drill) for number in EVERYBODY), within=30, what="a person"
        )
        installation.again(installation.server)


def person_of(installation, number: str, drill: Drill) -> bool:
    """Whether that person was rung for this call."""
    return any(seen.at > drill.call.started for seen in installation.lab.operator.invites(number))


def test_application_killed_while_somebody_rings(installation, dial, usual: float) -> None:
    """Who accepts is put through by the voice alone; the record is made whole afterwards."""
    drill = dial()
    drill.until_rung()
    installation.server.kill()
    with back_again(installation, usual, drill, who={drill.number}):
        time.sleep(8)
        installation.again(installation.server)


def test_application_hung(installation, dial, usual: float) -> None:
    installation.server.freeze()
    drill = dial()
    with back_again(installation, usual, drill, who=EVERYBODY):
        wait_until(
            lambda: any(person_of(installation, number, drill) for number in EVERYBODY), within=30, what="a person"
        )
        installation.server.thaw()


def test_application_answers_nonsense(installation, lab: SipLab, dial, usual: float) -> None:
    installation.server.stop()
    liar = ScriptedApplication(lab.secret, lambda asked: asked, mood="absurd", at_port=installation.port).start()
    drill = dial()
    with back_again(installation, usual, drill, who=EVERYBODY):
        wait_until(
            lambda: any(person_of(installation, number, drill) for number in EVERYBODY), within=30, what="a person"
        )
        liar.die()
        installation.again(installation.server)


def test_database_stopped(installation, dial, usual: float) -> None:
    drill_before = dial()  # what the caller needs is entered while there is a database
    drill_before.call.wait(60)
    installation.settled(drill_before.call, within=30, voice_lives=False)
    script = drill_before.call.script
    installation.postgres.stop(force=True)
    call = installation.lab.caller(script, installation.edge)
    drill = Drill(installation, call, drill_before.phone, drill_before.number)
    with back_again(installation, usual, drill, who=EVERYBODY):
        wait_until(
            lambda: any(person_of(installation, number, drill) for number in EVERYBODY), within=30, what="a person"
        )
        installation.postgres.start()


@pytest.mark.parametrize("kill", [False, True], ids=["restarted", "killed"])
def test_edge_restarted_while_somebody_rings(installation, dial, usual: float, kill: bool) -> None:
    drill = dial(answers=PhoneScript(answers_after=3.0, keys=TAKES_IT.keys, talks=2))
    drill.until_rung()
    installation.edge.restart(kill=kill)
    with back_again(installation, usual, drill, who={drill.number}):
        pass


def test_workers_killed_mid_ladder(installation, dial, usual: float) -> None:
    """One process of the web server, and the background worker: nobody on the line notices."""
    drill = dial()
    drill.until_rung()
    children = psutil.Process(installation.server.pid).children(recursive=True)
    serving = [child for child in children if child.net_connections()] or children
    serving[0].send_signal(signal.SIGKILL)
    installation.worker.kill()
    with back_again(installation, usual, drill, who={drill.number}):
        installation.again(installation.worker)


def test_voice_killed_before_the_call(installation, dial, usual: float) -> None:
    installation.voice.kill()
    drill = dial(keys=())
    with back_again(installation, usual, drill, who=EVERYBODY):
        drill.until("established")
        installation.again(installation.voice)


def test_voice_killed_while_it_speaks(installation, dial, usual: float) -> None:
    """The line that it held is ended within seconds; the same person calls again and is put through to a human."""
    first = dial(keys=(), talks=60)
    first.until("voice_answered")
    installation.voice.kill()
    killed = time.monotonic()
    first.call.must_end_well(15)
    assert first.call.received("BYE")
    assert time.monotonic() - killed < LATER
    again = installation.lab.caller(first.call.script, installation.edge)
    drill = Drill(installation, again, first.phone, first.number)
    with back_again(installation, usual, drill, who=EVERYBODY):
        drill.until("established")
        installation.again(installation.voice)
        wait_until(
            lambda: installation.call_of(first.call)["line_ended_at"] is not None, within=60, what="its end is told"
        )
