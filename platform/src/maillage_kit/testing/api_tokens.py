"""An authorization server for tests: real JWTs signed with a key of its own, verified as any other's would be."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from maillage_kit import clock
from maillage_kit.api_access import ApiCaller, InvalidToken, Scope
from maillage_kit.context import CooperativeContext

LIFE_SECONDS = 3600


@dataclass
class TokenIssuer:
    """Gives tokens and, as a `TokenVerifier`, takes them back. A revoked one is refused."""

    public_url: str = "http://localhost:8027"
    key: OctKey = field(default_factory=lambda: OctKey.generate_key(256))
    revoked: set[str] = field(default_factory=set)

    def audience(self, slug: str) -> str:
        return f"{self.public_url}/api/v1/cooperatives/{slug}"

    def token(
        self,
        cooperative: CooperativeContext,
        *scopes: Scope,
        client: str = "habitat-eure",
        name: str = "Habitat de l’Eure",
        life: int = LIFE_SECONDS,
    ) -> str:
        """A token for one cooperative; every scope when none is named."""
        now = int(clock.now().timestamp())
        claims = {
            "aud": self.audience(cooperative.slug),
            "client_id": client,
            "client_name": name,
            "cooperative_id": str(cooperative.id),
            "scope": " ".join(_all_or(scopes)),
            "jti": uuid4().hex,
            "iat": now,
            "exp": now + life,
        }
        return jwt.encode({"alg": "HS256"}, claims, self.key)

    async def verify(self, token: str, *, audience: str) -> ApiCaller:
        """Raises InvalidToken: a bad signature, another audience, over, revoked."""
        try:
            claims = jwt.decode(token, self.key, algorithms=["HS256"]).claims
        except (JoseError, ValueError) as exc:
            raise InvalidToken from exc
        over = int(claims["exp"]) <= clock.now().timestamp()
        if claims["aud"] != audience or over or claims["jti"] in self.revoked:
            raise InvalidToken
        return ApiCaller(
            client_id=claims["client_id"],
            client_name=claims["client_name"],
            cooperative_id=UUID(claims["cooperative_id"]),
            scopes=frozenset(Scope(scope) for scope in claims["scope"].split()),
            token_id=claims["jti"],
        )


def _all_or(scopes: Iterable[Scope]) -> list[str]:
    return [str(scope) for scope in (tuple(scopes) or tuple(Scope))]
