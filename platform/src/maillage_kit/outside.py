"""What leaves a cooperative's transaction: events, background tasks, live notices, and the little that a call must know
without the cooperative's schema. All happen at commit or not at all.

Each goes through one SECURITY DEFINER function of the control plane that stamps the cooperative from the current role,
so that it cannot be forged (docs/tenancy.md).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from maillage_kit.db import TenantSession
from maillage_kit.direct import DirectStatement
from maillage_kit.money import Money

_PUBLISH = DirectStatement(sa.text("select platform.publish_event(:type, cast(:payload as jsonb), :occurred_at)"))
_DEFER = DirectStatement(sa.text("select platform.tasks_defer(:task, cast(:args as jsonb), :run_at, :uniq, :queue)"))
_DEFER_EACH = DirectStatement(
    sa.text(
        "select platform.tasks_defer(:task, cast(told.args as jsonb), :run_at, told.uniq, 'default') "
        "from unnest(cast(:args as text[]), cast(:uniq as text[])) as told (args, uniq)"
    )
)
_CLAIM = sa.text("select platform.claim_number(:number)")
_RELEASE = sa.text("select platform.release_number(:number)")
_VOICE = sa.text("select platform.keep_voice(cast(:recording as boolean), cast(:prompts as jsonb))")
_NOTIFY = DirectStatement(sa.text("select platform.notify_live(:topic, :subject)"))


async def publish(session: TenantSession, event: Any, *, occurred_at: datetime) -> None:
    """Write an event to the outbox. `event` is a frozen dataclass in the past tense holding ids and codes only.

    The type is written `<domain>.<ClassName>`. Delivery is at least once, in commit order per cooperative.
    """
    told = {"type": event_type(type(event)), "payload": payload_of(event), "occurred_at": occurred_at}
    await _PUBLISH.all(session, told)


def publication(
    kind: type, payload: sa.ColumnElement[str], occurred_at: sa.ColumnElement[datetime]
) -> sa.ColumnElement[int]:
    """What `publish` says, as an expression: for a statement made once that goes to the database anyway. `kind` is the
    event's class, `payload` its `payload_of`."""
    return sa.func.platform.publish_event(
        sa.literal(event_type(kind), sa.Text), sa.cast(payload, JSONB), occurred_at, type_=sa.BigInteger
    )


def event_type(kind: type) -> str:
    """How the outbox names events of this class: `<domain>.<ClassName>`."""
    return f"{kind.__module__.split('.')[1]}.{kind.__name__}"


def payload_of(event: Any) -> str:
    """An event as JSON. Raises TypeError for what does not leave a cooperative."""
    if not is_dataclass(event) or isinstance(event, type):
        raise TypeError("an event is a dataclass instance")
    return json.dumps(asdict(event), default=to_json)


async def defer(
    session: TenantSession,
    task: str,
    args: Mapping[str, Any] | None = None,
    *,
    run_at: datetime | None = None,
    unique: str | None = None,
    queue: str = "default",
) -> None:
    """Ask for a background task once this transaction commits, now or at `run_at`.

    `unique`: while a task with that key waits, another is not added. A task only says "look now": the truth of a
    deadline stays in a domain row, so running twice or late is harmless.
    """
    await _DEFER.all(
        session,
        {
            "task": task,
            "args": json.dumps(dict(args or {}), default=to_json),
            "run_at": run_at,
            "uniq": unique,
            "queue": queue,
        },
    )


async def defer_each(
    session: TenantSession, task: str, args: Sequence[Mapping[str, Any]], *, run_at: datetime, unique: Sequence[str]
) -> None:
    """`defer`, once for each of `args`, in one statement; `unique` has one key for each."""
    told = [json.dumps(dict(one), default=to_json) for one in args]
    await _DEFER_EACH.all(session, {"task": task, "args": told, "run_at": run_at, "uniq": list(unique)})


async def notify(session: TenantSession, topic: str, subject: UUID | str | None = None) -> None:
    """Tell open pages of this cooperative, at commit, that `topic` changed; they fetch the fragment again."""
    await _NOTIFY.all(session, {"topic": topic, "subject": str(subject) if subject else ""})


def notice(topic: str, subject: sa.ColumnElement[Any]) -> sa.ColumnElement[None]:
    """What `notify` says, as an expression: for a statement made once that goes to the database anyway. `subject`: the
    text form of an id, or the empty text."""
    return sa.func.platform.notify_live(sa.literal(topic, sa.Text), subject)


async def claim_number(session: TenantSession, number: str) -> bool:
    """Say that calls to this number (E.164) are this cooperative's. False when it is another's, or a public number."""
    return bool((await session.execute(_CLAIM, {"number": number})).scalar_one())


async def release_number(session: TenantSession, number: str) -> None:
    """Calls to this number are no longer this cooperative's. Harmless when they were not."""
    await session.execute(_RELEASE, {"number": number})


async def keep_voice(
    session: TenantSession, *, recording: bool | None = None, prompts: Mapping[str, str] | None = None
) -> None:
    """What a call knows of this cooperative without its schema (`CooperativeContext.records_calls`, `.own_prompts`).

    None leaves as it was. Every process knows within a few seconds.
    """
    told = None if prompts is None else json.dumps(dict(prompts))
    await session.execute(_VOICE, {"recording": recording, "prompts": told})


def to_json(value: Any) -> Any:
    """JSON form of the few types that cross the boundary. Raises TypeError for anything else."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Money):
        return value.cents
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} does not leave a cooperative")
