"""What the callers and the artisans hear, in French. Pure. Red situations come first (R86, R104)."""

from collections.abc import Sequence
from datetime import datetime

from maillage_hooks import TradeRegistry, safety
from maillage_kit.clock import paris
from maillage_kit.phone import show_phone

SAFETY_FIRST = (
    f"Si vous sentez le gaz, ne touchez à rien d’électrique, sortez et appelez le {safety.GAS_EMERGENCY}. "
    f"En cas de feu ou de personne en danger, raccrochez et appelez le {safety.FIRE_BRIGADE} "
    f"ou le {safety.EUROPEAN_EMERGENCY}."
)
DANGER_READ_OUT = " ".join(safety.GAS_SMELL.script.lines)
DANGER_OTHER = (
    f"Pour un feu, une personne blessée ou en danger : le {safety.FIRE_BRIGADE} ou le {safety.EUROPEAN_EMERGENCY}. "
    f"Pour un malaise ou une électrocution : le {safety.SAMU}. Pour un intrus : le {safety.POLICE}."
)
DANGER_END = "Quand le danger est passé, rappelez-nous. Raccrochez maintenant et appelez les secours."
ASK_POSTCODE = "Tapez les cinq chiffres du code postal du lieu à dépanner."
POSTCODE_AGAIN = "Nous n’avons pas reconnu ce code postal."
CHOICE_AGAIN = "Nous n’avons pas compris votre choix."
ACCEPT_OR_REFUSE = "Tapez 1 pour accepter, 2 pour refuser."
ACCEPTED = "Merci. Vous êtes en relation."
REFUSED = "C’est noté. La personne suivante est appelée."
ALREADY_TAKEN = "Cette demande est déjà prise. Merci."
CALLER_GONE = "La personne qui appelait a raccroché. Merci."
HOLD_ON = "Ne quittez pas."
NEXT_ONE = "Nous appelons une autre personne de garde. Ne quittez pas."
GOODBYE = "Merci de votre appel. Au revoir."
RESCUE = "Un instant, nous vous mettons en relation avec une personne de la coopérative."
RESCUE_NEXT = "Nous essayons un autre numéro. Ne quittez pas."


def greeting(cooperative_name: str) -> str:
    return f"Vous êtes bien chez {cooperative_name}, dépannage d’urgence."


def danger_digit(trades: TradeRegistry) -> str:
    """The key for a danger: 9, or 0 when a trade has taken 9 (a trade never has 0)."""
    return "0" if any(plugin.trade.keypad_digit == 9 for plugin in trades) else "9"


def danger_choice(digit: str) -> str:
    return f"Pour une odeur de gaz ou un danger immédiat, tapez {digit}."


def trade_choices(trades: TradeRegistry) -> str:
    return " ".join(f"Pour {plugin.trade.spoken}, tapez {plugin.trade.keypad_digit}." for plugin in trades)


def numbered(choices: Sequence[str]) -> str:
    return " ".join(f"Pour {choice}, tapez {digit}." for digit, choice in enumerate(choices, start=1))


OTHER_PLACE = "Pour un autre lieu, tapez 0."


def calling_for(commune: str | None) -> str:
    return f"Nous appelons la personne de garde pour {commune}. Ne quittez pas." if commune else HOLD_ON


def whisper(*, cooperative: str, who: str, where: str, trade: str, recognised: bool) -> str:
    """What the person rung hears before the key: who, where, what (R103)."""
    known = "abonné ou client connu" if recognised else "appelant non reconnu"
    return f"Appel d’urgence, {cooperative}. {trade}. {who}, {known}. {where}. {ACCEPT_OR_REFUSE}"


def who(customer: str | None, caller: str | None) -> str:
    return customer or (f"Appelant du {show_phone(caller)}" if caller else "Numéro masqué")


def where(address: str | None, commune: str | None, postcode: str | None) -> str:
    if address and commune:
        return f"{address}, {commune}"
    return commune or (f"code postal {postcode}" if postcode else "Lieu à demander")


def call_taken(*, number: str, trade: str, who: str, caller: str | None, where: str) -> str:
    """The text message to who accepted: it carries the caller's number, the phone showed the cooperative's (R103)."""
    return f"{number}, {trade}. {who}, {show_phone(caller)}. {where}."


def missed_text(cooperative: str, at: datetime) -> str:
    return (
        f"{cooperative} : à {paris(at):%H h %M}, nous n’avons pas pu vous passer un artisan. Nous vous rappelons tout "
        f"de suite. Gaz : {safety.GAS_EMERGENCY}. Danger : {safety.FIRE_BRIGADE} ou {safety.EUROPEAN_EMERGENCY}."
    )


def missed_spoken(has_number: bool) -> str:
    if has_number:
        return (
            "Nous n’avons pas réussi à joindre un artisan. Votre appel est enregistré et nos équipes sont alertées : "
            "nous vous rappelons tout de suite. En cas de danger, appelez le 18 ou le 112."
        )
    return (
        "Nous n’avons pas réussi à joindre un artisan et votre numéro est masqué : rappelez-nous en le laissant "
        "apparaître. Nos équipes sont alertées. En cas de danger, appelez le 18 ou le 112."
    )


def taken_but_cut(name: str) -> str:
    return f"Votre demande est prise en charge par {name}, qui vous rappelle tout de suite."


def unknown_number() -> str:
    return "Bonjour. Ce numéro n’est rattaché à aucun service de dépannage."


def nobody_at_all() -> str:
    return (
        "Nous ne pouvons pas vous mettre en relation pour le moment. Rappelez dans un instant. "
        f"En cas de danger, appelez le {safety.FIRE_BRIGADE} ou le {safety.EUROPEAN_EMERGENCY}. "
        f"Pour une odeur de gaz, le {safety.GAS_EMERGENCY}."
    )
