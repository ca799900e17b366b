"""Ringing people in turn for one caller, until one of them accepts.

The edge rings each in turn; who answers hears the whisper and presses 1. Whoever does not in time is left, the next
hunt starts at once, and his line stays up a few seconds for a late key: the first key wins, the other hears that the
call is taken.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from maillage_voice import g711, plans, words
from maillage_voice.application import Unreachable
from maillage_voice.plans import Hunt, Plan, Sentence, Step
from maillage_voice.recording import Recorder
from maillage_voice.sip import Line
from maillage_voice.station import Channel
from maillage_voice.waiting import first_of

if TYPE_CHECKING:
    from maillage_voice.script import Call

LATE_KEY: Final = 5.0
_MARGIN: Final = 5.0  # seconds for the edge, beyond each ring time
_TURNS: Final = 12
_BUSY: Final = (486, 600, 603)
_NO_ANSWER: Final = (408, 480, 487)
_AGAIN: Final = 2  # times
_EDGE_RESTARTS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a hunt ended: whose step, `completed|no_answer|busy|failed`, and whether they were put through."""

    position: int
    ending: str
    bridged: bool


class Leg:
    """Somebody who answered. `passed` is done when the next one may be rung."""

    def __init__(self, step: Step, line: Line, channel: Channel, name: str) -> None:
        self.step, self.line, self.channel, self.name = step, line, channel, name
        self.passed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def passes(self, why: str) -> None:
        if not self.passed.done():
            self.passed.set_result(why)


class Hunting:
    """One `hunt` verb. With `alone` (or once the application fails) keys are judged here.

    `meanwhile` is said to the caller while telephones ring: nobody waits for a sentence to be over.
    """

    def __init__(self, call: "Call", hunt: Hunt, *, meanwhile: Sequence[Sentence] = ()) -> None:
        self._call, self._hunt, self._meanwhile = call, hunt, meanwhile
        self._winner: asyncio.Future[Leg] = asyncio.get_running_loop().create_future()
        self._considering: dict[asyncio.Task[None], Leg] = {}
        self.remaining: tuple[Step, ...] = hunt.steps

    async def run(self) -> Outcome:
        """Until somebody was put through and it is over, or nobody is left. Cancelled when the caller hangs up."""
        caller = self._call.channel
        caller.forget_keys()
        caller.endpoint.background(g711.RINGBACK)
        telling = asyncio.ensure_future(self._tell())
        try:
            failed = await self._ring_all()
            while not self._winner.done() and self._considering:
                await first_of(self._winner, *self._considering)
            caller.endpoint.background(b"")
            if not self._winner.done():
                await first_of(telling)
                return failed
            telling.cancel()
            return await self._talk(self._winner.result())
        finally:
            telling.cancel()
            caller.endpoint.background(b"")
            caller.forget_keys()
            self.drop()

    async def _tell(self) -> None:
        try:
            for sentence in self._meanwhile:
                await self._call.channel.say(sentence)
        except Exception as exc:  # a voice that fails stops no telephone from ringing
            self._call.station.failed("telling", exc)

    def drop(self) -> None:
        """Everybody still considering is left, but the winner."""
        winner = self._winner.result() if self._winner.done() else None
        for task, leg in self._considering.items():
            if leg is not winner:
                task.cancel()

    async def _ring_all(self) -> Outcome:
        outcome = Outcome(self.remaining[0].position, "failed", False)
        while self.remaining and not self._winner.done():
            self._call.turn_to(self._hunt, self.remaining[0].position)
            answered = await self._ring_patiently()
            if isinstance(answered, Outcome):
                self._call.tried |= {step.uri for step in self._hunt.steps}
                return answered
            if answered is None:
                break
            self._call.turn_to(self._hunt, answered.step.position)
            task = asyncio.create_task(self._consider(answered))
            self._considering[task] = answered
            task.add_done_callback(self._considered)
            await first_of(answered.passed, self._winner)
            outcome = Outcome(answered.step.position, "no_answer", False)
        return outcome

    def _considered(self, task: "asyncio.Task[None]") -> None:
        self._considering.pop(task, None)
        if not task.cancelled() and task.exception() is not None:
            self._call.station.failed("considering", task.exception())

    async def _ring_patiently(self) -> Leg | Outcome | None:
        """An edge that does not answer, or not well, is restarting: it is asked again before anybody is given up."""
        for _ in range(_AGAIN):
            steps = self.remaining
            answered = await self._ring_once()
            if not isinstance(answered, Outcome) or answered.ending != "failed":
                return answered
            self.remaining = steps
            await first_of(self._winner, timeout=_EDGE_RESTARTS)
            if self._winner.done():
                return None
        return await self._ring_once()

    async def _ring_once(self) -> Leg | Outcome | None:
        """One hunt by the edge over all that remain: who answered, how it failed, or None when a late key won."""
        call, steps = self._call, self.remaining
        channel = await call.station.set_up()
        line = call.station.phone.place(
            "hunt",
            caller=call.caller or "anonymous",
            host=channel.endpoint.host,
            port=channel.endpoint.port,
            headers={
                "X-Maillage-Parent": call.line.call_id,
                "X-Maillage-Caller": call.caller,
                "X-Maillage-Called": call.called,
                "X-Maillage-Steps": ",".join(str(step.position) for step in steps),
                "X-Maillage-Hunt": plans.route_document(steps, self._hunt.caller_id or call.caller_id),
            },
            ring_seconds=sum(step.ring_seconds + _MARGIN for step in steps),
        )
        channel.attach(line)
        kept = False
        try:
            await first_of(line.answered, line.ended, self._winner)
            if self._winner.done():
                if line.answered.done():  # at the very moment that another accepted
                    channel.endpoint.connect(line.answered.result())
                    call.station.spawn(_sorry(channel))
                    kept = True
                return None
            if not line.answered.done():
                self.remaining = ()
                return Outcome(steps[-1].position, ending_of(line.ended.result().code), False)
            channel.endpoint.connect(line.answered.result())
            told = line.headers.get("x-maillage-position", "")
            index = next((n for n, step in enumerate(steps) if str(step.position) == told), 0)
            self.remaining = steps[index + 1 :]
            call.tried |= {step.uri for step in steps[: index + 1]}
            kept = True
            return Leg(steps[index], line, channel, f"{call.line.call_id}/{steps[index].position}")
        finally:
            if not kept:
                channel.close()

    # --------------------------------------------------------------------------------------------- the person rung

    async def _consider(self, leg: Leg) -> None:
        """From the answer to a key, or to nothing."""
        step, call = str(leg.step.position), self._call
        code = "left"
        accepted = False
        try:
            if not leg.step.whisper:
                accepted = self._accept(leg)
                return
            call.tell("whispered", step=step, target=leg.step.uri)
            talking = asyncio.ensure_future(self._ask_for_key(leg))
            try:
                await first_of(talking, leg.line.ended)
                if not talking.done():
                    code = leg.passed.result() if leg.passed.done() else "hung up"
                    return
                accepted = await talking
                code = leg.passed.result() if leg.passed.done() else "refused"
            finally:
                talking.cancel()
        except asyncio.CancelledError:
            code = "caller gone" if call.line.is_over else "taken by another"
            if not call.line.is_over:
                call.station.spawn(_sorry(leg.channel))
            raise
        finally:
            if not accepted:
                call.tell("not_accepted", step=step, target=leg.step.uri, detail=code)
                if code != "taken by another":
                    leg.channel.close()
            leg.passes(code)

    async def _ask_for_key(self, leg: Leg) -> bool:
        """The application's questions to the person rung. True when put through."""
        plan = await self._plan_for(leg, self._hunt.whisper, digits=None)
        for _ in range(_TURNS):
            if not plan:
                return self._accept(leg) or await self._taken(leg)
            following: Plan | None = None
            for verb in plan:
                if verb.say is not None:
                    await leg.channel.say(verb.say)
                elif verb.gather is not None:
                    digits = await self._key_in_time(leg, verb.gather)
                    if not digits:
                        return False
                    self._call.tell("key", step=str(leg.step.position), detail=digits)
                    following = await self._plan_for(leg, verb.gather.then, digits=digits)
                    break
                elif verb.go_on is not None:
                    following = await self._plan_for(leg, verb.go_on, digits="")
                    break
                else:
                    return False
            if following is None:
                return False
            plan = following
        return False

    async def _key_in_time(self, leg: Leg, gather: plans.Gather) -> str:
        digits = await leg.channel.keys(gather.say, digits=gather.digits, timeout=self._hunt.accept_seconds)
        if not digits:
            leg.passes("no key")
            digits = await leg.channel.key(LATE_KEY) or ""
        return digits

    async def _plan_for(self, leg: Leg, path: str | None, *, digits: str | None) -> Plan:
        """From the application, else our own: 1 accepts, anything else refuses."""
        call = self._call
        if path and not call.alone:
            try:
                plan = await call.station.application.ask(
                    path.replace("{position}", str(leg.step.position)),
                    call_id=call.line.call_id,
                    leg=leg.name,
                    digits=digits or "",
                )
                call.station.speech.prepare(plans.sentences(plan))
                return plan
            except Unreachable:
                call.alone = True
        if digits is None:
            gather = plans.Gather(then=f"{plans.PATHS}local", say=(Sentence(words.WHISPER),))
            return (plans.Verb(gather=gather),)
        if digits == "1":
            return ()
        return (plans.Verb(say=Sentence(words.REFUSED)), plans.Verb(hangup=True))

    def _accept(self, leg: Leg) -> bool:
        """Whether this one is the first."""
        if self._winner.done() or self._call.line.is_over:
            return False
        self._winner.set_result(leg)
        self._call.tell("accepted", step=str(leg.step.position), target=leg.step.uri)
        return True

    async def _taken(self, leg: Leg) -> bool:
        await leg.channel.say(Sentence(words.ALREADY_TAKEN))
        return False

    # ------------------------------------------------------------------------------------------------- put through

    async def _talk(self, leg: Leg) -> Outcome:
        """Until one of them hangs up. The caller's hanging up cancels this."""
        call, step = self._call, str(leg.step.position)
        caller, artisan = call.channel.endpoint, leg.channel.endpoint
        call.turn_to(self._hunt, leg.step.position, bridged=True)
        self.drop()
        recorder = None
        if self._hunt.record is not None:
            wanted = self._hunt.record
            recorder = Recorder(
                call.station.beat,
                [caller, artisan],
                call.station.outbox,
                wanted.upload,
                max_seconds=wanted.max_seconds,
            )
        caller.hush()
        artisan.hush()
        caller.bridge(artisan)
        artisan.bridge(caller)
        call.tell("bridged", step=step, target=leg.step.uri)
        try:
            await first_of(leg.line.ended)
        finally:
            caller.bridge(None)
            if recorder is not None:
                recorder.finish()
            leg.channel.close()
            call.tell("unbridged", step=step, target=leg.step.uri)
        return Outcome(leg.step.position, "completed", True)


async def _sorry(channel: Channel) -> None:
    """For the one who was listening while another accepted."""
    try:
        channel.endpoint.hush()
        async with asyncio.timeout(15):
            await channel.say(Sentence(words.ALREADY_TAKEN))
    finally:
        channel.close()


def ending_of(code: int) -> str:
    """What the status that ended an unanswered call means."""
    if code in _BUSY:
        return "busy"
    return "no_answer" if code in _NO_ANSWER else "failed"


def without(steps: tuple[Step, ...], tried: set[str]) -> tuple[Step, ...]:
    """Each number once, those already tried left out. A key is asked of everybody: a mobile's voicemail answers too."""
    found: dict[str, Step] = {}
    for step in steps:
        if step.uri not in tried:
            found.setdefault(step.uri, msgspec.structs.replace(step, whisper=True))
    return tuple(found.values())
