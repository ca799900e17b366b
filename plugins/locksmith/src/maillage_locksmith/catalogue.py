"""The locksmith intervention types (R84): default urgency, usual minutes on site, tool kit, report fields, next step.

Minutes and tool kits are working values of the project, to be reviewed with the trade (legal.md, section J).
"""

from maillage_hooks.report import BREAK_IN, COMMON
from maillage_hooks.types import Choice, FieldKind, InterventionType, NextStep, Priority, ReportField

IDENTITY_CHECK = ReportField(
    "identity_check",
    "Vérification de l’identité et du domicile",
    FieldKind.CHOICE,
    required=True,
    choices=(
        Choice("before", "Pièce d’identité et justificatif vus avant l’ouverture"),
        Choice("after", "Vus après l’ouverture"),
        Choice("witness", "Confirmée par le propriétaire, le bailleur ou un voisin"),
        Choice("officer", "Ouverture en présence d’un commissaire de justice ou des forces de l’ordre"),
        Choice("refused", "Doute : ouverture refusée"),
    ),
    help="Le résultat seul : ni copie, ni photo, ni numéro de la pièce.",
)
LOCK_KIND = ReportField(
    "lock_kind",
    "Type de serrure",
    FieldKind.CHOICE,
    required=True,
    choices=(
        Choice("single", "Un point"),
        Choice("multipoint", "Plusieurs points"),
        Choice("armoured", "Porte blindée"),
        Choice("other", "Autre"),
    ),
)
OPENING_METHOD = ReportField(
    "opening_method",
    "Méthode d’ouverture",
    FieldKind.CHOICE,
    required=True,
    choices=(
        Choice("non_destructive", "Sans dégât"),
        Choice("picking", "Crochetage"),
        Choice("drilling", "Perçage du cylindre"),
        Choice("none", "Pas d’ouverture"),
    ),
)
CYLINDER = ReportField("cylinder_fitted", "Cylindre ou serrure posés : marque, dimensions")
KEYS_HANDED = ReportField("keys_handed", "Clés remises", FieldKind.NUMBER)

OPENING = (IDENTITY_CHECK, LOCK_KIND, OPENING_METHOD, CYLINDER, KEYS_HANDED, *COMMON)
REPAIR = (LOCK_KIND, CYLINDER, KEYS_HANDED, *COMMON)
AFTER_BREAK_IN = (LOCK_KIND, *BREAK_IN, CYLINDER, KEYS_HANDED, *COMMON)

_OPENING_KIT = ("radios d’ouverture", "crochets", "parapluies", "perceuse", "extracteur")
_CYLINDER_KIT = ("cylindres européens 30×30 à 40×60", "extracteur", "perceuse", "lubrifiant")
_SECURING_KIT = (*_CYLINDER_KIT, "panneaux de contreplaqué", "verrous provisoires", "équerres", "visserie")

TYPES = (
    InterventionType("PORTE_CLAQUEE", "Porte claquée", Priority.P2, 30, _OPENING_KIT, OPENING),
    InterventionType("PORTE_VERROUILLEE", "Porte fermée à clé", Priority.P2, 45, _OPENING_KIT, OPENING),
    InterventionType(
        "PERTE_CLES",
        "Clés perdues",
        Priority.P2,
        60,
        (*_OPENING_KIT, *_CYLINDER_KIT[:1]),
        OPENING,
        NextStep.SEPARATE_QUOTE,
    ),
    InterventionType("VOL_CLES", "Clés volées", Priority.P2, 60, (*_OPENING_KIT, *_CYLINDER_KIT[:1]), OPENING),
    InterventionType("CLE_CASSEE", "Clé cassée dans la serrure", Priority.P2, 45, _CYLINDER_KIT, OPENING),
    InterventionType("CYLINDRE_HS", "Cylindre bloqué ou hors service", Priority.P2, 45, _CYLINDER_KIT, OPENING),
    InterventionType(
        "SERRURE_MULTIPOINTS_HS",
        "Serrure multipoints hors service",
        Priority.P2,
        90,
        (*_CYLINDER_KIT, "coffre multipoints de dépannage"),
        OPENING,
        NextStep.SECOND_VISIT,
    ),
    InterventionType(
        "EFFRACTION_MISE_EN_SECURITE",
        "Mise en sécurité après effraction",
        Priority.P1,
        90,
        _SECURING_KIT,
        AFTER_BREAK_IN,
        NextStep.SEPARATE_QUOTE,
    ),
    InterventionType(
        "PORTE_NE_FERME_PLUS",
        "Porte qui ne ferme plus",
        Priority.P2,
        60,
        _SECURING_KIT,
        REPAIR,
        NextStep.SECOND_VISIT,
    ),
    InterventionType(
        "RIDEAU_METALLIQUE",
        "Rideau métallique bloqué",
        Priority.P2,
        90,
        ("treuil", "manivelle", "fusibles", "lames de secours"),
        REPAIR,
        NextStep.SECOND_VISIT,
    ),
    InterventionType(
        "PORTE_GARAGE",
        "Porte de garage bloquée",
        Priority.P3,
        75,
        ("câbles", "ressorts", "serrures de garage", "visserie"),
        REPAIR,
        NextStep.SECOND_VISIT,
    ),
)
