"""Dangers that any trade may meet on the phone: the first question, the words to read out, the redirects.

A trade puts `DANGER` first among its questions and starts its assessment with `danger_redirect`. Words follow R86,
numbers R86 and R87. A script is read aloud to somebody frightened: short sentences, one action each, nothing to
interpret.
"""

from collections.abc import Mapping

from maillage_hooks.types import Choice, Question, QuestionKind, Redirect, SafetyScript

SAMU = "15"
POLICE = "17"
FIRE_BRIGADE = "18"
EUROPEAN_EMERGENCY = "112"
GAS_EMERGENCY = "0 800 47 33 33"

# ----------------------------------------------- P0: the emergency services act, no artisan is sent (R87)

GAS_SMELL = Redirect(
    code="gas_smell",
    label="Odeur de gaz : Urgence sécurité gaz",
    phone_numbers=(GAS_EMERGENCY, FIRE_BRIGADE, EUROPEAN_EMERGENCY),
    script=SafetyScript(
        code="gas_smell",
        title="Odeur de gaz",
        lines=(
            "Pas de flamme, pas d’étincelle. Ne touchez à aucun interrupteur.",
            "N’utilisez pas le téléphone à l’intérieur.",
            "Ouvrez les fenêtres.",
            "Fermez le robinet du gaz.",
            "Sortez avec tout le monde et prévenez les voisins, sans sonner.",
            "Une fois dehors, appelez Urgence sécurité gaz : 0 800 47 33 33, gratuit, jour et nuit.",
            "Ou bien le 18, ou le 112.",
            "Citerne de propane : le numéro d’urgence du fournisseur est sur sa facture.",
        ),
    ),
)
CARBON_MONOXIDE = Redirect(
    code="carbon_monoxide",
    label="Suspicion de monoxyde de carbone",
    phone_numbers=(SAMU, FIRE_BRIGADE, EUROPEAN_EMERGENCY),
    script=SafetyScript(
        code="carbon_monoxide",
        title="Maux de tête, nausées : monoxyde de carbone",
        lines=(
            "Ouvrez les fenêtres.",
            "Arrêtez la chaudière et tout appareil à combustion, si c’est possible sans attendre.",
            "Sortez tout de suite avec tout le monde.",
            "Une fois dehors, appelez le 15, le 18 ou le 112.",
            "Ne rentrez pas avant l’accord des secours.",
        ),
    ),
)
FIRE = Redirect(
    code="fire",
    label="Incendie : pompiers",
    phone_numbers=(FIRE_BRIGADE, EUROPEAN_EMERGENCY),
    script=SafetyScript(
        code="fire",
        title="Incendie",
        lines=(
            "Sortez tout de suite et fermez les portes derrière vous.",
            "Ne prenez pas l’ascenseur.",
            "Si la fumée bloque la sortie : restez derrière une porte fermée et montrez-vous à la fenêtre.",
            "Appelez le 18 ou le 112.",
        ),
    ),
)
ELECTROCUTION = Redirect(
    code="electrocution",
    label="Électrocution ou étincelles : SAMU",
    phone_numbers=(SAMU, EUROPEAN_EMERGENCY),
    script=SafetyScript(
        code="electrocution",
        title="Électrocution",
        lines=(
            "Ne touchez pas la personne.",
            "Ne marchez pas dans l’eau.",
            "Coupez le disjoncteur général, seulement si vous y allez les pieds au sec.",
            "Appelez le 15 ou le 112.",
        ),
    ),
)
STRUCTURE = Redirect(
    code="structure",
    label="Plafond ou mur qui menace de tomber : pompiers",
    phone_numbers=(FIRE_BRIGADE, EUROPEAN_EMERGENCY),
    script=SafetyScript(
        code="structure",
        title="Plafond ou mur qui menace de tomber",
        lines=(
            "Quittez la pièce et fermez la porte.",
            "Ne percez pas le plafond, ne restez pas dessous.",
            "Faites sortir tout le monde.",
            "Appelez le 18 ou le 112.",
        ),
    ),
)
PERSON_IN_DANGER = Redirect(
    code="person_in_danger",
    label="Personne blessée, malade ou en danger : pompiers",
    phone_numbers=(FIRE_BRIGADE, SAMU, EUROPEAN_EMERGENCY),
    script=SafetyScript(
        code="person_in_danger",
        title="Personne en danger",
        lines=(
            "Appelez le 18 ou le 112 : les pompiers ouvrent la porte et soignent.",
            "Dites si la personne répond et si elle respire.",
            "Restez près d’elle, ou devant la porte, et parlez-lui.",
        ),
    ),
)
BURGLAR_PRESENT = Redirect(
    code="burglar_present",
    label="Intrus ou personne violente sur place : police, gendarmerie",
    phone_numbers=(POLICE, EUROPEAN_EMERGENCY),
    script=SafetyScript(
        code="burglar_present",
        title="Intrus ou personne violente sur place",
        lines=(
            "N’entrez pas. Si vous êtes dedans, sortez ou enfermez-vous.",
            "Mettez-vous à l’abri, loin de la porte.",
            "Appelez le 17. Si vous ne pouvez pas parler, envoyez un SMS au 114.",
            "Rappelez-nous quand la police ou la gendarmerie est passée.",
        ),
    ),
)

DANGERS: Mapping[str, Redirect] = {
    redirect.code: redirect
    for redirect in (
        GAS_SMELL,
        CARBON_MONOXIDE,
        FIRE,
        ELECTROCUTION,
        STRUCTURE,
        PERSON_IN_DANGER,
        BURGLAR_PRESENT,
    )
}

DANGER = Question(
    code="danger",
    handler_text="Y a-t-il un danger en ce moment : odeur de gaz, feu, électricité, personne blessée ou enfermée, "
    "plafond qui tombe, intrus ?",
    public_text="Y a-t-il un danger en ce moment ?",
    choices=(
        Choice("none", "Aucun danger"),
        Choice("gas_smell", "Odeur de gaz"),
        Choice("carbon_monoxide", "Maux de tête ou nausées près d’une chaudière ou d’un poêle"),
        Choice("fire", "Feu ou fumée"),
        Choice("electrocution", "Personne électrocutée, ou étincelles dans l’eau"),
        Choice("structure", "Plafond ou mur qui menace de tomber"),
        Choice("person_in_danger", "Personne blessée, malade ou enfermée en danger"),
        Choice("burglar_present", "Intrus ou personne violente sur place"),
    ),
)
"""R85, question 1: the same for every trade, and always the first."""

VULNERABLE = Question(
    code="vulnerable",
    handler_text="Y a-t-il un bébé, une personne âgée, malade ou handicapée dans le logement ?",
    public_text="Un bébé, une personne âgée, malade ou handicapée est-il concerné ?",
    kind=QuestionKind.YES_NO,
)
"""R85, question 12: raises the priority where the trade says so."""


def danger_redirect(answers: Mapping[str, str]) -> Redirect | None:
    """The emergency service to call when the first question was answered by a danger (P0), None otherwise."""
    return DANGERS.get(answers.get(DANGER.code, ""))


# ----------------------------------------------- words for cases where an artisan does come (R86, R93)

WATER = SafetyScript(
    code="water",
    title="Fuite d’eau",
    lines=(
        "Fermez le robinet d’arrêt général, près du compteur.",
        "Ouvrez un robinet bas pour vider les tuyaux.",
        "Arrêtez le chauffe-eau.",
        "Si l’eau approche des prises : coupez le disjoncteur, les pieds au sec.",
        "Protégez ce qui craint l’eau et prenez des photos pour votre assureur.",
    ),
)
WET_ELECTRICITY = SafetyScript(
    code="wet_electricity",
    title="Eau près de l’électricité",
    lines=(
        "Ne touchez ni prise, ni appareil, ni tableau mouillé.",
        "Coupez le disjoncteur général, seulement si vous y allez les pieds au sec.",
        "Sinon, sortez de la pièce et appelez le 18.",
    ),
)
FREEZING = SafetyScript(
    code="freezing",
    title="Gel",
    lines=(
        "Fermez le robinet d’arrêt général.",
        "N’approchez jamais de flamme d’un tuyau gelé.",
        "Ouvrez un robinet bas et laissez dégeler doucement.",
    ),
)
BROKEN_GLASS = SafetyScript(
    code="broken_glass",
    title="Verre cassé",
    lines=(
        "Restez à distance, éloignez les enfants et les animaux.",
        "Mettez des chaussures et des gants épais avant d’approcher.",
        "N’enlevez pas de verre en hauteur.",
        "Prenez des photos pour votre assureur.",
    ),
)
AFTER_BREAK_IN = SafetyScript(
    code="after_break_in",
    title="Après une effraction",
    lines=(
        "Appelez le 17 et attendez son accord avant de ranger.",
        "Ne touchez à rien : gardez les traces.",
        "Prenez des photos.",
        "Gardez le numéro de la plainte : l’artisan le note sur son rapport.",
    ),
)
