"""Calls that read a message aloud: by our own switchboard, else by the REST API of a carrier that speaks TwiML."""

import json
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

import httpx

from maillage_kit.http_client import http_client
from maillage_kit.settings import Settings
from maillage_tenants.messages import AddressDead, CarrierRefused, CarrierUnavailable, SpokenCall

TIMEOUT_SECONDS = 10
RING_SECONDS = 30
_NO_SUCH_NUMBER = frozenset({13223, 13224, 21211, 21214, 21217})
_VOICE = {"language": "fr-FR"}


class SpeakingCaller:
    """`POST …/Accounts/{sid}/Calls.json` with the words in it: nothing is asked back while it speaks."""

    name, receipts = "twilio", "call"

    def __init__(self, base_url: str, *, account_sid: str, auth_token: str, number: str, public_url: str) -> None:
        self._url = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{quote(account_sid, safe='')}/Calls.json"
        self._auth = httpx.BasicAuth(account_sid, auth_token)
        self._number = number
        self._public_url = public_url.rstrip("/")

    async def call(self, call: SpokenCall) -> str:
        """Ring and read the text twice; the reference. Raises AddressDead, CarrierRefused, CarrierUnavailable."""
        data = {"To": call.to, "From": self._number, "Twiml": spoken(call.text), "Timeout": str(RING_SECONDS)}
        if self._public_url.startswith("https://"):  # no carrier can reach a development machine
            data["StatusCallback"] = self._public_url + call.receipt_path
        try:
            async with http_client(timeout=TIMEOUT_SECONDS) as client:
                answer = await client.post(self._url, auth=self._auth, data=data)
        except httpx.HTTPError as exc:
            raise CarrierUnavailable(f"opérateur injoignable : {type(exc).__name__}") from exc
        try:
            said = answer.json()
        except json.JSONDecodeError:
            said = {}
        said = said if isinstance(said, dict) else {}
        if answer.is_success and said.get("sid"):
            return str(said["sid"])
        reason = f"opérateur : {answer.status_code} {said.get('message', '')}".strip()
        if said.get("code") in _NO_SUCH_NUMBER:
            raise AddressDead(reason)
        later = answer.is_success or answer.status_code in (401, 403, 408, 429) or not answer.is_client_error
        raise CarrierUnavailable(reason) if later else CarrierRefused(reason)


class VoiceCaller:
    """`POST <voice control>/announcements`: the voice process rings through the edge and the trunk, and tells us itself
    what came of it."""

    name, receipts = "voice", "voice"

    def __init__(self, control_url: str, *, secret: str, number: str) -> None:
        self._url = f"{control_url.rstrip('/')}/announcements"
        self._auth = httpx.BasicAuth("edge", secret)
        self._number = number

    async def call(self, call: SpokenCall) -> str:
        """Ring and read the text twice; the reference. Raises CarrierRefused, CarrierUnavailable."""
        asked = {
            "id": str(call.key),
            "from": self._number,
            "to": call.to,
            "text": call.text,
            "receipt": call.receipt_path,
        }
        try:
            async with http_client(timeout=TIMEOUT_SECONDS) as client:
                answer = await client.post(self._url, auth=self._auth, json=asked)
        except httpx.HTTPError as exc:
            raise CarrierUnavailable(f"standard vocal injoignable : {type(exc).__name__}") from exc
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise CarrierRefused("le standard vocal ne comprend pas la demande")
        if answer.status_code != httpx.codes.ACCEPTED:
            raise CarrierUnavailable(f"standard vocal : {answer.status_code}")
        return str(call.key)


def spoken(text: str) -> str:
    """The document that says a text twice, with a breath between."""
    root = Element("Response")
    SubElement(root, "Pause", {"length": "1"})
    SubElement(root, "Say", _VOICE).text = text
    SubElement(root, "Pause", {"length": "1"})
    SubElement(root, "Say", _VOICE).text = f"Je répète. {text}"
    SubElement(root, "Hangup")
    return tostring(root, encoding="unicode")


def caller_from(settings: Settings) -> SpeakingCaller | VoiceCaller | None:
    """The caller that the settings turn on, our own switchboard first; None while they do not."""
    api, sip, number = settings.telephony.api, settings.telephony.sip, settings.alert_call.number
    if sip.secrets and number is not None:
        return VoiceCaller(sip.voice_control, secret=sip.secrets[0].get_secret_value(), number=number)
    if not api.is_set or api.auth_token is None or number is None:
        return None
    return SpeakingCaller(
        api.base_url,
        account_sid=api.account_sid,
        auth_token=api.auth_token.get_secret_value(),
        number=number,
        public_url=settings.web.public_url,
    )
