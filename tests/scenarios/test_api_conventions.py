"""What every operation of the REST API keeps to: tokens and scopes, problems, cursors, versions, keys, rate."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_app.worker import is_sweep, run_handler, tenant_handlers
from maillage_kit.api_access import Scope
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.settings import ApiSettings
from maillage_kit.testing.api_tokens import TokenIssuer
from maillage_tenants.territory.models import Commune

LANDLORD: dict[str, Any] = {
    "kind": "organisation", "consumer_status": "professional", "name": "Habitat de l’Eure", "siren": "404833048",
    "email": "astreinte@habitat.example", "billing_address": "10 boulevard Georges-Chauvin",
    "billing_postcode": "27000", "billing_city": "Évreux", "phones": ["02 32 39 00 00"],
}  # fmt: skip


def problem_of(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["status"], problem["code"]) == (status, code), problem
    assert problem["type"] == f"urn:maillage:error:{code}"
    assert problem["instance"] == answer.headers["x-request-id"]
    return problem


# ------------------------------------------------------------------------------------------------- tokens and scopes


async def test_without_a_good_token_nothing_is_told(
    runtime: Runtime, eure: CooperativeContext, software: Any, issuer: TokenIssuer, moved_clock: MovableClock
) -> None:
    caller = software(eure)
    assert (await caller.get("/communes")).status_code == 200
    good = caller.client.headers["authorization"]
    stranger = TokenIssuer().token(eure)
    for given in ("", "Basic eA==", "Bearer", "Bearer x", "Bearer a.b.c", f"Bearer {stranger}"):
        caller.client.headers["authorization"] = given
        answer = await caller.get("/communes")
        problem_of(answer, 401, "invalid_token")
        assert answer.headers["www-authenticate"] == 'Bearer realm="maillage", error="invalid_token"'
        problem_of(await caller.client.get("/api/v1/cooperatives"), 401, "invalid_token")
    caller.client.headers["authorization"] = good
    moved_clock.advance(hours=2)
    problem_of(await caller.get("/communes"), 401, "invalid_token")


async def test_a_scope_that_is_missing_is_named(eure: CooperativeContext, software: Any) -> None:
    caller = software(eure, Scope.ONCALL_READ)
    answer = await caller.get("/customers")
    problem = problem_of(answer, 403, "missing_scope")
    assert "customers:read" in problem["title"]
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="maillage", error="insufficient_scope", scope="customers:read"'
    )
    assert (await caller.get("/on-call")).status_code == 200


async def test_a_token_of_one_cooperative_finds_nothing_at_another(
    eure: CooperativeContext, seine_maritime: CooperativeContext, software: Any
) -> None:
    caller = software(eure)
    problem_of(await caller.client.get("/api/v1/cooperatives/seine-maritime/communes"), 404, "not_found")
    problem_of(await caller.client.get("/api/v1/cooperatives/nulle-part/communes"), 404, "not_found")
    mine = (await caller.client.get("/api/v1/cooperatives")).json()
    assert [found["slug"] for found in mine["items"]] == ["eure"]
    assert (await caller.get("")).json()["public_number"] == "+33232402727"


async def test_no_cookie_opens_the_api_and_none_is_given(eure: CooperativeContext, software: Any, sign_in: Any) -> None:
    from maillage_kit.permissions import Role

    office = await sign_in(Role.MANAGER, eure)
    problem_of(await office.client.get("/api/v1/cooperatives/eure/communes"), 401, "invalid_token")
    answer = await software(eure).get("/communes")
    assert "set-cookie" not in answer.headers


# ---------------------------------------------------------------------------------------------------------- problems


async def test_what_is_wrong_is_named_field_by_field(eure: CooperativeContext, software: Any) -> None:
    caller = software(eure)
    assert problem_of(await caller.get("/communes?limit=0"), 422, "invalid")["fields"].keys() == {"limit"}
    assert problem_of(await caller.get("/communes?postcode=27"), 422, "invalid")["fields"].keys() == {"postcode"}
    unknown = problem_of(await caller.get("/communes?colour=red"), 422, "invalid")
    assert "colour" in str(unknown["fields"])
    problem_of(await caller.get("/communes?limit=1&limit=2"), 422, "invalid")
    problem_of(await caller.get("/communes?name=a%00b"), 422, "invalid")
    wrong = problem_of(await caller.post("/customers", {**LANDLORD, "kind": "robot"}), 422, "invalid")
    assert wrong["fields"].keys() == {"kind"}
    wrong = problem_of(await caller.post("/customers", {**LANDLORD, "siren": "1"}), 422, "invalid")
    assert wrong["fields"].keys() == {"siren"}
    problem_of(await caller.post("/customers", {**LANDLORD, "name": "a\x00b"}), 422, "invalid")
    key = {"idempotency-key": "k", "content-type": "application/json"}
    broken = await caller.client.post(f"{caller.base}/customers", content=b"{", headers=key)
    problem_of(broken, 400, "malformed_body")
    form = await caller.client.post(f"{caller.base}/customers", data={"name": "x"}, headers={"idempotency-key": "k"})
    problem_of(form, 415, "not_json")
    problem_of(await caller.get("/nothing"), 404, "not_found")
    problem_of(await caller.get("/customers/not-an-id"), 404, "not_found")
    method = await caller.client.delete(f"{caller.base}/customers")
    problem_of(method, 405, "method_not_allowed")
    assert {"GET", "POST"} <= set(method.headers["allow"].split(", "))
    asked = await caller.client.request("OPTIONS", f"{caller.base}/customers")
    assert asked.status_code == 204 and {"GET", "POST"} <= set(asked.headers["allow"].split(", "))


async def test_the_reference_of_a_request_is_echoed(eure: CooperativeContext, software: Any) -> None:
    caller = software(eure)
    for path in ("/communes", "/nothing-there", "/customers?limit=0"):
        answer = await caller.get(path, headers={"x-request-id": "suivi-2027-0042", "accept": "text/html"})
        if path != "/nothing-there":  # an address that nobody knows has no request of its own
            assert answer.headers["x-request-id"] == "suivi-2027-0042", path
        bad = await caller.get(path, headers={"x-request-id": "x y"})
        assert bad.headers["x-request-id"] not in ("", "x y")


# ------------------------------------------------------------------------------------------------------------- lists


async def test_pages_follow_each_other_and_a_cursor_is_good_for_its_list_only(
    runtime: Runtime, eure: CooperativeContext, software: Any
) -> None:
    caller = software(eure)
    seen: list[str] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        answer = await caller.get(f"/communes?limit=200{f'&cursor={cursor}' if cursor else ''}")
        page = answer.json()
        seen += [commune["insee"] for commune in page["items"]]
        cursor, pages = page["next"], pages + 1
        assert ('rel="next"' in answer.headers.get("link", "")) == (cursor is not None)
    async with runtime.database.tenant(eure.tenant) as session:
        everything = (await session.scalars(sa.select(Commune.insee).order_by(Commune.insee))).all()
    assert seen == list(everything)
    assert pages > 2
    kept: str = (await caller.get("/communes?limit=2")).json()["next"]
    assert (await caller.get(f"/communes?limit=5&cursor={kept}")).status_code == 200, "the size may change"
    for path in (
        f"/communes?name=le&cursor={kept}",
        f"/customers?cursor={kept}",
        f"/communes?cursor={kept[:-1]}x",
        "/communes?cursor=WyIyNzAwMSJd",
    ):
        assert "cursor" in problem_of(await caller.get(path), 422, "invalid")["fields"], path
    other = software(eure, client="another")
    problem_of(await other.get(f"/communes?limit=2&cursor={kept}"), 422, "invalid")


async def test_lists_are_filtered(eure: CooperativeContext, software: Any) -> None:
    caller = software(eure)
    found = (await caller.get("/communes?postcode=27500")).json()["items"]
    assert "27467" in {commune["insee"] for commune in found}
    assert all("27500" in commune["postcodes"] for commune in found)
    named = (await caller.get("/communes", params={"name": "pont aud"})).json()["items"]
    assert [commune["name"] for commune in named] == ["Pont-Audemer", "Tourville-sur-Pont-Audemer"]


# ---------------------------------------------------------------------------------------------------------- versions


async def test_a_change_names_the_version_that_it_changes(eure: CooperativeContext, software: Any) -> None:
    caller = software(eure)
    made = (await caller.post("/customers", LANDLORD)).json()
    path = f"/customers/{made['id']}"
    read = await caller.get(path)
    etag = read.headers["etag"]
    assert (await caller.get(path, headers={"if-none-match": etag})).status_code == 304
    problem_of(await caller.patch(path, {"email": "a@b.example"}), 428, "version_required")
    changed = await caller.patch(path, {"email": "permanence@habitat.example"}, etag=etag)
    assert changed.status_code == 200, changed.text
    assert changed.json() == {**made, "email": "permanence@habitat.example"}
    problem_of(await caller.patch(path, {"email": "c@d.example"}, etag=etag), 412, "changed_meanwhile")
    assert (await caller.get(path)).headers["etag"] == changed.headers["etag"] != etag
    assert (await caller.get(path, headers={"if-none-match": etag})).status_code == 200


# -------------------------------------------------------------------------------------------------------------- keys


async def count_customers(runtime: Runtime, eure: CooperativeContext) -> int:
    async with runtime.database.tenant(eure.tenant) as session:
        return int((await session.execute(sa.text("select count(*) from customer"))).scalar_one())


async def test_the_same_key_does_it_once(
    runtime: Runtime, eure: CooperativeContext, software: Any, moved_clock: MovableClock, issuer: TokenIssuer
) -> None:
    caller = software(eure)
    first = await caller.post("/customers", LANDLORD, key="one")
    again = await caller.post("/customers", LANDLORD, key="one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.headers
    problem_of(await caller.post("/customers", {**LANDLORD, "name": "Autre"}, key="one"), 422, "idempotency_key_reused")
    assert await count_customers(runtime, eure) == 1
    assert (await software(eure, client="other").post("/customers", LANDLORD, key="one")).status_code == 201
    assert await count_customers(runtime, eure) == 2, "a key is its client's own"
    moved_clock.advance(hours=24)
    caller.client.headers["authorization"] = f"Bearer {issuer.token(eure)}"
    late = await caller.post("/customers", LANDLORD, key="one")
    assert "idempotency-replayed" not in late.headers
    assert await count_customers(runtime, eure) == 3, "kept a day"


async def test_what_was_answered_is_forgotten_after_a_day(
    runtime: Runtime, eure: CooperativeContext, software: Any, moved_clock: MovableClock
) -> None:
    """The answers hold names: the worker's sweep erases them, whether or not the client comes back."""
    assert (await software(eure).post("/customers", LANDLORD, key="one")).status_code == 201
    sweep = tenant_handlers()["partners.look_for_old_answers"]
    assert is_sweep("partners.look_for_old_answers")
    for hours, kept in ((23, 1), (1, 0)):
        moved_clock.advance(hours=hours)
        await run_handler(runtime, eure, sweep, {})
        async with runtime.database.tenant(eure.tenant) as session:
            assert (await session.execute(sa.text("select count(*) from api_answer"))).scalar_one() == kept


async def test_a_refused_act_leaves_its_key_free(runtime: Runtime, eure: CooperativeContext, software: Any) -> None:
    caller = software(eure)
    problem_of(await caller.post("/customers", {**LANDLORD, "email": "nobody"}, key="k"), 422, "invalid")
    assert (await caller.post("/customers", LANDLORD, key="k")).status_code == 201
    without = await caller.client.post(f"{caller.base}/customers", json=LANDLORD)
    problem_of(without, 400, "idempotency_key_required")
    problem_of(await caller.post("/customers", LANDLORD, key="k" * 129), 400, "idempotency_key_required")


async def test_twins_at_the_same_time_have_one_effect(
    runtime: Runtime, eure: CooperativeContext, software: Any
) -> None:
    caller = software(eure)
    answers = await asyncio.gather(*(caller.post("/customers", LANDLORD, key="twin") for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert await count_customers(runtime, eure) == 1


# -------------------------------------------------------------------------------------------------------------- rate


@pytest.fixture
def few(runtime: Runtime) -> Runtime:
    settings = runtime.settings.model_copy(update={"api": ApiSettings(requests_per_minute=3)})
    object.__setattr__(runtime, "settings", settings)
    return runtime


async def test_a_client_that_asks_too_much_is_told_when_to_come_back(
    few: Runtime, eure: CooperativeContext, software: Any, moved_clock: MovableClock
) -> None:
    caller, other = software(eure), software(eure, client="other")
    for left in (2, 1, 0):
        answer = await caller.get("/communes?limit=1")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"client";q=3;w=60'
        assert answer.headers["ratelimit"] == f'"client";r={left};t=60'
    moved_clock.advance(seconds=20)
    refused = await caller.get("/communes?limit=1")
    problem_of(refused, 429, "rate_limited")
    assert refused.headers["retry-after"] == "40"
    assert refused.headers["ratelimit"] == '"client";r=0;t=40'
    assert (await other.get("/communes?limit=1")).status_code == 200
    moved_clock.advance(seconds=40)
    assert (await caller.get("/communes?limit=1")).status_code == 200
