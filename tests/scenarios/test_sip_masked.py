"""Calls through a number of the pool, as our own edge and voice tell them."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.testing.sip_line import SipLine
from maillage_tenants import masking
from maillage_tenants.calls import words

ANA, CUSTOMER, STRANGER, POOL = "+33611111101", "+33633333301", "+33699999901", "+33232402790"
CASE = (
    "insert into intervention (id, number, source, state, caller_name, address, request_words, triage, announced, "
    "report, requested_at, technician_id, caller_phone) values (gen_random_uuid(), 'X-1', 'desk', 'accepted', '', '', "
    "'', '{}', '{}', '{}', now(), :technician, :customer) returning id"
)


@pytest.fixture
def runtime(runtime_with_edge: Runtime) -> Runtime:
    return runtime_with_edge


@pytest.fixture
async def dials(town, dials: Callable[..., SipLine]) -> Callable[..., SipLine]:
    """A line to the number that joins Ana and her customer."""
    await town.on_call("Ana", ANA)
    cooperative: CooperativeContext = town.cooperative
    async with town.runtime.database.tenant(cooperative.tenant) as session:
        await masking.add_number(session, cooperative=cooperative, typed=POOL, by="tests")
        people = {"technician": town.people["Ana"], "customer": CUSTOMER}
        case_id = (await session.execute(sa.text(CASE), people)).scalar_one()
        lent = await masking.lend(
            session,
            case_id=case_id,
            technician_id=people["technician"],
            artisan_phone=ANA,
            customer_phone=CUSTOMER,
        )
        assert lent == POOL
    town.runtime.directory.forget()
    return functools.partial(dials, called=POOL)


def hunt(line: SipLine) -> dict[str, Any]:
    return next(verb["hunt"] for verb in line.verbs if "hunt" in verb)


async def over(line: SipLine, *, bridged: bool, ending: str) -> list[dict[str, Any]]:
    line.verbs = await line.ask(hunt(line)["then"], bridged=bridged, ending=ending)
    return line.verbs


async def test_the_two_are_joined_and_no_call_for_help_is_written(town, dials) -> None:
    line = dials(ANA)
    await line.rings()
    assert line.document["rescue"]  # should the voice be dead, a human still answers
    await line.start()
    assert line.said == [words.MASKED_HOLD]
    assert line.hunt == [(0, CUSTOMER)]
    assert (hunt(line)["caller_id"], hunt(line)["steps"][0]["whisper"]) == (POOL, False)  # R103
    told = [line.event(kind, step=step) for kind, step in (("received", ""), ("attempt", "voice"), ("attempt", "0"))]
    assert (await line.tell(*told, line.event("answered", step="0"))).status_code == 204
    assert await over(line, bridged=True, ending="completed") == [{"hangup": True}]
    assert (await line.tell(line.event("voice_ended"), line.event("ended"))).status_code == 204
    assert await town.value("select count(*) from call") == 0
    assert await town.row("select by_artisan, ending from masked_call") == {"by_artisan": True, "ending": "completed"}


async def test_a_line_that_is_only_told_to_be_over_is_over(town, dials) -> None:
    line = dials(ANA)
    await line.rings()
    await line.start()
    assert (await line.tell(line.event("caller_hangup"), line.event("ended"))).status_code == 204
    assert await town.value("select count(*) from call") == 0
    assert await town.value("select ended_at from masked_call") is not None


async def test_a_customer_without_an_answer_gets_the_emergency_service(town, dials, moved_clock) -> None:
    line = dials(CUSTOMER)
    await line.rings()
    await line.start()
    assert line.hunt == [(0, ANA)]
    await line.tell(line.event("received"), line.event("attempt", step="0"), line.event("no_answer", step="0"))
    moved_clock.advance(seconds=30)
    await over(line, bridged=False, ending="no_answer")
    assert line.said[0] == words.ARTISAN_NO_ANSWER
    assert "Si vous sentez le gaz" in line.said[1]
    await line.types("1")
    await line.types("27500")
    assert line.hunt[0][1] == ANA
    moved_clock.advance(seconds=5)
    assert (await line.tell(line.event("ended"))).status_code == 204
    call = await town.row("select caller, called from call")
    assert call == {"caller": CUSTOMER, "called": POOL}
    assert await town.value("select count(*) from call_leg") <= 1  # what was rung before is no leg of this ladder


async def test_anybody_else_gets_the_emergency_service(town, dials) -> None:
    line = dials(STRANGER)
    await line.rings()
    await line.start()
    assert "Si vous sentez le gaz" in line.said[0]
    await line.tell(line.event("caller_hangup"), line.event("ended"))
    assert await town.value("select called from call") == POOL
