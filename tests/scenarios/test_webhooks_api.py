"""A partner's software chooses its own addresses by the API, with its own secrets, and sees nobody else's."""

import base64
from typing import Any

import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_app.telling import tell_webhooks
from maillage_kit import clock, outside
from maillage_kit.api_access import Scope
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.ids import new_id
from maillage_kit.permissions import Role
from maillage_kit.testing.webhook_receiver import Receiver
from maillage_platform.oauth.models import ApiClient
from maillage_platform.oauth.rules import AuthMethod
from maillage_tenants import partners
from maillage_tenants.interventions.events import InterventionOpened


def secret(letter: bytes) -> str:
    return "whsec_" + base64.b64encode(letter * 32).decode()


FIRST, SECOND = secret(b"a"), secret(b"b")


def asked(receiver: Receiver, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Habitat 27",
        "url": receiver.url(),
        "types": ["intervention.opened.v1"],
        "secret": FIRST,
        **changes,
    }


async def opened(runtime: Runtime, cooperative: CooperativeContext) -> int:
    """A case is opened; how many addresses were tried."""
    async with runtime.database.tenant(cooperative.tenant) as session:
        event = InterventionOpened(new_id(), new_id(), "I-2027-000001", "api", "plumbing")
        await outside.publish(session, event, occurred_at=clock.now())
    return await tell_webhooks(runtime, GuardedHttp(open_to_private=True))


async def test_software_keeps_its_own_addresses(
    runtime: Runtime, eure: CooperativeContext, software: Any, receiver: Receiver, moved_clock: MovableClock
) -> None:
    caller = software(eure, Scope.WEBHOOKS_MANAGE, client="habitat")
    async with runtime.database.tenant(eure.tenant) as session:
        await partners.grant(session, client_id="habitat", name="Habitat", customers=[], everything=True, by="tests")
    made = await caller.post("/webhooks", asked(receiver), key="k1")
    assert made.status_code == 201, made.text
    again = await caller.post("/webhooks", asked(receiver), key="k1")
    assert (again.headers["idempotency-replayed"], again.json()) == ("true", made.json())
    assert FIRST not in made.text
    one = f"/webhooks/{made.json()['id']}"
    assert await opened(runtime, eure) == 1
    assert receiver.received[0].verifies(FIRST)

    etag = (await caller.get(one)).headers["etag"]
    assert (await caller.patch(one, {"secret": SECOND})).status_code == 428
    changed = await caller.patch(one, {"secret": SECOND}, etag=etag)
    assert changed.json()["former_secret_until"] == "2027-03-02T08:00:00Z"
    await opened(runtime, eure)
    assert [receiver.received[1].verifies(each) for each in (FIRST, SECOND)] == [True, True]
    paused = await caller.patch(one, {"paused": True}, etag=changed.headers["etag"])
    assert paused.json()["paused"] is True
    assert await opened(runtime, eure) == 0

    assert [each["id"] for each in (await caller.get("/webhooks")).json()["items"]] == [made.json()["id"]]
    other = software(eure, Scope.WEBHOOKS_MANAGE, client="other")
    assert (await other.get("/webhooks")).json()["items"] == []
    assert (await other.get(one)).status_code == 404
    assert (await other.client.delete(other.base + one)).status_code == 404
    gone = await caller.client.delete(caller.base + one)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await caller.get(one)).status_code == 404
    async with runtime.database.tenant(eure.tenant) as session:
        rows = (await session.execute(sa.text("select body::text from api_answer"))).all()
        acts = (await session.execute(sa.text("select action from audit_entry order by id"))).scalars().all()
    assert rows and not any(FIRST in str(row) for row in rows)
    kept = [act.removeprefix("webhooks.") for act in acts if act.startswith("webhooks.")]
    assert kept == ["add_endpoint", "rotate_secret", "pause_endpoint", "remove_endpoint"]


async def test_what_is_wrong_is_named(eure: CooperativeContext, software: Any, receiver: Receiver) -> None:
    caller = software(eure, Scope.WEBHOOKS_MANAGE)
    for changes, field in (
        ({"secret": "whsec_c2hvcnQ="}, "secret"),
        ({"secret": "hello"}, "secret"),
        ({"secret": "whsec_***"}, "secret"),
        ({"types": ["quote.sent.v9"]}, "types"),
        ({"url": "ftp://habitat.example"}, "url"),
        ({"colour": "blue"}, "body"),
    ):
        answer = await caller.post("/webhooks", asked(receiver, **changes))
        assert (answer.status_code, list(answer.json()["fields"])) == (422, [field]), changes
    reader = software(eure, Scope.INTERVENTIONS_READ)
    assert (await reader.post("/webhooks", asked(receiver))).status_code == 403


async def test_an_application_that_is_revoked_is_told_nothing_more(
    runtime: Runtime, eure: CooperativeContext, software: Any, sign_in: Any, receiver: Receiver
) -> None:
    async with runtime.database.platform() as session:
        application = ApiClient(
            id=new_id(), cooperative_id=eure.id, name="Habitat 27", auth_method=AuthMethod.SECRET, grants=[],
            redirect_uris=[], scopes=["webhooks:manage"], changed_at=clock.now(), changed_by="tests",
        )  # fmt: skip
        session.add(application)
        await session.flush()
        client_id = application.id
    async with runtime.database.tenant(eure.tenant) as session:
        await partners.grant(
            session, client_id=str(client_id), name="Habitat", customers=[], everything=True, by="tests"
        )
    caller = software(eure, Scope.WEBHOOKS_MANAGE, client=str(client_id))
    await caller.post("/webhooks", asked(receiver))
    assert await opened(runtime, eure) == 1
    office = await sign_in(Role.MANAGER, eure)
    assert (await office.post(f"/c/eure/settings/api-clients/{client_id}/revoke")).status_code == 303
    assert await opened(runtime, eure) == 0
    assert len(receiver.received) == 1
