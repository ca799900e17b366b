"""What the federation knows of each cooperative's watch: told by events, never read in a cooperative's tables."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit.db import PlatformSession
from maillage_platform.federation.models import WatchState
from maillage_platform.outbox import StoredEvent


async def keep(session: PlatformSession, event: StoredEvent) -> None:
    """Remember a watch call judged or a change of the findings; other events change nothing. Events come in order."""
    if event.type == "watch.WatchCallJudged":
        values = _judged(event.payload, event.occurred_at)
    elif event.type == "watch.FindingsChanged":
        values = {"findings": int(event.payload["open"])}
    else:
        return
    first = {"failed_in_a_row": 0, "last_failure": "", "findings": 0, **values}
    if values.get("failed_in_a_row"):
        values["failed_in_a_row"] = WatchState.failed_in_a_row + 1
    await session.execute(
        insert(WatchState)
        .values(cooperative_id=event.cooperative_id, **first)
        .on_conflict_do_update(index_elements=[WatchState.cooperative_id], set_=values)
    )


def _judged(payload: dict[str, Any], at: datetime) -> dict[str, Any]:
    if payload["succeeded"]:
        return {
            "last_run_at": at,
            "last_success_at": at,
            "last_seconds": payload["seconds"],
            "failed_in_a_row": 0,
            "last_failure": "",
        }
    return {"last_run_at": at, "failed_in_a_row": 1, "last_failure": payload["failure"]}


async def watch_states(session: PlatformSession, *, cooperative_ids: Iterable[UUID]) -> dict[UUID, WatchState]:
    """The state of these cooperatives' watches; one that never told anything is absent."""
    found = await session.scalars(sa.select(WatchState).where(WatchState.cooperative_id.in_(list(cooperative_ids))))
    return {state.cooperative_id: state for state in found}
