"""Plumbing prices: defaults excluding VAT, in the range that R89 reports, and the lines of a quote.

R89, VAT included: simple leak about 150 €, extra hour about 70 €, evening call with travel and one hour 199 €. Here,
at 10 %: travel and one hour 131 € by day and 196 € at +50 %, extra hour 70 €. The cooperative sets its own prices.
"""

from collections.abc import Mapping
from decimal import Decimal

from maillage_hooks.tables import PriceBook
from maillage_hooks.types import CatalogueItem, EmergencyGround, LineKind
from maillage_kit.money import Money
from maillage_plumbing.catalogue import TYPES

TRAVEL = "PLO_DEPLACEMENT"
LABOUR = "PLO_MAIN_OEUVRE"


def _part(code: str, label: str, price: str, unit: str = "pièce") -> CatalogueItem:
    return CatalogueItem(code, label, LineKind.PART, unit, Money.euros(price))


def _lump_sum(code: str, label: str, price: str) -> CatalogueItem:
    return CatalogueItem(code, label, LineKind.LUMP_SUM, "forfait", Money.euros(price))


CATALOGUE = (
    CatalogueItem(TRAVEL, "Déplacement", LineKind.TRAVEL, "forfait", Money.euros("55")),
    CatalogueItem(LABOUR, "Main-d’œuvre plombier", LineKind.LABOUR, "h", Money.euros("64")),
    CatalogueItem(
        "PLO_RECHERCHE_FUITE",
        "Recherche de fuite non destructive",
        LineKind.DIAGNOSIS,
        "forfait",
        Money.euros("160"),
    ),
    _lump_sum("PLO_DEBOUCHAGE_MANUEL", "Débouchage manuel : WC, évier, douche", "85"),
    _lump_sum("PLO_DEBOUCHAGE_HP", "Débouchage haute pression", "190"),
    _part("PLO_JOINT", "Joint ou raccord", "6"),
    _part("PLO_FLEXIBLE", "Flexible sanitaire", "14"),
    _part("PLO_MANCHON", "Manchon de réparation", "22"),
    _part("PLO_TUBE_CUIVRE", "Tube cuivre, raccords compris", "24", "m"),
    _part("PLO_TUBE_MULTICOUCHE", "Tube multicouche, raccords compris", "18", "m"),
    _part("PLO_ROBINET_ARRET", "Robinet d’arrêt", "28"),
    _part("PLO_MECANISME_WC", "Mécanisme de chasse complet", "45"),
    _part("PLO_GROUPE_SECURITE", "Groupe de sécurité et siphon", "48"),
    _part("PLO_RESISTANCE", "Résistance de chauffe-eau et joint", "75"),
    _part("PLO_THERMOSTAT_CE", "Thermostat de chauffe-eau", "58"),
    _part("PLO_ROBINET_RADIATEUR", "Robinet de radiateur", "36"),
    _part("PLO_CIRCULATEUR", "Circulateur de chauffage", "210"),
    _part("PLO_THERMOCOUPLE", "Thermocouple ou électrode d’allumage", "42"),
    _part("PLO_MITIGEUR", "Mitigeur neuf", "95"),
    _part("PLO_CHAUFFE_EAU", "Chauffe-eau électrique 200 litres", "620"),
    _part("PLO_PAC_AIR_EAU", "Pompe à chaleur air-eau", "7900"),
    CatalogueItem(
        "PLO_CHAUDIERE_GAZ",
        "Chaudière gaz à condensation, fourniture et pose",
        LineKind.PART,
        "pièce",
        Money.euros("3400"),
        fossil_boiler=True,
    ),
)

_PIPE_PARTS = frozenset(
    {
        "PLO_JOINT",
        "PLO_FLEXIBLE",
        "PLO_MANCHON",
        "PLO_TUBE_CUIVRE",
        "PLO_TUBE_MULTICOUCHE",
        "PLO_ROBINET_ARRET",
    }
)
_HEATING_PARTS = frozenset({"PLO_CIRCULATEUR", "PLO_THERMOCOUPLE", "PLO_JOINT", "PLO_ROBINET_RADIATEUR"})
_DRAIN_WORKS = frozenset({"PLO_DEBOUCHAGE_MANUEL", "PLO_DEBOUCHAGE_HP", "PLO_JOINT"})

NECESSARY: Mapping[str, frozenset[str]] = {
    "FUITE_ACTIVE": _PIPE_PARTS,
    "FUITE_ENCASTREE": _PIPE_PARTS,
    "DDE_VOISIN": _PIPE_PARTS | {"PLO_RECHERCHE_FUITE"},
    "WC_BOUCHE": _DRAIN_WORKS,
    "WC_FUITE": frozenset({"PLO_JOINT", "PLO_FLEXIBLE", "PLO_ROBINET_ARRET", "PLO_MECANISME_WC"}),
    "DEGORGEMENT_EVIER": _DRAIN_WORKS,
    "DEGORGEMENT_DOUCHE": _DRAIN_WORKS,
    "REFOULEMENT_EU": _DRAIN_WORKS,
    "ECS_PANNE": frozenset({"PLO_RESISTANCE", "PLO_THERMOSTAT_CE", "PLO_JOINT"}),
    "ECS_FUITE_GS": frozenset({"PLO_GROUPE_SECURITE", "PLO_JOINT", "PLO_FLEXIBLE", "PLO_ROBINET_ARRET"}),
    "CHAUFFAGE_PANNE": _HEATING_PARTS,
    "CHAUDIERE_DEFAUT": _HEATING_PARTS,
    "RADIATEUR_FUITE": frozenset({"PLO_ROBINET_RADIATEUR", "PLO_JOINT", "PLO_MANCHON"}),
    "GEL": _PIPE_PARTS,
    "COUPURE_EAU_PARTIELLE": frozenset({"PLO_ROBINET_ARRET", "PLO_JOINT", "PLO_FLEXIBLE"}),
}
"""What ends the emergency, by type (R15). A new mixer, water heater or boiler never does."""

_LUMP_SUMS = {
    "FUITE_ENCASTREE": {"PLO_RECHERCHE_FUITE": Decimal(1), LABOUR: Decimal(1)},
    "WC_BOUCHE": {"PLO_DEBOUCHAGE_MANUEL": Decimal(1)},
    "DEGORGEMENT_EVIER": {"PLO_DEBOUCHAGE_MANUEL": Decimal(1)},
    "DEGORGEMENT_DOUCHE": {"PLO_DEBOUCHAGE_MANUEL": Decimal(1)},
    "REFOULEMENT_EU": {"PLO_DEBOUCHAGE_HP": Decimal(1)},
}
_LEAKS = frozenset({"FUITE_ACTIVE", "FUITE_ENCASTREE", "DDE_VOISIN", "WC_FUITE", "ECS_FUITE_GS", "RADIATEUR_FUITE"})


def works(type_code: str, _answers: Mapping[str, str]) -> Mapping[str, Decimal]:
    return _LUMP_SUMS.get(type_code, {})


def ground(type_code: str, answers: Mapping[str, str]) -> EmergencyGround | None:
    """« Plomberie en cas de fuite » (R31): neither a blocked drain nor a boiler fault; a frozen pipe if it runs."""
    frozen_and_running = type_code == "GEL" and answers.get("flow") in {"drip", "stream", "burst"}
    return EmergencyGround.WATER_LEAK if type_code in _LEAKS or frozen_and_running else None


PRICING = PriceBook(
    types=TYPES,
    catalogue=CATALOGUE,
    travel=TRAVEL,
    labour=LABOUR,
    works=works,
    necessary=NECESSARY,
    ground=ground,
    not_dispatched=frozenset({"ODEUR_GAZ", "COMPTEUR", "AVANT_COMPTEUR"}),
)
