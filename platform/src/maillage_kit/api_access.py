"""Who comes to the REST API with a token: the scopes, the caller that a token names, what verifies a token."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from maillage_kit.errors import AppError


class Scope(StrEnum):
    """What a token allows. A client is given those it asked for and that were granted, no other."""

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


class InvalidToken(AppError):
    """No token, one that is not ours, over, revoked, or meant for another cooperative."""

    code = "invalid_token"
    status = 401
    message = "Le jeton d’accès manque, n’est pas valable ou n’est plus valable."


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """The client that a token names, for one cooperative; `user_id` when a person gave it the token."""

    client_id: str
    client_name: str
    cooperative_id: UUID
    scopes: frozenset[Scope]
    token_id: str
    user_id: UUID | None = None


class TokenVerifier(Protocol):
    """What the composition root is given by whoever issues the tokens."""

    async def verify(self, token: str, *, audience: str) -> ApiCaller:
        """The caller of a token issued for `audience`. Raises InvalidToken."""
        ...
