"""What is known of one leg, from news in any order. Pure: the same news always give the same leg.

A leg only learns. Its beginning is the earliest told (guessed until the carrier tells it), its answer the earliest,
its end the latest. Only what nobody picked up, an acceptance and a refusal are final by themselves; that an answered
leg was not accepted is known once the call is over, since a key may still come while somebody else is being rung.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from maillage_tenants.calls.models import FINAL_LEG_STATES, LegState
from maillage_tenants.calls.signals import CallNews, News

_UNANSWERED = {
    News.NO_ANSWER: LegState.NO_ANSWER,
    News.BUSY: LegState.BUSY,
    News.DECLINED: LegState.REFUSED,
    News.UNREACHABLE: LegState.UNREACHABLE,
    News.WITHDRAWN: LegState.CANCELLED,
}
_PICKED_UP = frozenset({News.ANSWERED, News.DIRECT, News.ACCEPTED, News.NOT_ACCEPTED})
_OVER = frozenset({*_UNANSWERED, News.NOT_ACCEPTED, News.LEG_OVER})
LEG_NEWS = frozenset({News.RUNG, *_PICKED_UP, *_OVER})
ONCE_OVER = {LegState.ANSWERED: LegState.NOT_ACCEPTED, LegState.RINGING: LegState.UNTOLD}
ACCEPTANCES = frozenset({News.ACCEPTED, News.DIRECT})


@dataclass(frozen=True, slots=True)
class Leg:
    """One attempt as far as it is known.

    `told`: the carrier said when it began. `direct`: it was put through as soon as it answered.
    """

    position: int
    phone: str
    state: LegState
    started_at: datetime
    told: bool = False
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    direct: bool = False


def begun(position: int, phone: str, at: datetime) -> Leg:
    """A leg that something is told about for the first time."""
    return Leg(position, phone, LegState.RINGING, at)


def fold(leg: Leg, news: CallNews) -> Leg:
    """The leg, knowing this too. Telling the same again changes nothing."""
    at = news.at
    if leg.state is LegState.UNTOLD:
        leg = replace(leg, state=LegState.RINGING)
    if news.news is News.RUNG:
        leg = replace(leg, started_at=min(leg.started_at, at) if leg.told else at, told=True)
    elif not leg.told:
        leg = replace(leg, started_at=min(leg.started_at, at))
    if news.news in _PICKED_UP:
        if news.news is not News.NOT_ACCEPTED:
            leg = replace(leg, answered_at=at if leg.answered_at is None else min(leg.answered_at, at))
        if leg.state is LegState.RINGING:
            leg = replace(leg, state=LegState.ANSWERED)
    if news.news is News.DIRECT:
        leg = replace(leg, direct=True)
    if news.news in _OVER:
        leg = replace(leg, ended_at=at if leg.ended_at is None else max(leg.ended_at, at))
    if news.news in _UNANSWERED and leg.state is LegState.RINGING:
        leg = replace(leg, state=_UNANSWERED[news.news])
    return leg


def closed(leg: Leg) -> Leg:
    """The leg once the call is over: whoever picked up without the key has not accepted, and nobody rings any more."""
    return replace(leg, state=ONCE_OVER[leg.state]) if leg.state in ONCE_OVER else leg


def is_final(leg: Leg) -> bool:
    return leg.state in FINAL_LEG_STATES
