"""Facts about communes that come with the product: `data/communes.csv.gz`, built by `data/build_communes.py`."""

import csv
import gzip
import importlib.resources
import re
from functools import lru_cache

from .errors import UnknownDepartment
from .rules import Commune, Epci


@lru_cache(maxsize=32)
def load_communes(department: str) -> tuple[Commune, ...]:
    """The communes of a département (`"27"`, `"2A"`, `"971"`), sorted by INSEE code. Cached: the same tuple each time.

    Raises `UnknownDepartment`. The overseas collectivities (975, 977…) are not départements and are not there.
    """
    if department not in departments():
        raise UnknownDepartment
    # Rows are sorted by INSEE code, which begins with the code of the département: its rows are one slice of the table.
    table, mark = _table(), f"\n{department}".encode()
    rows = table[table.index(mark) + 1 : table.index(b"\n", table.rindex(mark) + 1)].decode()
    return tuple(_commune(row) for row in csv.reader(rows.splitlines()))


@lru_cache(maxsize=1)
def departments() -> tuple[str, ...]:
    """Codes of the 101 départements, sorted."""
    return tuple(sorted({code.decode() for code in re.findall(rb"^(97\d|\d[\dAB])", _table(), re.MULTILINE)}))


@lru_cache(maxsize=1)
def _table() -> bytes:
    """The whole table as CSV: 4 MB, kept, so that only the first département of a process pays for the unpacking."""
    return gzip.decompress((importlib.resources.files(__package__) / "data" / "communes.csv.gz").read_bytes())


def _commune(row: list[str]) -> Commune:
    insee, name, postcodes, department, population, lat, lon, epci, former_names, neighbours = row
    name, epci, former_names = (official.replace("'", "’") for official in (name, epci, former_names))
    siren, _, epci_name = epci.partition("/")
    return Commune(
        insee=insee,
        name=name,
        postcodes=_split(postcodes),
        department=department,
        population=int(population),
        lat=float(lat),
        lon=float(lon),
        epci=Epci(siren, epci_name) if siren else None,
        former_names=_split(former_names),
        neighbours=_split(neighbours),
    )


def _split(field: str) -> tuple[str, ...]:
    return tuple(field.split("|")) if field else ()
