"""Rules of the watch, pure: when to call, what a call proved, what is late, the static forward list."""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from maillage_kit import sheets
from maillage_kit.clock import paris
from maillage_kit.phone import show_phone
from maillage_tenants.calls import LegState, WatchProgress

START_WITHIN = timedelta(minutes=2)
"""A watch call whose time came longer ago is left out: after an outage all cooperatives would call at once."""
PLACE_WITHIN = timedelta(seconds=60)
"""A run whose task comes later than this is not placed: it would arrive when nobody expects it any more."""
EXPECTED_LONGER = timedelta(minutes=3)
"""How long after its deadline a slow carrier's call is still taken for ours."""
SILENT_PERIODS = 2
KEYS = re.compile(r"\d{1,8}( \d{1,8}){0,5}")

# What the audit waits for before it calls something late. The product's own sweeps act before or soon after.
CALL_OPEN_FOR = timedelta(minutes=10)
"""The longest ladder rings for some five minutes."""
TALK_OPEN_FOR = timedelta(hours=4, minutes=10)
LEG_SILENT_FOR = timedelta(minutes=3)
LEG_LEFT_FOR = timedelta(minutes=3)
"""News of a line may come a while after the call has ended, in the next batch."""
LEG_LET_GO_AFTER = timedelta(minutes=10)
OFFER_LATE_BY = timedelta(minutes=2)
MESSAGE_WAITS_FOR = timedelta(minutes=40)
"""After half an hour a message is looked at again by itself."""
HELD_LATE_BY = timedelta(minutes=10)
OLD_AFTER = timedelta(minutes=15)
"""A finding that stays this long stops the heartbeat."""

RUNS_KEPT = timedelta(days=365)
"""Watch runs and findings prove that the number worked, or since when it did not: as long as other traces (R68)."""
CALLS_KEPT = timedelta(days=30)
"""What was said of each watch call; its run keeps the instants. Longer than anybody looks for a cause."""

FORWARD_DAYS = 7
FORWARDS_KEPT = timedelta(days=30)
FORWARD_HOUR = 5
"""The daily list is made from this hour on, in Paris."""


def slot(cooperative_id: UUID, *, now: datetime, every: timedelta) -> datetime:
    """When the latest watch call of a cooperative was to start: cooperatives are spread over the period."""
    period = int(every.total_seconds())
    seconds = int(now.timestamp())
    return now - timedelta(seconds=(seconds - cooperative_id.int) % period, microseconds=now.microsecond)


def is_due(cooperative_id: UUID, *, last: datetime | None, now: datetime, every: timedelta) -> bool:
    """Whether a watch call should start: once per period, at its time or shortly after."""
    start = slot(cooperative_id, now=now, every=every)
    return now - start < START_WITHIN and (last is None or last < start)


def silent_since(
    *, last_success: datetime | None, enabled_at: datetime, now: datetime, every: timedelta
) -> datetime | None:
    """Since when no watch call has succeeded, None while that is not longer than two periods."""
    since = max(enabled_at, last_success) if last_success else enabled_at
    return since if now - since > SILENT_PERIODS * every else None


_WHY = {
    None: "L’appel s’est arrêté au menu, avant de faire sonner l’artisan d’essai.",
    LegState.NO_ANSWER: "L’artisan d’essai a sonné et n’a pas décroché.",
    LegState.BUSY: "L’artisan d’essai était occupé.",
    LegState.REFUSED: "L’artisan d’essai a refusé l’appel.",
    LegState.UNREACHABLE: "L’opérateur n’a pas pu joindre l’artisan d’essai.",
    LegState.NOT_ACCEPTED: "L’artisan d’essai a décroché, mais sa touche 1 n’a pas été reçue.",
    LegState.CANCELLED: "La ligne a été coupée pendant que l’artisan d’essai sonnait.",
    LegState.UNTOLD: "L’appel s’est terminé sans que l’opérateur dise ce que l’artisan d’essai a fait.",
}
NOT_ARRIVED = "L’appel n’est jamais arrivé au standard."
TOO_LATE = "L’artisan d’essai n’a pas accepté à temps."
NOT_PLACED_IN_TIME = "L’appel n’a pas pu partir à temps : les tâches de fond sont en retard."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a watch call proved; `failure` is empty when it succeeded."""

    failure: str

    @property
    def succeeded(self) -> bool:
        return not self.failure


def judge(progress: WatchProgress | None, *, keys: str, deadline: datetime, now: datetime) -> Verdict | None:
    """The verdict on a watch call, None while it may still succeed: accepted by the key before the deadline, and the
    keys typed at the menu understood."""
    over = now >= deadline
    if progress is None:
        return Verdict(NOT_ARRIVED) if over else None
    if progress.accepted_at is not None:
        if progress.accepted_at > deadline:
            return Verdict(TOO_LATE)
        if keys and not progress.located:
            return Verdict(f"Le menu n’a pas compris les touches. {progress.routing_note}".strip())
        return Verdict("")
    if progress.ended:
        return Verdict(_WHY.get(progress.leg_state, TOO_LATE))
    return Verdict(TOO_LATE) if over else None


# --------------------------------------------------------------------------------------------- static forward list


@dataclass(frozen=True, slots=True)
class Watcher:
    """Somebody on call for a sector, a trade and a rank over `[starts_at, ends_at)`."""

    sector_id: UUID
    trade: str
    rank: int
    name: str
    phone: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A sector for a trade, with the words for people."""

    sector_id: UUID
    sector: str
    trade: str
    trade_label: str


@dataclass(frozen=True, slots=True)
class Forward:
    """Over `[starts_at, ends_at)`, calls for this sector and trade go to `first`, then to `second`; (name, phone)."""

    sector_id: UUID
    sector: str
    trade: str
    trade_label: str
    starts_at: datetime
    ends_at: datetime
    first: tuple[str, str] | None
    second: tuple[str, str] | None


def forwards(
    places: Sequence[Place], watchers: Iterable[Watcher], *, start: datetime, end: datetime
) -> tuple[Forward, ...]:
    """The week cut where somebody changes: for each place, periods that follow one another from `start` to `end`
    without gap or overlap. `first` is None when nobody is on call at rank 1: the manager, then the fallback number."""
    held: dict[tuple[UUID, str], list[Watcher]] = {}
    for watcher in watchers:
        held.setdefault((watcher.sector_id, watcher.trade), []).append(watcher)
    lines: list[Forward] = []
    for place in places:
        mine = held.get((place.sector_id, place.trade), [])
        inside = {at for watcher in mine for at in (watcher.starts_at, watcher.ends_at) if start < at < end}
        for begins, ends in pairwise(sorted({start, end} | inside)):
            people = {w.rank: (w.name, w.phone) for w in mine if w.starts_at <= begins < w.ends_at}
            last = lines[-1] if lines else None
            if (
                last is not None
                and (last.sector_id, last.trade, last.ends_at) == (place.sector_id, place.trade, begins)
                and (last.first, last.second) == (people.get(1), people.get(2))
            ):
                lines[-1] = dataclasses.replace(last, ends_at=ends)
                continue
            lines.append(
                Forward(
                    place.sector_id,
                    place.sector,
                    place.trade,
                    place.trade_label,
                    begins,
                    ends,
                    people.get(1),
                    people.get(2),
                )
            )
    return tuple(lines)


COLUMNS = (
    "Secteur",
    "Métier",
    "Du",
    "Au",
    "Renvoyer vers",
    "Numéro",
    "Puis vers",
    "Numéro suivant",
    "Repli",
)


def with_zone(instant: datetime) -> str:
    """`2027-03-28 03:00 +02:00`: the clock in Paris with its offset: the two hours of October differ (R105)."""
    return paris(instant).isoformat(sep=" ", timespec="minutes").replace("+", " +")


def rows_of(lines: Iterable[Forward], *, manager: tuple[str, str], fallback: str) -> list[list[str]]:
    """The list as text, in the order of `COLUMNS`; where nobody is on call the manager comes first."""
    rows = []
    for line in lines:
        people = [person for person in (line.first, line.second) if person] or [manager]
        then = people[1] if len(people) > 1 else (manager if people[0] != manager else ("", ""))
        rows.append(
            [
                line.sector,
                line.trade_label,
                with_zone(line.starts_at),
                with_zone(line.ends_at),
                *people[0],
                *then,
                fallback,
            ]
        )
    return rows


def as_csv(rows: Iterable[Sequence[str]]) -> str:
    """The list for a spreadsheet or an operator's import: semicolons, one line a period, numbers in E.164."""
    return sheets.as_csv(COLUMNS, rows)


def in_words(row: Sequence[str]) -> str:
    """One line of the e-mail."""
    sector, trade, start, end, who, phone, then, then_phone, fallback = row
    after = f", puis {then} {show_phone(then_phone)}" if then else ""
    return f"{sector}, {trade}, du {start} au {end} : {who} {show_phone(phone)}{after}, repli {show_phone(fallback)}"
