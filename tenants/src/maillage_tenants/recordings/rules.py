"""What a recording is, read from its bytes. Pure."""

import hashlib
import io
import wave
from dataclasses import dataclass

from maillage_tenants.recordings.errors import NotASound, SoundTooLarge

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_CONVERSATION_BYTES = 64 * 1024 * 1024
LONGEST_PROMPT_SECONDS = 30
PROMPT_RATES = (8000, 16000)


def is_wav(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WAVE"


def media_type(content: bytes) -> str:
    """`audio/wav` or `audio/mpeg`, from the first bytes. Raises NotASound."""
    if is_wav(content):
        return "audio/wav"
    if content.startswith(b"ID3") or (len(content) > 1 and content[0] == 0xFF and content[1] & 0xE0 == 0xE0):
        return "audio/mpeg"
    raise NotASound


def wav_seconds(content: bytes) -> int | None:
    """How long a WAV of any coding lasts, from its header; None when the header does not tell."""
    rate, size = 0, None
    place = 12
    while is_wav(content) and place + 8 <= len(content):
        name, length = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        if name == b"fmt ":
            rate = int.from_bytes(content[place + 16 : place + 20], "little")
        if name == b"data":
            size = min(length, len(content) - place - 8)
            break
        place += 8 + length + length % 2
    return None if not rate or size is None else round(size / rate)


@dataclass(frozen=True, slots=True)
class PromptSound:
    """A sound that may replace a sentence. `version` changes with the sound."""

    milliseconds: int
    version: str


def read_prompt(content: bytes) -> PromptSound:
    """Check a prompt: a mono WAV, 16-bit PCM, 8 or 16 kHz, at most 30 seconds. Raises NotASound, SoundTooLarge."""
    if not is_wav(content):
        raise NotASound
    try:
        with wave.open(io.BytesIO(content)) as sound:
            shape = (sound.getnchannels(), sound.getsampwidth())
            rate, frames = sound.getframerate(), sound.getnframes()
            really = len(sound.readframes(frames)) // max(1, shape[0] * shape[1])
    except (wave.Error, EOFError) as exc:
        raise NotASound("Ce fichier WAV n’est pas lisible : enregistrez-le en PCM, 16 bits.") from exc
    if shape != (1, 2) or rate not in PROMPT_RATES:
        raise NotASound("Enregistrez en mono, PCM 16 bits, à 8 000 ou 16 000 Hz.")
    if not really:
        raise NotASound("Cet enregistrement est vide.")
    if really > LONGEST_PROMPT_SECONDS * rate:
        raise SoundTooLarge(f"{LONGEST_PROMPT_SECONDS} secondes au plus.")
    return PromptSound(round(really * 1000 / rate), hashlib.sha256(content).hexdigest()[:16])


def words_digest(words: str) -> str:
    """What a sentence is recognised by: it changes with each letter."""
    return hashlib.sha256(words.encode()).hexdigest()[:16]
