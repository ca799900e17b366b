"""What carriers told us and what we answered, in French, for the people who read a call years later.

Each carrier's own words are kept as they came; here is the one place that knows how to read them all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit
from xml.etree import ElementTree

from maillage_tenants.calls import labels, words
from maillage_tenants.calls.sounds import PUBLIC


@dataclass(frozen=True, slots=True)
class EventLine:
    """One thing the carrier told us, in words, and what we answered."""

    at: datetime
    title: str
    icon: str
    tone: str
    said: tuple[str, ...]


_Told = tuple[str, str, str]
"""Title, icon, tone."""
_ALONE = {
    "caller": "la liste du dernier appel de ce numéro",
    "plan": "le plan de la coopérative",
    "compiled": "le numéro inscrit dans le standard",
}
_LINE: Mapping[str, _Told] = {
    "received": ("Appel arrivé au standard", "phone", "neutral"),
    "decision_failed": ("Le système n’a pas répondu au standard", "warning", "danger"),
    "bad_document": ("Le standard n’a pas compris la réponse", "warning", "danger"),
    "attempt": ("Menu vocal appelé", "phone", "neutral"),
    "answered": ("Menu vocal décroché", "phone", "neutral"),
    "voice_answered": ("Le menu vocal parle à l’appelant", "phone", "info"),
    "voice_ended": ("Le menu vocal a terminé", "phone", "neutral"),
    "ringing": ("Menu vocal : sonne", "phone", "neutral"),
    "no_answer": ("Menu vocal muet", "warning", "danger"),
    "unreachable": ("Menu vocal injoignable", "warning", "danger"),
    "failed": ("Menu vocal en panne", "warning", "danger"),
    "established": ("Ligne de l’appelant établie", "phone", "neutral"),
    "not_established": ("Ligne de l’appelant jamais établie", "phone-missed", "warning"),
    "exhausted": ("Toute la liste du standard a été appelée", "phone-missed", "warning"),
    "lost": ("Le standard n’a pu joindre personne", "phone-missed", "danger"),
    "caller_hangup": ("L’appelant a raccroché", "phone-missed", "neutral"),
    "caller_cancelled": ("Appel retiré par l’appelant", "phone-missed", "neutral"),
    "ended": ("Ligne de l’appelant terminée", "phone", "neutral"),
    "refused": ("Nouvelle illisible, gardée telle quelle", "warning", "danger"),
}
_LEG: Mapping[str, _Told] = {
    "attempt": ("composition du numéro", "phone", "neutral"),
    "ringing": ("sonne", "phone", "neutral"),
    "answered": ("a décroché", "phone", "info"),
    "established": ("ligne établie", "phone", "neutral"),
    "no_answer": ("pas de réponse", "phone-missed", "neutral"),
    "busy": ("occupé", "close", "neutral"),
    "declined": ("a refusé l’appel", "close", "neutral"),
    "unreachable": ("numéro injoignable", "warning", "danger"),
    "failed": ("échec de l’appel", "warning", "danger"),
    "relay_failed": ("échec de l’appel", "warning", "danger"),
    "caller_cancelled": ("appel retiré", "close", "neutral"),
    "ended": ("ligne terminée", "phone", "neutral"),
    "whispered": ("annonce lue", "phone", "info"),
    "accepted": ("a accepté", "check", "success"),
    "not_accepted": ("n’a pas accepté", "phone-missed", "neutral"),
    "bridged": ("mise en relation", "users", "success"),
    "unbridged": ("fin de la conversation", "phone", "neutral"),
}


def line_of(at: datetime, kind: str, payload: Mapping[str, Any], names: Mapping[int, str]) -> EventLine:
    """One event as it is shown. `names`: who is at each position of the ladder. Never raises: what cannot be read is
    shown by its kind."""
    event = payload.get("event")
    if isinstance(event, dict):
        title, icon, tone = _told_by_edge(kind, event, names)
        return EventLine(_when(event.get("at"), at), title, icon, tone, ())
    if "refused" in payload:
        return EventLine(at, *_LINE["refused"], ())
    body = payload.get("body")
    fields = _asked_by_voice(body) if isinstance(body, dict) else payload.get("form", {})
    title, icon, tone = _asked(kind, urlsplit(str(payload.get("path", ""))), fields, names)
    return EventLine(at, title, icon, tone, said(str(payload.get("told") or "")))


def _when(told: object, otherwise: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(float(str(told)), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise


def _told_by_edge(kind: str, event: Mapping[str, Any], names: Mapping[int, str]) -> _Told:
    step = str(event.get("step", ""))
    who = _name(step, names)
    if step.isdecimal():
        if kind == "key":
            return _key(who, str(event.get("detail", "")))
        title, icon, tone = _LEG.get(kind, (kind, "phone", "neutral"))
        return f"{who} : {title}{_answer(kind, event.get('code'))}", icon, tone
    if kind == "decided":
        source = str(event.get("source", ""))
        if source in _ALONE:
            return f"Aiguillé sans le système, par {_ALONE[source]}", "warning", "warning"
        return "Aiguillage décidé", "check", "neutral"
    return _LINE.get(kind, (kind, "phone", "neutral"))


def _answer(kind: str, code: object) -> str:
    """The SIP answer of a network that failed: the first thing that an operator asks for."""
    failed = kind == "failed" and isinstance(code, int) and code >= 400
    return f" (réponse {code} de l’opérateur)" if failed else ""


def _asked_by_voice(body: Mapping[str, Any]) -> dict[str, str]:
    """What the voice asks, in the words of the other carriers' forms."""
    ending = str(body.get("ending", ""))
    return {"Digits": str(body.get("digits") or ""), "DialCallStatus": labels.ENDINGS.get(ending, ending)}


def _asked(kind: str, path: SplitResult, form: Mapping[str, str], names: Mapping[int, str]) -> _Told:
    who = _name(path.path.rsplit("/", 1)[-1], names)
    keys = form.get("Digits", "")
    match kind:
        case "inbound":
            return "Appel reçu", "phone", "neutral"
        case "menu" if path.path.endswith("/start"):
            return "Premiers mots à l’appelant", "menu", "neutral"
        case "menu":
            ask = parse_qs(path.query).get("ask", ["start"])[0]
            return f"{labels.QUESTIONS.get(ask, ask)} : {_pressed(keys)}", "menu" if keys else "clock", "neutral"
        case "step":
            how = form.get("DialCallStatus", "")
            return f"{who} : tentative terminée, {labels.LEG_NEWS.get(how, how)}", "phone", "neutral"
        case "whisper":
            return f"{who} a décroché : annonce lue", "phone", "info"
        case "key":
            return _key(who, keys)
        case "leg" | "line":
            how = form.get("CallStatus", "")
            news = labels.LEG_NEWS.get(how, how)
            return (f"{who} : {news}" if kind == "leg" else f"Ligne de l’appelant : {news}"), "phone", "neutral"
        case other:
            return other, "phone", "neutral"


def _key(who: str, keys: str) -> _Told:
    icon, tone = ("check", "success") if keys == "1" else ("close", "neutral")
    return f"{who} : {_pressed(keys)}", icon, tone


def _pressed(keys: str) -> str:
    return f"touche {' '.join(keys)}" if keys else "rien tapé"


def _name(step: str, names: Mapping[int, str]) -> str:
    known = names.get(int(step)) if step.isascii() and step.isdecimal() else None
    return known.split(",")[0] if known else "Correspondant"


def said(told: str) -> tuple[str, ...]:
    """The words in an answer that was given, for the reader: whatever the carrier's language."""
    if told.startswith("<?xml"):
        return _said_in_xml(told)
    if told.startswith('{"verbs"'):
        return _said_in_json(told)
    return ()


def _said_in_json(told: str) -> tuple[str, ...]:
    try:
        verbs: Sequence[Mapping[str, Any]] = json.loads(told)["verbs"]
    except (ValueError, KeyError):
        return ()
    found: list[str] = []
    for verb in verbs:
        if "say" in verb:
            found.append(str(verb["say"]["text"]))
        found += [str(sentence["text"]) for sentence in verb.get("gather", {}).get("say", ())]
    return tuple(found)


def _said_in_xml(told: str) -> tuple[str, ...]:
    try:
        root = ElementTree.fromstring(told)  # noqa: S314 - a document we wrote
    except ElementTree.ParseError:
        return ()
    return tuple(text for element in root.iter() if (text := _words(element)))


def _words(element: ElementTree.Element) -> str:
    """What an element says; a recorded sentence is told by its words."""
    text = (element.text or "").strip()
    if element.tag == "Play" and f"{PUBLIC}/" in text:
        return words.SENTENCES.get(text.split("/")[-3], words.OWN_VOICE)
    return text if element.tag == "Say" else ""
