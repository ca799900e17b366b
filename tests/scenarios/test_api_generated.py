"""Requests that nobody thought of: Schemathesis makes them from the document, good and broken, for every operation.

Every answer must be one that the document promises, and none a failure of ours.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks as promised

from maillage_app.api import operations
from maillage_app.api.document import openapi_document
from maillage_app.app import build_app
from maillage_app.runtime import Runtime
from maillage_hooks import TradeRegistry
from maillage_kit.clock import MovableClock
from maillage_kit.settings import ApiSettings, Settings
from maillage_kit.testing.api_tokens import TokenIssuer


def of_one_cooperative() -> dict[str, Any]:
    """The document as one client of one cooperative reads it: who may pass is another file's story."""
    document = openapi_document(operations())
    document["paths"] = {path.replace("{slug}", "eure"): methods for path, methods in document["paths"].items()}
    for methods in document["paths"].values():
        for operation in methods.values():
            del operation["security"]
            operation["parameters"] = [item for item in operation["parameters"] if item["name"] != "slug"]
    del document["components"]["securitySchemes"]
    return document


SCHEMA = schemathesis.openapi.from_dict(of_one_cooperative())
OPERATIONS: list[Any] = [cast(Any, result).ok() for result in SCHEMA.get_all_operations()]
Case = schemathesis.Case[Any]
EXAMPLES = 8  # of each operation and kind: the whole stays under a minute
LANDLORD = {
    "kind": "organisation", "consumer_status": "professional", "name": "Habitat de l’Eure",
    "billing_address": "10 boulevard Georges-Chauvin", "billing_postcode": "27000", "billing_city": "Évreux",
}  # fmt: skip
DWELLING = {
    "reference": "A-1", "address": "12 rue Sadi-Carnot", "postcode": "27500", "insee": "27467",
    "premises_use": "dwelling",
}  # fmt: skip
BURST: dict[str, Any] = {
    "danger": "none", "problem": "leak", "flow": "burst", "shut_off": "no", "pipe_owner": "private",
    "wet_electricity": "no", "neighbour_hit": "no", "vulnerable": "no",
}  # fmt: skip
CHECKS = [
    checks.not_a_server_error,
    promised.status_code_conformance,
    promised.content_type_conformance,
    promised.response_headers_conformance,
    promised.response_schema_conformance,
    promised.negative_data_rejection,
]


class Served:
    """The application in a thread of its own with its loop; `send` is what the generated cases go through."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.client: httpx.AsyncClient
        self.ids: dict[str, str] = {}

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def send(self, case: Case) -> httpx.Response:
        """The case as it is, with the token of the landlord."""
        told = case.as_transport_kwargs(base_url="http://localhost:8027")
        headers = {**told["headers"], "authorization": self.client.headers["authorization"]}
        content = {name: told[name] for name in ("json", "data", "files") if told.get(name) is not None}
        if "data" in content and isinstance(content["data"], bytes | str):
            content["content"] = content.pop("data")
        answer: httpx.Response = self.run(
            self.client.request(told["method"], told["url"], params=told.get("params"), headers=headers, **content)
        )
        return answer


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever, daemon=True)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join(timeout=10)
    made.close()


@pytest.fixture
def served(
    settings: Settings, trades: TradeRegistry, moved_clock: MovableClock, loop: asyncio.AbstractEventLoop
) -> Iterator[Served]:
    """One landlord with one dwelling and one case."""
    issuer = TokenIssuer()
    there = Served(loop)

    async def open_it() -> Runtime:
        many = settings.model_copy(update={"api": ApiSettings(requests_per_minute=100_000)})
        runtime = Runtime.start(many, trades=trades, tokens=issuer)
        eure = await runtime.directory.by_slug("eure")
        assert eure is not None
        transport = httpx.ASGITransport(app=build_app(runtime))  # type: ignore[arg-type]
        there.client = httpx.AsyncClient(transport=transport, base_url="http://localhost:8027")
        there.client.headers["authorization"] = f"Bearer {issuer.token(eure)}"
        base = "/api/v1/cooperatives/eure"

        async def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = await there.client.post(base + path, json=body, headers={"idempotency-key": path})
            assert answer.status_code in (200, 201), answer.text
            made: dict[str, Any] = answer.json()
            return made

        customer = (await post("/customers", LANDLORD))["id"]
        site = (await post(f"/customers/{customer}/sites", DWELLING))["id"]
        asked = {
            "customer_id": customer, "site_id": site, "trade": "plumbing", "answers": BURST,
            "occupant": {"name": "Monsieur Diallo", "phone": "+33612345678"},
        }  # fmt: skip
        case = (await post("/requests", asked))["intervention"]["id"]
        plans = (await there.client.get(f"{base}/plans")).json()["items"]
        there.ids = {"customer_id": customer, "site_id": site, "case_id": case}
        if plans:
            there.ids["plan_id"] = plans[0]["id"]
        return runtime

    runtime: Runtime = there.run(open_it())
    yield there
    there.run(there.client.aclose())
    there.run(runtime.close())


def test_every_answer_is_one_that_the_document_promises(served: Served) -> None:
    tried: Counter[int] = Counter()
    broken = []
    for operation in OPERATIONS:
        for mode in schemathesis.GenerationMode:
            if mode is schemathesis.GenerationMode.NEGATIVE and not (operation.body or operation.query):
                continue
            try:
                explore(operation, mode, served, tried)
            except (Failure, FailureGroup) as failure:
                told = failure.exceptions if isinstance(failure, FailureGroup) else (failure,)
                broken.append(
                    f"{operation.method.upper()} {operation.path} ({mode.value}): " + "; ".join(map(str, told))
                )
    assert not broken, "\n\n".join(broken)
    assert tried[200] > 50 and tried[201] > 0 and tried[422] > 50
    assert not {401, 429, 500} & set(tried)


def explore(operation: Any, mode: schemathesis.GenerationMode, served: Served, tried: Counter[int]) -> None:
    """Cases of one operation; half of the good ones are about things that exist."""

    @seed(20270301)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
    def one(case: Case, real: bool) -> None:
        about = mode is schemathesis.GenerationMode.POSITIVE and real
        parameters = dict(case.path_parameters or {})
        if about:
            parameters |= {name: found for name, found in served.ids.items() if name in parameters}
            _about_real_things(case, served.ids)
        case.path_parameters = parameters
        answer = served.send(case)
        tried[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    one()


def _about_real_things(case: Case, ids: dict[str, str]) -> None:
    """A request for a dwelling that exists goes further than one for nobody's."""
    body: Any = case.body
    if isinstance(body, dict) and "customer_id" in body and "trade" in body:
        body |= {
            "customer_id": ids["customer_id"], "site_id": ids["site_id"], "trade": "plumbing", "answers": BURST,
            "occupant": {"name": "Monsieur Diallo", "phone": "+33612345678"},
        }  # fmt: skip
    assert all(UUID(found) for found in ids.values())
