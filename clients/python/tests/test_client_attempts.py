"""What the client does by itself when the way to the API is bad: keys, tokens, waiting, and what it never repeats."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from maillage_client import ApiError, Client, Following, NotUnderstood, RateLimited, TokenRefused, Unreachable
from maillage_client.models import Cancellation, CustomerChange, SiteChange, Status
from maillage_client.sending import Patience

CASE = UUID("019536a1-7c00-7000-8000-000000000001")
TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 600}
COMMUNE = {"insee": "27467", "name": "Pont-Audemer", "population": 9_000, "postcodes": ["27500"]}
Reply = httpx.Response | Exception


def intervention(status: str, **more: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ("customer_id", "site_id", "insee", "trade", "type", "priority", "reference", "purchase_order",
         "spending_limit_cents", "occupant", "artisan", "hold_reason", "closed_at", "follow_up_of")
    )  # fmt: skip
    return {
        **nothing, "id": str(CASE), "number": "I-2027-000001", "status": status, "address": "", "words": "",
        "delays": [], "clocks": {}, "requested_at": "2027-03-01T08:00:00Z", **more,
    }  # fmt: skip


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    told = {"type": f"urn:maillage:error:{code}", "title": "Non", "status": status, "code": code, "instance": "r-1"}
    return httpx.Response(status, json=told, headers=headers)


class Api:
    """Answers what it was told to, in that order, and keeps what it was asked. Tokens come by themselves."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[httpx.Request] = []
        self.tokens: list[httpx.Request] = []
        self.waited: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            self.tokens.append(request)
            return httpx.Response(200, json={**TOKEN, "access_token": f"t{len(self.tokens)}"})
        self.asked.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def client(self, **patience: Any) -> Client:
        return Client(
            "https://api.example", "eure", client_id="id", secret="secret",
            patience=Patience(wait=self.waited.append, **patience), transport=httpx.MockTransport(self),
        )  # fmt: skip

    def sent(self, header: str) -> list[str | None]:
        return [request.headers.get(header) for request in self.asked]


def cancels(client: Client, **more: Any) -> Status:
    return client.cancel_request(CASE, Cancellation(reason="Réparé."), **more).status


def test_one_token_serves_many_requests_and_proves_the_application() -> None:
    api = Api(*(httpx.Response(200, json=intervention("open/planned"), headers={"etag": '"1"'}) for _ in range(3)))
    with api.client() as client:
        for _ in range(3):
            client.get_intervention(CASE)
    (asked,) = api.tokens
    assert asked.headers["authorization"] == "Basic aWQ6c2VjcmV0"
    assert asked.content == b"grant_type=client_credentials"
    assert api.sent("authorization") == ["Bearer t1"] * 3
    assert api.asked[0].url.path == f"/api/v1/cooperatives/eure/interventions/{CASE}"


def test_a_refused_token_is_replaced_once() -> None:
    done = httpx.Response(200, json=intervention("open/planned"))
    api = Api(problem(401, "invalid_token"), done)
    assert api.client().get_intervention(CASE).value.status == Status.OPEN_PLANNED
    assert api.sent("authorization") == ["Bearer t1", "Bearer t2"]
    api = Api(problem(401, "invalid_token"), problem(401, "invalid_token"))
    with pytest.raises(ApiError) as refused:
        api.client().get_intervention(CASE)
    assert (refused.value.code, refused.value.reference) == ("invalid_token", "r-1")


@pytest.mark.parametrize(
    "trouble",
    [httpx.ReadTimeout("late"), httpx.ConnectError("nobody"), httpx.Response(502), httpx.Response(503)],
    ids=["timeout", "nobody", "502", "503"],
)
def test_a_post_is_sent_again_with_the_same_key(trouble: Reply) -> None:
    api = Api(trouble, trouble, httpx.Response(200, json=intervention("denied/canceled")))
    assert cancels(api.client()) == Status.DENIED_CANCELED
    keys = api.sent("idempotency-key")
    assert len(keys) == 3 and len(set(keys)) == 1 and keys[0]
    assert {request.content for request in api.asked} == {'{"reason":"Réparé."}'.encode()}
    assert api.waited == [0.5, 1.0]


def test_each_act_has_a_key_of_its_own_unless_one_is_given() -> None:
    api = Api(*(httpx.Response(200, json=intervention("denied/canceled")) for _ in range(3)))
    client = api.client()
    cancels(client)
    cancels(client)
    cancels(client, idempotency_key="ours")
    first, second, third = api.sent("idempotency-key")
    assert first != second and third == "ours"


def test_what_found_nobody_tells_its_key() -> None:
    api = Api(*(httpx.ConnectError("nobody") for _ in range(3)))
    with pytest.raises(Unreachable) as lost:
        cancels(api.client(attempts=3))
    assert lost.value.idempotency_key == api.sent("idempotency-key")[0]


def test_too_many_requests_wait_as_long_as_the_api_asks() -> None:
    done = httpx.Response(200, json=intervention("open/planned"))
    api = Api(problem(429, "rate_limited", **{"retry-after": "41"}), done)
    api.client().get_intervention(CASE)
    assert api.waited == [41.0]
    api = Api(problem(429, "rate_limited", **{"retry-after": "3600"}))
    with pytest.raises(RateLimited):
        api.client().get_intervention(CASE)
    assert api.waited == []


def changes(client: Client) -> Any:
    return client.change_site(CASE, CASE, SiteChange(label="Cave", over_two_years=None), if_match='"1"')


def test_a_change_that_may_have_been_done_is_never_repeated() -> None:
    """Done but unheard, the second time would say that somebody else changed it."""
    api = Api(httpx.ReadTimeout("late"))
    with pytest.raises(Unreachable):
        changes(api.client())
    api = Api(httpx.ConnectError("nobody"), problem(503, "busy"), problem(412, "changed_meanwhile"))
    with pytest.raises(ApiError, match="changed_meanwhile"):
        changes(api.client())
    assert len(api.asked) == 3
    assert api.sent("if-match") == ['"1"'] * 3
    assert {request.content for request in api.asked} == {b'{"label":"Cave","over_two_years":null}'}
    assert msgspec.json.encode(CustomerChange()) == b"{}"


def test_a_list_is_walked_page_by_page_as_it_is_read() -> None:
    pages = [{"items": [COMMUNE] * 2, "next": "c/1", "limit": 2}, {"items": [COMMUNE], "next": None, "limit": 2}]
    api = Api(*(httpx.Response(200, json=page) for page in pages))
    walked = api.client().list_communes(name="pont")
    assert api.asked == []
    next(walked), next(walked)
    assert len(api.asked) == 1
    assert len(list(walked)) == 1
    first, second = (dict(request.url.params) for request in api.asked)
    assert first == {"limit": "200", "name": "pont"}
    assert second == {"limit": "200", "name": "pont", "cursor": "c/1"}


def test_what_the_api_adds_later_breaks_nothing() -> None:
    later = intervention("hold/strike", colour="red", priority="P7")
    api = Api(httpx.Response(200, json=later, headers={"etag": '"1"'}))
    case = api.client().get_intervention(CASE).value
    assert (case.status, case.status.name, case.priority) == ("hold/strike", "UNKNOWN", "P7")


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (httpx.Response(502, text="<html>"), lambda client: client.get_intervention(CASE)),
        (httpx.Response(200, text="<html>"), lambda client: client.get_intervention(CASE)),
        (httpx.Response(404, text="<html>"), lambda client: client.get_intervention(CASE)),
    ],
    ids=["gateway", "page", "elsewhere"],
)
def test_an_answer_of_somebody_else_is_named_so(answer: httpx.Response, read: Callable[[Client], Any]) -> None:
    with pytest.raises(NotUnderstood, match=str(CASE)):
        read(Api(answer).client(attempts=1))


def test_without_a_token_the_reason_is_told() -> None:
    def refuses(_: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"error": "invalid_client", "error_description": "Wrong secret."})

    client = Client("https://api.example", "eure", client_id="id", secret="x", transport=httpx.MockTransport(refuses))
    with pytest.raises(TokenRefused, match="Wrong secret") as refused:
        client.get_cooperative()
    assert refused.value.error == "invalid_client"


def test_following_tells_changes_only_and_stops_at_the_end() -> None:
    def read(status: str, etag: str) -> httpx.Response:
        return httpx.Response(200, json=intervention(status), headers={"etag": etag})

    api = Api(read("open/requested", '"1"'), httpx.Response(304), read("open/planned", '"2"'), read("closed/done", "3"))
    following = Following(api.client(), [CASE])
    told = [case.status for case in following.poll(every=30, wait=api.waited.append)]
    assert told == ["open/requested", "open/planned", "closed/done"]
    assert api.sent("if-none-match") == [None, '"1"', '"1"', '"2"']
    assert api.waited == [30, 30, 30] and following.open == ()


def test_a_message_that_names_a_case_makes_it_read() -> None:
    api = Api(httpx.Response(200, json=intervention("closed/done"), headers={"etag": '"1"'}), httpx.Response(304))
    following = Following(api.client(), [])
    told = following.look(CASE)
    assert told is not None and told.status == Status.CLOSED_DONE
    assert following.look(CASE) is None, "told twice, changed once"
