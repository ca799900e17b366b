"""Plays the calls of the night: each caller and each person rung, over the real webhooks, on one time line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from maillage_app.demo.casting import Caller, Cast
from maillage_app.demo.script import Does, Script
from maillage_app.demo.timeline import Timeline
from maillage_hooks import TradeRegistry
from maillage_kit.testing.phone_company import CallPhase, LiveCall, Phone, PhoneCompany, Ring

TALK_SECONDS = 95.0
"""How long a caller and an artisan talk: time for the questions of the triage."""
MENU_TURNS = 8


@dataclass(slots=True)
class Played:
    """What was seen of one call from outside; what the report tells is read in the database."""

    script: Script
    caller: Caller
    sid: str = ""
    taken_by: str = ""
    trouble: str = ""


@dataclass
class Night:
    """The phone company and everybody who has a phone that night. `on_taken` is called when somebody takes a call."""

    company: PhoneCompany
    timeline: Timeline
    trades: TradeRegistry
    casts: Mapping[str, Cast]
    on_taken: Callable[[Played], None]
    on_over: Callable[[Played], None]
    _by_sid: dict[str, Script] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for cast in self.casts.values():
            for number, name in cast.people.items():
                self.company.phone(name, number)
        self.company.wait = self.timeline.sleep
        self.company.on_ring = self._ring

    async def play(self, script: Script) -> None:
        """One call, from its hour to its end. What goes wrong is kept in `trouble`, not raised: the night goes on."""
        cast = self.casts[script.coop]
        played = Played(script, cast.callers[script.id])
        await self.timeline.until(script.at)
        try:
            await self._call(played, cast)
        except (AssertionError, httpx.HTTPError) as wrong:
            played.trouble = f"{type(wrong).__name__}: {wrong}"
        self.on_over(played)

    async def _call(self, played: Played, cast: Cast) -> None:
        script = played.script
        call = await self.company.calls(played.caller.number, cast.founded.context.public_number)
        played.sid = call.sid
        self._by_sid[call.sid] = script
        heard = 0
        for _ in range(MENU_TURNS):
            if call.state is not CallPhase.ASKED:
                break
            asked, heard = " ".join(call.said[heard:]), len(call.said)
            await self._answers(call, asked, script, played.caller)
        if call.state is CallPhase.TALKING and call.talks_to is not None:
            played.taken_by = call.talks_to.number
            self.on_taken(played)
            await self.timeline.sleep(TALK_SECONDS)
            await call.hangs_up()
        if call.state is not CallPhase.OVER:
            raise AssertionError(f"the line is still {call.state}, heard: {call.said[-1:]}")

    # ------------------------------------------------------------------------------------------------- the caller

    async def _answers(self, call: LiveCall, asked: str, script: Script, caller: Caller) -> None:
        """Answer what is being asked, as somebody who listens to the words and not to the code."""
        if script.leaves_menu:
            await call.hangs_up()
        elif script.silent:
            await call.waits()
        elif "code postal du lieu" in asked:
            wrong = script.wrong_postcode if "pas reconnu" not in asked else ""
            await call.presses(wrong or caller.postcode)
        elif key := self._key(asked, script, caller):
            await call.presses(key)
        else:
            await call.waits()

    def _key(self, asked: str, script: Script, caller: Caller) -> str:
        wanted = self.trades.get(script.trade).trade.spoken
        if script.danger:
            wanted = "une odeur de gaz ou un danger immédiat"
        for words in (wanted, caller.address, caller.commune):
            found = re.search(rf"Pour {re.escape(words)}, tapez (\d)", asked) if words else None
            if found:
                return found[1]
        return "0" if "Pour un autre lieu, tapez 0" in asked else ""

    # ----------------------------------------------------------------------------------------- whose phone rings

    def _ring(self, call: LiveCall, phone: Phone) -> Ring:
        script = self._by_sid[call.sid]
        cast = self.casts[script.coop]
        if phone.number in cast.wrong_numbers:
            return _ring_of(None)
        if phone.number == cast.founded.context.fallback_phone:
            return _ring_of(script.fallback)
        if phone.number == cast.founded.context.manager_phone:
            return _ring_of(script.manager)
        place = len(call.rung) - 1
        return _ring_of(script.people[place] if place < len(script.people) else script.others)


def _ring_of(does: Does | None) -> Ring:
    """`None`: nobody has that number."""
    ring = Ring()
    match does:
        case None:
            ring.is_unreachable()
        case Does.ACCEPTS:
            ring.presses("1", after=9.0)
        case Does.REFUSES:
            ring.presses("2", after=9.0)
        case Does.NO_ANSWER:
            ring.does_not_answer()
        case Does.MACHINE:
            ring.is_a_machine()
        case Does.BUSY:
            ring.is_busy()
        case Does.DECLINES:
            ring.declines()
        case Does.HANGS_UP:
            ring.picks_up_and_hangs_up()
        case Does.CALLER_LEAVES:
            ring.and_the_caller_hangs_up(after=12.0)
        case Does.CALLER_LEAVES_HEARING:
            ring.picks_up_and_the_caller_hangs_up()
    return ring
