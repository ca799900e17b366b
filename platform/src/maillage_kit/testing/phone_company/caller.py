"""One caller's line: what they hear and type, and whom they are put through to."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from maillage_kit.testing.phone_company.documents import MAX_DOCUMENTS, SPEECH_SECONDS, BadDocument, attribute
from maillage_kit.testing.phone_company.leg import Leg
from maillage_kit.testing.phone_company.phones import Does, Phone, Ring, UnexpectedCall

if TYPE_CHECKING:
    from maillage_kit.testing.phone_company.company import PhoneCompany


class CallPhase(StrEnum):
    """Where a caller is. ASKED: a menu waits for keys; TALKING: put through to somebody."""

    CONNECTING = "connecting"
    ASKED = "asked"
    TALKING = "talking"
    OVER = "over"


class LiveCall:
    """One caller's line. `said` is what they heard; `talks_to` whom they are put through to; `message`: for how many
    seconds they speak after a tone, None when they hang up then."""

    def __init__(self, company: "PhoneCompany", caller: str, number: str, sid: str, extra: dict[str, str]) -> None:
        self.company = company
        self.caller = caller
        self.number = number
        self.sid = sid
        self.state = CallPhase.CONNECTING
        self.said: list[str] = []
        self.rung: list[str] = []
        self.talks_to: Phone | None = None
        self.message: int | None = None
        self.started: datetime | None = company.clock.now() if company.clock else None
        self._extra = extra
        self._gather: ElementTree.Element | None = None
        self._after_gather: list[ElementTree.Element] = []
        self._leg: Leg | None = None
        self._documents = 0

    # ---------------------------------------------------------------------------------------- what the caller does

    async def presses(self, keys: str) -> "LiveCall":
        """Type keys on the question that is being asked."""
        gather = self._asked()
        self._gather = None
        await self.company.passes(SPEECH_SECONDS)
        await self.obey(
            await self.company.ask(
                self.company.path_of(attribute(gather, "action")), self.fields("in-progress", Digits=keys)
            )
        )
        return self

    async def waits(self) -> "LiveCall":
        """Type nothing until the question gives up."""
        gather = self._asked()
        self._gather = None
        await self.company.passes(SPEECH_SECONDS + float(gather.get("timeout", "5")))
        await self._verbs(self._after_gather)
        return self

    async def hangs_up(self) -> "LiveCall":
        """The caller hangs up, whatever is going on."""
        if self.state is CallPhase.TALKING and self._leg is not None:
            leg = self._leg
            await leg.ends("completed")
            await leg.tells_the_recording()
            self._talk_ends()
            await self._dial_over(leg, "completed", bridged=True, call_status="completed")
        await self._line_down()
        return self

    async def is_left(self) -> "LiveCall":
        """The person the caller talks to hangs up first; the caller stays on the line."""
        if self._leg is None or self.state is not CallPhase.TALKING:
            raise AssertionError(f"{self.caller} talks to nobody")
        leg = self._leg
        await leg.ends("completed")
        await leg.tells_the_recording()
        self._talk_ends()
        await self._dial_over(leg, "completed", bridged=True)
        return self

    def heard(self, words: str) -> bool:
        """Whether these words were said to the caller."""
        return any(words in said for said in self.said)

    # ------------------------------------------------------------------------------------------------ the documents

    def fields(self, status: str, **more: str) -> dict[str, str]:
        """The fields every webhook about this line carries."""
        return {
            "AccountSid": "AC" + "0" * 32,
            "ApiVersion": "2010-04-01",
            "CallSid": self.sid,
            "CallStatus": status,
            "Direction": "inbound",
            "From": self.caller,
            "To": self.number,
            **self._extra,
            **more,
        }

    def _asked(self) -> ElementTree.Element:
        if self._gather is None:
            raise AssertionError(f"{self.caller} is not asked anything: {self.state}, heard {self.said[-2:]}")
        return self._gather

    async def obey(self, document: ElementTree.Element) -> None:
        """Do what the document says, up to a question, a conversation or the end. Raises BadDocument."""
        self._documents += 1
        if self._documents > MAX_DOCUMENTS:
            raise BadDocument("the call goes round in circles")
        self.state = CallPhase.CONNECTING
        await self._verbs(list(document))

    async def _verbs(self, verbs: list[ElementTree.Element]) -> None:
        for index, verb in enumerate(verbs):
            match verb.tag:
                case "Say":
                    self._hear(verb)
                case "Pause":
                    await self.company.passes(float(verb.get("length", "1")))
                case "Play":
                    self._hear(verb)
                case "Record":
                    await self._record(verb, verbs[index + 1 :])
                    return
                case "Gather":
                    for said in verb:
                        self._hear(said)
                    self._gather, self._after_gather = verb, verbs[index + 1 :]
                    self.state = CallPhase.ASKED
                    return
                case "Redirect":
                    path = self.company.path_of((verb.text or "").strip())
                    await self.obey(await self.company.ask(path, self.fields("in-progress")))
                    return
                case "Dial":
                    await self._dial(verb, verbs[index + 1 :])
                    return
                case "Hangup":
                    await self._line_down()
                    return
                case other:
                    raise BadDocument(f"<{other}> is not a verb this company knows")
        await self._line_down()

    async def _record(self, verb: ElementTree.Element, rest: list[ElementTree.Element]) -> None:
        """The caller leaves a message when `message` holds one, else hangs up at the tone."""
        if self.message is None:
            await self._line_down()
            return
        seconds = min(self.message, int(attribute(verb, "maxLength")))
        await self.company.passes(seconds)
        sid = self.company.sid("RE")
        told = self.fields(
            "in-progress",
            RecordingSid=sid,
            RecordingUrl=self.company.recording_url(sid),
            RecordingDuration=str(seconds),
        )
        ready = self.company.path_of(attribute(verb, "recordingStatusCallback"))
        await self.company.tell(ready, {**told, "RecordingStatus": "completed"})
        if verb.get("action"):
            await self.obey(await self.company.ask(self.company.path_of(attribute(verb, "action")), told))
            return
        await self._verbs(rest)

    def _hear(self, verb: ElementTree.Element) -> None:
        if verb.tag == "Play" and (verb.text or "").strip():
            self.said.append(f"[{(verb.text or '').strip()}]")
            return
        if verb.tag != "Say":
            raise BadDocument(f"<{verb.tag}> inside a question")
        text = (verb.text or "").strip()
        if not text:
            raise BadDocument("<Say> without words")
        if not verb.get("language", "").startswith("fr"):
            raise BadDocument(f"not said in French: {text}")
        self.said.append(text)

    # ------------------------------------------------------------------------------------------------------- dialling

    async def _dial(self, dial: ElementTree.Element, rest: list[ElementTree.Element]) -> None:
        numbers = list(dial)
        if len(numbers) != 1 or numbers[0].tag != "Number":
            raise BadDocument("<Dial> holds one <Number>")
        number = numbers[0]
        digits = (number.text or "").strip()
        people = self.company.people
        if people is not None:
            self.company.phone(digits, digits)
        if digits not in self.company.phones:
            raise UnexpectedCall(f"{digits} was rung: nobody has that number")
        phone = self.company.phones[digits]
        leg = Leg(self, self.company.sid("CA"), phone, number, dial)
        self._leg = leg
        self.rung.append(phone.name)
        phone.displayed.append(dial.get("callerId", ""))
        engaged = phone.engaged
        ring: Ring | None = None
        if people is None or engaged:
            chosen = None if engaged or self.company.on_ring is None else self.company.on_ring(self, phone)
            ring = chosen or phone.next_ring()
        phone.engaged = True  # while it rings too: whoever else calls it now finds it busy
        patience = float(dial.get("timeout", "30"))
        await leg.news("initiated")
        await leg.news("ringing")
        if ring is None:
            assert people is not None
            ring = await people.ring(phone, patience)
        if ring.does is Does.CALLER_LEAVES:
            await self.company.passes(min(ring.after, patience))
            phone.engaged = engaged and phone.engaged
            await leg.ends("canceled")
            await self._dial_over(leg, "canceled", bridged=False, call_status="completed")
            await self._line_down()
            return
        if ring.does is Does.ANSWERS and ring.after < patience:
            await self._answered(leg, ring, rest)
            return
        status = {Does.BUSY: "busy", Does.DECLINES: "busy", Does.UNREACHABLE: "failed"}.get(ring.does, "no-answer")
        await self.company.passes({"no-answer": patience, "failed": 1.0}.get(status, 2.0))
        phone.engaged = engaged and phone.engaged
        await leg.ends(status)
        await self._dial_over(leg, status, bridged=False, rest=rest)

    async def _answered(self, leg: Leg, ring: Ring, rest: list[ElementTree.Element]) -> None:
        await self.company.passes(ring.after)
        leg.phone.engaged = True
        await leg.news("in-progress")
        if not leg.number.get("url"):
            self._talk_begins(leg)
            return
        try:
            bridged = await leg.hears(ring)
        except BaseException:
            leg.phone.engaged = False
            raise
        if ring.caller_leaves:
            leg.phone.engaged = False
            await leg.ends("completed")
            await self._dial_over(leg, "completed", bridged=False, call_status="completed")
            await self._line_down()
            return
        if bridged:
            self._talk_begins(leg)
            return
        leg.phone.engaged = False
        await leg.ends("completed")
        await self._dial_over(leg, "completed", bridged=False, rest=rest)

    def _talk_begins(self, leg: Leg) -> None:
        leg.phone.engaged = True
        self.talks_to = leg.phone
        self.state = CallPhase.TALKING

    def _talk_ends(self) -> None:
        if self.talks_to is not None:
            self.talks_to.engaged = False
        self.talks_to = None
        self.state = CallPhase.CONNECTING

    async def _dial_over(
        self,
        leg: Leg,
        status: str,
        *,
        bridged: bool,
        call_status: str = "in-progress",
        rest: list[ElementTree.Element] | None = None,
    ) -> None:
        self._leg = None
        action = leg.dial.get("action")
        if not action:
            if call_status == "in-progress":
                await self._verbs(rest or [])
            return
        document = await self.company.ask(
            self.company.path_of(action),
            self.fields(
                call_status,
                DialCallStatus=status,
                DialCallSid=leg.sid,
                DialBridged="true" if bridged else "false",
            ),
        )
        if call_status == "in-progress":
            await self.obey(document)

    async def _line_down(self) -> None:
        if self.state is CallPhase.OVER:
            return
        self.state = CallPhase.OVER
        self._gather = None
        seconds = 0
        if self.company.clock is not None and self.started is not None:
            seconds = round((self.company.clock.now() - self.started).total_seconds())
        await self.company.tell(
            self.company.status_path,
            self.fields(
                "completed",
                CallDuration=str(seconds),
                SequenceNumber="0",
                CallbackSource="call-progress-events",
            ),
        )
