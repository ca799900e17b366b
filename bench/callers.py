"""Callers: the phone carrier, as a crowd (crowd.py).

A call is two webhooks, as the carrier sends them: the ring, answered by the words and a menu; then the key, answered
by the number of the artisan to dial. Each is signed as the carrier signs. An answer is read and must be what routing
gives: a menu, then a `<Dial>` on a step of the ladder; anything else is an error.
"""

import random
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from bench.crowd import Ask, Message, WrongAnswer, between

from maillage_tenants.calls.carriers import twiml

RING, KEY = "ring", "key"


@dataclass(frozen=True)
class Target:
    """Where to ring. `public_url` is what webhooks are signed for; `called` the numbers of the cooperatives."""

    port: int
    public_url: str
    token: str
    called: tuple[str, ...]
    callers: tuple[str, ...]
    with_key: bool = True

    def member(self, dice: random.Random, name: str) -> "_Callers":
        return _Callers(self, dice, f"CA{name}")


class _Callers:
    def __init__(self, target: Target, dice: random.Random, name: str) -> None:
        self._target, self._dice, self._name = target, dice, name
        self._count = 0

    async def story(self, ask: Ask) -> None:
        """One call."""
        self._count += 1
        caller, called = self._dice.choice(self._target.callers), self._dice.choice(self._target.called)
        fields = ring_fields(f"{self._name}{self._count:014d}", caller, called)
        answer = await ask(self._webhook(RING, f"{twiml.BASE}/inbound", fields))
        menu = between(answer, 'action="', '"')
        if "/menu?" not in menu:
            raise WrongAnswer(answer)
        if self._target.with_key:
            parts = urlsplit(menu.replace("&amp;", "&"))
            answer = await ask(self._webhook(KEY, f"{parts.path}?{parts.query}", key_fields(fields)))
            if "<Dial" not in answer or "/rescue/" in answer:
                raise WrongAnswer(answer)

    def _webhook(self, kind: str, path: str, fields: dict[str, str]) -> Message:
        signature = twiml.signature(self._target.token, self._target.public_url + path, tuple(fields.items()))
        headers = (
            f"Content-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: {signature}\r\n"
            "User-Agent: TwilioProxy/1.1\r\nI-Twilio-Idempotency-Token: 6f1f8a4c\r\nAccept: */*\r\n"
        )
        return Message(kind, "POST", path, headers, urlencode(fields).encode())


def ring_fields(call: str, caller: str, called: str) -> dict[str, str]:
    """What the carrier posts when somebody rings."""
    return {
        "AccountSid": "AC00000000000000000000000000000000",
        "ApiVersion": "2010-04-01",
        "CallSid": call,
        "CallStatus": "ringing",
        "CallToken": "%7B%22parentCallInfoToken%22%3A%22eyJhbGciOiJFUzI1NiJ9%22%7D",
        "Called": called,
        "CalledCountry": "FR",
        "Caller": caller,
        "CallerCountry": "FR",
        "Direction": "inbound",
        "From": caller,
        "FromCountry": "FR",
        "StirVerstat": "TN-Validation-Passed-A",
        "To": called,
        "ToCountry": "FR",
    }


def key_fields(fields: dict[str, str]) -> dict[str, str]:
    """What the carrier posts when the caller has pressed 1."""
    return {**fields, "CallStatus": "in-progress", "Digits": "1", "FinishedOnKey": "", "msg": "Gather End"}
