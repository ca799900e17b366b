"""Reads of the webhooks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from maillage_kit.api_access import Scope
from maillage_kit.db import PlatformSession
from maillage_platform.oauth.models import ApiClient
from maillage_platform.webhooks.models import WebhookDelivery, WebhookEndpoint
from maillage_platform.webhooks.rules import DeliveryState


@dataclass(frozen=True, slots=True)
class Standing:
    """An endpoint in the list of the office, with what waits for it and what was given up."""

    endpoint: WebhookEndpoint
    waiting: int
    dead: int


async def endpoints_of(
    session: PlatformSession,
    *,
    cooperative_id: UUID,
    after: tuple[str, UUID] | None,
    limit: int,
    client_id: str | None = None,
) -> Sequence[WebhookEndpoint]:
    """The endpoints of a cooperative by name, after that place; of one application when `client_id` is given."""
    statement = (
        sa.select(WebhookEndpoint)
        .where(WebhookEndpoint.cooperative_id == cooperative_id)
        .order_by(WebhookEndpoint.name, WebhookEndpoint.id)
        .limit(limit)
    )
    if client_id is not None:
        statement = statement.where(WebhookEndpoint.client_id == client_id)
    if after:
        place = sa.tuple_(WebhookEndpoint.name, WebhookEndpoint.id)
        statement = statement.where(place > after)
    return (await session.scalars(statement)).all()


async def standings(session: PlatformSession, *, endpoints: Sequence[WebhookEndpoint]) -> tuple[Standing, ...]:
    """The same with their counts, in one query."""
    rows = await session.execute(
        sa.select(WebhookDelivery.endpoint_id, WebhookDelivery.state, sa.func.count())
        .where(
            WebhookDelivery.endpoint_id.in_([each.id for each in endpoints]),
            WebhookDelivery.state != DeliveryState.DELIVERED,
        )
        .group_by(WebhookDelivery.endpoint_id, WebhookDelivery.state)
    )
    counts = {(endpoint_id, state): count for endpoint_id, state, count in rows}
    return tuple(
        Standing(each, counts.get((each.id, DeliveryState.WAITING), 0), counts.get((each.id, DeliveryState.DEAD), 0))
        for each in endpoints
    )


async def count_endpoints(session: PlatformSession, *, cooperative_id: UUID) -> int:
    return (
        await session.scalars(sa.select(sa.func.count()).where(WebhookEndpoint.cooperative_id == cooperative_id))
    ).one()


async def endpoint_of(
    session: PlatformSession, *, endpoint_id: UUID, cooperative_id: UUID, client_id: str | None = None
) -> WebhookEndpoint | None:
    """One endpoint of that cooperative; of that application only when `client_id` is given."""
    statement = sa.select(WebhookEndpoint).where(
        WebhookEndpoint.id == endpoint_id, WebhookEndpoint.cooperative_id == cooperative_id
    )
    if client_id is not None:
        statement = statement.where(WebhookEndpoint.client_id == client_id)
    return (await session.scalars(statement)).one_or_none()


async def listening(session: PlatformSession, *, cooperative_id: UUID, name: str) -> Sequence[WebhookEndpoint]:
    """The endpoints of that cooperative, and of no other, that asked for events of this type."""
    return (
        await session.scalars(
            sa.select(WebhookEndpoint)
            .where(WebhookEndpoint.cooperative_id == cooperative_id, WebhookEndpoint.types.contains([name]), _open())
            .order_by(WebhookEndpoint.id)
        )
    ).all()


async def due_endpoints(session: PlatformSession, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Endpoints with something to send now, the longest waiting first."""
    return (
        await session.scalars(
            sa.select(WebhookDelivery.endpoint_id)
            .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
            .where(_due(WebhookDelivery, now), _open())
            .group_by(WebhookDelivery.endpoint_id)
            .order_by(sa.func.min(WebhookDelivery.next_at))
            .limit(limit)
        )
    ).all()


async def due_deliveries(
    session: PlatformSession, *, endpoint_id: UUID, now: datetime, limit: int
) -> Sequence[WebhookDelivery]:
    """What to send now to an endpoint, locked; at most one event of each case, the first that waits. What another
    process holds is passed over."""
    earlier = orm.aliased(WebhookDelivery)
    waits_behind = (
        sa.select(earlier.id)
        .where(
            earlier.endpoint_id == WebhookDelivery.endpoint_id,
            earlier.case_id == WebhookDelivery.case_id,
            earlier.state == DeliveryState.WAITING,
            earlier.position < WebhookDelivery.position,
        )
        .exists()
    )
    return (
        await session.scalars(
            sa.select(WebhookDelivery)
            .where(WebhookDelivery.endpoint_id == endpoint_id, _due(WebhookDelivery, now), ~waits_behind)
            .order_by(WebhookDelivery.position)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    ).all()


async def open_endpoint(session: PlatformSession, *, endpoint_id: UUID) -> WebhookEndpoint | None:
    """The endpoint, unless it is paused or gone."""
    return (
        await session.scalars(sa.select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, _open()))
    ).one_or_none()


async def locked_delivery(session: PlatformSession, *, delivery_id: UUID) -> WebhookDelivery | None:
    return (
        await session.scalars(sa.select(WebhookDelivery).where(WebhookDelivery.id == delivery_id).with_for_update())
    ).one_or_none()


async def deliveries_of(
    session: PlatformSession, *, endpoint_id: UUID, state: DeliveryState | None, before: int | None, limit: int
) -> Sequence[WebhookDelivery]:
    """The deliveries of an endpoint, last first, before that position."""
    statement = (
        sa.select(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint_id)
        .order_by(WebhookDelivery.position.desc())
        .limit(limit)
    )
    if state is not None:
        statement = statement.where(WebhookDelivery.state == state)
    if before is not None:
        statement = statement.where(WebhookDelivery.position < before)
    return (await session.scalars(statement)).all()


def _due(delivery: type[WebhookDelivery], now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(delivery.state == DeliveryState.WAITING, delivery.next_at <= now)


def _open() -> sa.ColumnElement[bool]:
    """Neither paused, nor of an application that was revoked or may no longer choose addresses."""
    ended = (
        sa.select(ApiClient.id)
        .where(
            sa.cast(ApiClient.id, sa.Text) == WebhookEndpoint.client_id,
            sa.or_(ApiClient.revoked_at.is_not(None), ~ApiClient.scopes.contains([Scope.WEBHOOKS_MANAGE.value])),
        )
        .exists()
    )
    return sa.and_(WebhookEndpoint.paused_at.is_(None), ~ended)
