"""What the voice says of its own, in French, when the application cannot be asked. Red situations first (R86, R104)."""

from typing import Final

SAFETY_FIRST: Final = (
    "Si vous sentez le gaz, ne touchez à rien d’électrique, sortez et appelez le 0 800 47 33 33. "
    "En cas de feu ou de personne en danger, raccrochez et appelez le 18 ou le 112."
)
PUT_THROUGH: Final = "Un instant, nous vous mettons en relation avec une personne de la coopérative."
NEXT_ONE: Final = "Nous essayons un autre numéro. Ne quittez pas."
WHISPER: Final = "Appel d’urgence de votre coopérative. Tapez 1 pour accepter, 2 pour refuser."
REFUSED: Final = "C’est noté. La personne suivante est appelée."
ALREADY_TAKEN: Final = "Cette demande est déjà prise. Merci."
GOODBYE: Final = "Merci de votre appel. Au revoir."
LEAVE_MESSAGE: Final = (
    "Personne ne répond pour le moment. Après le signal, laissez votre nom, l’adresse et votre numéro : "
    "nous vous rappelons tout de suite."
)
NOBODY: Final = (
    "Nous ne pouvons pas vous mettre en relation pour le moment. Rappelez dans un instant. "
    "En cas de danger, appelez le 18 ou le 112. Pour une odeur de gaz, le 0 800 47 33 33."
)

FIXED: Final[dict[str, str]] = {
    "voice_safety_first": SAFETY_FIRST,
    "voice_put_through": PUT_THROUGH,
    "voice_next_one": NEXT_ONE,
    "voice_whisper": WHISPER,
    "voice_refused": REFUSED,
    "voice_already_taken": ALREADY_TAKEN,
    "voice_goodbye": GOODBYE,
    "voice_leave_message": LEAVE_MESSAGE,
    "voice_nobody": NOBODY,
}
"""The sentences above by name: their sound is made ahead by `./maillage prompts`."""
