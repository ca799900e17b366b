"""The addresses of a cooperative: added, changed, paused, given a new secret, removed. Each act is in its audit log."""

import secrets

import structlog

from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Conflict, Invalid
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.ids import new_id
from maillage_kit.witness import Witness
from maillage_platform.webhooks import queries
from maillage_platform.webhooks.endpoint_form import EndpointForm, checked
from maillage_platform.webhooks.models import WebhookEndpoint
from maillage_platform.webhooks.rules import FORMER_SECRET_LIFE, MAX_ENDPOINTS, SECRET_BYTES, is_secret, new_secret

log = structlog.get_logger(__name__)


async def add_endpoint(
    session: PlatformSession,
    *,
    witness: Witness,
    cipher: FieldCipher,
    http: GuardedHttp,
    cooperative: CooperativeContext,
    form: EndpointForm,
    by: str,
    client_id: str | None = None,
    secret: str | None = None,
) -> tuple[WebhookEndpoint, str]:
    """Add an address. Returns it and its secret, which is sealed and never shown again.

    `client_id`: the application that adds it. `secret`: made by the other side, else here. Raises Invalid, or Conflict
    when the cooperative has too many.
    """
    facts = checked(form, http=http)
    if await queries.count_endpoints(session, cooperative_id=cooperative.id) >= MAX_ENDPOINTS:
        raise Conflict(f"Une coopérative a au plus {MAX_ENDPOINTS} adresses : retirez-en une.")
    secret = _new_secret() if secret is None else _checked_secret(secret)
    endpoint = WebhookEndpoint(
        id=new_id(),
        cooperative_id=cooperative.id,
        client_id=client_id,
        name=facts.name,
        url=facts.url,
        types=list(facts.types),
        secret=cipher.encrypt(secret),
        changed_at=clock.now(),
        changed_by=by,
    )
    session.add(endpoint)
    await session.flush()
    await record_act(witness, cooperative, endpoint, by=by, action="webhooks.add_endpoint", types=endpoint.types)
    return endpoint, secret


async def change_endpoint(
    session: PlatformSession,
    *,
    witness: Witness,
    http: GuardedHttp,
    cooperative: CooperativeContext,
    endpoint: WebhookEndpoint,
    form: EndpointForm,
    by: str,
) -> None:
    """Change an address; what waits goes to the new one. Raises Invalid."""
    facts = checked(form, http=http)
    endpoint.name, endpoint.url, endpoint.types = facts.name, facts.url, list(facts.types)
    await _changed(session, endpoint, by=by)
    await record_act(witness, cooperative, endpoint, by=by, action="webhooks.change_endpoint", types=endpoint.types)


async def pause_endpoint(
    session: PlatformSession,
    *,
    witness: Witness,
    cooperative: CooperativeContext,
    endpoint: WebhookEndpoint,
    paused: bool,
    by: str,
) -> None:
    """Stop telling an address, or tell it again. What happens meanwhile is not kept for it; what waited goes on."""
    if (endpoint.paused_at is not None) is paused:
        return
    endpoint.paused_at = clock.now() if paused else None
    await _changed(session, endpoint, by=by)
    action = "webhooks.pause_endpoint" if paused else "webhooks.resume_endpoint"
    await record_act(witness, cooperative, endpoint, by=by, action=action)


async def rotate_secret(
    session: PlatformSession,
    *,
    witness: Witness,
    cipher: FieldCipher,
    cooperative: CooperativeContext,
    endpoint: WebhookEndpoint,
    by: str,
    cut_former: bool,
    secret: str | None = None,
) -> str:
    """A new secret, shown this once. The former one signs too for one more day, unless it was stolen (`cut_former`).

    `secret`: made by the other side, else here. Raises Invalid.
    """
    secret = _new_secret() if secret is None else _checked_secret(secret)
    endpoint.former_secret = None if cut_former else endpoint.secret
    endpoint.former_secret_until = None if cut_former else clock.now() + FORMER_SECRET_LIFE
    endpoint.secret = cipher.encrypt(secret)
    await _changed(session, endpoint, by=by)
    await record_act(witness, cooperative, endpoint, by=by, action="webhooks.rotate_secret", cut_former=cut_former)
    return secret


async def remove_endpoint(
    session: PlatformSession,
    *,
    witness: Witness,
    cooperative: CooperativeContext,
    endpoint: WebhookEndpoint,
    by: str,
) -> None:
    """The address is told nothing any more; what waited for it is erased with it."""
    await session.delete(endpoint)
    await session.flush()
    await record_act(witness, cooperative, endpoint, by=by, action="webhooks.remove_endpoint")


async def record_act(
    witness: Witness,
    cooperative: CooperativeContext,
    endpoint: WebhookEndpoint,
    *,
    by: str,
    action: str,
    **detail: object,
) -> None:
    """One line in the audit log of the cooperative. The address itself may hold a key: only its host is written."""
    log.info(action.replace(".", "_"), endpoint=str(endpoint.id))
    host = endpoint.url.split("/")[2] if endpoint.url.count("/") > 1 else ""
    await witness(
        cooperative.id,
        actor=by,
        action=action,
        subject_type="webhook_endpoint",
        subject_id=endpoint.id,
        detail={"name": endpoint.name, "host": host, **detail},
    )


async def _changed(session: PlatformSession, endpoint: WebhookEndpoint, *, by: str) -> None:
    endpoint.changed_at, endpoint.changed_by = clock.now(), by
    await session.flush()


def _checked_secret(secret: str) -> str:
    if not is_secret(secret):
        raise Invalid(fields={"secret": "« whsec_ » suivi de 24 à 64 octets en base64."})
    return secret


def _new_secret() -> str:
    return new_secret(secrets.token_bytes(SECRET_BYTES))
