"""What each kind of message is called, how urgent it is and how it is worded: one place, in French. Pure.

`text` is what is sent (the cooperative's name is put before it when it is not in it); `glance` is all that a locked
screen, a push service or a call read aloud may give away: neither a name nor an address (R72). `hint` is added to a
text message that can be answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from maillage_tenants.messages.models import Urgency

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of message. After `lasts` nobody needs it any more."""

    label: str
    urgency: Urgency = Urgency.PROMPT
    text: str = ""
    glance: str = ""
    hint: str = ""
    lasts: timedelta = _DAY


_E, _R = Urgency.EMERGENCY, Urgency.ROUTINE
TEMPLATES: Mapping[str, Template] = {
    # --- to the artisans
    "offer": Template(
        "Proposition",
        _E,
        "Dépannage {number}, {place}. Répondez sous {minutes} min : {url}",
        "Une intervention vous est proposée : ouvrez pour répondre.",
        "1 = je prends, 2 = non.",
        timedelta(minutes=15),
    ),
    "offer_withdrawn": Template(
        "Proposition retirée",
        text="{number} : déjà prise par un collègue. Merci, vous n’avez rien à faire.",
        glance="Une intervention proposée a été prise par un collègue.",
        lasts=timedelta(hours=1),
    ),
    "offer_exhausted": Template(
        "Personne n’a accepté",
        _E,
        "{number} : aucun artisan n’a accepté. {place}. Rappelez le client : {phone}.",
        "Aucun artisan n’a accepté une intervention. Rappelez le client.",
        lasts=timedelta(hours=1),
    ),
    "reply_taken": Template(
        "Réponse : déjà pris",
        text="{number} : déjà pris par un collègue. Merci de votre réponse, vous n’avez rien à faire.",
        lasts=timedelta(hours=1),
    ),
    "reply_yours": Template(
        "Réponse : c’est à vous",
        text="{number} est à vous. Rappelez le client avant de partir : {phone}. {url}",
        lasts=timedelta(hours=1),
    ),
    "reply_noted": Template(
        "Réponse : c’est noté",
        text="{number} : c’est noté, le suivant est prévenu.",
        lasts=timedelta(hours=1),
    ),
    "reply_which": Template(
        "Réponse : laquelle ?",
        text="Plusieurs demandes attendent votre réponse : choisissez sur votre page. {url}",
        lasts=timedelta(hours=1),
    ),
    "case_cancelled": Template(
        "Annulation",
        _E,
        "{number} est annulée : {reason}. Vous n’avez plus à vous déplacer.",
        "Une intervention est annulée : ouvrez avant de partir.",
        lasts=timedelta(hours=6),
    ),
    "call_taken": Template("Appel pris", glance="Le détail de l’appel que vous avez pris.", lasts=timedelta(hours=2)),
    "duty_changed": Template(
        "Planning modifié",
        _R,
        "Planning modifié : {news}. {place}.",
        "Votre planning d’astreinte a changé.",
        lasts=timedelta(days=3),
    ),
    "duty_soon": Template(
        "Astreinte dans trois jours",
        _R,
        "Vous êtes d’astreinte à partir de {start}, jusqu’à {end}, {place}.",
        "Vous êtes bientôt d’astreinte.",
        lasts=timedelta(days=3),
    ),
    "handover_in": Template(
        "Prise d’astreinte",
        text="À {at} vous prenez l’astreinte{after}, {place}.",
        glance="Vous prenez l’astreinte dans une heure.",
        lasts=timedelta(hours=1),
    ),
    "handover_out": Template(
        "Fin d’astreinte",
        text="À {at} vous passez l’astreinte à {name}, {phone}, {place}.",
        glance="Vous passez l’astreinte dans une heure.",
        lasts=timedelta(hours=1),
    ),
    "swap_asked": Template(
        "Échange demandé",
        text="{name} {asks}. Répondez dans « Mes astreintes », « Bourse ».",
        glance="Un collègue vous propose un changement d’astreinte.",
        lasts=timedelta(days=3),
    ),
    "duty_offered": Template(
        "Astreinte à prendre",
        _R,
        "Astreinte à prendre {period}, {place}, cédée par {name}. Le premier l’a : « Mes astreintes », « Bourse ».",
        "Une astreinte est à prendre : le premier l’a.",
        lasts=timedelta(days=3),
    ),
    "swap_answered": Template(
        "Réponse à un échange",
        text="{name} {verdict} : astreinte {period}, {place}.",
        glance="Un collègue a répondu à votre proposition.",
        lasts=timedelta(days=3),
    ),
    "absence_decided": Template(
        "Absence décidée",
        _R,
        "Votre absence {period} est {verdict}.",
        "La coopérative a répondu à votre demande d’absence.",
        lasts=timedelta(days=3),
    ),
    "try_out": Template(
        "Essai",
        text="message d’essai demandé par {name}. Si vous le lisez, tout fonctionne.",
        glance="Message d’essai : si vous le lisez, tout fonctionne.",
        lasts=timedelta(minutes=10),
    ),
    # --- to the customers
    "call_missed": Template("Appel manqué : on rappelle", lasts=timedelta(hours=1)),
    "case_accepted": Template(
        "Demande prise en charge",
        text="Votre demande {number} est prise en charge par {name}, qui vous rappelle.",
        lasts=timedelta(hours=6),
    ),
    "case_tracking": Template("Lien de suivi"),
    "danger_proof": Template(
        "Travaux avant signature",
        text=(
            "{cooperative} : avec votre accord, l’artisan met en sécurité avant la signature du devis ({danger}). "
            "Le devis vous est remis pendant cette visite. Pas d’accord ? {phone}"
        ),
    ),
    "signing_code": Template(
        "Code de signature",
        text=(
            "{code} est votre code pour signer le devis {number} de {amount} TTC. Valable 10 minutes. "
            "Ne le donnez que si vous acceptez ce devis."
        ),
        lasts=timedelta(minutes=10),
    ),
    "quote_copy": Template("Devis", lasts=timedelta(days=3)),
    "signed_quote_copy": Template("Devis signé", lasts=timedelta(days=3)),
    "note_copy": Template("Note", lasts=timedelta(days=3)),
    "invoice_copy": Template("Facture", _R, lasts=timedelta(days=3)),
    "credit_note_copy": Template("Avoir", _R, lasts=timedelta(days=3)),
    # --- to those who keep the service running
    "watch_silence": Template(
        "Appels d’essai muets",
        _E,
        glance="Le numéro unique ne répond plus aux appels d’essai.",
        lasts=timedelta(hours=6),
    ),
    "forward_list": Template("Liste de renvois"),
    "support_entered": Template(
        "Assistance de la fédération",
        text=(
            "{name}, de l’assistance de la fédération, lit vos pages jusqu’à {until}. Motif : {reason}. "
            "Pour y mettre fin : {url}"
        ),
        glance="L’assistance de la fédération est entrée, en lecture.",
        lasts=timedelta(hours=6),
    ),
}
_OTHER = Template("Message")


def template(purpose: str) -> Template:
    """The template of a purpose; a plain prompt message for one that has none."""
    return TEMPLATES.get(purpose, _OTHER)


def wording(purpose: str, **facts: object) -> str:
    """The text of a message. Raises KeyError for a purpose without text or a fact that is missing."""
    text = TEMPLATES[purpose].text
    if not text:
        raise KeyError(purpose)
    return text.format(**facts)
