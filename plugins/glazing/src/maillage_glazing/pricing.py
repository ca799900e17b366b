"""Glazing prices: defaults excluding VAT, in the range that R89 reports, and the lines of a quote.

R89, VAT included: making safe or replacement 100 to 300 €. Here, at 10 %: an ordinary window made safe, travel and
panel included, 195 €. The cooperative sets its own prices.
"""

from collections.abc import Mapping
from decimal import Decimal

from maillage_glazing.catalogue import TYPES
from maillage_hooks.tables import PriceBook
from maillage_hooks.types import CatalogueItem, EmergencyGround, LineKind
from maillage_kit.money import Money

TRAVEL = "VIT_DEPLACEMENT"
LABOUR = "VIT_MAIN_OEUVRE"
SECURING = "VIT_MISE_EN_SECURITE"
PANEL = "VIT_PANNEAU"
HEIGHT = "VIT_TRAVAIL_HAUTEUR"


def _part(code: str, label: str, price: str, unit: str = "m²") -> CatalogueItem:
    return CatalogueItem(code, label, LineKind.PART, unit, Money.euros(price))


def _lump_sum(code: str, label: str, price: str) -> CatalogueItem:
    return CatalogueItem(code, label, LineKind.LUMP_SUM, "forfait", Money.euros(price))


CATALOGUE = (
    CatalogueItem(TRAVEL, "Déplacement", LineKind.TRAVEL, "forfait", Money.euros("45")),
    CatalogueItem(LABOUR, "Main-d’œuvre vitrier", LineKind.LABOUR, "h", Money.euros("58")),
    _lump_sum(SECURING, "Dépose du verre cassé et mise en sécurité", "90"),
    _lump_sum(HEIGHT, "Travail en hauteur par l’extérieur", "120"),
    _part(PANEL, "Panneau de bois provisoire", "28"),
    _part("VIT_FILM", "Film de protection", "16"),
    _part("VIT_PLAQUE", "Plaque transparente provisoire", "42"),
    _part("VIT_QUINCAILLERIE", "Crémone, paumelle ou poignée", "38", "pièce"),
    _part("VIT_VITRAGE_SIMPLE", "Vitrage simple 4 mm", "75"),
    _part("VIT_DOUBLE_VITRAGE", "Double vitrage à mesure", "165"),
    _part("VIT_FEUILLETE", "Vitrage feuilleté de sécurité", "210"),
    _part("VIT_VITRINE", "Vitrage de vitrine à mesure", "290"),
    _part("VIT_VITRAGE_TOIT", "Vitrage de fenêtre de toit", "340", "pièce"),
    _part("VIT_SURVITRAGE", "Survitrage", "98"),
)

PANES = frozenset({"VIT_VITRAGE_SIMPLE", "VIT_DOUBLE_VITRAGE", "VIT_FEUILLETE", "VIT_VITRINE", "VIT_VITRAGE_TOIT"})
_PROVISIONAL = frozenset({SECURING, HEIGHT, PANEL, "VIT_FILM", "VIT_PLAQUE"})
_BREAKAGES = frozenset(
    {
        "BRIS_VITRE_SIMPLE",
        "BRIS_DOUBLE_VITRAGE",
        "VITRINE_COMMERCE",
        "PORTE_VITREE",
        "VELUX",
        "MISE_EN_SECURITE_PROVISOIRE",
        "EFFRACTION",
    }
)
_SQUARE_METRES = {"small": Decimal("0.5"), "medium": Decimal("1.5"), "large": Decimal(3)}

NECESSARY: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(_BREAKAGES, _PROVISIONAL),
    "BRIS_VITRE_SIMPLE": _PROVISIONAL | {"VIT_VITRAGE_SIMPLE"},
    "FENETRE_NE_FERME_PLUS": frozenset({"VIT_QUINCAILLERIE", PANEL}),
}
"""What ends the emergency, by type (R15): closing the opening. Only a plain pane is cut on the spot."""


def works(type_code: str, answers: Mapping[str, str]) -> Mapping[str, Decimal]:
    """Making safe, with a panel of the size told: medium when it was not."""
    if type_code not in _BREAKAGES:
        return {}
    height = {HEIGHT: Decimal(1)} if answers.get("height") == "high" else {}
    return {SECURING: Decimal(1), PANEL: _SQUARE_METRES.get(answers.get("size", ""), Decimal("1.5")), **height}


def ground(type_code: str, answers: Mapping[str, str]) -> EmergencyGround | None:
    """« Remplacement d’une porte ou d’une baie vitrée suite à accident ou effraction » (R31): wear is neither."""
    broken = type_code in _BREAKAGES or (type_code == "FENETRE_NE_FERME_PLUS" and answers.get("cause") == "break_in")
    return EmergencyGround.BROKEN_OPENING if broken and answers.get("cause") != "wear" else None


PRICING = PriceBook(
    types=TYPES,
    catalogue=CATALOGUE,
    travel=TRAVEL,
    labour=LABOUR,
    works=works,
    necessary=NECESSARY,
    ground=ground,
    follow_up=PANES,
    not_urgent=frozenset({"SURVITRAGE"}),
)
