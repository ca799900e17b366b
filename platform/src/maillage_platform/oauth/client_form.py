"""The form of an application: what the office typed, and what it comes to once everything in it makes sense."""

import json
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from maillage_kit.api_access import Scope
from maillage_kit.errors import Invalid
from maillage_platform.oauth.models import ApiClient
from maillage_platform.oauth.rules import (
    MAX_KEYS,
    MAX_REDIRECT_URIS,
    AuthMethod,
    GrantKind,
    in_order,
    is_return_address,
    known_scopes,
)

_MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientForm:
    """As typed: one address per line, the key set as JSON."""

    name: str = ""
    auth_method: str = AuthMethod.SECRET
    grants: tuple[str, ...] = ()
    redirect_uris: str = ""
    scopes: tuple[str, ...] = ()
    jwks: str = ""

    @classmethod
    def of(cls, client: ApiClient) -> "ClientForm":
        return cls(
            name=client.name,
            auth_method=client.auth_method,
            grants=tuple(client.grants),
            redirect_uris="\n".join(client.redirect_uris),
            scopes=tuple(client.scopes),
            jwks="" if client.jwks is None else json.dumps(client.jwks, indent=1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFacts:
    """The same, checked."""

    name: str
    auth_method: AuthMethod
    grants: tuple[GrantKind, ...]
    redirect_uris: tuple[str, ...]
    scopes: tuple[Scope, ...]
    jwks: dict[str, Any] | None


def checked(form: ClientForm, *, in_production: bool) -> ClientFacts:
    """Raises Invalid: which fields, and why."""
    fields: dict[str, str] = {}
    if not form.name:
        fields["name"] = "Donnez le nom que verront vos collègues."
    method = next((each for each in AuthMethod if each == form.auth_method), None)
    if method is None:
        fields["auth_method"] = "Choisissez comment l’application prouve qui elle est."
    grants = tuple(kind for kind in GrantKind if kind in form.grants)
    if not grants:
        fields["grants"] = "Choisissez au moins une façon de s’en servir."
    elif GrantKind.REFRESH_TOKEN in grants and GrantKind.AUTHORIZATION_CODE not in grants:
        fields["grants"] = "On ne reste autorisé que par une personne : choisissez aussi la deuxième façon."
    uris = tuple(dict.fromkeys(form.redirect_uris.split())) if GrantKind.AUTHORIZATION_CODE in grants else ()
    if GrantKind.AUTHORIZATION_CODE in grants:
        problem = _uris_problem(uris, in_production=in_production)
        if problem:
            fields["redirect_uris"] = problem
    scopes = tuple(in_order(known_scopes(form.scopes)))
    if not scopes:
        fields["scopes"] = "Choisissez ce que l’application pourra faire."
    jwks: dict[str, Any] | None = None
    if method is AuthMethod.PRIVATE_KEY_JWT:
        try:
            jwks = _public_key_set(form.jwks)
        except ValueError as wrong:
            fields["jwks"] = str(wrong)
    if fields or method is None:
        raise Invalid(fields=fields)
    return ClientFacts(name=form.name, auth_method=method, grants=grants, redirect_uris=uris, scopes=scopes, jwks=jwks)


def _uris_problem(uris: tuple[str, ...], *, in_production: bool) -> str | None:
    if not uris:
        return "Recopiez au moins une adresse de retour, donnée par l’application."
    if len(uris) > MAX_REDIRECT_URIS:
        return f"{MAX_REDIRECT_URIS} adresses de retour au plus."
    for uri in uris:
        if not is_return_address(uri, in_production=in_production):
            return f"« {uri[:80]} » ne convient pas : une adresse complète, en https, sans # ni mot de passe."
    return None


def _public_key_set(typed: str) -> dict[str, Any]:
    """A key set as RFC 7517 writes it, public halves only. Raises ValueError with words for people."""
    if not typed:
        raise ValueError("Collez le jeu de clés publiques (JWKS) donné par l’application.")
    try:
        told = json.loads(typed)
        keys = KeySet.import_key_set({"keys": [told]} if isinstance(told, dict) and "kty" in told else told).keys
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as exc:
        raise ValueError('Ce n’est pas un jeu de clés (JWKS) : du texte qui commence par {"keys": [.') from exc
    if not 1 <= len(keys) <= MAX_KEYS:
        raise ValueError(f"De 1 à {MAX_KEYS} clés.")
    public = []
    for key in keys:
        if not isinstance(key, RSAKey | ECKey | OKPKey):
            raise ValueError("Un secret partagé n’est pas une clé publique : RSA, EC ou Ed25519 seulement.")
        if key.is_private:
            raise ValueError("Une clé privée ne doit jamais quitter l’application : collez la moitié publique.")
        if isinstance(key, RSAKey) and key.raw_value.key_size < _MIN_RSA_BITS:
            raise ValueError(f"Une clé RSA a au moins {_MIN_RSA_BITS} bits.")
        public.append({**key.as_dict(private=False), "kid": key.kid or key.thumbprint()})
    if len({key["kid"] for key in public}) < len(public):
        raise ValueError("Deux clés portent le même nom (kid).")
    return {"keys": public}
