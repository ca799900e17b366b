"""The identity providers of a cooperative, or of the federation: added, changed, switched off, found."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
import structlog

from maillage_kit import clock
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Conflict, Invalid, NotFound
from maillage_kit.guarded_http import CallRefused
from maillage_kit.ids import new_id
from maillage_platform.cooperatives.models import Cooperative, CooperativeState
from maillage_platform.identity import sessions
from maillage_platform.identity.errors import OpenIdRefused
from maillage_platform.identity.models import IdentityProvider
from maillage_platform.identity.openid_client import OpenIdClient, Relying

log = structlog.get_logger(__name__)
FEDERATION_PLACE = "federation"
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
# mailboxes that anybody may open: an allow-list of these would let everybody in
_EVERYBODYS = frozenset([
    "gmail.com", "googlemail.com", "outlook.com", "outlook.fr", "hotmail.com", "hotmail.fr", "live.com", "live.fr",
    "msn.com", "yahoo.com", "yahoo.fr", "ymail.com", "icloud.com", "me.com", "proton.me", "protonmail.com",
    "gmx.com", "gmx.fr", "aol.com", "orange.fr", "wanadoo.fr", "free.fr", "sfr.fr", "laposte.net", "bbox.fr",
    "numericable.fr", "neuf.fr", "club-internet.fr", "mailo.com",
])  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderForm:
    """What an administrator typed. An empty `client_secret` keeps the stored one (or means a public client)."""

    name: str
    issuer: str
    client_id: str
    client_secret: str
    allowed_domains: str


async def providers_of(session: PlatformSession, *, cooperative_id: UUID | None) -> Sequence[IdentityProvider]:
    """The providers of a cooperative (of the federation: None), the active ones first. A handful at most."""
    found = await session.scalars(
        sa.select(IdentityProvider)
        .where(IdentityProvider.cooperative_id.is_not_distinct_from(cooperative_id))
        .order_by(IdentityProvider.active.desc(), IdentityProvider.name)
    )
    return found.all()


async def places_with_providers(session: PlatformSession) -> list[tuple[str, str]]:
    """(short name, name) of every open cooperative that has an active provider, and of the federation."""
    rows = await session.execute(
        sa.select(Cooperative.slug, Cooperative.name)
        .distinct()
        .join_from(IdentityProvider, Cooperative, Cooperative.id == IdentityProvider.cooperative_id, isouter=True)
        .where(
            IdentityProvider.active,
            sa.or_(Cooperative.id.is_(None), Cooperative.state == CooperativeState.ACTIVE),
        )
        .order_by(Cooperative.name)
    )
    return [(slug or FEDERATION_PLACE, name or "Fédération") for slug, name in rows.all()]


async def providers_at(session: PlatformSession, *, place: str) -> Sequence[IdentityProvider]:
    """The active providers of a cooperative by its short name, or of the federation."""
    statement = sa.select(IdentityProvider).where(IdentityProvider.active).order_by(IdentityProvider.name)
    if place == FEDERATION_PLACE:
        statement = statement.where(IdentityProvider.cooperative_id.is_(None))
    else:
        statement = statement.join(Cooperative).where(Cooperative.slug == place)
    return (await session.scalars(statement)).all()


async def active_provider(session: PlatformSession, provider_id: UUID) -> IdentityProvider:
    """Raises NotFound when it is unknown or switched off."""
    found = await session.get(IdentityProvider, provider_id)
    if found is None or not found.active:
        raise NotFound
    return found


async def provider_of(session: PlatformSession, *, provider_id: UUID, cooperative_id: UUID | None) -> IdentityProvider:
    """One provider of that cooperative. Raises NotFound for another cooperative's."""
    found = await session.get(IdentityProvider, provider_id)
    if found is None or found.cooperative_id != cooperative_id:
        raise NotFound
    return found


async def save_provider(
    session: PlatformSession,
    *,
    openid: OpenIdClient,
    cipher: FieldCipher,
    cooperative_id: UUID | None,
    form: ProviderForm,
    by: str,
    provider: IdentityProvider | None = None,
    draft_id: UUID | None = None,
) -> IdentityProvider:
    """Add a provider (as `draft_id`, whose addresses were shown), or change one, once its metadata make sense.

    Another issuer or client ends the sessions opened before. Raises Invalid (which field, why) or Conflict.
    """
    domains, fields = _domains(form.allowed_domains)
    if not form.name:
        fields["name"] = "Donnez le nom que verront vos collègues."
    if not form.client_id:
        fields["client_id"] = "Recopiez l’identifiant de client donné par le fournisseur."
    issuer = form.issuer
    try:
        openid.http.check_form(issuer)
        issuer = await _issuer_as_said(openid, issuer)
    except CallRefused:
        fields["issuer"] = "Écrivez l’adresse complète de l’émetteur, en https, sans mot de passe."
    except OpenIdRefused as refused:
        log.warning("openid_provider_refused", reason=refused.reason, detail=refused.detail)
        fields["issuer"] = {
            "unreachable": "Aucun fournisseur d’identité ne répond à cette adresse.",
            "issuer": "Le fournisseur qui répond à cette adresse s’annonce sous une autre.",
        }.get(refused.reason, f"Ce fournisseur ne convient pas : {refused.detail}.")
    if fields:
        raise Invalid(fields=fields)
    same = sa.select(IdentityProvider.id).where(
        IdentityProvider.cooperative_id.is_not_distinct_from(cooperative_id),
        IdentityProvider.issuer == issuer,
        IdentityProvider.client_id == form.client_id,
        IdentityProvider.id.is_distinct_from(provider.id if provider else None),
    )
    if await session.scalar(same):
        raise Conflict("Ce fournisseur est déjà enregistré.")
    if provider is None:
        if draft_id is not None and await session.get(IdentityProvider, draft_id) is not None:
            raise Conflict("Ce fournisseur est déjà enregistré.")
        provider = IdentityProvider(id=draft_id or new_id(), cooperative_id=cooperative_id, active=True)
        session.add(provider)
    elif (provider.issuer, provider.client_id) != (issuer, form.client_id):
        await sessions.revoke_all_of_provider(session, provider_id=provider.id)
        if not form.client_secret:
            provider.client_secret = None
    provider.name, provider.issuer, provider.client_id = form.name, issuer, form.client_id
    provider.allowed_domains = domains
    provider.changed_at, provider.changed_by = clock.now(), by
    if form.client_secret:
        provider.client_secret = cipher.encrypt(form.client_secret)
    await session.flush()
    log.info("openid_provider_saved", provider=str(provider.id), domains=len(domains))
    return provider


def facts_of(provider: IdentityProvider) -> dict[str, str]:
    """What of a provider may be told, by the names of the audit log: never its secret."""
    return {
        "provider": provider.name,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "domains": " ".join(provider.allowed_domains),
    }


async def switch_provider(session: PlatformSession, *, provider: IdentityProvider, active: bool, by: str) -> None:
    """Switch a provider on or off. Off ends the sessions it opened; the links to people are kept."""
    provider.active = active
    provider.changed_at, provider.changed_by = clock.now(), by
    if not active:
        await sessions.revoke_all_of_provider(session, provider_id=provider.id)
    log.info("openid_provider_switched", provider=str(provider.id), active=active)


def relying(provider: IdentityProvider, *, cipher: FieldCipher, public_url: str) -> Relying:
    """Us at that provider. Each provider has a return address of its own: answers cannot be mixed up (RFC 9700)."""
    return Relying(
        provider_id=provider.id,
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=cipher.decrypt(provider.client_secret) if provider.client_secret else None,
        redirect_uri=return_address(provider.id, public_url),
    )


def return_address(provider_id: UUID, public_url: str) -> str:
    return f"{public_url}/signin/openid/{provider_id}/callback"


def logout_address(provider_id: UUID, public_url: str) -> str:
    return f"{public_url}/signin/openid/{provider_id}/logout"


async def _issuer_as_said(openid: OpenIdClient, issuer: str) -> str:
    """People leave a final slash out or add one; the provider's own spelling is kept."""
    other = issuer.removesuffix("/") if issuer.endswith("/") else issuer + "/"
    try:
        await openid.discover(issuer, fresh=True)
    except OpenIdRefused as refused:
        if refused.reason != "issuer":
            raise
        try:
            await openid.discover(other, fresh=True)
        except OpenIdRefused:
            raise refused from None
        return other
    return issuer


def _domains(typed: str) -> tuple[list[str], dict[str, str]]:
    domains = sorted({part.removeprefix("@").lower() for part in re.split(r"[\s,;]+", typed) if part})
    for domain in domains:
        if not _DOMAIN.fullmatch(domain):
            return [], {"allowed_domains": f"« {domain} » n’est pas un nom de domaine."}
        if domain in _EVERYBODYS:
            return [], {"allowed_domains": f"Tout le monde peut avoir une adresse en {domain} : invitez par personne."}
    return domains, {}
