"""What people read for the codes of this domain."""

from maillage_tenants.customers.models import ConsumerStatus, CustomerKind, PremisesUse

KINDS = {CustomerKind.PERSON: "Personne", CustomerKind.ORGANISATION: "Organisation"}
CONSUMER_STATUSES = {
    ConsumerStatus.CONSUMER: "Particulier",
    ConsumerStatus.NON_PROFESSIONAL: "Non-professionnel",
    ConsumerStatus.SMALL_PROFESSIONAL: "Professionnel, 5 salariés au plus",
    ConsumerStatus.PROFESSIONAL: "Professionnel, plus de 5 salariés",
    ConsumerStatus.PUBLIC: "Organisme public",
}
CONSUMER_HINTS = {
    ConsumerStatus.CONSUMER: "Il agit pour ses besoins privés.",
    ConsumerStatus.NON_PROFESSIONAL: "Association, syndicat de copropriétaires…",
    ConsumerStatus.SMALL_PROFESSIONAL: "Protégé comme un particulier hors de son activité principale.",
    ConsumerStatus.PROFESSIONAL: "Commerce, bailleur, entreprise…",
    ConsumerStatus.PUBLIC: "Commune, école, hôpital…",
}
PREMISES = {
    PremisesUse.DWELLING: "Logement",
    PremisesUse.BUSINESS: "Local professionnel",
    PremisesUse.MIXED: "Usage mixte",
}
COMPLETED = {True: "Achevé depuis plus de deux ans", False: "Achevé depuis moins de deux ans", None: "Âge non connu"}
