"""Placing a watch call from outside: through a carrier's REST API, or through the voice process of our SIP switchboard.

Either way the call leaves for the public network and comes back to the single number like anybody's.
"""

from typing import Protocol
from urllib.parse import quote
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring

import httpx

from maillage_kit.http_client import http_client
from maillage_kit.settings import Settings

TIMEOUT_SECONDS = 10
MENU_SECONDS = 5
"""Silence before each group of keys: the carrier sends no sign that a menu has begun."""


class NotPlaced(Exception):
    """The call could not be placed; the text, in French, says why."""


class Placer(Protocol):
    async def place(self, *, run_id: UUID, number: str, keys: str) -> str:
        """Ask for a call to `number` (E.164) that types `keys`; the carrier's name of it. Raises NotPlaced."""
        ...


class RestPlacer:
    """`POST …/Accounts/{sid}/Calls.json`, of the form that Twilio made common, with the TwiML that types the keys."""

    def __init__(self, base_url: str, *, account_sid: str, auth_token: str, caller: str, line_seconds: int) -> None:
        self._url = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{quote(account_sid, safe='')}/Calls.json"
        self._auth = httpx.BasicAuth(account_sid, auth_token)
        self._caller = caller
        self._line_seconds = line_seconds

    async def place(self, *, run_id: UUID, number: str, keys: str) -> str:  # noqa: ARG002 - this carrier has no place for it
        form = {
            "To": number,
            "From": self._caller,
            "Twiml": typing_document(keys, line_seconds=self._line_seconds),
            "Timeout": "30",
        }
        answer = await _post(self._url, auth=self._auth, data=form)
        try:
            sid = str(answer.json()["sid"])
        except (ValueError, KeyError, TypeError) as exc:
            raise NotPlaced("Réponse incompréhensible de l’opérateur.") from exc
        return sid


class VoicePlacer:
    """`POST <voice control>/calls`: the voice process places the call through the edge and the trunk."""

    def __init__(self, control_url: str, *, secret: str, caller: str, line_seconds: int) -> None:
        self._url = f"{control_url.rstrip('/')}/calls"
        self._auth = httpx.BasicAuth("edge", secret)
        self._caller = caller
        self._line_seconds = line_seconds

    async def place(self, *, run_id: UUID, number: str, keys: str) -> str:
        asked = {
            "id": str(run_id),
            "from": self._caller,
            "to": number,
            "keys": keys,
            "hold_seconds": self._line_seconds,
        }
        await _post(self._url, auth=self._auth, json=asked)
        return str(run_id)


def placer(settings: Settings) -> Placer:
    """The way this installation places watch calls: by its own SIP switchboard when it has one, else by the carrier's
    REST API. Raises NotPlaced when there is no number to call from or no way to call."""
    watch, sip, api = settings.telephony.watch, settings.telephony.sip, settings.telephony.api
    if watch.number is None:
        raise NotPlaced("Aucun numéro d’appel d’essai n’est réglé.")
    if sip.secrets:
        secret = sip.secrets[0].get_secret_value()
        return VoicePlacer(sip.voice_control, secret=secret, caller=watch.number, line_seconds=watch.within_seconds)
    if api.auth_token is None or not api.is_set:
        raise NotPlaced("Ni standard SIP ni accès à l’opérateur : rien ne peut passer l’appel d’essai.")
    return RestPlacer(
        api.base_url,
        account_sid=api.account_sid,
        auth_token=api.auth_token.get_secret_value(),
        caller=watch.number,
        line_seconds=watch.within_seconds,
    )


def typing_document(keys: str, *, line_seconds: int) -> str:
    """TwiML for the line that calls: types each group of keys at its menu, then waits for the other end to hang up."""
    root = Element("Response")
    for group in keys.split():
        SubElement(root, "Pause", {"length": str(MENU_SECONDS)})
        SubElement(root, "Play", {"digits": group})
    SubElement(root, "Pause", {"length": str(line_seconds)})
    SubElement(root, "Hangup")
    return tostring(root, encoding="unicode")


async def _post(
    url: str,
    *,
    auth: httpx.BasicAuth,
    data: dict[str, str] | None = None,
    json: dict[str, object] | None = None,
) -> httpx.Response:
    try:
        async with http_client(timeout=TIMEOUT_SECONDS) as client:
            answer = await client.post(url, auth=auth, data=data, json=json)
    except httpx.HTTPError as exc:
        raise NotPlaced(f"L’opérateur ne répond pas ({type(exc).__name__}).") from exc
    if not answer.is_success:
        raise NotPlaced(f"L’opérateur a refusé l’appel (réponse {answer.status_code}).")
    return answer
