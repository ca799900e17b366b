"""The territory: communes (INSEE codes), sectors as sets of communes, distances.

Other domains import from here only. Facts about communes come with the product (`load_communes`); the first sectors of
a new cooperative come from `default_sectors`; `validate_sectors` holds "every commune in exactly one sector" (R97, R98)
and `sector_adjacency` gives who backs up whom.
"""

from .drafting import default_sectors
from .facts import departments, load_communes
from .queries import (
    CommuneRow,
    NeighbourSector,
    SectorRef,
    SectorSummary,
    adjacency,
    all_communes,
    all_sectors,
    commune,
    communes_of_postcode,
    communes_of_sector,
    distances,
    neighbours_of,
    report,
    search_commune,
    sector_of,
    sectors,
    sectors_of_postcode,
)
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
from .service import draw_default_sectors, has_sectors, install_territory, prepare_semester, set_sectors

__all__ = [
    "Commune",
    "CommuneMatch",
    "CommuneRow",
    "Epci",
    "Misplaced",
    "NeighbourSector",
    "SectorDraft",
    "SectorRef",
    "SectorReport",
    "SectorSummary",
    "adjacency",
    "all_communes",
    "all_sectors",
    "commune",
    "communes_of_postcode",
    "communes_of_sector",
    "default_sectors",
    "departments",
    "distances",
    "draw_default_sectors",
    "great_circle_km",
    "has_sectors",
    "install_territory",
    "load_communes",
    "neighbours_of",
    "population_centre",
    "prepare_semester",
    "report",
    "road_km",
    "search_commune",
    "search_communes",
    "search_key",
    "sector_adjacency",
    "sector_of",
    "sectors",
    "sectors_of_postcode",
    "set_sectors",
    "travel_minutes",
    "validate_sectors",
]
