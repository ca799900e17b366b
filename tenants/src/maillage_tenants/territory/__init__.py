"""The territory: communes (INSEE codes), sectors as sets of communes, distances.

Other domains import from here only. Facts about communes come with the product (`load_communes`); the first sectors of
a new cooperative come from `default_sectors`; `validate_sectors` holds "every commune in exactly one sector" (R97, R98)
and `sector_adjacency` gives who backs up whom.
"""

from .drafting import default_sectors
from .facts import departments, load_communes
from .rules import (
    Commune,
    CommuneMatch,
    Epci,
    Misplaced,
    SectorDraft,
    SectorReport,
    great_circle_km,
    population_centre,
    road_km,
    search_communes,
    search_key,
    sector_adjacency,
    travel_minutes,
    validate_sectors,
)
from .service import install_territory, set_sectors

__all__ = [
    "Commune",
    "CommuneMatch",
    "Epci",
    "Misplaced",
    "SectorDraft",
    "SectorReport",
    "default_sectors",
    "departments",
    "great_circle_km",
    "install_territory",
    "load_communes",
    "population_centre",
    "road_km",
    "search_communes",
    "search_key",
    "sector_adjacency",
    "set_sectors",
    "travel_minutes",
    "validate_sectors",
]
