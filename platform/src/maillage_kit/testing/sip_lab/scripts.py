"""What callers and artisans do, as scenarios of sipp. Seconds everywhere.

A conversation waits for the other side's BYE and hangs up by itself after its time: both are good ends.
"""

from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from maillage_kit.testing.sip_lab.keypad import capture

_SDP = """v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
"""
SOUND = "/usr/share/sip-tester/g711a.pcap"


@dataclass(frozen=True)
class Keys:
    """Keys typed `after` so many seconds. `once_told`: that long after `Telephone.tell`, whoever was called only."""

    typed: str
    after: float
    once_told: bool = False


def _scenario(name: str, *parts: str) -> str:
    body = "".join(parts)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name={quoteattr(name)}>\n{body}</scenario>\n'


def _send(text: str, *, repeated: bool = False) -> str:
    retrans = ' retrans="500"' if repeated else ""
    return f"<send{retrans}><![CDATA[\n{text}\n]]></send>\n"


def _pause(seconds: float) -> str:
    return f'<pause milliseconds="{round(seconds * 1000)}"/>\n' if seconds > 0 else ""


def _typed(all_keys: tuple[Keys, ...], folder: Path | None) -> str:
    """Each time of typing, from a capture of its own in `folder`."""
    parts = []
    for number, keys in enumerate(all_keys):
        if folder is None:
            raise ValueError("keys need a folder for their sound")
        played = capture(folder / f"keys-{number}.pcap", keys.typed)
        parts.append('<recv request="INFO"/>\n' if keys.once_told else "")
        parts.append(_pause(keys.after))
        parts.append(f'<nop><action><exec play_pcap_audio="{played}"/></action></nop>\n')
        parts.append(_pause(0.35 * len(keys.typed) + 0.1))
    return "".join(parts)


def _sound() -> str:
    return f'<nop><action><exec play_pcap_audio="{SOUND}"/></action></nop>\n'


# --------------------------------------------------------------------------------------------------------- a caller


@dataclass(frozen=True)
class CallerScript:
    """Somebody who dials `called`, showing `caller`.

    `asserted`: the identity that the network vouches for (P-Asserted-Identity). `extra`: header lines, in which
    `[name]` stands for one of `values` (a bracket cannot be written otherwise). `keys`: what is typed once the call is
    answered. `talks`: how long they stay after that. `gives_up_after`: hangs up that long after the call was sent, if
    nobody has answered. `on_ringing`: that time counts from the ringing.
    """

    caller: str
    called: str
    keys: tuple[Keys, ...] = ()
    talks: float = 2.0
    asserted: str | None = None
    extra: str = ""
    values: tuple[tuple[str, str], ...] = ()
    gives_up_after: float | None = None
    on_ringing: bool = False
    sound: bool = False

    def xml(self, folder: Path | None = None) -> str:
        """The scenario; what it plays is written into `folder`."""
        if self.gives_up_after is not None:
            return _scenario("caller who gives up", self._invite(), *self._gives_up())
        types = _typed(self.keys, folder)
        return _scenario(
            "caller",
            self._invite(),
            '<recv response="100" optional="true"/>\n',
            '<recv response="180" optional="true"/>\n',
            '<recv response="183" optional="true"/>\n',
            '<recv response="200" rrs="true"/>\n',
            _send(self._request("ACK", 1)),
            types,
            _sound() if self.sound else "",
            f'<recv request="BYE" timeout="{round(self.talks * 1000)}" ontimeout="leaves"/>\n',
            _send(_REPLY.format(status="200 OK")),
            '<nop next="over"/>\n',
            '<label id="leaves"/>\n',
            _send(self._request("BYE", 2), repeated=True),
            '<recv response="200"/>\n',
            '<label id="over"/>\n',
        )

    def _gives_up(self) -> tuple[str, ...]:
        ringing = '<recv response="180"/>\n' if self.on_ringing else '<recv response="180" optional="true"/>\n'
        return (
            '<recv response="100" optional="true"/>\n' if self.on_ringing else '<recv response="100"/>\n',
            ringing if self.on_ringing else "",
            _pause(self.gives_up_after or 0),
            _send(
                self._request("CANCEL", 1, to="<sip:{called}@[remote_ip]:[remote_port]>", via="[last_Via:]"),
                repeated=True,
            ),
            '<recv response="180" optional="true"/>\n',
            # Two processes of the edge answer: the call's 487 may overtake the 200 of its CANCEL.
            '<recv response="487" optional="true" next="overtaken"/>\n',
            '<recv response="200"/>\n',
            '<recv response="487" next="acknowledges"/>\n',
            '<label id="overtaken"/>\n',
            '<recv response="200"/>\n',
            '<label id="acknowledges"/>\n',
            _send(self._request("ACK", 1, via="[last_Via:]", uri="sip:{called}@[remote_ip]:[remote_port]")),
        )

    def _invite(self) -> str:
        asserted = f"P-Asserted-Identity: <{self.asserted}>\n" if self.asserted else ""
        extra = self.extra.strip() + "\n" if self.extra.strip() else ""
        return _send(
            f"INVITE sip:{self.called}@[remote_ip]:[remote_port] SIP/2.0\n"
            "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
            f"From: {self._from()};tag=[pid]c[call_number]\n"
            f"To: <sip:{self.called}@[remote_ip]:[remote_port]>\n"
            "Call-ID: [call_id]\nCSeq: 1 INVITE\nContact: <sip:caller@[local_ip]:[local_port]>\nMax-Forwards: 70\n"
            f"{asserted}{extra}Content-Type: application/sdp\nContent-Length: [len]\n\n{_SDP}",
            repeated=True,
        )

    def _from(self) -> str:
        if self.caller == "anonymous":
            return '"Anonymous" <sip:anonymous@anonymous.invalid>'
        return f"<sip:{self.caller}@[local_ip]:[local_port]>"

    def _request(self, method: str, number: int, *, to: str = "", via: str = "", uri: str = "[next_url]") -> str:
        via = via or "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
        uri = uri.replace("{called}", self.called)
        if method == "CANCEL":
            uri = f"sip:{self.called}@[remote_ip]:[remote_port]"
        to_line = "To: " + to.replace("{called}", self.called) if to else "[last_To:]"
        routes = "[routes]\n" if uri == "[next_url]" else ""
        return (
            f"{method} {uri} SIP/2.0\n{via}\nFrom: {self._from()};tag=[pid]c[call_number]\n{to_line}\n{routes}"
            f"Call-ID: [call_id]\nCSeq: {number} {method}\nMax-Forwards: 70\nContent-Length: 0\n"
        )


# ------------------------------------------------------------------------------------------------------- an artisan

_REPLY = (
    "SIP/2.0 {status}\n[last_Via:]\n[last_Record-Route:]\n[last_From:]\n[last_To:]\n"
    "[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0\n"
)
_TAGGED = (
    "SIP/2.0 {status}\n[last_Via:]\n[last_Record-Route:]\n[last_From:]\n[last_To:];tag=[pid]a[call_number]\n"
    "[last_Call-ID:]\n[last_CSeq:]\nContact: <sip:[local_ip]:[local_port]>\n"
)
_BARE = _TAGGED + "Content-Length: 0\n"


@dataclass(frozen=True)
class PhoneScript:
    """Somebody whose telephone is rung.

    `answers_after`: None rings in vain. `status`: a refusal given at once, such as "486 Busy Here". `keys`: typed after
    having picked up (none: an answering machine, or somebody who only listens). `talks`: how long they stay at most.
    """

    answers_after: float | None = 1.0
    status: str | None = None
    keys: tuple[Keys, ...] = ()
    talks: float = 60.0
    sound: bool = True
    extra: str = ""

    def xml(self, folder: Path | None = None) -> str:
        """The scenario; what it plays is written into `folder`."""
        if self.status is not None:
            return _scenario(
                "refuses",
                '<recv request="INVITE"/>\n',
                _send(_BARE.format(status=self.status), repeated=True),
                '<recv request="ACK"/>\n',
            )
        rings = ('<recv request="INVITE" rrs="true"/>\n', _send(_BARE.format(status="180 Ringing")))
        # The telephone that is given up: CANCEL carries the same Via as the INVITE (the operator keeps the others).
        given_up = (
            '<label id="cancelled"/>\n',
            _send(
                "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]a[call_number]\n"
                "[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0\n"
            ),
            _send(
                "SIP/2.0 487 Request Terminated\n[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]a[call_number]\n"
                "[last_Call-ID:]\nCSeq: 1 INVITE\nContent-Length: 0\n",
                repeated=True,
            ),
            '<recv request="ACK"/>\n',
        )
        if self.answers_after is None:
            again = '<recv request="CANCEL" timeout="2000" ontimeout="again"/>\n<nop next="cancelled"/>\n'
            again += '<label id="again"/>\n'
            return _scenario(
                "rings in vain",
                *rings,
                again,
                _send(_BARE.format(status="180 Ringing")),
                '<recv request="CANCEL"/>\n',
                *given_up,
            )
        types = _typed(self.keys, folder)
        extra = self.extra.strip() + "\n" if self.extra.strip() else ""
        return _scenario(
            "answers",
            *rings,
            f'<recv request="CANCEL" timeout="{round(self.answers_after * 1000)}" ontimeout="picks-up"/>\n',
            '<nop next="cancelled"/>\n',
            '<label id="picks-up"/>\n',
            _send(
                _TAGGED.format(status="200 OK")
                + f"{extra}Content-Type: application/sdp\nContent-Length: [len]\n\n{_SDP}",
                repeated=True,
            ),
            _ACK_WITH_NAMES,
            types,
            _sound() if self.sound else "",
            f'<recv request="BYE" timeout="{round(self.talks * 1000)}" ontimeout="leaves"/>\n',
            _send(_REPLY.format(status="200 OK")),
            '<nop next="over"/>\n',
            '<label id="leaves"/>\n',
            _send(_BYE, repeated=True),
            '<recv response="200"/>\n',
            '<nop next="over"/>\n',
            *given_up,
            '<label id="over"/>\n',
        )


# Who was called is the From of their own BYE.
_ACK_WITH_NAMES = """<recv request="ACK"><action>
<ereg regexp=".*" search_in="hdr" header="To:" assign_to="me"/>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="them"/>
</action></recv>
"""
_BYE = (
    "BYE [next_url] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nFrom:[$me]\nTo:[$them]\n"
    "[routes]\n[last_Call-ID:]\nCSeq: 1 BYE\nMax-Forwards: 70\nContent-Length: 0\n"
)
RINGS_IN_VAIN = PhoneScript(answers_after=None)
BUSY = PhoneScript(status="486 Busy Here")
DECLINES = PhoneScript(status="603 Decline")
