"""Recordings: what was said and kept. Voice messages of callers whom nobody could answer, conversations when the
cooperative chose so and the caller did not object (R70), and the cooperative's own voice for the switchboard's words.

Invariants: nothing is kept that was not announced; each listening is audited; after 180 days the sound is gone, unless
the call is held for a dispute; a sentence that changed is no longer said by the recording of the old one.
"""

from .choice import choose, is_on
from .keeping import Kept, announce, keep, kept_of, sound_of
from .models import RecordingKind, RecordingState
from .prompts import PromptLine, forget_prompt, prompt_sound, prompts, record_prompt, version_for
from .purging import PURGED_AFTER, Held, held, hold, release

__all__ = [
    "PURGED_AFTER",
    "Held",
    "Kept",
    "PromptLine",
    "RecordingKind",
    "RecordingState",
    "announce",
    "choose",
    "forget_prompt",
    "held",
    "hold",
    "is_on",
    "keep",
    "kept_of",
    "prompt_sound",
    "prompts",
    "record_prompt",
    "release",
    "sound_of",
    "version_for",
]
