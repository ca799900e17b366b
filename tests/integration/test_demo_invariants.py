"""The demo's checks see what they are there to see: each wrong thing is written by hand, then found."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from maillage_app.demo.invariants import Ground, check_everything, lost_calls
from maillage_kit.context import CooperativeContext
from maillage_kit.ids import new_id
from maillage_kit.settings import Settings

NOW = "2027-03-01 08:00+00"
CALL = (
    "insert into call (id, provider, provider_call_id, called, caller, state, outcome, started_at, connected_at, "
    "ended_at, last_sequence, accepted_position, routing_note) "
    "values (%(id)s, 'twiml', %(sid)s, '+33261919227', null, %(state)s, %(outcome)s, %(now)s, %(connected)s, %(now)s, "
    "0, %(position)s, '')"
)


class Owner:
    """The owner's hand on one cooperative, and what the checks then say."""

    def __init__(self, url: str, cooperative: CooperativeContext, folder: Path) -> None:
        self.url = url
        self.ground = Ground(cooperative.id, cooperative.name, cooperative.tenant.schema)
        self.log = folder / "server.log"
        self.log.write_text("[INFO] Started worker-1\n")
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute(f"set search_path = {cooperative.tenant.schema}, tasks")

    def writes(self, query: str, **values: object) -> None:
        self.connection.execute(query, {"now": NOW, **values})

    def call(self, sid: str, state: str = "ended", outcome: str | None = None, **more: object) -> object:
        call_id = new_id()
        self.writes(
            CALL,
            **{"id": call_id, "sid": sid, "state": state, "outcome": outcome, "connected": None, "position": None}
            | more,
        )
        return call_id

    def broken(self) -> dict[str, tuple[str, ...]]:
        verdicts = check_everything(self.url, [self.ground], now=NOW, logs=[self.log])
        return {verdict.code: verdict.offenders for verdict in verdicts if not verdict.held}


@pytest.fixture
def owner(settings: Settings, eure: CooperativeContext, tmp_path: Path) -> Iterator[Owner]:
    assert settings.database.url
    hand = Owner(settings.database.url, eure, tmp_path)
    # An empty cooperative has no rota yet: nothing else is wrong with it.
    assert set(hand.broken()) <= {"semester_covered"}
    yield hand
    hand.connection.close()


def test_a_call_that_nobody_took_is_lost_until_it_is_alarmed_and_owed_a_callback(owner: Owner) -> None:
    """Rule 1."""
    owner.call("CA-ringing", state="ringing")
    missed = owner.call("CA-missed", outcome="missed")
    owner.call("CA-nobody", outcome="accepted")
    assert set(lost_calls(owner.url, owner.ground)) == {"CA-ringing", "CA-missed", "CA-nobody"}
    owner.writes(
        "insert into callback (id, call_id, opened_at, due_at, note) values (%(id)s, %(call)s, %(now)s, %(now)s, '')",
        id=new_id(),
        call=missed,
    )
    assert "CA-missed" in lost_calls(owner.url, owner.ground)
    owner.writes(
        "insert into alarm (id, kind, severity, title, detail, link, dedupe_key, subject_id, raised_at) "
        "values (%(id)s, 'call_to_return', 'critical', 'x', '', '', 'x', %(call)s, %(now)s)",
        id=new_id(),
        call=missed,
    )
    assert set(lost_calls(owner.url, owner.ground)) == {"CA-ringing", "CA-nobody"}


def test_an_acceptance_without_a_frozen_step_or_a_case_is_found(owner: Owner) -> None:
    owner.call("CA-1", outcome="accepted", connected=NOW, position=0)
    broken = owner.broken()
    assert broken["accepted_is_explained"] == ("CA-1",)
    assert broken["case_of_the_call"] == ("CA-1",)
    assert "federation_counts" in broken


def test_a_ladder_with_a_hole_a_silent_reason_or_no_human_end_is_found(owner: Owner) -> None:
    call_id = owner.call("CA-1", outcome="abandoned")
    step = (
        "insert into ladder_step (call_id, position, kind, phone, display_name, ring_seconds, reason) "
        "values (%(call)s, %(position)s, %(kind)s, '+33199000001', 'Ana', 20, %(reason)s)"
    )
    owner.writes(step, call=call_id, position=0, kind="manager", reason="")
    owner.writes(step, call=call_id, position=2, kind="fallback", reason="Numéro de repli")
    assert owner.broken()["ladder_is_whole"] == ("CA-1",)


def test_a_gap_in_the_numbers_is_found(owner: Owner) -> None:
    """R40."""
    owner.writes("insert into number_counter (series, year, last) values ('F', 2027, 3)")
    assert owner.broken()["numbers_without_gap"] == ("F-2027",)


def test_a_rota_with_a_hole_is_found(owner: Owner) -> None:
    owner.writes(
        "insert into on_call_post (sector_id, trade, rank) select id, 'plumbing', 1 from sector where code = 'S1'"
    )
    broken = owner.broken()
    assert len(broken["semester_covered"]) == 1
    assert broken["short_night_whole"]


def test_a_failed_or_late_task_is_found(owner: Owner) -> None:
    task = (
        "insert into tasks.procrastinate_jobs (queue_name, task_name, args, status, scheduled_at) "
        "values ('default', %(name)s, '{}', %(status)s, %(due)s)"
    )
    owner.writes(task, name="messages.deliver", status="failed", due=None)
    owner.writes(task, name="calls.late", status="todo", due="2027-02-28 08:00+00")
    owner.writes(task, name="calls.later", status="todo", due="2027-03-02 08:00+00")
    assert set(owner.broken()["no_task_left"]) == {"messages.deliver (failed)", "calls.late (todo)"}


def test_an_error_in_a_log_is_found_and_its_line_shown(owner: Owner) -> None:
    owner.log.write_text("[INFO] fine\n2027-03-01T08:00:00Z [error    ] unhandled reference=abc\n")
    (line,) = owner.broken()["no_error_logged"]
    assert "unhandled reference=abc" in line
