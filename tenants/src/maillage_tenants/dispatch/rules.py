"""The order in which people are rung, and the words that explain it: pure."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from maillage_kit.clock import paris

NEIGHBOURS_RUNG = 4
"""Beyond the nearest ones a caller would wait for minutes: the manager comes first."""

_E164 = re.compile(r"\+[1-9]\d{5,14}")
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")


class StepKind(StrEnum):
    """In the order of the ladder."""

    RANK1 = "rank1"
    RANK2 = "rank2"
    NEIGHBOUR = "neighbour"
    MANAGER = "manager"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One step of a ladder. `reason` and `skipped` are in French, for the people who will read them years later.

    `skipped` says why the step is not rung; `phone` (E.164) is None only then.
    """

    position: int
    kind: StepKind
    phone: str | None
    display_name: str
    ring_seconds: int
    reason: str
    skipped: str | None = None
    member_id: UUID | None = None
    technician_id: UUID | None = None
    duty_id: UUID | None = None
    sector_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """A technician on call, as dispatch needs it."""

    sector_id: UUID
    rank: int
    duty_id: UUID
    member_id: UUID
    technician_id: UUID
    name: str
    member_name: str
    phone: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class NearSector:
    """A sector and how far it is by road, in metres; 0 for the sector of the request itself."""

    id: UUID
    name: str
    distance_m: int


@dataclass(frozen=True, slots=True)
class Person:
    """One of the two human numbers of the cooperative itself."""

    name: str
    phone: str


def ladder(
    *,
    sector: NearSector | None,
    neighbours: Sequence[NearSector],
    watches: Sequence[Watch],
    refusals: Mapping[UUID, str],
    manager: Person,
    fallback: Person,
    ring_seconds: int,
    unrouted: str = "",
) -> tuple[Candidate, ...]:
    """Rank 1, rank 2 of the sector, rank 1 of the neighbours by distance, the manager, the fallback number.

    `refusals` maps a technician to why they may not be assigned. `unrouted` explains, in French, why there is no
    sector. The last candidate is the fallback and is never skipped. A number appears once among those rung before it.
    """
    draft: list[Candidate] = []

    def add(kind: StepKind, near: NearSector, rank: int, place: str, skipped: str | None = None) -> None:
        watch = next((w for w in watches if w.sector_id == near.id and w.rank == rank), None)
        if watch is None:
            draft.append(
                Candidate(
                    position=len(draft),
                    kind=kind,
                    phone=None,
                    display_name="Personne",
                    ring_seconds=ring_seconds,
                    reason=f"Rang {rank}, {place}",
                    skipped="Aucune astreinte n’est posée à cet instant.",
                    sector_id=near.id,
                )
            )
            return
        draft.append(
            Candidate(
                position=len(draft),
                kind=kind,
                phone=watch.phone,
                display_name=f"{watch.name}, {watch.member_name}",
                ring_seconds=ring_seconds,
                reason=f"De garde, rang {rank}, {place}, {period_words(watch.starts_at, watch.ends_at)}",
                skipped=refusals.get(watch.technician_id) or skipped,
                member_id=watch.member_id,
                technician_id=watch.technician_id,
                duty_id=watch.duty_id,
                sector_id=near.id,
            )
        )

    if sector is not None:
        add(StepKind.RANK1, sector, 1, f"secteur {sector.name}")
        add(StepKind.RANK2, sector, 2, f"secteur {sector.name}")
        rung = 0
        for near in sorted(neighbours, key=lambda n: (n.distance_m, n.name, n.id)):
            far = (
                None if rung < NEIGHBOURS_RUNG else f"Au-delà des {NEIGHBOURS_RUNG} secteurs voisins les plus proches."
            )
            add(StepKind.NEIGHBOUR, near, 1, f"secteur voisin {near.name}, à {kilometres(near.distance_m)}", far)
            rung += draft[-1].skipped is None
    why_manager = "Responsable de la coopérative : personne n’a pris l’appel avant"
    for kind, person, reason in (
        (StepKind.MANAGER, manager, f"{why_manager}. {unrouted}".strip() if sector else unrouted or why_manager),
        (StepKind.FALLBACK, fallback, "Numéro de repli de la coopérative : toujours le dernier"),
    ):
        draft.append(
            Candidate(
                position=len(draft),
                kind=kind,
                phone=person.phone,
                display_name=person.name,
                ring_seconds=ring_seconds,
                reason=reason,
            )
        )
    return _ring_once(draft)


def _ring_once(draft: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Leave out numbers that cannot be dialled and repeats of a number; never the last candidate."""
    last = draft[-1]
    seen: dict[str, Candidate] = {}
    kept: list[Candidate] = []
    for candidate in draft[:-1]:
        skipped = candidate.skipped
        if skipped is None:
            if candidate.phone is None or not _E164.fullmatch(candidate.phone):
                skipped = f"Numéro impossible à composer : « {candidate.phone or ''} »."
            elif candidate.phone in seen:
                skipped = f"Même numéro que {seen[candidate.phone].display_name}, déjà dans la liste."
            elif candidate.kind is StepKind.MANAGER and candidate.phone == last.phone:
                skipped = "Même numéro que le repli, qui suit."
            else:
                seen[candidate.phone] = candidate
        kept.append(dataclasses.replace(candidate, skipped=skipped))
    return (*kept, last)


def period_words(starts_at: datetime, ends_at: datetime) -> str:
    """« du vendredi 26/02 18 h au lundi 01/03 8 h », on the clock in Paris."""
    return f"du {instant_words(starts_at)} au {instant_words(ends_at)}"


def instant_words(instant: datetime) -> str:
    """« vendredi 26/02 18 h 30 »; the repeated hour of October carries its offset (R105)."""
    local = paris(instant)
    minutes = f" {local.minute:02d}" if local.minute else ""
    words = f"{_DAYS[local.weekday()]} {local:%d/%m} {local.hour} h{minutes}"
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        words += f" (UTC{local:%z})"
    return words


def kilometres(metres: int) -> str:
    return f"{max(1, round(metres / 1000))} km"
