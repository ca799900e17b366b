"""What the authorization server decides without a database: addresses of return, scopes, what a request may hold."""

from typing import Any

import httpx
import pytest
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from litestar import Litestar, get

from maillage_app import error_pages
from maillage_kit.api_access import InvalidToken, Scope
from maillage_kit.errors import AppError
from maillage_platform.oauth.protocol.messages import FORM, Answer, posted
from maillage_platform.oauth.rules import audience_of, in_order, is_return_address, known_scopes, origin_of


@pytest.mark.parametrize(
    "uri",
    [
        "https://partenaire.example/retour",
        "https://partenaire.example",
        "https://partenaire.example:8443/a/b?fixed=1",
        "https://[2001:db8::1]/retour",
    ],
)
def test_an_address_of_return(uri: str) -> None:
    assert is_return_address(uri, in_production=True)


@pytest.mark.parametrize(
    "uri",
    [
        "http://partenaire.example/retour",
        "partenaire:/retour",
        "javascript:alert(1)",
        "data:text/html,x",
        "//partenaire.example",
        "https://",
        "https:///retour",
        "https://u:p@partenaire.example/retour",
        "https://@partenaire.example/retour",
        "https://partenaire.example/#x",
        "https://partenaire.example/#",
        "https://*.partenaire.example/",
        "https://partenaire.example/é",
        "https://partenaire.example/a b",
        "https://partenaire.example/\\@voleur.example",
        "https://partenaire.example:x/",
        "https://[::1/",
        "https://partenaire.example/" + "x" * 500,
        "",
    ],
)
def test_no_address_of_return(uri: str) -> None:
    assert not is_return_address(uri, in_production=True)
    assert not is_return_address(uri, in_production=False)


def test_a_machine_of_ones_own_serves_in_development_only() -> None:
    for uri in ("http://localhost:9000/retour", "http://127.0.0.1/retour"):
        assert is_return_address(uri, in_production=False)
        assert not is_return_address(uri, in_production=True)
    assert not is_return_address("http://localhost.voleur.example/", in_production=False)


def test_origins_are_what_a_policy_names() -> None:
    assert origin_of("https://partenaire.example:8443/retour?x=1") == "https://partenaire.example:8443"


def test_every_scope_has_its_sentence_and_its_place() -> None:
    assert len({scope.sentence for scope in Scope}) == len(Scope)
    assert all(scope.sentence[0].isupper() and not scope.sentence.endswith(".") for scope in Scope)
    assert in_order({Scope.COVERAGE_READ, Scope.REQUESTS_WRITE}) == [Scope.REQUESTS_WRITE, Scope.COVERAGE_READ]
    assert known_scopes(["reviews:read", "unknown", "REVIEWS_READ"]) == {Scope.REVIEWS_READ}


def test_the_audience_is_the_api_of_one_cooperative() -> None:
    assert audience_of("eure", public_url="https://m.example") == "https://m.example/api/v1/cooperatives/eure"


def sent(body: str, authorization: str | None = None) -> None:
    posted(
        "https://m.example/oauth/token", body=body.encode(), content_type=FORM, authorization=authorization
    ).check_form()


def test_what_a_request_may_hold() -> None:
    sent("grant_type=client_credentials&scope=requests:write&resource=a&resource=b&state=%22%5C")
    sent("grant_type=client_credentials&client_secret=x")
    sent("grant_type=client_credentials", "Basic eDp5")
    for body, authorization in (
        ("scope=a&scope=b", None),
        ("scope=%C3%A9", None),
        ("scope=%22", None),
        ("state=%0A", None),
        ("client_secret=x", "Basic eDp5"),
        ("client_secret=x&client_assertion=y", None),
        ("client_assertion=y", "Bearer x"),
    ):
        with pytest.raises(InvalidRequestError):
            sent(body, authorization)


def test_an_answer_leads_or_tells() -> None:
    tells = Answer.of(400, {"error": "invalid_request"}, [("Content-Type", "application/json")])
    assert (tells.location, tells.content) == (None, b'{"error": "invalid_request"}')
    leads = Answer.of(302, "", [("Location", "https://a.example")])
    leads.location = "https://a.example?iss=x"
    assert (leads.headers["Location"], leads.content) == ("https://a.example?iss=x", b"")


async def test_a_refused_token_says_how_to_prove_oneself() -> None:
    """RFC 6750, section 3: the challenge goes with the 401, as problem+json for machines."""

    @get("/api")
    async def api() -> None:
        raise InvalidToken

    app: Any = Litestar([api], exception_handlers={AppError: error_pages.on_app_error}, openapi_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        answer = await client.get("/api")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_token"
