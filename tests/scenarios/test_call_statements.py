"""How many statements each webhook costs: a frost night is 50 000 calls in an hour."""

from collections import defaultdict

import pytest
import sqlalchemy as sa

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


@pytest.fixture
async def counted(town):
    """Statements per webhook, by kind, over the call of a known subscriber."""
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
    sa.event.listen(engine, "before_cursor_execute", note)
    town.company.before_webhook = begin
    try:
        call = await town.company.calls(LEFEVRE, town.number)
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
