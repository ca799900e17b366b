"""The plans that the application answers with, exactly as they travel. What does not fit is refused as a whole."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

PATHS: Final = "/telephony/sip/"

Path = Annotated[str, Meta(pattern=r"^/telephony/sip/[\w/{}.?=&%:~+-]*$")]
Seconds = Annotated[float, Meta(ge=0.1, le=300)]


class Nonsense(ValueError):
    """The application's answer is not a plan."""


class Sentence(Struct, frozen=True):
    """Read out; `prompt` names a fixed sentence, `audio` is the path of a cooperative's own recording of it (WAV)."""

    text: Annotated[str, Meta(max_length=4000)]
    prompt: str | None = None
    audio: Path | None = None


class Gather(Struct, frozen=True):
    """Read out, wait for `digits` keys; `timeout` counts from the last word or key."""

    then: Path
    say: tuple[Sentence, ...] = ()
    digits: Annotated[int, Meta(ge=1, le=32)] = 1
    timeout: Seconds = 6


class Step(Struct, frozen=True):
    """One person of the ladder. Without `whisper` who answers is put through at once."""

    position: Annotated[int, Meta(ge=0)]
    uri: Annotated[str, Meta(pattern=r"^sips?:[^\s<>\"]+$", max_length=300)]
    ring_seconds: Annotated[int, Meta(ge=1, le=300)] = 20
    whisper: bool = True


class Recording(Struct, frozen=True):
    """Of the conversation."""

    upload: Path
    max_seconds: Annotated[int, Meta(ge=1, le=7200)] = 3600


class Hunt(Struct, frozen=True):
    """Ring these, in order. `then` and `whisper` hold `{position}`, which the voice fills."""

    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=50)]
    then: Path
    whisper: Path | None = None
    caller_id: str = ""
    accept_seconds: Seconds = 15
    record: Recording | None = None


class Message(Struct, frozen=True):
    """Beep, then what the caller says."""

    upload: Path
    max_seconds: Annotated[int, Meta(ge=1, le=900)] = 120


class Verb(Struct, frozen=True):
    """Exactly one is set."""

    say: Sentence | None = None
    gather: Gather | None = None
    go_on: Path | None = None
    hunt: Hunt | None = None
    record: Message | None = None
    hangup: bool | None = None

    def __post_init__(self) -> None:
        if sum(getattr(self, name) is not None for name in self.__struct_fields__) != 1:
            raise ValueError("one verb at a time")


class Answer(Struct, frozen=True):
    verbs: tuple[Verb, ...]


Plan = tuple[Verb, ...]
_DECODER: Final = msgspec.json.Decoder(Answer)


def read(content: bytes) -> Plan:
    """Raises Nonsense."""
    try:
        return _DECODER.decode(content).verbs
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise Nonsense(str(exc)) from exc


def sentences(plan: Plan) -> list[Sentence]:
    """All that will be read out, to be made ready at once."""
    found: list[Sentence] = []
    for verb in plan:
        if verb.say is not None:
            found.append(verb.say)
        if verb.gather is not None:
            found.extend(verb.gather.say)
    return found


def read_rescue(text: str) -> tuple[Step, ...]:
    """The header X-Maillage-Rescue; nothing when it cannot be read."""
    try:
        return tuple(msgspec.json.decode(text, type=tuple[Step, ...]))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ()


def route_document(steps: tuple[Step, ...], caller_id: str) -> str:
    """What the edge hunts, on one line: each person with their own ring time and the cooperative's number (R103)."""
    routes = []
    for step in steps:
        host = step.uri.split("@", 1)[-1].split(";", 1)[0]
        headers = {"from": {"display": "", "uri": f"sip:{caller_id}@{host}"}} if caller_id else {}
        routes.append({"uri": step.uri, "fr_timer": 3000, "fr_inv_timer": step.ring_seconds * 1000, "headers": headers})
    return msgspec.json.encode({"version": "1.0", "routing": "serial", "routes": routes}).decode()
