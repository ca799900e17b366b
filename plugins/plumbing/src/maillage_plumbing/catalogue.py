"""The plumbing intervention types (R84): default urgency, usual minutes on site, tool kit, report fields, next step.

Minutes and tool kits are working values of the project, to be reviewed with the trade (legal.md, section J).
"""

from maillage_hooks.report import COMMON
from maillage_hooks.types import Choice, FieldKind, InterventionType, NextStep, Priority, ReportField

LEAK_LOCATION = ReportField(
    "leak_location", "Emplacement exact de la fuite", required=True, help="Pièce, mur, profondeur, repère visible."
)
PIPE_TYPE = ReportField(
    "pipe_type",
    "Type de canalisation",
    FieldKind.CHOICE,
    required=True,
    choices=(
        Choice("copper", "Cuivre"),
        Choice("pex", "PER ou multicouche"),
        Choice("pvc", "PVC"),
        Choice("polyethylene", "Polyéthylène"),
        Choice("steel", "Acier galvanisé"),
        Choice("lead", "Plomb"),
        Choice("equipment", "Appareil ou équipement, pas une canalisation"),
    ),
)
CERTIFIABLE = ReportField(
    "pipe_after_meter",
    "Canalisation après compteur, hors équipement",
    FieldKind.BOOLEAN,
    required=True,
    help="Condition de l’attestation de fuite : ni appareil ménager, ni sanitaire, ni chauffage.",
)
REPAIRED_ON = ReportField("repaired_on", "Date de réparation", FieldKind.DATE, required=True)
METER_INDEX = ReportField("meter_index", "Index du compteur d’eau", FieldKind.NUMBER, unit="m³")
BOILER = (
    ReportField("boiler_model", "Marque et modèle de l’appareil", required=True),
    ReportField("error_code", "Code défaut affiché"),
    ReportField("left_running", "Appareil en marche au départ", FieldKind.BOOLEAN, required=True),
)
DRAIN = (
    ReportField("drain_point", "Point de bouchage", required=True),
    ReportField("flow_restored", "Écoulement rétabli", FieldKind.BOOLEAN, required=True),
)

PIPE_LEAK = (LEAK_LOCATION, PIPE_TYPE, CERTIFIABLE, REPAIRED_ON, METER_INDEX, *COMMON)
EQUIPMENT_LEAK = (LEAK_LOCATION, *COMMON)

_LEAK_KIT = (
    "clés à molette",
    "coupe-tube",
    "raccords à compression",
    "joints",
    "manchons de réparation",
    "aspirateur à eau",
)
_DRAIN_KIT = ("furet", "ventouse", "pompe à déboucher", "gants")
_HEATING_KIT = ("multimètre", "clé de purge", "manomètre", "détecteur de CO", "thermocouple")

TYPES = (
    InterventionType(
        "FUITE_ACTIVE",
        "Fuite sur canalisation, raccord ou flexible",
        Priority.P1,
        60,
        _LEAK_KIT,
        PIPE_LEAK,
        NextStep.NONE,
    ),
    InterventionType(
        "FUITE_ENCASTREE",
        "Fuite encastrée dans un mur ou un sol",
        Priority.P2,
        120,
        (*_LEAK_KIT, "détecteur acoustique", "caméra thermique", "burin"),
        PIPE_LEAK,
        NextStep.SEPARATE_QUOTE,
    ),
    InterventionType(
        "DDE_VOISIN",
        "Dégât des eaux chez un voisin",
        Priority.P2,
        75,
        (*_LEAK_KIT, "colorant de recherche"),
        PIPE_LEAK,
        NextStep.SEPARATE_QUOTE,
    ),
    InterventionType("WC_BOUCHE", "WC bouché", Priority.P2, 45, _DRAIN_KIT, (*DRAIN, *COMMON), NextStep.NONE),
    InterventionType(
        "WC_FUITE",
        "WC qui fuit ou qui coule sans arrêt",
        Priority.P2,
        45,
        ("flotteur", "mécanisme de chasse", "joints", "flexible"),
        EQUIPMENT_LEAK,
        NextStep.NONE,
    ),
    InterventionType(
        "DEGORGEMENT_EVIER", "Évier bouché", Priority.P3, 45, _DRAIN_KIT, (*DRAIN, *COMMON), NextStep.NONE
    ),
    InterventionType(
        "DEGORGEMENT_DOUCHE",
        "Douche, baignoire ou lavabo bouché",
        Priority.P3,
        45,
        _DRAIN_KIT,
        (*DRAIN, *COMMON),
        NextStep.NONE,
    ),
    InterventionType(
        "REFOULEMENT_EU",
        "Refoulement d’eaux usées",
        Priority.P2,
        90,
        (*_DRAIN_KIT, "hydrocureuse", "caméra d’inspection", "désinfectant"),
        (*DRAIN, *COMMON),
        NextStep.SECOND_VISIT,
    ),
    InterventionType(
        "ECS_PANNE",
        "Plus d’eau chaude",
        Priority.P3,
        60,
        ("multimètre", "résistance", "thermostat", "joints"),
        COMMON,
        NextStep.SECOND_VISIT,
    ),
    InterventionType(
        "ECS_FUITE_GS",
        "Chauffe-eau ou groupe de sécurité qui fuit",
        Priority.P2,
        60,
        (*_LEAK_KIT, "groupe de sécurité", "siphon"),
        EQUIPMENT_LEAK,
        NextStep.SEPARATE_QUOTE,
    ),
    InterventionType(
        "CHAUFFAGE_PANNE",
        "Plus de chauffage",
        Priority.P2,
        90,
        _HEATING_KIT,
        (*BOILER, *COMMON),
        NextStep.SECOND_VISIT,
    ),
    InterventionType(
        "CHAUDIERE_DEFAUT",
        "Chaudière en défaut",
        Priority.P2,
        90,
        _HEATING_KIT,
        (*BOILER, *COMMON),
        NextStep.SEPARATE_QUOTE,
    ),
    InterventionType(
        "RADIATEUR_FUITE",
        "Radiateur ou tuyau de chauffage qui fuit",
        Priority.P2,
        60,
        (*_LEAK_KIT, "clé de purge", "robinet thermostatique"),
        EQUIPMENT_LEAK,
        NextStep.SECOND_VISIT,
    ),
    InterventionType(
        "GEL",
        "Canalisation gelée",
        Priority.P2,
        90,
        (*_LEAK_KIT, "décapeur thermique", "isolant"),
        PIPE_LEAK,
        NextStep.SECOND_VISIT,
    ),
    InterventionType(
        "COUPURE_EAU_PARTIELLE",
        "Plus d’eau dans une partie du logement",
        Priority.P3,
        60,
        ("manomètre", "robinet d’arrêt", "réducteur de pression"),
        COMMON,
        NextStep.NONE,
    ),
    InterventionType("COMPTEUR", "Fuite sur le compteur d’eau", Priority.P3, 30, ("clés à molette",), COMMON),
    InterventionType("AVANT_COMPTEUR", "Fuite avant le compteur d’eau", Priority.P3, 30, ("clés à molette",), COMMON),
    InterventionType("ODEUR_GAZ", "Odeur de gaz", Priority.P0, 30, (), COMMON),
)
