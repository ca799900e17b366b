"""Rules of the territory: communes, search, distances, sectors. Pure: no database, no clock, no file.

Units: kilometres, minutes, inhabitants; latitude and longitude in degrees (WGS 84). A commune is known by its INSEE
code, never by a postcode, because one postcode covers several communes (R97).
"""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""
DETOUR = 1.3
"""Road length over great-circle length. Our figure, between 1.6 (short) and 1.25 (long trips): not calibrated."""
START_MINUTES = 5.0
"""Leaving, parking, finding the door. Our figure, not calibrated."""
SLOWEST_KMH = 25.0
FASTEST_KMH = 80.0
HALFWAY_KM = 24.0
"""Length of the trip whose mean speed is halfway between the slowest and the fastest."""
MESSAGE_NAMES = 10
"""Communes named in one message before « et N autres »."""


@dataclass(frozen=True, slots=True)
class Epci:
    """An intercommunal body (communauté de communes, d’agglomération, métropole), known by its SIREN."""

    siren: str
    name: str


@dataclass(frozen=True)
class Commune:
    """A commune of the current COG. `neighbours` are estimated from centres (see `data/build_communes.py`), symmetric,
    and may lie in another département; `epci` is None for four islands and nobody else."""

    insee: str
    name: str
    postcodes: tuple[str, ...]
    department: str
    population: int
    lat: float
    lon: float
    epci: Epci | None = None
    former_names: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()

    @cached_property
    def keys(self) -> tuple[tuple[str, str | None], ...]:
        """`(search key, former name or None)`: the name of today first, then those of the former communes."""
        former = tuple((search_key(name), name) for name in self.former_names if name != self.name)
        return ((search_key(self.name), None), *former)


# --- search -----------------------------------------------------------------

_WORDS = {"st": "saint", "ste": "sainte", "sts": "saints", "stes": "saintes", "s": "sur", "ss": "sous"}
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss"})


def search_key(text: str) -> str:
    """`text` as it is compared: lower case, no accent, no ligature, one space for apostrophes, hyphens and any other
    sign, `St`/`Ste` written out, `s/` read as `sur`.

    Idempotent. `search_key("ST-OUEN-D’ATTEZ") == search_key("Saint Ouen d'Attez") == "saint ouen d attez"`.
    """
    lowered = text.casefold().translate(_LIGATURES)
    plain = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    words = re.sub(r"[^a-z0-9]+", " ", plain).split()
    # A lone « s » is « sur » between two words (Verneuil s/Avre); at the end it is the beginning of a word being typed.
    return " ".join(
        word if word in ("s", "ss") and (at == 0 or at == len(words) - 1) else _WORDS.get(word, word)
        for at, word in enumerate(words)
    )


@dataclass(frozen=True, slots=True)
class CommuneMatch:
    """A commune found; `former_name` says under which former name, None when found by its own name or postcode."""

    commune: Commune
    former_name: str | None = None


def search_communes(communes: Iterable[Commune], text: str, *, limit: int = 10) -> tuple[CommuneMatch, ...]:
    """Communes that somebody may mean by `text`, best first, each once, at most `limit`.

    Words are compared by their beginning, anywhere in the name (« neub » finds Le Neubourg); digits are the beginning
    of a postcode; both may be given (« 27500 pont »). Order: exact name, name that begins so, other; a name of today
    before a former one; then the most populated. Blank text finds nothing.
    """
    words = search_key(text).split()
    digits = [word for word in words if word.isdigit()]
    wanted = [word for word in words if not word.isdigit()]
    if not words:
        return ()
    phrase = " ".join(wanted)
    found: list[tuple[tuple[int, bool, int, str], CommuneMatch]] = []
    for commune in communes:
        if not all(any(postcode.startswith(digit) for postcode in commune.postcodes) for digit in digits):
            continue
        best: tuple[tuple[int, bool, int, str], CommuneMatch] | None = None
        for key, former in commune.keys:
            parts = key.split()
            if not _begin_in_order(wanted, parts):
                continue
            bare = " ".join(parts[1:]) if parts[0] in ("le", "la", "les", "l") else key
            degree = 0 if phrase in (key, bare) else 1 if key.startswith(phrase) or bare.startswith(phrase) else 2
            rank = (degree, former is not None, -commune.population, commune.insee)
            if best is None or rank < best[0]:
                best = (rank, CommuneMatch(commune, former))
        if best is not None:
            found.append(best)
    found.sort(key=lambda pair: pair[0])
    return tuple(match for _, match in found[:limit])


def _begin_in_order(wanted: Sequence[str], parts: Sequence[str]) -> bool:
    """Every wanted word begins a part, in the same order, each part used once."""
    rest = iter(parts)
    return all(any(part.startswith(word) for part in rest) for word in wanted)


# --- distances --------------------------------------------------------------


def great_circle_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Distance over the sphere, in km (haversine; within 0.5 % of the ellipsoid)."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half = (
        math.sin((phi2 - phi1) / 2) ** 2
        + math.cos(phi1) * math.cos(phi2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half)))


def road_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Estimated length of the road: great circle × 1.3. Ignores rivers and bridges."""
    return DETOUR * great_circle_km(lat1, lon1, lat2, lon2)


def travel_minutes(kilometres: float) -> int:
    """Estimated minutes by road for a trip of `kilometres` **of road**, rounded up; at least 5. Grows with the length.

    Mean speed goes from 25 km/h (short trips, in town) towards 80 km/h (long ones), halfway at 24 km, plus 5 minutes to
    leave and to park. An estimate with coefficients of ours, set from three estimated trips of the Eure, none measured:
    never a promise to a customer. To be fitted again on the times between acceptance and arrival.
    """
    speed = SLOWEST_KMH + (FASTEST_KMH - SLOWEST_KMH) * kilometres / (kilometres + HALFWAY_KM)
    return math.ceil(START_MINUTES + 60 * kilometres / speed)


# --- sectors ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SectorDraft:
    """A sector as it is proposed: a set of communes with a code and a name."""

    code: str
    name: str
    insee_codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Misplaced:
    """An INSEE code and the codes of the sectors that hold it, sorted."""

    insee: str
    sector_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SectorReport:
    """What is wrong with a set of sectors; nothing is when `ok`.

    `holes`: INSEE codes in no sector. `overlaps`: communes in several. `unknown`: codes that are no commune of the
    territory. `repeated`: sector codes given to several sectors. `empty`: codes of sectors without a commune.
    `messages`: the same in French, naming communes and sectors, fit to be shown. All sorted.
    """

    holes: tuple[str, ...]
    overlaps: tuple[Misplaced, ...]
    unknown: tuple[Misplaced, ...]
    repeated: tuple[str, ...]
    empty: tuple[str, ...]
    messages: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not (self.holes or self.overlaps or self.unknown or self.repeated or self.empty)


def validate_sectors(drafts: Sequence[SectorDraft], communes: Iterable[Commune]) -> SectorReport:
    """Check that the drafts are a partition of `communes`: every commune in exactly one sector, no other code (R98)."""
    by_insee = {commune.insee: commune for commune in communes}
    holders: dict[str, list[str]] = defaultdict(list)
    for draft in drafts:
        for insee in draft.insee_codes:
            holders[insee].append(draft.code)
    holes = tuple(sorted(by_insee.keys() - holders.keys()))
    overlaps = tuple(
        Misplaced(insee, tuple(sorted(codes)))
        for insee, codes in sorted(holders.items())
        if len(codes) > 1 and insee in by_insee
    )
    unknown = tuple(
        Misplaced(insee, tuple(sorted(codes))) for insee, codes in sorted(holders.items()) if insee not in by_insee
    )
    repeated = tuple(sorted(code for code, times in Counter(draft.code for draft in drafts).items() if times > 1))
    empty = tuple(sorted(draft.code for draft in drafts if not draft.insee_codes))

    messages = []
    if holes:
        names = _listed([_label(by_insee[insee]) for insee in holes])
        verb = "1 commune n’est dans aucun secteur" if len(holes) == 1 else f"{len(holes)} communes sans secteur"
        messages.append(f"{verb} : {names}.")
    messages += [
        f"{_label(by_insee[item.insee])} est dans plusieurs secteurs : {_listed(item.sector_codes)}."
        for item in overlaps[:MESSAGE_NAMES]
    ]
    if len(overlaps) > MESSAGE_NAMES:
        messages.append(f"{_more(len(overlaps) - MESSAGE_NAMES)} dans plusieurs secteurs.")
    messages += [
        f"Le code {item.insee} n’est pas une commune de ce territoire ({_sectors(item.sector_codes)})."
        for item in unknown[:MESSAGE_NAMES]
    ]
    if len(unknown) > MESSAGE_NAMES:
        messages.append(f"{_more(len(unknown) - MESSAGE_NAMES)} hors de ce territoire.")
    messages += [f"Plusieurs secteurs portent le code {code}." for code in repeated]
    messages += [f"Le secteur {code} n’a aucune commune." for code in empty]
    return SectorReport(holes, overlaps, unknown, repeated, empty, tuple(messages))


def next_code(codes: Iterable[str]) -> str:
    """The code of a new sector: S and the number after the largest ever given: none is given twice."""
    numbers = [int(code[1:]) for code in codes if code[:1] == "S" and code[1:].isdecimal()]
    return f"S{max(numbers, default=0) + 1}"


def _label(commune: Commune) -> str:
    return f"{commune.name} ({commune.insee})"


def _sectors(codes: Sequence[str]) -> str:
    return f"secteur{'s' if len(codes) > 1 else ''} {_listed(codes)}"


def _more(count: int) -> str:
    return "1 autre commune est" if count == 1 else f"{count} autres communes sont"


def _listed(names: Sequence[str]) -> str:
    """« a », « a et b », « a, b et c », « a, b… et 12 autres »."""
    if len(names) > MESSAGE_NAMES:
        left = len(names) - MESSAGE_NAMES
        return f"{', '.join(names[:MESSAGE_NAMES])} et {left} autre{'s' if left > 1 else ''}"
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} et {names[-1]}"


def population_centre(communes: Iterable[Commune]) -> tuple[float, float]:
    """Population-weighted centre, `(lat, lon)`; the plain mean where nobody lives. Raises ValueError for no commune.

    A mean of degrees, good enough over a département.
    """
    held = sorted(communes, key=lambda commune: commune.insee)
    if not held:
        raise ValueError("no commune, no centre")
    inhabited = any(commune.population for commune in held)
    weights = [commune.population if inhabited else 1 for commune in held]
    total = sum(weights)
    return (
        sum(commune.lat * weight for commune, weight in zip(held, weights, strict=True)) / total,
        sum(commune.lon * weight for commune, weight in zip(held, weights, strict=True)) / total,
    )


def sector_adjacency(drafts: Sequence[SectorDraft], communes: Iterable[Commune]) -> dict[str, list[tuple[str, float]]]:
    """For each sector, the sectors that can back it up, nearest first, with the estimated kilometres of road.

    Adjacent: a commune of one is a neighbour of a commune of the other. Distance: `road_km` between the
    population-weighted centres; equal distances by code. A sector that touches no other (an island) gets the nearest
    one, so that a call always has somewhere to go; the relation is symmetric except for that. Only a lone sector and
    an empty one have an empty list. Codes that are not in `communes` are ignored (`validate_sectors` reports them).
    """
    by_insee = {commune.insee: commune for commune in communes}
    holders: dict[str, set[str]] = defaultdict(set)
    centres: dict[str, tuple[float, float]] = {}
    for draft in drafts:
        held = [by_insee[insee] for insee in draft.insee_codes if insee in by_insee]
        for commune in held:
            holders[commune.insee].add(draft.code)
        if held:
            centres[draft.code] = population_centre(held)
    touching: dict[str, set[str]] = {draft.code: set() for draft in drafts}
    for insee, codes in holders.items():
        for neighbour in by_insee[insee].neighbours:
            for other in holders.get(neighbour, ()):
                for code in codes - {other}:
                    touching[code].add(other)
                    touching[other].add(code)
    adjacency: dict[str, list[tuple[str, float]]] = {}
    for code, others in touching.items():
        if code not in centres:
            adjacency[code] = []
            continue
        ranked = _by_distance(centres, code, others or centres.keys() - {code})
        adjacency[code] = ranked if others else ranked[:1]
    return adjacency


def _by_distance(
    centres: Mapping[str, tuple[float, float]], code: str, others: Iterable[str]
) -> list[tuple[str, float]]:
    distances = [(other, road_km(*centres[code], *centres[other])) for other in others]
    return sorted(distances, key=lambda pair: (pair[1], pair[0]))
