"""Communes, search, distances, sectors: rules of the territory (R97, R98) on the facts that come with the product."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maillage_tenants.territory import (
    Commune,
    SectorDraft,
    default_sectors,
    departments,
    great_circle_km,
    load_communes,
    road_km,
    search_communes,
    search_key,
    sector_adjacency,
    travel_minutes,
    validate_sectors,
)
from maillage_tenants.territory.errors import UnknownDepartment

EURE = load_communes("27")
BY_INSEE = {commune.insee: commune for commune in EURE}
BY_NAME = {commune.name: commune for commune in EURE}


def connected(insee_codes: frozenset[str], communes: dict[str, Commune]) -> bool:
    seen, border = set[str](), [min(insee_codes)]
    while border:
        insee = border.pop()
        if insee in insee_codes and insee not in seen:
            seen.add(insee)
            border += communes[insee].neighbours
    return seen == insee_codes


# --- facts ------------------------------------------------------------------


def test_the_eure_is_complete() -> None:
    assert len(EURE) == len(BY_INSEE) == 585
    assert sum(commune.population for commune in EURE) == 602_714
    assert [commune.insee for commune in EURE] == sorted(BY_INSEE)
    assert sum(len(commune.former_names) for commune in EURE) == 68  # 67 delegated, 1 associated (R97)
    assert BY_NAME["Évreux"].population == 49_360
    assert BY_NAME["Évreux"].epci is not None
    assert BY_NAME["Évreux"].epci.siren == "200071454"


def test_postcodes_of_the_eure() -> None:
    postcodes = Counter(postcode for commune in EURE for postcode in commune.postcodes)
    assert len(postcodes) == 83
    assert all(len(postcode) == 5 and postcode.startswith("27") for postcode in postcodes)
    assert postcodes["27500"] > 1, "a postcode covers several communes"
    assert BY_NAME["Verneuil d’Avre et d’Iton"].postcodes == ("27130", "27160")


def test_neighbours_are_symmetric_and_nobody_is_alone() -> None:
    for commune in EURE:
        assert commune.neighbours
        assert commune.insee not in commune.neighbours
        for other in commune.neighbours:
            assert other not in BY_INSEE or commune.insee in BY_INSEE[other].neighbours
    assert {"27190", "27004"} <= set(BY_NAME["Pacy-sur-Eure"].neighbours)


def test_departments() -> None:
    assert len(departments()) == 101
    assert {"01", "27", "2A", "2B", "76", "95", "971", "976"} <= set(departments())
    assert "20" not in departments()
    assert {commune.department for commune in load_communes("2A")} == {"2A"}
    assert len(load_communes("75")) == 1
    assert load_communes("27") is EURE


@pytest.mark.parametrize("code", ["", "0", "2", "97", "975", "20", "99", "270", "27001", "27,", "insee", "\n27"])
def test_an_unknown_department_is_refused(code: str) -> None:
    with pytest.raises(UnknownDepartment):
        load_communes(code)


def test_every_commune_of_france_is_loaded_once() -> None:
    codes = [commune.insee for code in departments() for commune in load_communes(code)]
    assert len(codes) == len(set(codes)) == 34_875


# --- search -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ST-OUEN-D’ATTEZ", "Saint Ouen d'Attez"),
        ("Ste Colombe", "Sainte-Colombe"),
        ("ÉVREUX", "evreux"),
        ("Saint-Vaast-Dieppedalle et Sacré-Cœur", "st vaast dieppedalle et sacre coeur"),
        ("Verneuil s/Avre", "verneuil sur avre"),
        ("  Pont   de l'Arche ", "pont-de-l-arche"),
        ("Ｌｏｕｖｉｅｒｓ", "louviers"),
    ],
)
def test_search_key_ignores_how_it_is_written(typed: str, meant: str) -> None:
    assert search_key(typed) == search_key(meant)


@given(st.text())
def test_search_key_is_idempotent_and_plain(text: str) -> None:
    key = search_key(text)
    assert search_key(key) == key
    assert not set(key) - set("abcdefghijklmnopqrstuvwxyz0123456789 ")


@pytest.mark.parametrize(
    ("typed", "name", "former"),
    [
        ("Verneuil-sur-Avre", "Verneuil d’Avre et d’Iton", "Verneuil-sur-Avre"),
        ("verneuil s/avre", "Verneuil d’Avre et d’Iton", "Verneuil-sur-Avre"),
        ("ecos", "Vexin-sur-Epte", "Écos"),
        ("neub", "Le Neubourg", None),
        ("Breteuil", "Breteuil", None),
        ("vernon", "Vernon", None),
        ("ver", "Vernon", None),
        ("27500", "Pont-Audemer", None),
        ("27500 toutain", "Toutainville", None),
        ("st pierre de salerne", "Saint-Pierre-de-Salerne", None),
        ("la barre", "Mesnil-en-Ouche", "La Barre-en-Ouche"),
    ],
)
def test_search_finds_what_people_say(typed: str, name: str, former: str | None) -> None:
    first = search_communes(EURE, typed)[0]
    assert (first.commune.name, first.former_name) == (name, former)


def test_search_finds_every_commune_by_each_of_its_names() -> None:
    for commune in EURE:
        for name in (commune.name, *commune.former_names):
            assert commune in [match.commune for match in search_communes(EURE, name)], name


def test_search_finds_nothing_for_nothing_and_keeps_to_the_limit() -> None:
    assert search_communes(EURE, " - ") == ()
    assert search_communes(EURE, "marseille") == ()
    assert len(search_communes(EURE, "saint", limit=4)) == 4
    all_of_one = search_communes(EURE, "27500", limit=1000)
    assert len({match.commune.insee for match in all_of_one}) == len(all_of_one)
    assert {match.commune for match in all_of_one} == {c for c in EURE if "27500" in c.postcodes}


# --- distances --------------------------------------------------------------

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)


def test_known_distances() -> None:
    assert great_circle_km(48.8566, 2.3522, 45.7640, 4.8357) == pytest.approx(391.5, abs=1)  # Paris to Lyon
    assert great_circle_km(0, 0, 0, 180) == pytest.approx(20_015, abs=1)
    evreux, vernon = BY_NAME["Évreux"], BY_NAME["Vernon"]
    straight = great_circle_km(evreux.lat, evreux.lon, vernon.lat, vernon.lon)
    assert road_km(evreux.lat, evreux.lon, vernon.lat, vernon.lon) == pytest.approx(1.3 * straight)


@given(latitudes, longitudes, latitudes, longitudes)
def test_distance_is_symmetric_and_bounded(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    there = great_circle_km(lat1, lon1, lat2, lon2)
    assert there == pytest.approx(great_circle_km(lat2, lon2, lat1, lon1), abs=1e-6)
    assert 0 <= there <= 20_016
    assert great_circle_km(lat1, lon1, lat1, lon1) == 0


@pytest.mark.parametrize(("town", "minutes"), [("Vernon", 41), ("Bernay", 56), ("Louviers", 37)])
def test_estimated_minutes_from_evreux(town: str, minutes: int) -> None:
    start, end = BY_NAME["Évreux"], BY_NAME[town]
    assert travel_minutes(road_km(start.lat, start.lon, end.lat, end.lon)) == pytest.approx(minutes, abs=1)


@given(st.floats(0, 500), st.floats(0, 500))
def test_a_longer_road_never_takes_less_time(one: float, other: float) -> None:
    shorter, longer = sorted((one, other))
    assert 5 <= travel_minutes(shorter) <= travel_minutes(longer)


# --- sectors ----------------------------------------------------------------


def test_the_seven_sectors_of_the_eure() -> None:
    sectors = default_sectors(EURE, "27")
    assert validate_sectors(sectors, EURE).ok
    assert sum(len(sector.insee_codes) for sector in sectors) == 585
    figures = {
        sector.code: (
            sector.name,
            len(sector.insee_codes),
            sum(BY_INSEE[insee].population for insee in sector.insee_codes),
        )
        for sector in sectors
    }
    # Communes and inhabitants: the sums of the EPCI in R98. R98 gives no population for the single commune of the
    # Quatre Rivières en Bray in S4: 70 inhabitants.
    assert figures == {
        "S1": ("Évreux", 74 + 25 + 6, 113_337 + 18_100 + 10_814),
        "S2": ("Vernon – Les Andelys", 61, 83_284),
        "S3": ("Louviers – Val-de-Reuil", 60, 103_526),
        "S4": ("Vexin – Lyons", 39 + 30 + 1, 33_079 + 20_622 + 70),
        "S5": ("Pont-Audemer – Roumois", 32 + 39 + 11, 32_598 + 41_698 + 11_636),
        "S6": ("Bernay – Neubourg", 75 + 51 + 41, 54_049 + 20_332 + 22_499),
        "S7": ("Verneuil – Breteuil", 40, 37_070),
    }
    assert all(connected(sector.insee_codes, BY_INSEE) for sector in sectors)


def test_a_commune_of_the_eure_whose_epci_is_new_goes_with_its_nearest() -> None:
    changed = [
        Commune(**{field: getattr(commune, field) for field in Commune.__dataclass_fields__} | {"epci": None})
        if commune.name == "Verneusses"
        else commune
        for commune in EURE
    ]
    assert validate_sectors(default_sectors(changed, "27"), changed).ok


def test_sectors_of_seine_maritime() -> None:
    communes = load_communes("76")
    sectors = default_sectors(communes, "76")
    by_insee = {commune.insee: commune for commune in communes}
    assert validate_sectors(sectors, communes).ok
    assert len(sectors) == 10
    assert {"Le Havre", "Rouen", "Dieppe", "Fécamp"} <= {sector.name for sector in sectors}
    for sector in sectors:
        assert connected(sector.insee_codes, by_insee)
        assert 60_000 <= sum(by_insee[insee].population for insee in sector.insee_codes) <= 180_000
        largest = max((by_insee[insee] for insee in sector.insee_codes), key=lambda commune: commune.population)
        assert sector.name == largest.name


@pytest.mark.parametrize("code", departments())
def test_default_sectors_are_a_partition_everywhere(code: str) -> None:
    communes = list(load_communes(code))
    sectors = default_sectors(communes, code)
    report = validate_sectors(sectors, communes)
    assert report.ok, report.messages
    assert len(sectors) == 1 if code == "75" else 4 <= len(sectors) <= 10
    random.Random(1).shuffle(communes)
    assert default_sectors(communes, code) == sectors, "the order of the communes does not matter"
    adjacency = sector_adjacency(sectors, communes)
    assert all(adjacency[sector.code] for sector in sectors) or len(sectors) == 1


def test_no_commune_no_sectors() -> None:
    with pytest.raises(ValueError, match="76"):
        default_sectors(EURE, "76")


@st.composite
def partitions(draw: st.DrawFn) -> list[SectorDraft]:
    """Any partition of the Eure into 1 to 12 sectors, none empty."""
    count = draw(st.integers(1, 12))
    shuffled = draw(st.randoms(use_true_random=False))
    codes = [commune.insee for commune in EURE]
    shuffled.shuffle(codes)
    cuts = sorted(shuffled.sample(range(1, len(codes)), count - 1))
    bounds = zip([0, *cuts], [*cuts, len(codes)], strict=True)
    return [
        SectorDraft(f"S{number}", f"Secteur {number}", frozenset(codes[start:end]))
        for number, (start, end) in enumerate(bounds, start=1)
    ]


@settings(max_examples=50, deadline=None)
@given(partitions())
def test_any_partition_is_valid(drafts: list[SectorDraft]) -> None:
    report = validate_sectors(drafts, EURE)
    assert report.ok
    assert report.messages == ()


@settings(max_examples=50, deadline=None)
@given(partitions(), st.sampled_from(EURE))
def test_one_commune_taken_out_is_exactly_one_hole(drafts: list[SectorDraft], commune: Commune) -> None:
    without = [SectorDraft(d.code, d.name, d.insee_codes - {commune.insee}) for d in drafts]
    report = validate_sectors(without, EURE)
    assert not report.ok
    assert report.holes == (commune.insee,)
    assert not (report.overlaps or report.unknown or report.repeated)
    assert report.messages[0] == f"1 commune n’est dans aucun secteur : {commune.name} ({commune.insee})."


@settings(max_examples=50, deadline=None)
@given(partitions(), st.sampled_from(EURE))
def test_one_commune_put_everywhere_overlaps_alone(drafts: list[SectorDraft], commune: Commune) -> None:
    everywhere = [SectorDraft(d.code, d.name, d.insee_codes | {commune.insee}) for d in drafts]
    report = validate_sectors(everywhere, EURE)
    assert report.ok == (len(drafts) == 1)
    assert not (report.holes or report.unknown)
    if not report.ok:
        assert [item.insee for item in report.overlaps] == [commune.insee]
        assert report.overlaps[0].sector_codes == tuple(sorted(d.code for d in drafts))
        assert commune.name in report.messages[0]


def test_the_report_says_in_french_what_is_wrong() -> None:
    first, second, *_ = EURE
    drafts = [
        SectorDraft("S1", "Un", frozenset(c.insee for c in EURE) - {first.insee, second.insee}),
        SectorDraft("S2", "Deux", frozenset({EURE[5].insee, "76540"})),
        SectorDraft("S3", "Trois", frozenset()),
        SectorDraft("S3", "Trois bis", frozenset({"76540"})),
    ]
    assert validate_sectors(drafts, EURE).messages == (
        "2 communes sans secteur : Aclou (27001) et Acon (27002).",
        f"{EURE[5].name} ({EURE[5].insee}) est dans plusieurs secteurs : S1 et S2.",
        "Le code 76540 n’est pas une commune de ce territoire (secteurs S2 et S3).",
        "Plusieurs secteurs portent le code S3.",
        "Le secteur S3 n’a aucune commune.",
    )


def test_long_lists_are_cut_short() -> None:
    (message,) = validate_sectors([], EURE).messages
    assert message.startswith("585 communes sans secteur : Aclou (27001), ")
    assert message.endswith(" et 575 autres.")
    whole = frozenset(BY_INSEE)
    twice = validate_sectors([SectorDraft("S1", "Un", whole), SectorDraft("S2", "Deux", whole)], EURE).messages
    assert len(twice) == 11
    assert twice[-1] == "575 autres communes sont dans plusieurs secteurs."


# --- who backs up whom ------------------------------------------------------


def test_adjacent_sectors_of_the_eure() -> None:
    adjacency = sector_adjacency(default_sectors(EURE, "27"), EURE)
    # The same sets as the real contours give (shared edges between communes).
    assert {code: {other for other, _ in others} for code, others in adjacency.items()} == {
        "S1": {"S2", "S3", "S6", "S7"},
        "S2": {"S1", "S3", "S4"},
        "S3": {"S1", "S2", "S4", "S5", "S6"},
        "S4": {"S2", "S3"},
        "S5": {"S3", "S6"},
        "S6": {"S1", "S3", "S5", "S7"},
        "S7": {"S1", "S6"},
    }
    for others in adjacency.values():
        assert [km for _, km in others] == sorted(km for _, km in others)
    assert adjacency["S7"][0][0] == "S1"


@settings(max_examples=30, deadline=None)
@given(partitions())
def test_adjacency_is_symmetric(drafts: list[SectorDraft]) -> None:
    adjacency = sector_adjacency(drafts, EURE)
    assert adjacency.keys() == {draft.code for draft in drafts}
    for code, others in adjacency.items():
        assert code not in dict(others)
        assert len(dict(others)) == len(others)
        for other, km in others:
            assert dict(adjacency[other])[code] == pytest.approx(km)


def commune(insee: str, lat: float, lon: float, *neighbours: str, population: int = 100) -> Commune:
    return Commune(insee, insee, ("27000",), "27", population, lat, lon, neighbours=neighbours)


def test_a_sector_that_touches_nobody_gets_the_nearest() -> None:
    communes = [
        commune("A", 49.0, 1.0, "B"),
        commune("B", 49.0, 1.1, "A"),
        commune("C", 49.0, 1.5),
    ]
    drafts = [SectorDraft(c.insee, c.insee, frozenset({c.insee})) for c in communes]
    adjacency = sector_adjacency([*drafts, SectorDraft("D", "vide", frozenset())], communes)
    assert [code for code, _ in adjacency["C"]] == ["B"]
    assert [code for code, _ in adjacency["A"]] == ["B"]
    assert [code for code, _ in adjacency["B"]] == ["A"]
    assert adjacency["D"] == []
    assert sector_adjacency(drafts[:1], communes) == {"A": []}


def test_the_centre_of_a_sector_is_where_people_live() -> None:
    communes = [
        commune("A", 49.0, 1.0, "B", population=9_900),
        commune("B", 49.0, 2.0, "A", "C", population=100),
        commune("C", 49.0, 2.1, "B", population=0),
    ]
    drafts = [SectorDraft("S1", "Un", frozenset({"A", "B"})), SectorDraft("S2", "Deux", frozenset({"C"}))]
    ((_, km),) = sector_adjacency(drafts, communes)["S1"]
    assert km == pytest.approx(road_km(49.0, 1.01, 49.0, 2.1), abs=0.13)
