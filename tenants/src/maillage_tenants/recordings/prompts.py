"""The switchboard's sentences in the cooperative's own voice."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import NotFound
from maillage_tenants import audit
from maillage_tenants.recordings import rules
from maillage_tenants.recordings.models import OwnPrompt


@dataclass(frozen=True, slots=True)
class PromptLine:
    """A sentence of the switchboard and its recording, when there is one. `stale`: it was made for other words."""

    name: str
    words: str
    version: str | None
    milliseconds: int
    recorded_at: datetime | None
    recorded_by: str | None
    stale: bool


async def prompts(session: TenantSession, *, sentences: Mapping[str, str]) -> tuple[PromptLine, ...]:
    """Every sentence, with its recording."""
    found = {
        row.name: row
        for row in await session.execute(
            sa.select(
                OwnPrompt.name,
                OwnPrompt.words,
                OwnPrompt.version,
                OwnPrompt.milliseconds,
                OwnPrompt.recorded_at,
                OwnPrompt.recorded_by,
            )
        )
    }
    lines = []
    for name, words in sentences.items():
        row = found.get(name)
        if row is None:
            lines.append(PromptLine(name, words, None, 0, None, None, stale=False))
            continue
        stale = row.words != words
        lines.append(
            PromptLine(name, words, row.version, row.milliseconds, row.recorded_at, row.recorded_by, stale=stale)
        )
    return tuple(lines)


async def record_prompt(session: TenantSession, *, name: str, words: str, content: bytes, by: str) -> None:
    """Say this sentence with that sound from now on. Raises NotASound, SoundTooLarge."""
    sound = rules.read_prompt(content)
    values = {
        "words": words,
        "version": sound.version,
        "milliseconds": sound.milliseconds,
        "content": content,
        "recorded_at": clock.now(),
        "recorded_by": by,
    }
    await session.execute(
        insert(OwnPrompt)
        .values(name=name, **values)
        .on_conflict_do_update(index_elements=[OwnPrompt.name], set_=values)
    )
    await audit.record(session, actor=by, action="recordings.prompt_recorded", subject_type="prompt", subject_id=name)
    await _tell(session)


async def forget_prompt(session: TenantSession, *, name: str, by: str) -> None:
    """Back to the synthetic voice. Raises NotFound when nothing was recorded."""
    gone = await session.execute(sa.delete(OwnPrompt).where(OwnPrompt.name == name).returning(OwnPrompt.name))
    if gone.scalar_one_or_none() is None:
        raise NotFound
    await audit.record(session, actor=by, action="recordings.prompt_forgotten", subject_type="prompt", subject_id=name)
    await _tell(session)


async def prompt_sound(session: TenantSession, *, name: str, version: str | None = None) -> bytes:
    """The sound of a sentence. Raises NotFound, also for a version that was replaced."""
    row = (
        await session.execute(sa.select(OwnPrompt.content, OwnPrompt.version).where(OwnPrompt.name == name))
    ).one_or_none()
    if row is None or (version is not None and row.version != version):
        raise NotFound
    return bytes(row.content)


def version_for(cooperative: CooperativeContext | None, *, name: str | None, words: str) -> str | None:
    """The version of the recording to be heard instead of these words, from memory; None: the synthetic voice."""
    told = cooperative.own_prompts.get(name) if cooperative is not None and name is not None else None
    if told is None:
        return None
    digest, _, version = told.partition(".")
    return version if digest == rules.words_digest(words) else None


async def _tell(session: TenantSession) -> None:
    found = await session.execute(sa.select(OwnPrompt.name, OwnPrompt.words, OwnPrompt.version))
    await outside.keep_voice(
        session, prompts={name: f"{rules.words_digest(words)}.{version}" for name, words, version in found}
    )
