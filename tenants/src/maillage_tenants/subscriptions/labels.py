"""What people read for the codes of this domain, with the tone and the icon of a state."""

from maillage_tenants.subscriptions.models import ContractChannel, LegalNature, PlanState
from maillage_tenants.subscriptions.rules import STANDING_LABELS, Standing

PLAN_STATES = {
    PlanState.DRAFT: ("Brouillon", "neutral", "pen"),
    PlanState.LEGAL_REVIEW: ("À valider juridiquement", "warning", "shield"),
    PlanState.PUBLISHED: ("Proposée", "success", "check"),
    PlanState.WITHDRAWN: ("Retirée", "neutral", "close"),
}
STANDINGS = {
    Standing.DRAFT: (STANDING_LABELS[Standing.DRAFT], "warning", "clock"),
    Standing.COMING: (STANDING_LABELS[Standing.COMING], "info", "calendar"),
    Standing.ACTIVE: (STANDING_LABELS[Standing.ACTIVE], "success", "check"),
    Standing.ENDED: (STANDING_LABELS[Standing.ENDED], "neutral", "close"),
}
CHANNELS = {
    ContractChannel.DISTANCE_PHONE: "Par téléphone",
    ContractChannel.DISTANCE_WEB: "En ligne",
    ContractChannel.IN_PREMISES: "Dans nos locaux",
    ContractChannel.OFF_PREMISES: "Chez le client ou lors d’une visite",
}
LEGAL_NATURES = {
    LegalNature.SERVICE: "Service : disponibilité et délais",
    LegalNature.MAINTENANCE: "Entretien : visites régulières",
    LegalNature.PARTNER_INSURANCE: "Assurance d’un partenaire",
}
