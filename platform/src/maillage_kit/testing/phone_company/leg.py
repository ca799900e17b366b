"""The line to somebody who is rung, while the caller waits or talks."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from maillage_kit.testing.phone_company.documents import MAX_DOCUMENTS, SPEECH_SECONDS, BadDocument, attribute
from maillage_kit.testing.phone_company.phones import Phone, Ring

if TYPE_CHECKING:
    from maillage_kit.testing.phone_company.caller import LiveCall
    from maillage_kit.testing.phone_company.company import PhoneCompany


@dataclass
class Leg:
    """One person rung for a call. `number` and `dial` are of the document that had them rung; `held`: news
    that are told in disorder."""

    call: "LiveCall"
    sid: str
    phone: Phone
    number: ElementTree.Element
    dial: ElementTree.Element
    sequence: Iterator[int] = field(default_factory=itertools.count)
    held: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    over: bool = False

    @property
    def company(self) -> "PhoneCompany":
        return self.call.company

    async def hears(self, ring: Ring) -> bool:
        """Obey the document read to the person rung. True: put through; False: that line was hung up."""
        path = self.company.path_of(attribute(self.number, "url"))
        document = await self.company.ask(path, self.fields("in-progress"))
        pressed = False
        for _ in range(MAX_DOCUMENTS):
            follow: tuple[str, dict[str, str]] | None = None
            for verb in document:
                if verb.tag in ("Say", "Play"):
                    self._overhear(verb)
                elif verb.tag == "Hangup":
                    return False
                elif verb.tag == "Redirect":
                    follow = (self.company.path_of((verb.text or "").strip()), {})
                    break
                elif verb.tag == "Gather":
                    for said in verb:
                        self._overhear(said)
                    people = self.company.people
                    if people is not None:
                        ring.key = await people.listen(self.phone, ring, float(verb.get("timeout", "5")))
                        pressed = False
                    if ring.caller_leaves or ring.hangs_up:
                        return False
                    if ring.key is not None and not pressed:
                        pressed = True
                        await self.company.passes(SPEECH_SECONDS + ring.key_after)
                        follow = (self.company.path_of(attribute(verb, "action")), {"Digits": ring.key})
                        break
                    await self.company.passes(SPEECH_SECONDS + float(verb.get("timeout", "5")))
                else:
                    raise BadDocument(f"<{verb.tag}> said to the person rung")
            if follow is None:
                return True
            document = await self.company.ask(follow[0], self.fields("in-progress", **follow[1]))
        raise BadDocument("the person rung goes round in circles")

    def _overhear(self, verb: ElementTree.Element) -> None:
        if verb.tag not in ("Say", "Play") or not (verb.text or "").strip():
            raise BadDocument(f"<{verb.tag}> said to the person rung")
        self.phone.heard.append((verb.text or "").strip())

    async def tells_the_recording(self) -> None:
        """The conversation is over: when it was recorded, the company says where the recording is."""
        ready = self.dial.get("recordingStatusCallback")
        if self.dial.get("record", "do-not-record") == "do-not-record" or not ready:
            return
        sid = self.company.sid("RE")
        told = self.call.fields(
            "in-progress",
            RecordingSid=sid,
            RecordingUrl=self.company.recording_url(sid),
            RecordingDuration="60",
            RecordingStatus="completed",
        )
        await self.company.tell(self.company.path_of(ready), told)

    def fields(self, status: str, **more: str) -> dict[str, str]:
        """The fields every webhook about this line carries."""
        return {
            "AccountSid": "AC" + "0" * 32,
            "ApiVersion": "2010-04-01",
            "CallSid": self.sid,
            "ParentCallSid": self.call.sid,
            "CallStatus": status,
            "Direction": "outbound-dial",
            "From": self.dial.get("callerId", ""),
            "To": self.phone.number,
            **more,
        }

    async def news(self, status: str, *, last: bool = False) -> None:
        """Tell where this line stands, if the document asked for it."""
        url = self.number.get("statusCallback")
        if not url:
            return
        wanted = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}.get(status, "completed")
        if wanted not in self.number.get("statusCallbackEvent", "completed").split():
            return
        news = (
            self.company.path_of(url),
            self.fields(status, SequenceNumber=str(next(self.sequence)), CallbackSource="call-progress-events"),
        )
        if self.company.misbehaves.swap_leg_news and not last:
            self.held.append(news)
            return
        await self.company.tell(*news)
        for path, form in self.held:
            await self.company.tell(path, form)
        self.held.clear()

    async def ends(self, status: str) -> None:
        """Tell its end, once."""
        if not self.over:
            self.over = True
            await self.news(status, last=True)
