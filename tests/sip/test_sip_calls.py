"""Whole calls over real SIP: sipp callers, the edge, the voice menu, sipp artisans, the application and its database.

All stories ring at once, each in a sector and a trade of its own, so that the file lasts as long as its longest story:
a ladder of three minutes, in real time. Each test reads one of them.
"""

import time
from dataclasses import dataclass
from typing import Any

import pytest

from maillage_kit.testing.sip_lab import (
    BUSY,
    DECLINES,
    RINGS_IN_VAIN,
    Caller,
    CallerScript,
    Keys,
    PhoneScript,
    SipLab,
    Telephone,
    wait_until,
)

pytestmark = [pytest.mark.sip, pytest.mark.slow]
RING_SECONDS = 20
NUMBER = "+33232402727"
FALLBACK, MANAGER = "+33232402700", "+33612345601"
TAKES_IT = PhoneScript(answers_after=1.0, keys=(Keys("1", after=2.0),), talks=280)
MACHINE = PhoneScript(answers_after=1.5, talks=280)
REFUSES = PhoneScript(answers_after=1.0, keys=(Keys("2", after=2.0),), talks=60)
UNREACHABLE = PhoneScript(status="404 Not Found")
TALKS = 45.0


@dataclass
class Story:
    call: Caller
    numbers: list[str]
    phones: list[Telephone]
    caller: str
    ward: Any


class Night:
    """Every story, told once."""

    def __init__(self, installation, lab: SipLab) -> None:
        self.installation = installation
        self.lab = lab
        self.stories: dict[str, Story] = {}
        # Neighbours help each other: the story that goes through them has its trade for itself.
        self.wards = iter([ward for ward in installation.wards if ward.trade != "glazing"])

    def tell(self, name: str, *scripts: PhoneScript, known: bool = True, ward: Any = None, **script: Any) -> Story:
        """Somebody calls; these are on call where they live, in that order. `known`: a customer with one home."""
        ward = ward or next(self.wards)
        numbers = self.installation.on_call(ward, *(f"{name.title()}{n}" for n in range(len(scripts))))
        phones = [self.lab.telephone(number, one) for number, one in zip(numbers, scripts, strict=True)]
        unknown = f"+3369977{len(self.stories):04d}"
        caller = script.pop("caller", None) or (self.installation.customer(ward) if known else unknown)
        keys = (Keys(ward.key, after=3.0),) if known else (Keys(ward.key, after=3.0), Keys(ward.postcode, after=3.0))
        script.setdefault("keys", keys)
        script.setdefault("talks", TALKS)
        call = self.lab.caller(CallerScript(caller, NUMBER, **script), self.installation.edge)
        self.stories[name] = Story(call, numbers, phones, caller, ward)
        return self.stories[name]

    def ladder(self) -> None:
        """Nobody of the trade answers in the whole département, nor does the manager."""
        everywhere = [ward for ward in self.installation.wards if ward.trade == "glazing"]
        for ward in everywhere[1:]:
            (number,) = self.installation.on_call(ward, f"Voisin{ward.sector}")
            self.lab.telephone(number, RINGS_IN_VAIN)
        self.tell("ladder", RINGS_IN_VAIN, RINGS_IN_VAIN, ward=everywhere[0], talks=260)


@pytest.fixture(scope="module")
def night(installation, lab: SipLab) -> Night:
    lab.telephone(FALLBACK, TAKES_IT)
    lab.telephone(MANAGER, RINGS_IN_VAIN)
    night = Night(installation, lab)
    first = night.tell("accepts", TAKES_IT, talks=20)
    # A server that has just started is given one call before it is given thirteen: its first answer takes a second.
    wait_until(lambda: first.phones[0].rung > 0, within=40, what="the first call has found its artisan")
    night.ladder()
    night.tell("silent", RINGS_IN_VAIN, TAKES_IT)
    night.tell("busy", BUSY, TAKES_IT)
    night.tell("declines", DECLINES, TAKES_IT)
    night.tell("machine", MACHINE, TAKES_IT)
    night.tell("refuses", REFUSES, TAKES_IT)
    night.tell("unreachable", UNREACHABLE, TAKES_IT)
    night.tell("unknown", TAKES_IT, known=False)
    night.tell("masked", TAKES_IT, known=False, caller="anonymous")
    night.tell("gone_at_once", TAKES_IT, gives_up_after=0.0)
    night.tell("gone_in_menu", TAKES_IT, keys=(), talks=2)
    night.tell("gone_while_ringing", RINGS_IN_VAIN, talks=9)
    night.tell("gone_in_whisper", MACHINE, talks=9)
    return night


def accepted(installation, story: Story, *legs: str, within: float = 90) -> dict[str, Any]:
    """The call ended with the last of these legs accepted, each target the right one; returns the call."""
    story.call.must_end_well(within)
    stored: dict[str, Any] = installation.settled(story.call, within=30)
    assert installation.legs_of(story.call) == list(zip(story.numbers, legs, strict=True))
    assert (stored["outcome"], stored["accepted_position"]) == ("accepted", len(legs) - 1)
    (case,) = installation.case_of(story.call)
    assert case["state"] == "accepted"
    assert [phone.rung for phone in story.phones] == [1] * len(legs)
    return stored


def test_the_first_one_accepts_and_every_step_is_on_record(night: Night, installation) -> None:
    story = night.stories["accepts"]
    stored = accepted(installation, story, "accepted")
    assert stored["caller"] == story.caller
    kinds = installation.kinds_of(story.call)
    told = ("received", "inbound", "decided", "voice_answered", "menu", "attempt", "ringing", "answered", "whispered")
    for kind in (*told, "whisper", "key", "accepted", "bridged", "unbridged", "voice_ended", "ended"):
        assert kind in kinds, (kind, kinds)
    assert "refused" not in kinds
    (invite,) = story.phones[0].invites
    assert (invite.header("From") or "").startswith(f"<sip:{NUMBER}@")
    assert "X-Maillage" not in invite.text
    assert story.caller not in invite.text


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("silent", "no_answer"),
        ("busy", "busy"),
        ("declines", "refused"),
        ("machine", "not_accepted"),
        ("refuses", "refused"),
        ("unreachable", "unreachable"),
    ],
)
def test_the_second_one_takes_what_the_first_did_not(night: Night, installation, name: str, first: str) -> None:
    accepted(installation, night.stories[name], first, "accepted")


@pytest.mark.parametrize("name", ["unknown", "masked"])
def test_who_is_not_known_types_where_it_is(night: Night, installation, name: str) -> None:
    story = night.stories[name]
    stored = accepted(installation, story, "accepted")
    assert stored["caller"] == (None if name == "masked" else story.caller)
    assert stored["postcode_typed"] is not None


@pytest.mark.parametrize(
    ("name", "legs"),
    [
        ("gone_at_once", []),
        ("gone_in_menu", []),
        ("gone_while_ringing", ["cancelled"]),
        ("gone_in_whisper", ["not_accepted"]),
    ],
)
def test_the_caller_hangs_up(night: Night, installation, name: str, legs: list[str]) -> None:
    """In each phase: while it is decided, in the menu, while somebody rings, while somebody listens."""
    story = night.stories[name]
    story.call.must_end_well(90)
    stored = installation.settled(story.call, within=40)
    assert installation.legs_of(story.call) == list(zip(story.numbers, legs, strict=False))
    assert stored["outcome"] == "abandoned"
    assert [phone.rung for phone in story.phones] == [len(legs)]


def timeline(installation, story: Story) -> list[tuple[float, str, str]]:
    """(seconds since it was dialled, what, which step), for whoever reads a failure."""
    told = installation.rows(
        "select kind, payload -> 'event' ->> 'step' as step, (payload -> 'event' ->> 'at')::float as at from call_event"
        " where provider_call_id = %s and payload ? 'event' order by 3",
        story.call.call_id,
    )
    return [(round(row["at"] - story.call.started, 2), row["kind"], row["step"]) for row in told]


def steps(installation, story: Story) -> list[tuple[str, str]]:
    """(what, which step) told so far, in order."""
    return [(kind, step) for _, kind, step in timeline(installation, story)]


def test_two_who_press_1_in_the_same_second(night: Night, installation) -> None:
    """The first listened too long, the next one was rung, and both press: one has the call, the other hears so.

    They press when the test says so: no clock of this test guesses how long a busy machine takes to read a sentence."""
    presses = (Keys("1", after=0.5, once_told=True),)
    first = PhoneScript(answers_after=1.0, keys=presses, talks=60)
    second = PhoneScript(answers_after=0.2, keys=presses, talks=60)
    story = night.tell("together", first, second, talks=60)
    wait_until(lambda: ("whispered", "1") in steps(installation, story), within=60, what="the next one listens")
    for phone in story.phones:
        phone.tell()
    story.call.must_end_well(120)
    stored = installation.settled(story.call, within=40)
    assert {("key", "0"), ("key", "1")} <= set(steps(installation, story)), timeline(installation, story)
    assert sorted(state for _, state in installation.legs_of(story.call)) == ["accepted", "not_accepted"]
    winner = story.numbers[stored["accepted_position"]]
    assert (winner, "accepted") in installation.legs_of(story.call)
    assert len(installation.case_of(story.call)) == 1
    kinds = installation.kinds_of(story.call)
    assert (kinds.count("accepted"), kinds.count("bridged")) == (1, 1)


def test_a_ladder_of_three_minutes_ends_at_a_human(night: Night, installation) -> None:
    """Everybody rings for their whole time, in the order that was frozen; the last number answers."""
    story = night.stories["ladder"]
    (frozen,) = [
        installation.rows(
            "select s.phone, s.ring_seconds from ladder_step s join call c on c.id = s.call_id"
            " where c.provider_call_id = %s and s.skipped is null order by s.position",
            story.call.call_id,
        )
    ]
    numbers = [row["phone"] for row in frozen]
    assert numbers[:2] == story.numbers
    assert numbers[-2:] == [MANAGER, FALLBACK]
    wait_until(
        lambda: "bridged" in installation.kinds_of(story.call), within=260, what="the fallback answers", every=1.0
    )
    assert time.time() - story.call.started > RING_SECONDS * (len(numbers) - 1)
    story.call.child.stop()
    told = installation.rows(
        "select kind, (payload -> 'event' ->> 'target') as target, (payload -> 'event' ->> 'at')::float as at"
        " from call_event where provider_call_id = %s and kind in ('attempt', 'no_answer')"
        " and payload -> 'event' ->> 'step' <> 'voice' order by 3",
        story.call.call_id,
    )
    rung = [row["target"].partition(":")[2].partition("@")[0] for row in told if row["kind"] == "attempt"]
    assert rung == numbers
    times = [row["at"] for row in told]
    for began, ended in zip(times[0:-1:2], times[1::2], strict=False):
        assert ended - began == pytest.approx(RING_SECONDS, abs=1.0)
