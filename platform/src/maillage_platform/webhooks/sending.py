"""Sending what is due: claimed in one transaction, sent outside of any, noted in another.

A process killed in between leaves a claim that ends by itself after a minute, and the event is sent again under the
same id: at least once, never nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from maillage_kit import clock
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import Database
from maillage_kit.guarded_http import CallFailed, CallRefused, GuardedHttp
from maillage_platform.webhooks import queries, rules
from maillage_platform.webhooks.models import WebhookEndpoint
from maillage_platform.webhooks.rules import DeliveryState, Problem

log = structlog.get_logger(__name__)
ENDPOINTS_AT_ONCE = 20
EVENTS_AT_ONCE = 5
ROUNDS = 40


@dataclass(frozen=True, slots=True)
class _Claimed:
    id: UUID
    url: str
    secrets: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Outcome:
    id: UUID
    problem: Problem | None
    status: int | None


async def send_due(database: Database, *, cipher: FieldCipher, http: GuardedHttp) -> int:
    """Send what is due, each address on its own so that a slow one delays nobody else. Returns how many were tried."""
    async with database.platform() as session:
        endpoints = await queries.due_endpoints(session, now=clock.now(), limit=ENDPOINTS_AT_ONCE)
    tried = await asyncio.gather(*(_serve(database, each, cipher=cipher, http=http) for each in endpoints))
    return sum(tried)


async def _serve(database: Database, endpoint_id: UUID, *, cipher: FieldCipher, http: GuardedHttp) -> int:
    """What is due at one address, a few cases at a time, until nothing is or one of them fails."""
    tried = 0
    for _ in range(ROUNDS):
        claimed = await _claim(database, endpoint_id, cipher=cipher)
        if not claimed:
            break
        outcomes = await asyncio.gather(*(_send(http, each) for each in claimed))
        await _note(database, endpoint_id, outcomes)
        tried += len(outcomes)
        if any(outcome.problem is not None for outcome in outcomes):
            break
    return tried


async def _claim(database: Database, endpoint_id: UUID, *, cipher: FieldCipher) -> list[_Claimed]:
    now = clock.now()
    async with database.platform() as session:
        endpoint = await queries.open_endpoint(session, endpoint_id=endpoint_id)
        if endpoint is None:
            return []
        rows = await queries.due_deliveries(session, endpoint_id=endpoint_id, now=now, limit=EVENTS_AT_ONCE)
        for row in rows:
            row.next_at = now + rules.LEASE
            row.tried_from = row.tried_from or now
        if not rows:
            return []
        secrets = _secrets(endpoint, cipher)
        return [_Claimed(row.id, endpoint.url, secrets, row.body.encode()) for row in rows]


def _secrets(endpoint: WebhookEndpoint, cipher: FieldCipher) -> tuple[str, ...]:
    """Those that sign now: the present one first, the former one for a day after a rotation."""
    sealed = [endpoint.secret]
    until = endpoint.former_secret_until
    if endpoint.former_secret is not None and until is not None and clock.now() < until:
        sealed.append(endpoint.former_secret)
    return tuple(cipher.decrypt(each) for each in sealed)


async def _send(http: GuardedHttp, claimed: _Claimed) -> _Outcome:
    timestamp = int(clock.now().timestamp())
    headers = {
        "content-type": "application/json",
        "user-agent": "Maillage-Webhooks/1",
        "webhook-id": str(claimed.id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": rules.signature(
            claimed.secrets, message_id=str(claimed.id), timestamp=timestamp, body=claimed.body
        ),
    }
    try:
        answer = await http.post_bytes(claimed.url, body=claimed.body, headers=headers)
    except CallRefused:
        return _Outcome(claimed.id, Problem.ADDRESS, None)
    except CallFailed:
        return _Outcome(claimed.id, Problem.SILENCE, None)
    return _Outcome(claimed.id, rules.problem_of(answer.status), answer.status)


async def _note(database: Database, endpoint_id: UUID, outcomes: Sequence[_Outcome]) -> None:
    """Write what became of each; one settled meanwhile, or erased with its address, stays as it is."""
    now = clock.now()
    async with database.platform() as session:
        for outcome in sorted(outcomes, key=lambda each: each.id):
            row = await queries.locked_delivery(session, delivery_id=outcome.id)
            if row is None or row.state != DeliveryState.WAITING:
                continue
            row.attempts += 1
            row.tried_at, row.problem, row.status = now, outcome.problem, outcome.status
            again = rules.next_try(row.attempts, tried_from=row.tried_from or now, now=now)
            if outcome.problem is None:
                row.state, row.settled_at = DeliveryState.DELIVERED, now
            elif again is not None:
                row.next_at = again
            else:
                row.state, row.settled_at = DeliveryState.DEAD, now
                log.warning("webhook_given_up", delivery=str(row.id), endpoint=str(endpoint_id), problem=row.problem)
        if any(outcome.status == rules.GONE for outcome in outcomes):
            endpoint = await queries.open_endpoint(session, endpoint_id=endpoint_id)
            if endpoint is not None:  # 410: the receiver wants nothing more
                endpoint.paused_at = now
                log.warning("webhook_paused", endpoint=str(endpoint_id), reason="gone")
