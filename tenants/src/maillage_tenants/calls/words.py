"""What the callers and the artisans hear, in French. Pure. Red situations come first (R86, R104)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from maillage_hooks import TradeRegistry, safety
from maillage_kit.clock import paris
from maillage_kit.phone import show_phone
from maillage_tenants.calls.plan import Spoken

SAFETY_FIRST = Spoken(
    "safety_first",
    f"Si vous sentez le gaz, ne touchez à rien d’électrique, sortez et appelez le {safety.GAS_EMERGENCY}. "
    f"En cas de feu ou de personne en danger, raccrochez et appelez le {safety.FIRE_BRIGADE} "
    f"ou le {safety.EUROPEAN_EMERGENCY}.",
)
DANGER_READ_OUT = Spoken("danger_read_out", " ".join(safety.GAS_SMELL.script.lines))
DANGER_OTHER = Spoken(
    "danger_other",
    f"Pour un feu, une personne blessée ou en danger : le {safety.FIRE_BRIGADE} ou le {safety.EUROPEAN_EMERGENCY}. "
    f"Pour un malaise ou une électrocution : le {safety.SAMU}. Pour un intrus : le {safety.POLICE}.",
)
DANGER_END = Spoken(
    "danger_end", "Quand le danger est passé, rappelez-nous. Raccrochez maintenant et appelez les secours."
)
ASK_POSTCODE = Spoken("ask_postcode", "Tapez les cinq chiffres du code postal du lieu à dépanner.")
POSTCODE_AGAIN = Spoken("postcode_again", "Nous n’avons pas reconnu ce code postal.")
CHOICE_AGAIN = Spoken("choice_again", "Nous n’avons pas compris votre choix.")
ACCEPT_OR_REFUSE = "Tapez 1 pour accepter, 2 pour refuser."
ACCEPTED = Spoken("accepted", "Merci. Vous êtes en relation.")
REFUSED = Spoken("refused", "C’est noté. La personne suivante est appelée.")
ALREADY_TAKEN = Spoken("already_taken", "Cette demande est déjà prise. Merci.")
CALLER_GONE = Spoken("caller_gone", "La personne qui appelait a raccroché. Merci.")
HOLD_ON = Spoken("hold_on", "Ne quittez pas.")
NEXT_ONE = Spoken("next_one", "Nous appelons une autre personne de garde. Ne quittez pas.")
GOODBYE = Spoken("goodbye", "Merci de votre appel. Au revoir.")
RESCUE = Spoken("rescue", "Un instant, nous vous mettons en relation avec une personne de la coopérative.")
RESCUE_NEXT = Spoken("rescue_next", "Nous essayons un autre numéro. Ne quittez pas.")


def greeting(cooperative_name: str) -> Spoken:
    return Spoken("greeting", f"Vous êtes bien chez {cooperative_name}, dépannage d’urgence.")


def danger_digit(trades: TradeRegistry) -> str:
    """The key for a danger: 9, or 0 when a trade has taken 9 (a trade never has 0)."""
    return "0" if any(plugin.trade.keypad_digit == 9 for plugin in trades) else "9"


def danger_choice(digit: str) -> Spoken:
    return Spoken("danger_choice", f"Pour une odeur de gaz ou un danger immédiat, tapez {digit}.")


def trade_choices(trades: TradeRegistry) -> Spoken:
    choices = (f"Pour {plugin.trade.spoken}, tapez {plugin.trade.keypad_digit}." for plugin in trades)
    return Spoken("trade_choices", " ".join(choices))


def numbered(choices: Sequence[str]) -> str:
    return " ".join(f"Pour {choice}, tapez {digit}." for digit, choice in enumerate(choices, start=1))


OTHER_COMMUNE = Spoken("other_commune", "Pour une autre commune, tapez 9.")
OTHER_PLACE = Spoken("other_place", "Pour un autre lieu, tapez 0.")


def calling_for(commune: str | None) -> str:
    return f"Nous appelons la personne de garde pour {commune}. Ne quittez pas." if commune else HOLD_ON


def whisper(*, cooperative: str, who: str, where: str, trade: str, recognised: bool, recorded: bool = False) -> str:
    """What the person rung hears before the key: who, where, what (R103), and that the talk is recorded (R70)."""
    known = "abonné ou client connu" if recognised else "appelant non reconnu"
    kept = "Cette conversation est enregistrée. " if recorded else ""
    return f"Appel d’urgence, {cooperative}. {trade}. {who}, {known}. {where}. {kept}{ACCEPT_OR_REFUSE}"


def who(customer: str | None, caller: str | None) -> str:
    return customer or (f"Appelant du {show_phone(caller)}" if caller else "Numéro masqué")


def where(address: str | None, commune: str | None, postcode: str | None) -> str:
    if address and commune:
        return f"{address}, {commune}"
    return commune or (f"code postal {postcode}" if postcode else "Lieu à demander")


def call_taken(*, number: str, trade: str, who: str, caller: str | None, where: str, masked: bool = False) -> str:
    """The text message to who accepted: it carries the number to call, the phone showed the cooperative's (R103).

    `masked`: that number is one of the cooperative's, which leads to the caller.
    """
    reached = f"{show_phone(caller)} (numéro masqué)" if masked else show_phone(caller)
    return f"{number}, {trade}. {who}, {reached}. {where}."


def missed_text(cooperative: str, at: datetime) -> str:
    return (
        f"{cooperative} : à {paris(at):%H h %M}, nous n’avons pas pu vous passer un artisan. Nous vous rappelons tout "
        f"de suite. Gaz : {safety.GAS_EMERGENCY}. Danger : {safety.FIRE_BRIGADE} ou {safety.EUROPEAN_EMERGENCY}."
    )


MISSED = Spoken(
    "missed",
    "Nous n’avons pas réussi à joindre un artisan. Votre appel est enregistré et nos équipes sont alertées : "
    "nous vous rappelons tout de suite. En cas de danger, appelez le 18 ou le 112.",
)
MISSED_MASKED = Spoken(
    "missed_masked",
    "Nous n’avons pas réussi à joindre un artisan et votre numéro est masqué : rappelez-nous en le laissant "
    "apparaître. Nos équipes sont alertées. En cas de danger, appelez le 18 ou le 112.",
)
LEAVE_MESSAGE = Spoken(
    "leave_message",
    "Après le signal, dites votre nom, votre numéro, votre adresse et ce qui se passe, puis raccrochez.",
)


def missed_spoken(has_number: bool) -> Spoken:
    return MISSED if has_number else MISSED_MASKED


def taken_but_cut(name: str) -> str:
    return f"Votre demande est prise en charge par {name}, qui vous rappelle tout de suite."


UNKNOWN_NUMBER = Spoken("unknown_number", "Bonjour. Ce numéro n’est rattaché à aucun service de dépannage.")
NOBODY_AT_ALL = Spoken(
    "nobody_at_all",
    "Nous ne pouvons pas vous mettre en relation pour le moment. Rappelez dans un instant. "
    f"En cas de danger, appelez le {safety.FIRE_BRIGADE} ou le {safety.EUROPEAN_EMERGENCY}. "
    f"Pour une odeur de gaz, le {safety.GAS_EMERGENCY}.",
)
RECORDING_NOTICE = Spoken(
    "recording_notice",
    "Cette conversation peut être enregistrée pour le suivi de votre demande. Pour vous y opposer, tapez étoile : "
    "le service reste le même.",
)
NOT_RECORDED = Spoken("not_recorded", "C’est noté : cet appel ne sera pas enregistré.")
MESSAGE_KEPT = Spoken("message_kept", "Merci, votre message est bien enregistré. Nous vous rappelons tout de suite.")
MASKED_HOLD = Spoken("masked_hold", "Ne quittez pas, nous vous mettons en relation.")
MASKED_NO_ANSWER = Spoken("masked_no_answer", "Votre correspondant ne répond pas. Rappelez un peu plus tard.")
ARTISAN_NO_ANSWER = Spoken(
    "artisan_no_answer", "Votre artisan ne répond pas. Nous vous passons le service de dépannage."
)

OWN_VOICE = "Phrase enregistrée par la coopérative."

SENTENCES: Mapping[str, Spoken] = {
    sentence.prompt: sentence for sentence in list(globals().values()) if isinstance(sentence, Spoken)
}
"""Every fixed sentence by its stable name."""


def sentences_of(cooperative_name: str, trades: TradeRegistry) -> Mapping[str, Spoken]:
    """Every sentence that this cooperative may say with its own voice, by name: the fixed ones, and those that only
    change with its name or its trades."""
    own = [greeting(cooperative_name), danger_choice(danger_digit(trades))]
    if len(trades) > 1:
        own.append(trade_choices(trades))
    return {**{sentence.prompt: sentence for sentence in own}, **SENTENCES}
