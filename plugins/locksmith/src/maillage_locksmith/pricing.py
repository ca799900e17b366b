"""Locksmith prices: defaults excluding VAT, in the range that R89 reports, and the lines of a quote.

R89, VAT included: slammed door 80 to 150 € by day and up to 200 € at night, multipoint 150 to 250 €, armoured 200 to
400 €, lock replaced 150 to 300 €, break-in from 200 to 300 €. Here, travel included and at 20 %: slammed door 132 €
by day and 198 € at +50 %, multipoint 204 €, armoured 324 €, making safe 264 €. The cooperative sets its own prices.
"""

from collections.abc import Mapping
from decimal import Decimal

from maillage_hooks.tables import PriceBook
from maillage_hooks.types import CatalogueItem, EmergencyGround, LineKind
from maillage_kit.money import Money
from maillage_locksmith.catalogue import TYPES

TRAVEL = "SER_DEPLACEMENT"
LABOUR = "SER_MAIN_OEUVRE"


def _part(code: str, label: str, price: str) -> CatalogueItem:
    return CatalogueItem(code, label, LineKind.PART, "pièce", Money.euros(price))


def _lump_sum(code: str, label: str, price: str) -> CatalogueItem:
    return CatalogueItem(code, label, LineKind.LUMP_SUM, "forfait", Money.euros(price))


CATALOGUE = (
    CatalogueItem(TRAVEL, "Déplacement", LineKind.TRAVEL, "forfait", Money.euros("40")),
    CatalogueItem(LABOUR, "Main-d’œuvre serrurier", LineKind.LABOUR, "h", Money.euros("62")),
    _lump_sum("SER_OUVERTURE_CLAQUEE", "Ouverture d’une porte claquée, serrure simple", "70"),
    _lump_sum("SER_OUVERTURE_SIMPLE", "Ouverture d’une porte fermée à clé, serrure simple", "95"),
    _lump_sum("SER_OUVERTURE_MULTIPOINTS", "Ouverture d’une serrure multipoints", "130"),
    _lump_sum("SER_OUVERTURE_BLINDEE", "Ouverture d’une porte blindée", "230"),
    _lump_sum("SER_EXTRACTION_CLE", "Extraction d’une clé cassée", "75"),
    _lump_sum("SER_POSE_CYLINDRE", "Dépose et pose d’un cylindre", "60"),
    _lump_sum("SER_MISE_EN_SECURITE", "Mise en sécurité après effraction", "180"),
    _part("SER_CYLINDRE_STANDARD", "Cylindre européen, trois clés", "55"),
    _part("SER_CYLINDRE_SURETE", "Cylindre de sûreté à carte, trois clés", "120"),
    _part("SER_SERRURE_APPLIQUE", "Serrure en applique", "95"),
    _part("SER_COFFRE_MULTIPOINTS", "Coffre de serrure multipoints", "190"),
    _part("SER_GACHE", "Gâche ou béquille", "28"),
    _part("SER_VERROU_PROVISOIRE", "Verrou provisoire", "32"),
    _part("SER_PANNEAU_PROVISOIRE", "Panneau de fermeture provisoire", "48"),
    _part("SER_CABLE_GARAGE", "Câbles ou ressorts de porte de garage", "68"),
    _part("SER_LAME_RIDEAU", "Lame de rideau métallique", "54"),
    _part("SER_CLE_SUPPLEMENTAIRE", "Clé supplémentaire", "18"),
    _part("SER_PORTE_BLINDEE", "Porte blindée, fourniture et pose", "1950"),
)

_CYLINDERS = frozenset({"SER_CYLINDRE_STANDARD", "SER_CYLINDRE_SURETE", "SER_POSE_CYLINDRE"})
_LOCKS = _CYLINDERS | {"SER_SERRURE_APPLIQUE", "SER_COFFRE_MULTIPOINTS", "SER_GACHE"}
_SECURING = _LOCKS | {"SER_VERROU_PROVISOIRE", "SER_PANNEAU_PROVISOIRE", "SER_MISE_EN_SECURITE"}

NECESSARY: Mapping[str, frozenset[str]] = {
    "PERTE_CLES": _CYLINDERS,
    "VOL_CLES": _CYLINDERS,
    "CLE_CASSEE": _CYLINDERS,
    "CYLINDRE_HS": _CYLINDERS,
    "SERRURE_MULTIPOINTS_HS": _LOCKS,
    "EFFRACTION_MISE_EN_SECURITE": _SECURING,
    "PORTE_NE_FERME_PLUS": _SECURING,
    "RIDEAU_METALLIQUE": frozenset({"SER_LAME_RIDEAU", "SER_VERROU_PROVISOIRE"}),
    "PORTE_GARAGE": frozenset({"SER_CABLE_GARAGE", "SER_VERROU_PROVISOIRE"}),
}
"""What ends the emergency, by type (R15). Behind a slammed door a new cylinder is never necessary."""

_BY_LOCK = {"multipoint": "SER_OUVERTURE_MULTIPOINTS", "armoured": "SER_OUVERTURE_BLINDEE"}


def works(type_code: str, answers: Mapping[str, str]) -> Mapping[str, Decimal]:
    """One opening, priced by the lock; the cylinder is a part on top."""
    lock = answers.get("lock", "")
    codes: tuple[str, ...] = ()
    match type_code:
        case "PORTE_CLAQUEE":
            codes = (_BY_LOCK.get(lock, "SER_OUVERTURE_CLAQUEE"),)
        case "PORTE_VERROUILLEE":
            codes = (_BY_LOCK.get(lock, "SER_OUVERTURE_SIMPLE"),)
        case "PERTE_CLES" | "VOL_CLES" if answers.get("locked_out") == "no":
            codes = ("SER_POSE_CYLINDRE",)
        case "PERTE_CLES" | "VOL_CLES":
            codes = (_BY_LOCK.get(lock, "SER_OUVERTURE_SIMPLE"), "SER_POSE_CYLINDRE")
        case "CLE_CASSEE":
            codes = ("SER_EXTRACTION_CLE",)
        case "EFFRACTION_MISE_EN_SECURITE":
            codes = ("SER_MISE_EN_SECURITE",)
    return {code: Decimal(1) for code in codes}


def ground(type_code: str, answers: Mapping[str, str]) -> EmergencyGround | None:
    """« Serrurerie en cas d’effraction et de perte de clés » (R31).

    A slammed door is not in the list; an opening for a bailiff is excluded by name. Stolen keys are read as lost.
    """
    if answers.get("requester") == "bailiff":
        return None
    if type_code == "EFFRACTION_MISE_EN_SECURITE":
        return EmergencyGround.BREAK_IN
    if type_code in {"PERTE_CLES", "VOL_CLES"}:
        return EmergencyGround.LOST_KEYS
    closing = {"PORTE_NE_FERME_PLUS", "RIDEAU_METALLIQUE", "PORTE_GARAGE", "CYLINDRE_HS", "SERRURE_MULTIPOINTS_HS"}
    if type_code in closing and answers.get("after_break_in") == "yes":
        return EmergencyGround.BREAK_IN
    return None


PRICING = PriceBook(
    types=TYPES,
    catalogue=CATALOGUE,
    travel=TRAVEL,
    labour=LABOUR,
    works=works,
    necessary=NECESSARY,
    ground=ground,
)
