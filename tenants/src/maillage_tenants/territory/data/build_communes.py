"""Build `communes.csv.gz`, the product's compact table of French communes. Run by a maintainer, once a year.

    npm pack @etalab/decoupage-administratif@6.0.0 && tar xzf etalab-decoupage-administratif-6.0.0.tgz
    python -m venv scratch && scratch/bin/pip install numpy scipy     # build time only, never a product dependency
    scratch/bin/python build_communes.py --package package --centres communes_fr.csv.gz [--check contours.geojson]

Inputs
    --package   the unpacked npm package: code, name, postcodes, population, EPCI, delegated and associated communes
                (INSEE, COG 2026).
    --centres   CSV (gzip) with `insee, lat, lon, surface_km2`: centre (WGS 84, degrees) and area of each commune.
    --check     GeoJSON of real contours (property `code` = INSEE): prints precision and recall of the computed
                neighbours, writes nothing.

Output: the communes of the 101 départements (the 94 of the overseas collectivities have no centre and are left out),
sorted by INSEE code, UTF-8, gzip with a zero timestamp: the same inputs and library versions give the same bytes.

Neighbours, from centres and areas alone
    1. Each zone (metropolitan France with Corsica; each overseas département) is projected: Lambert conformal conic in
       France, a local equirectangular plane elsewhere; distances are in km.
    2. A *power diagram* of the centres is drawn, the weight of a commune being the square of the radius of the disc of
       its area. It is the Voronoi diagram corrected for large communes next to small ones. Two communes whose cells
       share more than `MIN_BORDER_KM` of border are neighbours, unless their centres are too far apart for their sizes
       (`REACH`; cells are unbounded on the coast and at the land border).
    3. The *relative neighbourhood graph* (RNG) of the centres is added: it contains the minimum spanning tree, so
       nobody is left alone. An RNG link between two départements longer than `MAX_LINK_KM` is dropped (Corsica is no
       neighbour of Nice).
    The relation is symmetric. It is an estimate: it says who is next door, not that a road or a bridge joins them.
    Figures against real contours: `LICENCE.md`, "Neighbours".
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib
import io
import itertools
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MIN_BORDER_KM = 0.2
MAX_LINK_KM = 25.0
REACH = 2.5
"""Centres farther apart than this many times the sum of the two radii are not neighbours in the power diagram."""
COLUMNS = ("insee", "name", "postcodes", "department", "population", "lat", "lon", "epci", "former_names", "neighbours")
EARTH_RADIUS_KM = 6371.0088

Pair = tuple[str, str]


def read_centres(path: Path) -> dict[str, tuple[float, float, float]]:
    """INSEE code → (latitude, longitude, area in km²), communes without a centre left out."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as handle:
        return {
            row["insee"]: (float(row["lat"]), float(row["lon"]), float(row["surface_km2"]))
            for row in csv.DictReader(handle)
            if row["lat"] and row["lon"]
        }


def project(points: list[tuple[float, float]], *, conic: bool) -> list[tuple[float, float]]:
    """(latitude, longitude) in degrees → (x, y) in km. Conic: parallels 44° and 49°, as Lambert-93, on a sphere."""
    if not conic:
        lat0 = sum(lat for lat, _ in points) / len(points)
        lon0 = sum(lon for _, lon in points) / len(points)
        unit = math.radians(EARTH_RADIUS_KM)
        return [((lon - lon0) * unit * math.cos(math.radians(lat0)), (lat - lat0) * unit) for lat, lon in points]

    def isometric(phi: float) -> float:
        return math.tan(math.pi / 4 + phi / 2)

    south, north, origin = math.radians(44), math.radians(49), math.radians(46.5)
    n = math.log(math.cos(south) / math.cos(north)) / math.log(isometric(north) / isometric(south))
    f = EARTH_RADIUS_KM * math.cos(south) * isometric(south) ** n / n
    rho0 = f / isometric(origin) ** n
    plane = []
    for lat, lon in points:
        rho, theta = f / isometric(math.radians(lat)) ** n, n * math.radians(lon - 3)
        plane.append((rho * math.sin(theta), rho0 - rho * math.cos(theta)))
    return plane


def zone_links(
    codes: list[str], plane: list[tuple[float, float]], areas: list[float], departments: list[str]
) -> set[Pair]:
    """Neighbouring pairs (smaller code first) of one zone, by the method of the module docstring."""
    np: Any = importlib.import_module("numpy")
    spatial: Any = importlib.import_module("scipy.spatial")
    xy = np.array(plane)
    area = np.array(areas)
    radius = np.sqrt(area / math.pi)

    def apart(a: int, b: int) -> float:
        return float(np.hypot(*(xy[a] - xy[b])))

    def sides(triangle: Any) -> Iterator[tuple[int, int]]:
        for a, b in ((0, 1), (1, 2), (0, 2)):
            yield min(int(triangle[a]), int(triangle[b])), max(int(triangle[a]), int(triangle[b]))

    links: set[tuple[int, int]] = set()
    # Power diagram: lower hull of the points lifted on the paraboloid z = x² + y² − r².
    hull = spatial.ConvexHull(np.column_stack([xy, (xy**2).sum(axis=1) - radius**2]))
    lower = hull.equations[:, 2] < 0
    corners = -hull.equations[lower, :2] / (2 * hull.equations[lower, 2:3])
    ends: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for triangle, corner in zip(hull.simplices[lower], corners, strict=True):
        for side in sides(triangle):
            ends[side].append(corner)
    for (a, b), corner_pair in ends.items():
        unbounded = len(corner_pair) < 2
        border = math.inf if unbounded else float(np.hypot(*(corner_pair[0] - corner_pair[1])))
        if border > MIN_BORDER_KM and apart(a, b) <= REACH * float(radius[a] + radius[b]):
            links.add((a, b))
    # Relative neighbourhood graph: a Delaunay side whose two ends have no third centre nearer to both.
    tree = spatial.cKDTree(xy)
    for a, b in {side for triangle in spatial.Delaunay(xy).simplices for side in sides(triangle)}:
        distance = apart(a, b)
        if departments[a] != departments[b] and distance > MAX_LINK_KM:
            continue
        lens = set(tree.query_ball_point(xy[a], distance)) & set(tree.query_ball_point(xy[b], distance))
        if not any(c not in (a, b) and max(apart(a, c), apart(b, c)) < distance for c in lens):
            links.add((a, b))
    return {(min(codes[a], codes[b]), max(codes[a], codes[b])) for a, b in links}


def all_links(centres: dict[str, tuple[float, float, float]], department_of: dict[str, str]) -> set[Pair]:
    """Neighbouring pairs of all zones."""
    zones: dict[str, list[str]] = defaultdict(list)
    for code in sorted(centres):
        zones[department_of[code] if department_of[code].startswith("97") else "metro"].append(code)
    links: set[Pair] = set()
    for zone, codes in sorted(zones.items()):
        plane = project([centres[code][:2] for code in codes], conic=zone == "metro")
        links |= zone_links(codes, plane, [centres[code][2] for code in codes], [department_of[code] for code in codes])
    return links


def true_links(contours: Path) -> tuple[set[str], dict[Pair, float]]:
    """Codes of a GeoJSON, and the pairs that share at least one edge with the length of the shared border in km."""
    owners: dict[tuple[Any, Any], set[str]] = defaultdict(set)
    codes: set[str] = set()
    for feature in json.loads(contours.read_text(encoding="utf-8"))["features"]:
        code = feature["properties"]["code"]
        codes.add(code)
        shape = feature["geometry"]
        polygons = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
        for polygon in polygons:
            for ring in polygon:
                for start, end in itertools.pairwise(ring):
                    owners[min(tuple(start), tuple(end)), max(tuple(start), tuple(end))].add(code)
    borders: dict[Pair, float] = defaultdict(float)
    unit = math.radians(EARTH_RADIUS_KM)
    for ((lon1, lat1), (lon2, lat2)), sharing in owners.items():
        length = unit * math.hypot((lon1 - lon2) * math.cos(math.radians((lat1 + lat2) / 2)), lat1 - lat2)
        ordered = sorted(sharing)
        for i, first in enumerate(ordered):
            for second in ordered[i + 1 :]:
                borders[first, second] += length
    return codes, borders


def check(links: set[Pair], contours: Path) -> str:
    """Precision, recall and share of the real border length found, over the pairs inside the file of contours."""
    codes, borders = true_links(contours)
    found = {pair for pair in links if pair[0] in codes and pair[1] in codes}
    hits = found & borders.keys()
    length = sum(borders[pair] for pair in hits) / sum(borders.values())
    alone = len(codes - {code for pair in found for code in pair})
    return (
        f"{len(codes)} communes, {len(borders)} true pairs, {len(found)} computed, {len(hits)} right: "
        f"precision {len(hits) / len(found):.3f}, recall {len(hits) / len(borders):.3f}, "
        f"border length {length:.3f}, without neighbour {alone}\n"
    )


def table(package: Path, centres: dict[str, tuple[float, float, float]]) -> tuple[list[dict[str, str]], set[Pair]]:
    """Rows of the output, sorted by INSEE code, and the neighbouring pairs."""
    communes = json.loads((package / "data" / "communes.json").read_text(encoding="utf-8"))
    groups = json.loads((package / "data" / "epci.json").read_text(encoding="utf-8"))
    epci = {member["code"]: f"{group['code']}/{group['nom']}" for group in groups for member in group["membres"]}
    current = {c["code"]: c for c in communes if c["type"] == "commune-actuelle" and c["code"] in centres}
    if missing := sorted(centres.keys() - current.keys()):
        raise SystemExit(f"centres of unknown communes: {missing[:10]}")
    former: dict[str, list[str]] = defaultdict(list)
    for commune in communes:
        if commune["type"] in ("commune-deleguee", "commune-associee"):
            former[commune["chefLieu"]].append(commune["nom"])
    links = all_links(centres, {code: commune["departement"] for code, commune in current.items()})
    around: dict[str, list[str]] = defaultdict(list)
    for first, second in links:
        around[first].append(second)
        around[second].append(first)
    rows = []
    for code, commune in sorted(current.items()):
        latitude, longitude, _ = centres[code]
        rows.append(
            {
                "insee": code,
                "name": commune["nom"],
                "postcodes": "|".join(sorted(commune["codesPostaux"])),
                "department": commune["departement"],
                "population": str(commune["population"]),
                "lat": f"{latitude:.4f}",
                "lon": f"{longitude:.4f}",
                "epci": epci.get(code, ""),
                "former_names": "|".join(sorted(former[code])),
                "neighbours": "|".join(sorted(around[code])),
            }
        )
    return rows, links


def write(rows: list[dict[str, str]], target: Path) -> None:
    """Deterministic gzip: no file name, zero timestamp."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    target.write_bytes(gzip.compress(text.getvalue().encode("utf-8"), compresslevel=9, mtime=0))


def main() -> None:
    parser = argparse.ArgumentParser(description="Build communes.csv.gz (see the module docstring)")
    parser.add_argument("--package", type=Path, required=True, help="unpacked @etalab/decoupage-administratif")
    parser.add_argument("--centres", type=Path, required=True, help="CSV (gzip): insee, lat, lon, surface_km2")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("communes.csv.gz"))
    parser.add_argument("--check", type=Path, help="GeoJSON of real contours: measure the neighbours, write nothing")
    arguments = parser.parse_args()
    rows, links = table(arguments.package, read_centres(arguments.centres))
    if arguments.check:
        sys.stdout.write(check(links, arguments.check))
        return
    write(rows, arguments.output)
    alone = [row["insee"] for row in rows if not row["neighbours"]]
    sys.stdout.write(
        f"{len(rows)} communes, {len(links)} neighbouring pairs, without neighbour: {alone or 'none'}, "
        f"{arguments.output.stat().st_size} bytes\n"
    )


if __name__ == "__main__":
    main()
