"""The glazing intervention types (R84): default urgency, usual minutes on site, tool kit, report fields, next step.

The usual pattern is in two steps: at night the opening is made safe, later the pane made to measure is fitted on a
quote of its own (R84, R15). Minutes and tool kits are working values of the project, to be reviewed with the trade.
"""

from maillage_hooks.report import BREAK_IN, COMMON
from maillage_hooks.types import Choice, FieldKind, InterventionType, NextStep, Priority, ReportField

GLASS = (
    ReportField("width", "Largeur", FieldKind.NUMBER, required=True, unit="mm"),
    ReportField("height", "Hauteur", FieldKind.NUMBER, required=True, unit="mm"),
    ReportField("composition", "Composition du vitrage", required=True, help="4 mm, 4/16/4, 44.2…"),
    ReportField(
        "frame",
        "Châssis",
        FieldKind.CHOICE,
        required=True,
        choices=(
            Choice("wood", "Bois"),
            Choice("pvc", "PVC"),
            Choice("aluminium", "Aluminium"),
            Choice("steel", "Acier"),
            Choice("none", "Sans châssis"),
        ),
    ),
)
PROTECTION = ReportField(
    "protection",
    "Protection posée",
    FieldKind.CHOICE,
    required=True,
    choices=(
        Choice("panel", "Panneau de bois"),
        Choice("film", "Film de protection"),
        Choice("polycarbonate", "Plaque transparente"),
        Choice("final_pane", "Vitrage définitif"),
        Choice("none", "Aucune"),
    ),
)

PANE = (*GLASS, PROTECTION, *COMMON)
AFTER_BREAK_IN = (*BREAK_IN, *GLASS, PROTECTION, *COMMON)

_SECURING_KIT = ("contreplaqué", "film adhésif", "visseuse", "gants anti-coupure", "ventouses", "bâche")
_PANE_KIT = (*_SECURING_KIT, "mastic", "coupe-verre", "mètre")

TYPES = (
    InterventionType(
        "BRIS_VITRE_SIMPLE", "Vitre simple cassée", Priority.P2, 60, _PANE_KIT, PANE, NextStep.SECOND_VISIT
    ),
    InterventionType(
        "BRIS_DOUBLE_VITRAGE", "Double vitrage cassé", Priority.P2, 60, _PANE_KIT, PANE, NextStep.SEPARATE_QUOTE
    ),
    InterventionType(
        "VITRINE_COMMERCE",
        "Vitrine de commerce cassée",
        Priority.P1,
        90,
        (*_SECURING_KIT, "grands panneaux", "étais"),
        PANE,
        NextStep.SEPARATE_QUOTE,
    ),
    InterventionType("PORTE_VITREE", "Porte vitrée cassée", Priority.P2, 75, _PANE_KIT, PANE, NextStep.SEPARATE_QUOTE),
    InterventionType(
        "VELUX",
        "Fenêtre de toit cassée",
        Priority.P2,
        90,
        (*_SECURING_KIT, "harnais", "échelle de toit"),
        PANE,
        NextStep.SEPARATE_QUOTE,
    ),
    InterventionType(
        "MISE_EN_SECURITE_PROVISOIRE",
        "Mise en sécurité provisoire : panneau ou film",
        Priority.P1,
        60,
        _SECURING_KIT,
        PANE,
        NextStep.SEPARATE_QUOTE,
    ),
    InterventionType(
        "SURVITRAGE",
        "Survitrage, amélioration du vitrage",
        Priority.P3,
        60,
        _PANE_KIT,
        PANE,
        NextStep.SEPARATE_QUOTE,
    ),
    InterventionType(
        "FENETRE_NE_FERME_PLUS",
        "Fenêtre qui ne ferme plus",
        Priority.P2,
        60,
        ("crémones", "paumelles", "visserie", "contreplaqué"),
        (PROTECTION, *COMMON),
        NextStep.SECOND_VISIT,
    ),
    InterventionType(
        "EFFRACTION",
        "Vitrage cassé par effraction",
        Priority.P1,
        75,
        _SECURING_KIT,
        AFTER_BREAK_IN,
        NextStep.SEPARATE_QUOTE,
    ),
)
