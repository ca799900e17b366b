"""How many statements each webhook costs: a frost night is 50 000 calls in an hour."""

import time
from collections import defaultdict

import pytest
import sqlalchemy as sa

from maillage_kit.testing.sounds import wav
from maillage_tenants import recordings
from maillage_tenants.calls import words

LEFEVRE, ANA = "+33633333301", "+33611111101"

AT_MOST = {
    "inbound": 4,  # the role, who calls, the call with its event, the notice to open pages
    "menu": 30,  # the ladder, its reasons, the case
    "leg": 5,  # the role, the call locked, the leg read and written, the event
    "whisper": 5,
    "key": 20,
    "step": 8,
    "status": 3,
}


@pytest.fixture(params=["synthetic voice", "own voice"])
async def counted(town, request, monkeypatch):
    """Statements per webhook, by kind, over the call of a known subscriber."""
    if request.param == "own voice":  # known from memory: it costs nothing
        async with town.runtime.database.tenant(town.cooperative.tenant) as session:
            await recordings.record_prompt(
                session, name="safety_first", words=words.SAFETY_FIRST, content=wav(1), by="tests"
            )
        town.runtime.directory.forget()
    counts: dict[str, list[int]] = defaultdict(list)
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        sent.append(statement)

    async def begin(path: str) -> None:
        finish()
        here.append(next(kind for kind in AT_MOST if kind in path))

    here: list[str] = []

    def finish() -> None:
        if here:
            counts[here.pop()].append(len(sent))
        sent.clear()

    engine = town.runtime.database.engine.sync_engine
    ana = await town.on_call("Ana", ANA)
    await town.customer("Madame Lefèvre", LEFEVRE, ("12 rue de la République", "27467"))
    warm = await town.company.calls(LEFEVRE, town.number)
    await warm.hangs_up()
    ana.rings().presses("1")
    directory, read = town.runtime.directory, time.monotonic()
    monkeypatch.setattr(directory, "_monotonic", lambda: read)  # on a slow machine it would be read again meanwhile
    sa.event.listen(engine, "before_cursor_execute", note)
    town.company.before_webhook = begin
    try:
        call = await town.company.calls(LEFEVRE, town.number)
        assert call.said[0].startswith("[http") is (request.param == "own voice")
        await call.presses("1")
        await call.hangs_up()
        finish()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    return counts


async def test_each_webhook_stays_within_its_statements(counted) -> None:
    worst = {kind: max(numbers) for kind, numbers in counted.items()}
    assert set(worst) == set(AT_MOST)
    over = {kind: count for kind, count in worst.items() if count > AT_MOST[kind]}
    assert over == {}, dict(counted)
