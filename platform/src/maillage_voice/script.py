"""One caller's call, from the answer to the last word: does what the plans say, and never leaves the caller alone.

Whatever goes wrong (application silent or absurd, a fault of ours) leads to `rescue.py`. The caller's hanging up
cancels the script wherever it is.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog

from maillage_voice import plans, words
from maillage_voice.application import Unreachable
from maillage_voice.hunting import Hunting, without
from maillage_voice.plans import Hunt, Message, Plan, Sentence, Step
from maillage_voice.recording import Recorder
from maillage_voice.sip import Line
from maillage_voice.station import Channel, Station
from maillage_voice.waiting import first_of

MOST_TURNS: Final = 200
SILENT_MESSAGE: Final = 6.0  # seconds of silence that end a message
_ATTEMPTS: Final = 3
_log = structlog.get_logger("maillage.voice")


class Call:
    """`alone` is set for good once the application failed during a hunt or a rescue: keys are judged here."""

    def __init__(self, station: Station, line: Line) -> None:
        self.station, self.line = station, line
        self.caller, self.called = line.caller, line.called
        self.caller_id = line.headers.get("x-maillage-caller-id", line.called)
        self.rescue_steps = plans.read_rescue(line.headers.get("x-maillage-rescue", "[]"))
        self.channel: Channel
        self.alone = False
        self.tried: set[str] = set()
        self.left: tuple[Step, ...] = ()
        call, cooperative = line.headers.get("x-maillage-call", ""), line.headers.get("x-maillage-cooperative", "")
        self._base = f"{plans.PATHS}{cooperative}/{call}" if call and cooperative else ""
        self._turn: tuple[str, dict[str, Any]] | None = None

    def tell(self, kind: str, **more: Any) -> None:
        """An event for the application, on disk at once."""
        self.station.spool.tell(kind, call_id=self.line.call_id, caller=self.caller, called=self.called, **more)

    def turn_to(self, hunt: Hunt, position: int, *, bridged: bool = False) -> None:
        """Where the application will be told that the caller hung up."""
        ending = "completed" if bridged else "cancelled"
        self._turn = (_filled(hunt.then, position), {"ending": ending, "bridged": bridged})

    @property
    def message_path(self) -> str:
        """Where a message goes when no plan says so; "" while the call is not known to the application."""
        return f"{self._base}/message" if self._base else ""

    # ------------------------------------------------------------------------------------------------- the whole call

    async def run(self) -> None:
        """Answer, talk, end. Never raises."""
        try:
            self.channel = await self.station.set_up()
        except OSError as exc:
            self.station.failed("answering", exc)
            self.line.refuse(503, "Service Unavailable")
            return
        self.channel.attach(self.line)
        if self.line.offer is not None:
            self.channel.endpoint.connect(self.line.offer)
        else:
            self.line.answered.add_done_callback(self._late_answer)
        self.line.answer(self.channel.endpoint.host, self.channel.endpoint.port)
        self.tell("voice_answered", detail=self.line.headers.get("x-maillage-source", ""))
        talk = asyncio.ensure_future(self._talk())
        try:
            await first_of(talk, self.line.ended, timeout=self.station.max_call_seconds)
        finally:
            gone = self.line.is_over
            talk.cancel()
            await first_of(talk)
            self.channel.close()
            self.tell("voice_ended", detail="caller" if gone else "voice")
            if gone and self._turn is not None and not self.alone:
                self.station.spawn(self._say_gone(*self._turn))

    def _late_answer(self, answered: "asyncio.Future[Any]") -> None:
        if not answered.cancelled():
            self.channel.endpoint.connect(answered.result())

    async def _say_gone(self, path: str, more: dict[str, Any]) -> None:
        try:
            await self.station.application.ask(path, call_id=self.line.call_id, gone=True, **more)
        except Unreachable:
            _log.info("hang-up not told", path=path)  # the event voice_ended says it too

    async def _talk(self) -> None:
        from maillage_voice.rescue import rescue

        try:
            await self._follow(await self._start())
            return
        except Unreachable as exc:
            _log.warning("rescue", call=self.line.call_id, why=str(exc)[:200])
        except Exception as exc:
            self.station.failed("script", exc)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await rescue(self)
                return
            except Exception as exc:
                self.station.failed(f"rescue {attempt}", exc)
                await asyncio.sleep(0.5 * attempt)

    async def _start(self) -> Plan:
        if not self._base:
            raise Unreachable("the edge knows no call")
        return await self.ask(f"{self._base}/start")

    async def ask(self, path: str, **more: Any) -> Plan:
        """The next plan; its sentences begin to be made at once. Raises Unreachable."""
        plan = await self.station.application.ask(path, call_id=self.line.call_id, **more)
        if not plan:
            raise Unreachable("a plan for the caller with nothing in it")
        self.station.speech.prepare(plans.sentences(plan))
        return plan

    async def _follow(self, plan: Plan | None) -> None:
        for _ in range(MOST_TURNS):
            if plan is None:
                return
            plan = await self._do(plan)
        raise Unreachable("plans without end")

    async def _do(self, plan: Plan) -> Plan | None:
        """The plan that comes next, or None at the end."""
        for verb in plan:
            if verb.say is not None:
                await self.channel.say(verb.say)
            elif verb.gather is not None:
                gather = verb.gather
                self._turn = (gather.then, {})
                digits = await self.channel.keys(gather.say, digits=gather.digits, timeout=gather.timeout)
                if digits:
                    return await self.ask(gather.then, digits=digits)
            elif verb.go_on is not None:
                return await self.ask(verb.go_on)
            elif verb.hunt is not None:
                return await self._hunt(verb.hunt)
            elif verb.record is not None:
                await self.message(verb.record)
            else:
                return None
        return None

    # --------------------------------------------------------------------------------------------------------- hunting

    async def _hunt(self, hunt: Hunt) -> Plan | None:
        hunting = Hunting(self, hunt)
        try:
            outcome = await hunting.run()
        finally:
            self.left = hunting.remaining
        if self.alone and not outcome.bridged:
            raise Unreachable("it failed during the hunt")
        try:
            return await self.ask(
                _filled(hunt.then, outcome.position),
                leg=f"{self.line.call_id}/{outcome.position}",
                ending=outcome.ending,
                bridged=outcome.bridged,
            )
        except Unreachable:
            if not outcome.bridged:
                self.alone = True
                raise
            await self.channel.say(Sentence(words.GOODBYE))
            return None

    async def hunt_alone(self, steps: tuple[Step, ...], *, meanwhile: tuple[Sentence, ...]) -> bool:
        """Without the application; `meanwhile` is said while they ring. True when somebody was put through."""
        steps = without(steps, self.tried)
        if not steps:
            for sentence in meanwhile:
                await self.channel.say(sentence)
            return False
        self.alone = True
        hunt = Hunt(steps=steps, then=f"{plans.PATHS}local", caller_id=self.caller_id)
        return (await Hunting(self, hunt, meanwhile=meanwhile).run()).bridged

    # --------------------------------------------------------------------------------------------------------- messages

    async def message(self, wanted: Message) -> None:
        """Beep, record until #, silence, the hang-up or the limit. What was said is uploaded in every case."""
        await self.channel.beep()
        self.channel.forget_keys()
        recorder = Recorder(
            self.station.beat,
            [self.channel.endpoint],
            self.station.outbox,
            wanted.upload,
            max_seconds=wanted.max_seconds,
        )
        full = asyncio.Event()
        recorder.full = full.set
        try:
            await self._until_silent(recorder, full)
        finally:
            recorder.finish()

    async def _until_silent(self, recorder: Recorder, full: asyncio.Event) -> None:
        while not full.is_set():
            key = await self.channel.key(0.25)
            if key == "#":
                return
            patience = SILENT_MESSAGE if recorder.heard_speech else 2 * SILENT_MESSAGE
            if recorder.quiet_seconds >= patience:
                return


def _filled(path: str, position: int) -> str:
    return path.replace("{position}", str(position))


def starter(station: Station, answer: Callable[[Station, Line], Any]) -> Callable[[Line], None]:
    """What the phone calls for each new call: counts it, and runs it as a task."""

    async def one(line: Line) -> None:
        station.calls += 1
        try:
            await answer(station, line)
        except Exception as exc:
            station.failed("call", exc)
            line.hang_up()
        finally:
            station.calls -= 1

    def on_call(line: Line) -> None:
        station.spawn(one(line))

    return on_call
