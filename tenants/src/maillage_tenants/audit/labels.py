"""The words of the audit log, as its page says them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of acts to look for. `actions`: exact, or a whole domain (`customers.`)."""

    code: str
    label: str
    actions: tuple[str, ...]


KINDS = (
    Kind("sign_in", "Connexions", ("identity.signed_in",)),
    Kind(
        "people",
        "Personnes et rôles",
        ("identity.invited", "identity.role_changed", "identity.access_taken_back", "identity.keys_reset"),
    ),
    Kind(
        "providers",
        "Fournisseurs d’identité",
        (
            "identity.provider_added",
            "identity.provider_changed",
            "identity.provider_switched_on",
            "identity.provider_switched_off",
        ),
    ),
    Kind("access_codes", "Codes d’accès", ("customers.read_access_notes", "customers.write_access_notes")),
    Kind("exports", "Exports", ("audit.exported", "watch.read_forwards", "watch.send_forwards")),
    Kind("support", "Assistance de la fédération", ("support.",)),
    Kind("partners", "Applications et partenaires", ("oauth.", "webhooks.", "partners.")),
    Kind("recordings", "Enregistrements d’appels", ("recordings.",)),
    Kind("calls", "Appels et numéros", ("calls.", "masking.", "watch.choose")),
    Kind(
        "cases",
        "Interventions, devis, règlements, avis",
        ("interventions.", "quotes.", "invoices.", "payments.", "reviews."),
    ),
    Kind("customers", "Clients et contrats", ("customers.", "subscriptions.")),
    Kind("rota", "Planning et associés", ("rota.", "worktime.", "members.")),
    Kind("settings", "Tarifs et territoire", ("tariffs.", "territory.")),
    Kind("audit", "Le journal lui-même", ("audit.",)),
)

ACTIONS = {
    "identity.signed_in": "Connexion",
    "identity.invited": "Invitation",
    "identity.role_changed": "Rôle changé",
    "identity.access_taken_back": "Accès retiré",
    "identity.keys_reset": "Clés d’accès effacées",
    "identity.provider_added": "Fournisseur d’identité ajouté",
    "identity.provider_changed": "Fournisseur d’identité modifié",
    "identity.provider_switched_on": "Fournisseur d’identité remis en service",
    "identity.provider_switched_off": "Fournisseur d’identité mis hors service",
    "customers.read_access_notes": "Code d’accès lu",
    "customers.write_access_notes": "Code d’accès écrit",
    "customers.register": "Client inscrit",
    "customers.change": "Client modifié",
    "customers.import": "Clients importés",
    "customers.import_dwellings": "Logements importés",
    "customers.add_site": "Lieu ajouté",
    "customers.change_site": "Lieu modifié",
    "customers.change_referring_member": "Associé apporteur changé",
    "customers.record_phone_consent": "Accord de démarchage enregistré",
    "customers.revoke_phone_consent": "Accord de démarchage retiré",
    "customers.remove_phone": "Numéro effacé",
    "subscriptions.subscribe": "Contrat signé",
    "subscriptions.end": "Contrat terminé",
    "subscriptions.import": "Contrats importés",
    "reviews.answer": "Réponse à un avis",
    "support.allowed": "Assistance permise",
    "support.forbidden": "Assistance interdite",
    "support.entered": "Entrée de l’assistance",
    "support.read": "Page lue par l’assistance",
    "support.ended": "Fin de la visite de l’assistance",
    "oauth.add_client": "Application ajoutée",
    "oauth.change_client": "Application modifiée",
    "oauth.consent": "Application autorisée",
    "oauth.revoke_client": "Application retirée",
    "oauth.rotate_secret": "Secret d’une application changé",
    "oauth.theft_seen": "Jeton volé : accès coupé",
    "oauth.withdraw_consent": "Autorisation d’une application retirée",
    "partners.grant": "Clients montrés à une application",
    "partners.hide_customer": "Client caché à une application",
    "partners.show_customer": "Client montré à une application",
    "partners.show_everything": "Tous les clients montrés à une application",
    "partners.show_given_only": "Application ramenée à ses seuls clients",
    "webhooks.add_endpoint": "Adresse prévenue ajoutée",
    "webhooks.change_endpoint": "Adresse prévenue modifiée",
    "webhooks.pause_endpoint": "Adresse prévenue suspendue",
    "webhooks.resume_endpoint": "Adresse prévenue reprise",
    "webhooks.remove_endpoint": "Adresse prévenue retirée",
    "webhooks.replay": "Envois repris",
    "webhooks.rotate_secret": "Secret d’une adresse changé",
    "rota.discarded": "Brouillon de planning écarté",
    "rota.pattern_set": "Découpage des semaines changé",
    "rota.policy_set": "Règles du planning changées",
    "rota.repaired": "Planning réparé",
    "rota.school_break_added": "Vacances scolaires ajoutées",
    "rota.school_break_removed": "Vacances scolaires retirées",
    "rota.solved": "Planning calculé",
    "worktime.statement_printed": "Relevé d’astreintes imprimé",
    "rota.weights_set": "Poids de l’équité changés",
    "worktime.terms_set": "Conditions d’astreinte changées",
    "audit.exported": "Journal exporté",
    "audit.purged": "Entrées de plus d’un an effacées",
    "watch.read_forwards": "Liste de renvois lue",
    "watch.send_forwards": "Liste de renvois envoyée",
    "watch.choose": "Réglage de la veille",
    "recordings.listened": "Enregistrement écouté",
    "recordings.held": "Enregistrement gardé",
    "recordings.released": "Enregistrement rendu à l’effacement",
    "recordings.switched_on": "Enregistrement des appels réglé",
    "recordings.prompt_recorded": "Annonce enregistrée",
    "recordings.prompt_forgotten": "Annonce effacée",
    "calls.hung_up": "Appel raccroché",
    "masking.number_added": "Numéro masqué ajouté",
    "masking.number_retired": "Numéro masqué retiré",
    "interventions.danger_immediat": "Danger immédiat déclaré",
    "quotes.send": "Devis envoyé",
    "quotes.send_code": "Code de signature envoyé",
    "quotes.sign": "Devis signé",
    "quotes.signed_after_work": "Devis signé après les travaux",
    "payments.record": "Règlement inscrit",
    "rota.drafted": "Projet de planning ouvert",
    "rota.generated": "Planning calculé",
    "rota.imported": "Planning importé",
    "rota.published": "Planning publié",
    "rota.frozen": "Planning arrêté",
    "rota.duty_changed": "Astreinte changée",
    "rota.duty_removed": "Astreinte retirée",
    "rota.gap_filled": "Trou de planning comblé",
    "members.document_ended": "Document d’associé terminé",
    "tariffs.publish": "Tarif publié",
    "tariffs.withdraw": "Tarif retiré",
    "territory.commune_moved": "Commune changée de secteur",
    "territory.sector_created": "Secteur créé",
}
_FAMILIES = {"invoices.": "Note ou facture", "subscriptions.": "Formule d’abonnement"}

DETAILS = {
    "role": "rôle",
    "before": "rôle d’avant",
    "method": "par",
    "person": "personne",
    "customer": "client",
    "application": "application",
    "provider": "fournisseur",
    "issuer": "émetteur",
    "domains": "domaines admis",
    "changed": "changé",
    "why": "motif",
    "reason": "motif",
    "page": "page",
    "until": "jusqu’à",
    "minutes": "minutes",
    "entries": "entrées",
    "through": "jusqu’à l’entrée",
    "kind": "nature",
    "form": "forme",
    "number": "numéro",
    "rows": "lignes",
    "sites": "lieux",
    "semester": "semestre",
    "decision": "décision",
    "from": "de",
    "to": "à",
}


def words_of(action: str) -> str:
    """An act in words; never its code."""
    found = ACTIONS.get(action)
    if found is not None:
        return found
    return next((label for family, label in _FAMILIES.items() if action.startswith(family)), "Autre acte")


def detail_words(detail: Mapping[str, object]) -> str:
    """What an entry says besides, for people: what has a name in French and is not an identifier."""
    return ", ".join(f"{DETAILS[key]} : {value}" for key, value in detail.items() if key in DETAILS and value != "")
