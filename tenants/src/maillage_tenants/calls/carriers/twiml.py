"""TwiML webhooks: signed form posts in, XML out. Spoken by several carriers; only the wire format is theirs.

The signature is HMAC-SHA1 over the public address of the webhook followed by every parameter, sorted. The public
address comes from the settings, never from the Host header.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring

import httpx
from pydantic import SecretStr

from maillage_kit import clock, signed_forms
from maillage_kit.context import CooperativeContext
from maillage_kit.errors import Forbidden, Invalid, NotFound, Unavailable
from maillage_kit.http_client import http_client
from maillage_kit.phone import caller_number
from maillage_kit.settings import CarrierApiSettings, Settings
from maillage_tenants.calls import sounds
from maillage_tenants.calls.carriers import Heard, RunningCall, proofs
from maillage_tenants.calls.carriers.proofs import Refusal
from maillage_tenants.calls.plan import (
    Dial,
    Gather,
    GoOn,
    Hangup,
    KeyTurn,
    MaskedTurn,
    MenuTurn,
    Pause,
    Plan,
    Record,
    RescueTurn,
    Say,
    StepTurn,
    Turn,
    TypeKeys,
)
from maillage_tenants.calls.signals import (
    AttemptOver,
    Ending,
    InboundCall,
    KeysTyped,
    LegKey,
    LegProgress,
    LineProgress,
    Notice,
    RecordingNews,
)

PROVIDER = "twiml"
BASE = "/telephony/twiml"
VOICE = {"language": "fr-FR"}
API_TIMEOUT_SECONDS = 8.0
REPEATED_WITHIN = timedelta(minutes=10)
"""How long a carrier tries again; a signature without a date would be good for ever."""
CLOCKS_APART = timedelta(minutes=5)
"""How old a dated request may be."""

Form = signed_forms.Form
MalformedForm = signed_forms.MalformedForm
read_form, signature, genuine = signed_forms.read_form, signed_forms.signature, signed_forms.genuine
"""Text messages are signed in the same way: the kit has it."""

_MASKED = frozenset(
    {"anonymous", "restricted", "unavailable", "unknown", "private"}
    | {"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"}  # the same words typed on a keypad
)
_ENDINGS = {
    "completed": Ending.COMPLETED,
    "answered": Ending.COMPLETED,
    "no-answer": Ending.NO_ANSWER,
    "busy": Ending.BUSY,
    "failed": Ending.FAILED,
    "canceled": Ending.CANCELLED,
}
_OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(frozen=True)
class Fields:
    """A genuine form and where it was posted."""

    path: str
    form: Form

    @classmethod
    def of(cls, path: str, form: Form) -> "Fields":
        """The form without the one character that PostgreSQL cannot store."""
        return cls(path, [(name.replace("\x00", ""), value.replace("\x00", "")) for name, value in form])

    def get(self, name: str) -> str:
        return next((value for key, value in self.form if key == name), "")

    def number(self, name: str) -> int | None:
        value = self.get(name)
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None

    def notice(self, kind: str, *, call: str) -> Notice:
        """The fingerprint covers the address (which step, which attempt) and every field."""
        told = "\n".join(f"{name}={value}" for name, value in sorted(self.form))
        digest = hashlib.sha256(f"{PROVIDER}\n{self.path}\n{told}".encode()).hexdigest()
        return Notice(
            provider=PROVIDER,
            call=call,
            kind=kind,
            fingerprint=digest,
            sequence=self.number("SequenceNumber"),
            payload={"path": self.path, "form": dict(self.form)},
            caller=self.caller(),
            believed_for=REPEATED_WITHIN,
        )

    def own_call(self) -> str:
        return self.get("CallSid")

    def parent_call(self) -> str:
        return self.get("ParentCallSid") or self.get("CallSid")

    def caller(self) -> str | None:
        told = self.get("From").strip()
        return None if told.lower() in _MASKED else caller_number(told)

    def called(self) -> str:
        return caller_number(self.get("To").strip()) or self.get("To").strip()

    def gone(self) -> bool:
        return self.get("CallStatus") in _OVER

    # ---------------------------------------------------------------------------------------------- form to signals

    def inbound_call(self) -> InboundCall:
        return InboundCall(self.notice("inbound", call=self.own_call()), self.called(), self.caller())

    def keys_typed(self) -> KeysTyped:
        return KeysTyped(self.notice("menu", call=self.own_call()), self.get("Digits").strip(), self.gone())

    def attempt_over(self) -> AttemptOver:
        bridged = {"true": True, "false": False}.get(self.get("DialBridged").lower())
        return AttemptOver(
            notice=self.notice("step", call=self.own_call()),
            ending=_ENDINGS.get(self.get("DialCallStatus"), Ending.FAILED),
            leg=self.get("DialCallSid") or None,
            bridged=bridged,
            gone=self.gone(),
        )

    def leg_key(self, kind: str) -> LegKey:
        return LegKey(self.notice(kind, call=self.parent_call()), self.own_call(), self.get("Digits").strip())

    def leg_progress(self) -> LegProgress:
        status = self.get("CallStatus")
        return LegProgress(
            notice=self.notice("leg", call=self.parent_call()),
            leg=self.own_call(),
            answered=status == "in-progress",
            ending=_ENDINGS[status] if status in _OVER else None,
        )

    def line_progress(self) -> LineProgress:
        return LineProgress(
            notice=self.notice("line", call=self.own_call()),
            called=self.called(),
            caller=self.caller(),
            ended=self.gone(),
            seconds=self.number("CallDuration"),
        )

    def recording(self) -> RecordingNews | None:
        """A recording that is ready at the carrier's; None while it is not, or was not made."""
        if self.get("RecordingStatus") not in ("", "completed") or not self.get("RecordingSid"):
            return None
        return RecordingNews(self.get("RecordingSid"), self.get("RecordingUrl"), self.number("RecordingDuration"))

    def events(self) -> tuple[LegProgress | LineProgress]:
        """One form tells one thing: a leg's line when its address says so, the caller's otherwise."""
        return (self.leg_progress() if "/leg/" in self.path else self.line_progress(),)


# ------------------------------------------------------------------------------------------------------ plans to XML


@dataclass(frozen=True)
class TwimlCarrier:
    """One account for one installation. `public_url` is where the carrier reaches us, `tokens` sign its requests."""

    public_url: str
    tokens: tuple[SecretStr, ...] = ()
    keys: tuple[str, ...] = ()
    dialect: str = "twilio"
    secret: SecretStr | None = None
    api: CarrierApiSettings = field(default_factory=CarrierApiSettings)
    name: str = PROVIDER
    patience_seconds: float = 8.0
    tells_each_leg: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "TwimlCarrier":
        telephony = settings.telephony
        return cls(
            settings.web.public_url,
            tokens=telephony.auth_tokens,
            keys=telephony.public_keys,
            dialect=telephony.carrier,
            secret=settings.web.secret_key,
            api=telephony.api,
        )

    def listen(self, heard: Heard) -> Fields:
        """The fields of a webhook that the carrier signed.

        The signed address is the public one of the settings: a Host header is not believed. Raises NotFound while no
        token or key is configured, Forbidden for a wrong or missing signature or a request that is too old, Invalid for
        a body that is not a form.
        """
        if self.dialect == "telnyx":
            if not self.keys:
                raise NotFound
            refusal = proofs.signed_with_a_key(heard, keys=self.keys, now=clock.now(), tolerance=CLOCKS_APART)
            if refusal is not None:
                raise Forbidden("Demande trop ancienne." if refusal is Refusal.TOO_OLD else "Signature non valable.")
        elif not self.tokens:
            raise NotFound
        try:
            form = read_form(heard.body)
        except MalformedForm as exc:
            raise Invalid("Ce n’est pas un formulaire.") from exc
        if self.dialect == "telnyx":
            return Fields.of(heard.path, form)
        given = heard.headers.get(proofs.TOKEN_HEADERS[self.dialect], "")
        if not genuine(given, url=self.url(heard.path), form=form, tokens=self.tokens):
            raise Forbidden("Signature non valable.")
        return Fields.of(heard.path, form)

    async def hang_up(self, call: RunningCall) -> None:
        """Ask the carrier's REST API to complete the call. Raises Unavailable, also when it has no such call."""
        if not self.api.is_set or self.api.auth_token is None:
            raise Unavailable("Le raccroché à distance n’est pas configuré chez l’opérateur.")
        account = self.api.account_sid
        address = f"{self.api.base_url.rstrip('/')}/2010-04-01/Accounts/{account}/Calls/{call.provider_call_id}.json"
        try:
            async with http_client(timeout=API_TIMEOUT_SECONDS) as client:
                answer = await client.post(
                    address,
                    data={"Status": "completed"},
                    auth=httpx.BasicAuth(account, self.api.auth_token.get_secret_value()),
                )
        except httpx.HTTPError as exc:
            raise Unavailable("L’opérateur ne répond pas : l’appel n’a pas été raccroché.") from exc
        if answer.status_code >= 400:
            raise Unavailable("L’opérateur a refusé de raccrocher cet appel.")

    def url(self, path: str) -> str:
        return self.public_url.rstrip("/") + path

    def welcome(self, plan: Plan, *, cooperative: CooperativeContext | None, call_id: UUID | None) -> str:
        """Whoever rings is answered by the plan itself."""
        return self.render(plan, cooperative=cooperative, call_id=call_id)

    def render(self, plan: Plan, *, cooperative: CooperativeContext | None, call_id: UUID | None) -> str:
        """The `<Response>` document."""
        root = Element("Response")
        owner = cooperative.id if cooperative else UUID(int=0)  # nobody's number still gets a last resort
        here = f"{BASE}/{owner}/{call_id}"
        rescue = f"{BASE}/{owner}/rescue"
        for verb in plan:
            match verb:
                case Say(text):
                    self._say(root, text, cooperative)
                case Gather(say, digits, timeout_seconds, then):
                    gather = SubElement(
                        root,
                        "Gather",
                        {
                            "input": "dtmf",
                            "numDigits": str(digits),
                            "timeout": str(timeout_seconds),
                            "finishOnKey": "",
                            "method": "POST",
                            "action": self._address(here, rescue, then),
                        },
                    )
                    for text in say:
                        self._say(gather, text, cooperative)
                case GoOn(then):
                    SubElement(root, "Redirect", {"method": "POST"}).text = self._address(here, rescue, then)
                case Dial(then=MaskedTurn()):
                    dial = SubElement(root, "Dial", self._dialled(verb, self._address(here, rescue, verb.then), here))
                    SubElement(dial, "Number").text = verb.phone
                case Dial():
                    self._dial(root, verb, here, rescue)
                case Record(max_seconds):
                    SubElement(
                        root,
                        "Record",
                        {
                            "maxLength": str(max_seconds),
                            "timeout": "10",
                            "finishOnKey": "#",
                            "playBeep": "true",
                            "method": "POST",
                            "action": self.url(f"{here}/recorded"),
                            "recordingStatusCallback": self.url(f"{here}/recording/message"),
                            "recordingStatusCallbackMethod": "POST",
                            "recordingStatusCallbackEvent": "completed",
                        },
                    )
                case Hangup():
                    SubElement(root, "Hangup")
                case Pause(seconds):
                    SubElement(root, "Pause", {"length": str(seconds)})
                case TypeKeys(digits):
                    SubElement(root, "Play", {"digits": digits})
        return '<?xml version="1.0" encoding="UTF-8"?>' + tostring(root, encoding="unicode")

    def _say(self, parent: Element, text: str, cooperative: CooperativeContext | None) -> None:
        """In the cooperative's own voice when it recorded these words, in the carrier's otherwise."""
        path = sounds.public_path(cooperative, text, secret=self.secret)
        if path is None:
            SubElement(parent, "Say", VOICE).text = text
        else:
            SubElement(parent, "Play").text = self.url(path)

    def _dialled(self, dial: Dial, action: str, here: str) -> dict[str, str]:
        told = {
            "timeout": str(dial.ring_seconds),
            "callerId": dial.caller_id,
            "answerOnBridge": "true",
            "ringTone": "fr",
            "method": "POST",
            "action": action,
        }
        if dial.record:
            told |= {
                "record": "record-from-answer-dual",
                "recordingStatusCallback": self.url(f"{here}/recording/conversation"),
                "recordingStatusCallbackMethod": "POST",
                "recordingStatusCallbackEvent": "completed",
            }
        return told

    def _dial(self, root: Element, dial: Dial, here: str, rescue: str) -> None:
        if isinstance(dial.then, MaskedTurn):
            raise ValueError("a masked call has no step")
        position = dial.then.position
        element = SubElement(root, "Dial", self._dialled(dial, self._address(here, rescue, dial.then), here))
        base = rescue if isinstance(dial.then, RescueTurn) else here
        number = {
            "statusCallback": self.url(f"{base}/leg/{position}"),
            "statusCallbackMethod": "POST",
            "statusCallbackEvent": "initiated ringing answered completed",
        }
        if dial.whisper:
            number |= {"url": self.url(f"{here}/whisper/{position}"), "method": "POST"}
        SubElement(element, "Number", number).text = dial.phone

    def _address(self, here: str, rescue: str, turn: Turn) -> str:
        match turn:
            case MenuTurn(ask, attempt):
                return self.url(f"{here}/menu?ask={ask}&attempt={attempt}")
            case StepTurn(position, direct):
                return self.url(f"{here}/step/{position}{'?direct=1' if direct else ''}")
            case KeyTurn(position):
                return self.url(f"{here}/key/{position}")
            case RescueTurn(position):
                return self.url(f"{rescue}/step/{position}")
            case MaskedTurn(masked_call):
                return self.url(f"{rescue.removesuffix('rescue')}masked/{masked_call}/over")
