"""Words and limits of the public pages. Pure."""

from collections.abc import Mapping

from maillage_tenants.interventions import State

FROM_ONE_PHONE = 3
"""Requests by web from one number in an hour."""
FROM_EVERYBODY = 40
"""Requests by web to one cooperative in ten minutes; above, the telephone is the way, and it is said."""

TRACKING: Mapping[State, tuple[str, str]] = {
    State.REQUESTED: ("Nous cherchons un artisan", "Gardez votre téléphone près de vous."),
    State.OFFERED: ("Nous cherchons un artisan", "Gardez votre téléphone près de vous."),
    State.ACCEPTED: ("Un artisan a accepté", "Il vous rappelle avant de partir."),
    State.EN_ROUTE: ("L’artisan est en route", ""),
    State.ON_SITE: ("L’artisan est arrivé", "Il établit un devis avant tous travaux."),
    State.MADE_SAFE: ("Le danger est écarté", "L’artisan termine son intervention."),
    State.ON_HOLD: ("L’intervention est suspendue", "La coopérative ou l’artisan vous rappelle."),
    State.PARTIAL: ("Une suite est prévue", "Il reste des travaux : la coopérative vous rappelle."),
    State.DONE: ("L’intervention est terminée", "La note vous est remise avant le paiement."),
    State.CLOSED: ("L’intervention est terminée", "Merci de votre confiance."),
    State.REDIRECTED: ("Appelez les secours", "Votre situation relève des secours ou d’un autre service."),
    State.CANCELLED: ("La demande est annulée", "Appelez-nous si vous avez encore besoin d’aide."),
}
"""What the customer reads: title, next step."""
