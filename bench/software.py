"""Partners' software, as a crowd (crowd.py): reads cases, or opens them, each time in a cooperative drawn at random.

Every request carries the token that our own authorization server gave to the application of that cooperative. An answer
must be the case that was asked for, or a case opened without redirection; anything else is an error.
"""

import json
import random
from dataclasses import dataclass
from typing import Any, Final, Literal

from bench.crowd import Ask, Message, WrongAnswer

READ: Final = "read"
REQUEST: Final = "request"
BURST = {
    "danger": "none", "problem": "leak", "flow": "burst", "shut_off": "no", "pipe_owner": "private",
    "wet_electricity": "no", "neighbour_hit": "no", "vulnerable": "no",
}  # fmt: skip


@dataclass(frozen=True)
class Dwelling:
    """A place of one of the partner's customers; the same in every cooperative of the bench."""

    customer_id: str
    site_id: str


@dataclass(frozen=True)
class Opening:
    """What the software of one cooperative's partner knows: its token, and cases it opened before."""

    slug: str
    token: str
    cases: tuple[str, ...]

    @property
    def base(self) -> str:
        return f"/api/v1/cooperatives/{self.slug}"


@dataclass(frozen=True)
class Target:
    port: int
    what: Literal["read", "request"]
    openings: tuple[Opening, ...]
    dwellings: tuple[Dwelling, ...]

    def member(self, dice: random.Random, name: str) -> "_Software":
        return _Software(self, dice, name)


class _Software:
    def __init__(self, target: Target, dice: random.Random, name: str) -> None:
        self._target, self._dice, self._name = target, dice, name
        self._count = 0

    async def story(self, ask: Ask) -> None:
        """One request."""
        opening = self._dice.choice(self._target.openings)
        if self._target.what == READ:
            case = self._dice.choice(opening.cases)
            answer = await ask(read(opening, case))
            if f'"id":"{case}"' not in answer:
                raise WrongAnswer(answer)
        else:
            self._count += 1
            dwelling = self._dice.choice(self._target.dwellings)
            answer = await ask(request(opening, dwelling, key=f"{self._name}{self._count:014d}"))
            if '"redirect":null' not in answer:
                raise WrongAnswer(answer)


def read(opening: Opening, case: str) -> Message:
    """One case, as it is followed."""
    return Message(READ, "GET", f"{opening.base}/interventions/{case}", _headers(opening))


def request(opening: Opening, dwelling: Dwelling, *, key: str) -> Message:
    """A case to open, with the partner's own references."""
    headers = f"{_headers(opening)}Content-Type: application/json\r\nIdempotency-Key: {key}\r\n"
    body = json.dumps(_wanted(dwelling), ensure_ascii=False).encode()
    return Message(REQUEST, "POST", f"{opening.base}/requests", headers, body, status=201)


def _wanted(dwelling: Dwelling) -> dict[str, Any]:
    return {
        "customer_id": dwelling.customer_id,
        "site_id": dwelling.site_id,
        "trade": "plumbing",
        "answers": BURST,
        "occupant": {"name": "Monsieur Diallo", "phone": "+33612345678"},
        "words": "L’eau jaillit sous l’évier.",
        "reference": "DI-2027-0042",
        "purchase_order": "BC-9917",
        "spending_limit_cents": 30000,
    }


def _headers(opening: Opening) -> str:
    return f"Authorization: Bearer {opening.token}\r\nAccept: application/json\r\nUser-Agent: bench\r\n"
