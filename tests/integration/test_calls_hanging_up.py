"""The office hangs up a running call: asked of the carrier first, written down after, refused in words."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.ids import new_id
from maillage_kit.permissions import Role
from maillage_kit.settings import Settings
from maillage_kit.testing.message_carriers import http_carrier

SID, CALL_ID = "CA" + "7" * 32, "7f3a@trunk.example"


class Carriers:
    """The REST API of a carrier and the RPC of an edge, on a real port. `dialogs`: the calls that the edge has."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.dialogs: list[dict[str, Any]] = [
            {"call-id": CALL_ID, "h_entry": 12, "h_id": 34},
            {"call-id": "other@t", "h_entry": 5, "h_id": 6},
        ]
        self.status = 200
        self.listening = contextlib.ExitStack()
        self.url = self.listening.enter_context(http_carrier(self.answer))

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, object]:
        if path == "/RPC":
            return self.status, self.rpc(json.loads(body))
        self.asked.append((f"{path} {headers['authorization'][:5]}", unquote(body.decode())))
        return self.status, {}

    def rpc(self, told: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((told["method"], told["params"]))
        if told["method"] == "dlg.list_match":
            found = [one for one in self.dialogs if one["call-id"] == told["params"][2]]
            return {"result": found} if found else {"error": {"code": 404, "message": "Not found"}}
        return {"result": []}


@pytest.fixture
def carriers() -> Iterator[Carriers]:
    running = Carriers()
    yield running
    running.listening.close()


@pytest.fixture
async def runtime(settings: Settings, carriers: Carriers, trades, moved_clock) -> AsyncIterator[Runtime]:
    telephony = settings.telephony
    api = {"base_url": carriers.url, "account_sid": "AC1", "auth_token": SecretStr("a-token")}
    sip = telephony.sip.model_copy(update={"edge_rpc": f"{carriers.url}/RPC"})
    with_carriers = telephony.model_copy(update={"api": telephony.api.model_copy(update=api), "sip": sip})
    started = Runtime.start(settings.model_copy(update={"telephony": with_carriers}), trades=trades)
    yield started
    await started.close()


async def a_call(runtime: Runtime, eure: CooperativeContext, provider: str, name: str, state: str) -> UUID:
    call_id = new_id()
    async with runtime.database.tenant(eure.tenant) as session:
        await session.execute(
            sa.text(
                "insert into call (id, provider, provider_call_id, called, caller, state, started_at, last_sequence, "
                "routing_note) values (:id, :provider, :name, '+33232402727', '+33633333301', :state, "
                "'2027-03-01T08:00Z', -1, '')"
            ),
            {"id": call_id, "provider": provider, "name": name, "state": state},
        )
    return call_id


async def audited(runtime: Runtime, eure: CooperativeContext) -> list[tuple[str, str]]:
    async with runtime.database.tenant(eure.tenant) as session:
        found = await session.execute(
            sa.text("select action, subject_id from audit_entry where action = 'calls.hung_up'")
        )
        return [(action, subject) for action, subject in found]


@pytest.mark.parametrize("provider", ["sip", "twiml"])
async def test_the_carrier_is_asked_and_the_act_is_audited(runtime, eure, sign_in, carriers, provider: str) -> None:
    call_id = await a_call(runtime, eure, provider, CALL_ID if provider == "sip" else SID, "connected")
    office = await sign_in(Role.MANAGER, eure)
    shown = (await office.get(f"/c/eure/calls/{call_id}")).text
    assert "Raccrocher cet appel" in shown
    assert "sont coupés tout de suite. Raccrocher ?" in shown  # asked before anything is sent
    answer = await office.post(f"/c/eure/calls/{call_id}/hang-up")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/c/eure/calls/{call_id}")
    assert (
        carriers.asked
        == {
            "sip": [("dlg.list_match", ["callid", "eq", CALL_ID]), ("dlg.end_dlg", [12, 34])],
            "twiml": [(f"/2010-04-01/Accounts/AC1/Calls/{SID}.json Basic", "Status=completed")],
        }[provider]
    )
    assert await audited(runtime, eure) == [("calls.hung_up", str(call_id))]


@pytest.mark.parametrize(
    ("provider", "name", "state", "status", "why"),
    [
        ("sip", CALL_ID, "ended", 200, "déjà terminé"),
        ("sip", "gone@trunk.example", "connected", 200, "n’a plus cet appel"),
        ("sip", CALL_ID, "connected", 0, "Le standard ne répond pas"),
        ("twiml", SID, "ringing", 404, "a refusé de raccrocher"),
        ("twiml", SID, "ringing", 0, "L’opérateur ne répond pas"),
        ("pigeon", "x", "ringing", 200, "n’est plus relié"),
    ],
)
async def test_what_cannot_be_hung_up_is_said_and_not_written(
    runtime, eure, sign_in, carriers, provider: str, name: str, state: str, status: int, why: str
) -> None:
    call_id = await a_call(runtime, eure, provider, name, state)
    carriers.status = status
    if status == 0:
        carriers.listening.close()
    office = await sign_in(Role.MANAGER, eure)
    await office.post(f"/c/eure/calls/{call_id}/hang-up")
    assert why in (await office.get(f"/c/eure/calls/{call_id}")).text
    assert await audited(runtime, eure) == []
