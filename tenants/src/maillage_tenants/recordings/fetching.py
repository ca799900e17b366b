"""Fetching what a carrier holds, again after a while when it could not be reached; and saying so when it is lost."""

import hashlib
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import httpx
import sqlalchemy as sa

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError
from maillage_kit.http_client import http_client
from maillage_kit.settings import CarrierApiSettings
from maillage_tenants import alarms
from maillage_tenants.recordings import rules
from maillage_tenants.recordings.keeping import FETCH, LIMITS, check_size
from maillage_tenants.recordings.models import CallRecording, RecordingKind, RecordingState

RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
"""How long before each attempt after the first: a recording is ready a few seconds after it is announced."""
TIMEOUT_SECONDS = 30.0


class FetchFailed(Exception):
    """The carrier could not be reached or did not give the sound."""


class Fetcher(Protocol):
    """Gives the bytes at an address, `limit` of them at most. Raises FetchFailed, SoundTooLarge."""

    async def __call__(self, url: str, kind: RecordingKind) -> bytes: ...


async def fetch_recording(session: TenantSession, *, recording_id: UUID, attempt: int, fetcher: Fetcher) -> None:
    """One attempt. Kept, or asked again later; after the last attempt it is failed, with an alarm.

    A recording that is kept, failed or being fetched by another worker is left alone, so running twice is harmless.
    """
    row = await session.scalar(
        sa.select(CallRecording)
        .where(CallRecording.id == recording_id, CallRecording.state == RecordingState.WAITING)
        .with_for_update(skip_locked=True)
    )
    if row is None or row.source_url is None:
        return
    try:
        content = await fetcher(row.source_url, RecordingKind(row.kind))
        media = rules.media_type(content)
    except FetchFailed as exc:
        row.error = str(exc)[:300]
        if attempt <= len(RETRY_AFTER):
            await outside.defer(
                session,
                FETCH,
                {"recording_id": recording_id, "attempt": attempt + 1},
                run_at=clock.now() + RETRY_AFTER[attempt - 1],
            )
            return
        await _lost(session, row)
        return
    except AppError as exc:
        row.error = exc.message
        await _lost(session, row)
        return
    row.state, row.kept_at, row.error = RecordingState.KEPT, clock.now(), None
    row.content, row.content_type, row.size = content, media, len(content)
    row.sha256 = hashlib.sha256(content).hexdigest()
    row.seconds = row.seconds if row.seconds is not None else rules.wav_seconds(content)
    await session.flush()
    await outside.notify(session, "calls", row.call_id)


async def _lost(session: TenantSession, row: CallRecording) -> None:
    row.state = RecordingState.FAILED
    await session.flush()
    await alarms.raise_alarm(
        session,
        kind="recording_lost",
        severity=alarms.Severity.WARNING,
        title="Enregistrement non récupéré chez l’opérateur",
        detail=row.error or "",
        dedupe_key=f"recording:{row.id}",
        link=f"/calls/{row.call_id}",
        subject_id=row.call_id,
    )
    await outside.notify(session, "calls", row.call_id)


class CarrierFetcher:
    """Fetches over HTTP with the account's credentials. They are sent to the carrier's own API and nowhere else:
    a carrier may keep its recordings at another, signed, address."""

    def __init__(self, api: CarrierApiSettings) -> None:
        self._api = api

    async def __call__(self, url: str, kind: RecordingKind) -> bytes:
        ours = url.startswith(self._api.base_url.rstrip("/") + "/")
        if not ours and not url.startswith("https://"):
            raise FetchFailed("adresse sans https")
        auth = None
        if ours and self._api.is_set and self._api.auth_token is not None:
            auth = httpx.BasicAuth(self._api.account_sid, self._api.auth_token.get_secret_value())
        content = bytearray()
        try:
            async with (
                http_client(timeout=TIMEOUT_SECONDS, follow_redirects=not ours) as client,
                client.stream("GET", url, auth=auth, headers={"accept": "audio/wav"}) as answer,
            ):
                if answer.status_code != 200:
                    raise FetchFailed(f"réponse {answer.status_code}")
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > LIMITS[kind]:
                        check_size(kind, len(content))
        except httpx.HTTPError as exc:
            raise FetchFailed(type(exc).__name__) from exc
        return bytes(content)
