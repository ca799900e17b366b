"""Refusals of recordings."""

from maillage_kit.errors import Invalid, TooLarge


class NotASound(Invalid):
    code = "not_a_sound"
    message = "Ce fichier n’est pas un enregistrement WAV."


class SoundTooLarge(TooLarge):
    code = "sound_too_large"
    message = "Cet enregistrement est trop long."
