"""Who calls a cooperative's API, and what for: the scopes, the caller, and how a token is turned into one.

The control plane issues tokens and verifies them; a cooperative's own code sees an `ApiCaller` only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from maillage_kit.errors import AppError


class Scope(StrEnum):
    """What an application may do in one cooperative; `sentence` says it to the person who allows it."""

    REQUESTS_WRITE = "requests:write"
    INTERVENTIONS_READ = "interventions:read"
    QUOTES_APPROVE = "quotes:approve"
    ONCALL_READ = "oncall:read"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    DOCUMENTS_READ = "documents:read"
    INVOICES_READ = "invoices:read"
    REVIEWS_READ = "reviews:read"
    WEBHOOKS_MANAGE = "webhooks:manage"
    COVERAGE_READ = "coverage:read"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Scope.REQUESTS_WRITE: "Déposer et annuler des demandes d’intervention",
    Scope.INTERVENTIONS_READ: "Suivre les interventions : état, délais, chronologie",
    Scope.QUOTES_APPROVE: "Lire les devis et les accepter ou les refuser",
    Scope.ONCALL_READ: "Voir qui est d’astreinte, et quand",
    Scope.CUSTOMERS_READ: "Lire les clients, leurs sites et leurs contrats",
    Scope.CUSTOMERS_WRITE: "Ajouter et modifier des clients, leurs sites et leurs contrats",
    Scope.DOCUMENTS_READ: "Lire les photos et les documents des interventions",
    Scope.INVOICES_READ: "Lire les notes, les factures et les avoirs",
    Scope.REVIEWS_READ: "Lire les avis des clients",
    Scope.WEBHOOKS_MANAGE: "Choisir les adresses prévenues de ce qui se passe, et les changer",
    Scope.COVERAGE_READ: "Voir le territoire couvert : communes, secteurs, métiers",
}


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """An application that calls the API of one cooperative, with what it may do there at this moment."""

    client_id: str
    client_name: str
    cooperative_id: UUID
    scopes: frozenset[Scope]
    token_id: str
    user_id: UUID | None = None  # set when an application acts for a person


class InvalidToken(AppError):
    """The access token is missing its mark somewhere: signature, time, audience, or it was taken back (RFC 6750)."""

    code = "invalid_token"
    status = 401
    message = "Le jeton d’accès n’est pas valable, ou ne l’est plus."
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


@runtime_checkable
class TokenVerifier(Protocol):
    """Turns an access token into its caller. Only tokens meant for `audience` pass."""

    async def verify(self, token: str, *, audience: str) -> ApiCaller:
        """Raises InvalidToken, whatever the reason: the log has it."""
        ...
