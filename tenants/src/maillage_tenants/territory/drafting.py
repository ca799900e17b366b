"""The first sectors of a new cooperative: R98 in the Eure, balanced groups of EPCI anywhere else. Pure.

A starting point that the cooperative's office then edits.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from .rules import Commune, SectorDraft, great_circle_km, population_centre

TARGET_POPULATION = 90_000
"""Inhabitants of a sector to aim at."""
FEWEST, MOST = 4, 10
"""Sectors of a département."""
TOO_LARGE = 1.4
"""An EPCI of more than this many times the target is cut into contiguous parts."""
KM_WEIGHT = 60.0
"""Two groups this far apart are as unwelcome together as one target population more."""

EURE_SECTORS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("S1", "Évreux", ("200071454", "242700276", "200040277")),
    ("S2", "Vernon – Les Andelys", ("200072312",)),
    ("S3", "Louviers – Val-de-Reuil", ("200089456",)),
    ("S4", "Vexin – Lyons", ("200071843", "200070142", "200069730")),
    ("S5", "Pont-Audemer – Roumois", ("200065787", "200066405", "200066827")),
    ("S6", "Bernay – Neubourg", ("200066413", "200066017", "242700607")),
    ("S7", "Verneuil – Breteuil", ("200066462",)),
)
"""R98: code, name, SIREN of the EPCI whose communes of the Eure make the sector, in the order of R98."""


def default_sectors(communes: Iterable[Commune], department: str) -> list[SectorDraft]:
    """Sectors to begin with for `department`; the communes of other départements are ignored.

    Guaranteed: a partition (`validate_sectors` is ok), the same result for the same communes in any order, codes `S1`…
    Eure: the seven sectors of R98. Elsewhere: groups of whole EPCI, an EPCI being cut only where it is far larger than
    a sector or in several pieces; about 90 000 inhabitants each but always 4 to 10 sectors (fewer only if there are
    fewer communes: Paris is one), so that a populous département has larger ones; in one piece wherever the neighbours
    allow it; named after their largest commune, the most populated first. A commune alone is never cut, however large.
    Raises ValueError when there is no commune of that département.
    """
    held = {commune.insee: commune for commune in sorted(communes, key=_insee) if commune.department == department}
    if not held:
        raise ValueError(f"no commune of {department}")
    return _eure(held) if department == "27" else _balanced(held)


def _eure(communes: Mapping[str, Commune]) -> list[SectorDraft]:
    sector_of_epci = {siren: code for code, _, sirens in EURE_SECTORS for siren in sirens}
    placed = {
        commune.insee: sector_of_epci[commune.epci.siren]
        for commune in communes.values()
        if commune.epci and commune.epci.siren in sector_of_epci
    }
    # A commune whose EPCI R98 does not know (EPCI change every year) goes with the nearest one that has a sector.
    sectors = dict(placed)
    for commune in communes.values():
        if commune.insee not in placed:
            nearest = min(
                (communes[insee] for insee in placed), key=lambda other: (_apart(commune, other), other.insee)
            )
            sectors[commune.insee] = placed[nearest.insee]
    return [
        SectorDraft(code, name, insee_codes)
        for code, name, _ in EURE_SECTORS
        if (insee_codes := frozenset(insee for insee, sector in sectors.items() if sector == code))
    ]


# --- anywhere else ----------------------------------------------------------

Group = frozenset[str]


def _balanced(communes: Mapping[str, Commune]) -> list[SectorDraft]:
    total = sum(commune.population for commune in communes.values())
    wanted = min(max(FEWEST, min(MOST, round(total / TARGET_POPULATION))), len(communes))
    target = max(total / wanted, 1.0)
    groups: list[Group] = []
    for whole in _epci_groups(communes):
        for piece in _pieces(whole, communes):
            groups += _cut(piece, communes, target * TOO_LARGE)
    while len(groups) < wanted:
        largest = max((g for g in groups if len(g) > 1), key=lambda g: (_population(g, communes), min(g)))
        groups.remove(largest)
        groups += _halves(largest, communes)
    while len(groups) > wanted:
        groups = _merge_smallest(groups, communes, target)
    groups.sort(key=lambda group: (-_population(group, communes), min(group)))
    return [
        SectorDraft(f"S{number}", _largest(group, communes).name, group) for number, group in enumerate(groups, start=1)
    ]


def _epci_groups(communes: Mapping[str, Commune]) -> list[Group]:
    groups: dict[str, set[str]] = defaultdict(set)
    for commune in communes.values():
        groups[commune.epci.siren if commune.epci else commune.insee].add(commune.insee)
    return [frozenset(group) for _, group in sorted(groups.items())]


def _pieces(group: Group, communes: Mapping[str, Commune]) -> list[Group]:
    """The connected parts of a group."""
    left, pieces = set(group), []
    while left:
        piece, border = set[str](), [min(left)]
        while border:
            insee = border.pop()
            if insee in left:
                left.remove(insee)
                piece.add(insee)
                border += communes[insee].neighbours
        pieces.append(frozenset(piece))
    return pieces


def _cut(group: Group, communes: Mapping[str, Commune], most: float) -> list[Group]:
    """Halve a connected group until no part has more than `most` inhabitants or one commune only."""
    if len(group) == 1 or _population(group, communes) <= most:
        return [group]
    return [part for half in _halves(group, communes) for part in _cut(half, communes, most)]


def _halves(group: Group, communes: Mapping[str, Commune]) -> list[Group]:
    """Two parts grown from the two communes farthest apart, the less populated part choosing next.

    Both parts are connected if the group is.
    """
    members = sorted(group)
    first = max(members, key=lambda insee: (_apart(communes[members[0]], communes[insee]), insee))
    second = max(
        (insee for insee in members if insee != first),
        key=lambda insee: (_apart(communes[first], communes[insee]), insee),
    )
    seeds, parts = (first, second), ({first}, {second})
    left = group - {first, second}
    while left:
        reach = [{n for insee in part for n in communes[insee].neighbours if n in left} for part in parts]
        if not any(reach):
            reach = [set(left), set(left)]
        smaller = 0 if _population(parts[0], communes) <= _population(parts[1], communes) else 1
        chosen = smaller if reach[smaller] else 1 - smaller
        seed = communes[seeds[chosen]]
        nearest = min(reach[chosen], key=lambda insee: (_apart(seed, communes[insee]), insee))
        parts[chosen].add(nearest)
        left -= {nearest}
    return [frozenset(parts[0]), frozenset(parts[1])]


def _merge_smallest(groups: Sequence[Group], communes: Mapping[str, Commune], target: float) -> list[Group]:
    """Join the least populated group to the adjacent one (or else the nearest) that stays smallest and closest."""
    smallest = min(groups, key=lambda group: (_population(group, communes), min(group)))
    others = [group for group in groups if group is not smallest]
    around = {neighbour for insee in smallest for neighbour in communes[insee].neighbours}
    adjacent = [group for group in others if group & around]
    centre = population_centre(communes[insee] for insee in smallest)

    def cost(group: Group) -> tuple[float, str]:
        away = great_circle_km(*centre, *population_centre(communes[insee] for insee in group))
        crowd = _population(group, communes) / target if adjacent else 0.0
        return crowd + away / KM_WEIGHT, min(group)

    host = min(adjacent or others, key=cost)
    return [group for group in others if group is not host] + [smallest | host]


def _population(group: Iterable[str], communes: Mapping[str, Commune]) -> int:
    return sum(communes[insee].population for insee in group)


def _largest(group: Iterable[str], communes: Mapping[str, Commune]) -> Commune:
    return min((communes[insee] for insee in group), key=lambda commune: (-commune.population, commune.insee))


def _apart(one: Commune, other: Commune) -> float:
    return great_circle_km(one.lat, one.lon, other.lat, other.lon)


def _insee(commune: Commune) -> str:
    return commune.insee
