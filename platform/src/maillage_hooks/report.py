"""Report fields that every trade asks, and those of a break-in: documents rely on their codes."""

from maillage_hooks.types import FieldKind, ReportField

CAUSE = ReportField("cause", "Cause constatée", FieldKind.LONG_TEXT, required=True)
WORK_DONE = ReportField("work_done", "Travaux réalisés", FieldKind.LONG_TEXT, required=True)
MADE_SAFE = ReportField(
    "made_safe",
    "Mis en sécurité",
    FieldKind.BOOLEAN,
    required=True,
    help="Plus de danger ni de dégât qui s’aggrave à votre départ.",
)
FOLLOW_UP = ReportField(
    "follow_up", "Suite à donner", FieldKind.LONG_TEXT, help="Devis séparé, pièce à commander, autre visite."
)

COMMON = (CAUSE, WORK_DONE, MADE_SAFE, FOLLOW_UP)
"""The mandatory core of any report: cause, works, state on leaving, what follows."""

BREAK_IN = (
    ReportField("entry_point", "Accès forcé", required=True, help="Porte d’entrée, fenêtre de la cuisine…"),
    ReportField("damage", "Dégâts constatés", FieldKind.LONG_TEXT, required=True),
    ReportField("securing_measures", "Mesures de mise en sécurité", FieldKind.LONG_TEXT, required=True),
    ReportField("traces_preserved", "Traces préservées", FieldKind.BOOLEAN, required=True),
    ReportField("police_called", "Police ou gendarmerie prévenue", FieldKind.BOOLEAN, required=True),
    ReportField("complaint_number", "Numéro de plainte", help="Le client le reçoit au dépôt de plainte."),
)
"""R93, before `COMMON` on the types that follow a break-in."""
