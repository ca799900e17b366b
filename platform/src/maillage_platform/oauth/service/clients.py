"""The applications of a cooperative: added, changed, given a new secret, revoked. Each act is in its audit log."""

import structlog

from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import new_token, token_hash
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Conflict, Invalid
from maillage_kit.ids import new_id
from maillage_kit.witness import Witness
from maillage_platform.oauth.client_form import ClientForm, checked
from maillage_platform.oauth.models import ApiClient
from maillage_platform.oauth.rules import FORMER_SECRET_LIFE, AuthMethod

log = structlog.get_logger(__name__)


async def add_client(
    session: PlatformSession,
    *,
    witness: Witness,
    cooperative: CooperativeContext,
    form: ClientForm,
    by: str,
    in_production: bool,
) -> tuple[ApiClient, str | None]:
    """Add an application. Returns it, and its secret when it has one: not stored, never shown again. Raises Invalid."""
    facts = checked(form, in_production=in_production)
    secret = new_token() if facts.auth_method is AuthMethod.SECRET else None
    client = ApiClient(
        id=new_id(),
        cooperative_id=cooperative.id,
        name=facts.name,
        auth_method=facts.auth_method,
        grants=list(facts.grants),
        redirect_uris=list(facts.redirect_uris),
        scopes=list(facts.scopes),
        jwks=facts.jwks,
        secret_hash=None if secret is None else token_hash(secret),
        changed_at=clock.now(),
        changed_by=by,
    )
    session.add(client)
    await session.flush()
    await _record(witness, cooperative, client, by=by, action="oauth.add_client", scopes=client.scopes)
    return client, secret


async def change_client(
    session: PlatformSession,
    *,
    witness: Witness,
    cooperative: CooperativeContext,
    client: ApiClient,
    form: ClientForm,
    by: str,
    in_production: bool,
) -> None:
    """Change an application; how it proves itself stays. A scope it loses is lost at once, in running tokens too.

    Raises Invalid, or Conflict when it is revoked.
    """
    _living(client)
    facts = checked(form, in_production=in_production)
    if facts.auth_method != client.auth_method:
        raise Invalid(fields={"auth_method": "Cela ne se change pas : ajoutez une autre application."})
    client.name, client.jwks = facts.name, facts.jwks
    client.grants, client.redirect_uris = list(facts.grants), list(facts.redirect_uris)
    client.scopes = list(facts.scopes)
    client.changed_at, client.changed_by = clock.now(), by
    await session.flush()
    await _record(witness, cooperative, client, by=by, action="oauth.change_client", scopes=client.scopes)


async def rotate_secret(
    session: PlatformSession,
    *,
    witness: Witness,
    cooperative: CooperativeContext,
    client: ApiClient,
    by: str,
    cut_former: bool,
) -> str:
    """A new secret, shown this once. The former one serves one more day, unless it was stolen (`cut_former`).

    Raises Conflict for a revoked application, or one that has no secret.
    """
    _living(client)
    if client.auth_method != AuthMethod.SECRET:
        raise Conflict("Cette application n’a pas de secret : elle signe avec sa clé.")
    now, secret = clock.now(), new_token()
    client.former_secret_hash = None if cut_former else client.secret_hash
    client.former_secret_until = None if cut_former else now + FORMER_SECRET_LIFE
    client.secret_hash = token_hash(secret)
    client.changed_at, client.changed_by = now, by
    await session.flush()
    await _record(witness, cooperative, client, by=by, action="oauth.rotate_secret", cut_former=cut_former)
    return secret


async def revoke_client(
    session: PlatformSession, *, witness: Witness, cooperative: CooperativeContext, client: ApiClient, by: str
) -> None:
    """The application is nobody any more: its running tokens are refused within seconds. Twice is harmless."""
    if client.revoked_at is not None:
        return
    client.revoked_at = clock.now()
    client.secret_hash = client.former_secret_hash = client.former_secret_until = None
    client.changed_at, client.changed_by = clock.now(), by
    await session.flush()
    await _record(witness, cooperative, client, by=by, action="oauth.revoke_client")


def _living(client: ApiClient) -> None:
    if client.revoked_at is not None:
        raise Conflict("Cette application est révoquée. Ajoutez-en une autre.")


async def _record(
    witness: Witness, cooperative: CooperativeContext, client: ApiClient, *, by: str, action: str, **detail: object
) -> None:
    log.info(action.replace(".", "_"), client=str(client.id))
    await witness(
        cooperative.id,
        actor=by,
        action=action,
        subject_type="oauth_client",
        subject_id=client.id,
        detail={"name": client.name, **detail},
    )
