"""The report of the night, read in the database; as JSON for machines. `showing` prints it for people."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from maillage_app.demo.invariants import Ground, Verdict
from maillage_app.demo.night import Played
from maillage_kit.clock import paris
from maillage_kit.phone import show_phone

SCHEMA = 1

_CALLS = """
select c.id, c.provider_call_id, c.started_at, c.ended_at, c.caller, c.outcome, c.trade, c.routing_note,
    c.postcode_typed, c.accepted_position, c.connected_at, s.name as sector, k.name as customer, m.name as commune,
    i.id as case_id, i.number as case_number, i.state as case_state, i.type_code, i.priority,
    i.accept_by, i.arrive_by, i.safe_by,
    t.first_name || ' ' || t.last_name as technician, b.name as member,
    v.number as note_number, v.gross as note_cents, p.paid as paid_cents,
    exists (select 1 from callback b where b.call_id = c.id) as callback,
    exists (select 1 from alarm a where a.subject_id = c.id) as alarm
from call c
left join sector s on s.id = c.sector_id
left join customer k on k.id = c.customer_id
left join commune m on m.insee = c.insee
left join intervention i on i.id = c.intervention_id
left join technician t on t.id = i.technician_id
left join member b on b.id = i.member_id
left join lateral (select number, gross, id from invoice where intervention_id = i.id and kind <> 'credit_note'
                   order by issued_at limit 1) v on true
left join lateral (select sum(amount) as paid from payment where invoice_id = v.id) p on true
order by c.started_at, c.provider_call_id
"""
_STEPS = """
select s.call_id, s.position, s.kind, s.display_name, s.reason, s.skipped, l.state, l.started_at, l.ended_at
from ladder_step s left join call_leg l on l.call_id = s.call_id and l.position = s.position
order by s.call_id, s.position
"""
_CLOCKS = "select intervention_id, code, at from intervention_clock"
_PAUSES = "select intervention_id, started_at, ended_at from hold where ended_at is not null"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the ladder: who, why, and what happened; `result` is empty for a step that was not needed."""

    kind: str
    who: str
    reason: str
    skipped: str
    result: str


@dataclass(frozen=True, slots=True)
class Delay:
    """A promise in minutes, and what it took; `kept` is None while nobody knows."""

    code: str
    promised_minutes: int
    taken_minutes: int | None
    kept: bool | None


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call of the report."""

    id: str
    title: str
    cooperative: str
    at: str
    caller: str
    caller_number: str
    trade: str
    sector: str
    routing: str
    ladder: tuple[Step, ...]
    outcome: str
    accepted_kind: str | None
    accepted_by: str | None
    seconds_to_person: int | None
    delays: tuple[Delay, ...]
    case: str | None
    case_state: str | None
    type: str | None
    priority: str | None
    note: str | None
    note_cents: int | None
    paid_cents: int | None
    callback: bool
    alarm: bool
    lost: bool
    expected: str
    as_expected: bool
    trouble: str


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report. `ok` is what the exit status says."""

    schema: int
    night: str
    cooperatives: tuple[Mapping[str, Any], ...]
    calls: tuple[CallLine, ...]
    outcomes: Mapping[str, int]
    lost: int
    invariants: tuple[Verdict, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return (
            self.lost == 0
            and not self.troubles
            and all(verdict.held for verdict in self.invariants)
            and all(line.as_expected and not line.trouble for line in self.calls)
        )

    def as_json(self) -> dict[str, Any]:
        """docs/howto/demo.md describes it."""
        return {
            "schema": self.schema,
            "ok": self.ok,
            "night": self.night,
            "cooperatives": list(self.cooperatives),
            "summary": {
                "calls": len(self.calls),
                "outcomes": dict(self.outcomes),
                "lost": self.lost,
                "delays": delay_counts(self.calls),
                "notes": sum(line.note is not None for line in self.calls),
                "notes_cents": sum(line.note_cents or 0 for line in self.calls),
                "invariants": len(self.invariants),
                "invariants_broken": sum(not verdict.held for verdict in self.invariants),
            },
            "calls": [asdict(line) for line in self.calls],
            "invariants": [
                {
                    "code": verdict.code,
                    "label": verdict.label,
                    "where": verdict.where,
                    "held": verdict.held,
                    "offenders": list(verdict.offenders),
                }
                for verdict in self.invariants
            ],
            "troubles": list(self.troubles),
            "seconds": dict(self.seconds),
        }


# ------------------------------------------------------------------------------------------------------------ reading


def read_calls(
    owner_url: str, grounds: Sequence[Ground], played: Sequence[Played], lost: Sequence[str]
) -> tuple[CallLine, ...]:
    """Every call of every cooperative, in the order they came; each must be one that was played."""
    by_sid = {each.sid: each for each in played}
    lines: list[tuple[datetime, CallLine]] = []
    with psycopg.connect(owner_url, autocommit=True, row_factory=dict_row) as connection:
        for ground in grounds:
            connection.execute(sql.SQL("set search_path = {}").format(sql.Identifier(ground.schema)))
            steps = _grouped(connection.execute(_STEPS).fetchall(), "call_id")
            clocks = _grouped(connection.execute(_CLOCKS).fetchall(), "intervention_id")
            pauses = _grouped(connection.execute(_PAUSES).fetchall(), "intervention_id")
            for row in connection.execute(_CALLS).fetchall():
                each = by_sid.get(row["provider_call_id"])
                if each is not None:
                    line = _line(
                        ground,
                        row,
                        each,
                        steps.get(row["id"], []),
                        {clock["code"]: clock["at"] for clock in clocks.get(row["case_id"], [])},
                        pauses.get(row["case_id"], []),
                        row["provider_call_id"] in lost,
                    )
                    lines.append((row["started_at"], line))
    return tuple(line for _, line in sorted(lines, key=lambda pair: pair[0]))


def unwritten(lines: Sequence[CallLine], played: Sequence[Played]) -> tuple[str, ...]:
    """Calls that were made and that no row tells of: lost in the worst way."""
    written = {line.id for line in lines}
    return tuple(each.script.id for each in played if each.script.id not in written)


def _line(
    ground: Ground,
    row: Mapping[str, Any],
    played: Played,
    steps: Sequence[Mapping[str, Any]],
    clocks: Mapping[str, datetime],
    pauses: Sequence[Mapping[str, Any]],
    lost: bool,
) -> CallLine:
    taken = next((step for step in steps if step["position"] == row["accepted_position"]), None)
    kind = taken["kind"] if taken else None
    wait = (row["connected_at"] - row["started_at"]).total_seconds() if row["connected_at"] else None
    return CallLine(
        id=played.script.id,
        title=played.script.title,
        cooperative=ground.name,
        at=paris(row["started_at"]).isoformat(timespec="seconds"),
        caller=row["customer"] or ("Appelant inconnu" if row["caller"] else "Numéro masqué"),
        caller_number=show_phone(row["caller"]),
        trade=row["trade"] or "",
        sector=row["sector"] or "",
        routing=row["routing_note"],
        ladder=tuple(
            Step(step["kind"], step["display_name"], step["reason"], step["skipped"] or "", step["state"] or "")
            for step in steps
        ),
        outcome=row["outcome"] or "",
        accepted_kind=kind,
        accepted_by=taken["display_name"] if taken else None,
        seconds_to_person=None if wait is None else round(wait),
        delays=_delays(row, clocks, pauses),
        case=row["case_number"],
        case_state=row["case_state"],
        type=row["type_code"],
        priority=row["priority"],
        note=row["note_number"],
        note_cents=row["note_cents"],
        paid_cents=None if row["paid_cents"] is None else int(row["paid_cents"]),
        callback=row["callback"],
        alarm=row["alarm"],
        lost=lost,
        expected=played.script.expect,
        as_expected=played.script.ended_as_told(row["outcome"] or "", kind),
        trouble=played.trouble,
    )


def _delays(
    row: Mapping[str, Any], clocks: Mapping[str, datetime], pauses: Sequence[Mapping[str, Any]]
) -> tuple[Delay, ...]:
    """Promises run from T2; pauses of the closed list do not count (R20, R88). Computed here anew, from the rows."""
    start = clocks.get("T2")
    if start is None:
        return ()
    found = []
    for code, due, done in (
        ("accept", row["accept_by"], clocks.get("T4")),
        ("arrive", row["arrive_by"], clocks.get("T6")),
        ("safe", row["safe_by"], clocks.get("T7")),
    ):
        if due is None:
            continue
        taken = None
        if done is not None:
            paused = sum(
                max(0.0, (min(pause["ended_at"], done) - max(pause["started_at"], start)).total_seconds())
                for pause in pauses
            )
            taken = max(0.0, (done - start).total_seconds() - paused)
        found.append(
            Delay(
                code,
                round((due - start).total_seconds() / 60),
                None if taken is None else round(taken / 60),
                None if taken is None else taken <= (due - start).total_seconds(),
            )
        )
    return tuple(found)


_DESCRIPTION = """
select %(name)s as name,
    (select count(*) from member) as members, (select count(*) from technician) as technicians,
    (select count(*) from customer) as customers, (select count(*) from site) as sites,
    (select count(*) from subscription) as subscriptions,
    (select count(*) from duty where live and superseded_at is null) as duties,
    (select decision from rota where state in ('published', 'frozen') limit 1) as rota_decision,
    (select count(*) from alarm) as alarms
"""


def describe(owner_url: str, grounds: Sequence[Ground]) -> tuple[Mapping[str, Any], ...]:
    """The size of each cooperative."""
    found = []
    with psycopg.connect(owner_url, autocommit=True, row_factory=dict_row) as connection:
        for ground in grounds:
            connection.execute(sql.SQL("set search_path = {}").format(sql.Identifier(ground.schema)))
            found.append(connection.execute(_DESCRIPTION, {"name": ground.name}).fetchone() or {})
    return tuple(found)


def outcomes_of(lines: Sequence[CallLine]) -> dict[str, int]:
    """How many calls ended in each way."""
    return dict(Counter(outcome_code(line) for line in lines))


def outcome_code(line: CallLine) -> str:
    """The outcome, telling apart the calls that the manager took."""
    return "accepted:manager" if (line.outcome, line.accepted_kind) == ("accepted", "manager") else line.outcome


def delay_counts(lines: Sequence[CallLine]) -> dict[str, int]:
    """Promises kept, missed, and of which nobody knows yet."""
    kept = Counter(delay.kept for line in lines for delay in line.delays)
    return {"kept": kept[True], "missed": kept[False], "open": kept[None]}


def _grouped(rows: Sequence[dict[str, Any]], key: str) -> dict[Any, list[dict[str, Any]]]:
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found
