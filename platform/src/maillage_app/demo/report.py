"""The report of the night, read in the database: for people on the terminal, for machines as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from maillage_app.demo.invariants import Ground, Verdict
from maillage_app.demo.night import Played
from maillage_kit.clock import paris
from maillage_kit.money import Money
from maillage_kit.phone import show_phone
from maillage_tenants.interventions import STATE_LABELS, State

SCHEMA = 1
OUTCOME_LABELS = {
    "accepted": "pris par un artisan",
    "accepted:manager": "pris par le responsable",
    "fallback": "pris au numéro de repli",
    "redirected": "orienté vers les secours",
    "abandoned": "abandonné par l’appelant",
    "missed": "manqué : alarme et rappel dû",
}
LEG_LABELS = {
    "accepted": "accepte",
    "no_answer": "ne répond pas",
    "busy": "occupé",
    "refused": "refuse",
    "unreachable": "injoignable",
    "not_accepted": "répondeur",
    "cancelled": "appelant parti",
    "ringing": "sonne",
    "answered": "décroche",
}
KIND_LABELS = {
    "rank1": "rang 1",
    "rank2": "rang 2",
    "neighbour": "voisin",
    "manager": "responsable",
    "fallback": "repli",
}
DELAY_LABELS = {"accept": "prise en charge", "arrive": "arrivée", "safe": "mise en sécurité"}

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
                "delays": _delay_counts(self.calls),
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
    return dict(Counter(_outcome(line) for line in lines))


def _outcome(line: CallLine) -> str:
    return "accepted:manager" if (line.outcome, line.accepted_kind) == ("accepted", "manager") else line.outcome


def _delay_counts(lines: Sequence[CallLine]) -> dict[str, int]:
    kept = Counter(delay.kept for line in lines for delay in line.delays)
    return {"kept": kept[True], "missed": kept[False], "open": kept[None]}


def _grouped(rows: Sequence[dict[str, Any]], key: str) -> dict[Any, list[dict[str, Any]]]:
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


# ------------------------------------------------------------------------------------------------------------ showing


def show(report: Report, console: Console) -> None:
    """The report for people."""
    console.print()
    console.print(f"[bold]La nuit du 27 au 28 mars 2027[/bold] · {len(report.calls)} appels", highlight=False)
    for cooperative in report.cooperatives:
        console.print(_described(cooperative), highlight=False)
    console.print(_calls_table(report.calls))
    console.print(_summary(report))


def _described(cooperative: Mapping[str, Any]) -> str:
    counted = {
        name: f"{count:,}".replace(",", "\u202f") for name, count in cooperative.items() if isinstance(count, int)
    }
    return (
        f"{cooperative['name']} : {counted['members']} associés, {counted['technicians']} intervenants, "
        f"{counted['customers']} clients, {counted['subscriptions']} contrats, {counted['duties']} astreintes publiées "
        f"({cooperative['rota_decision']})"
    )


def _calls_table(lines: Sequence[CallLine]) -> Table:
    table = Table(show_lines=True, expand=True, pad_edge=False)
    table.add_column("Heure", no_wrap=True)
    table.add_column("Appel", ratio=4)
    table.add_column("Qui a été appelé", ratio=5)
    table.add_column("Délais (promis) et note", ratio=4)
    for line in lines:
        at = datetime.fromisoformat(line.at)
        table.add_row(
            Text.assemble((f"{at:%H:%M:%S}", "bold"), (f"\n{_zone(at)}", "dim")),
            Text.assemble(
                (line.caller, "bold"),
                f"\n{line.caller_number}",
                (f"\n{line.sector or 'Secteur inconnu'}, {line.cooperative}", "dim"),
                (f"\n{line.title}", "italic"),
            ),
            _below(_ladder(line), _issue(line)),
            _below(_promises(line), _note(line)),
        )
    return table


def _below(*texts: Text) -> Text:
    return Text("\n").join([text for text in texts if text])


def _zone(at: datetime) -> str:
    offset = at.utcoffset()
    hours = 0 if offset is None else round(offset.total_seconds() / 3600)
    return f"UTC+{hours}"


def _ladder(line: CallLine) -> Text:
    text = Text()
    tried = max((place for place, step in enumerate(line.ladder) if step.result), default=-1)
    for step in line.ladder[: tried + 1]:
        if not step.result and not step.skipped:
            continue
        if text:
            text.append("\n")
        text.append(f"{KIND_LABELS.get(step.kind, step.kind)} ", "dim")
        text.append(step.who)
        if step.skipped:
            text.append(f" : {step.skipped}", "yellow")
        else:
            good = step.result == "accepted"
            text.append(f" : {LEG_LABELS.get(step.result, step.result)}", "green" if good else "yellow")
    return text if text else Text(line.routing or "—", "dim")


def _issue(line: CallLine) -> Text:
    label = OUTCOME_LABELS.get(_outcome(line), line.outcome)
    colour = {"accepted": "green", "fallback": "green", "missed": "red", "abandoned": "yellow"}.get(
        line.outcome, "cyan"
    )
    text = Text.assemble((f"→ {label}", colour))
    if line.seconds_to_person is not None:
        text.append(f" en {line.seconds_to_person} s", "dim")
    if line.lost:
        text.append("\nPERDU", "bold white on red")
    if not line.as_expected:
        text.append(f"\nattendu : {line.expected}", "bold red")
    if line.trouble:
        text.append(f"\n{line.trouble}", "red")
    return text


def _promises(line: CallLine) -> Text:
    text = Text()
    for delay in line.delays:
        if text:
            text.append("\n")
        taken = "?" if delay.taken_minutes is None else f"{_minutes(delay.taken_minutes)}"
        colour = {True: "green", False: "red", None: "dim"}[delay.kept]
        text.append(f"{DELAY_LABELS[delay.code]} {taken}", colour)
        text.append(f" ({_minutes(delay.promised_minutes)})", "dim")
    return text


def _minutes(minutes: int) -> str:
    """`95 min`, `3 h 00`, `3 jours`."""
    if minutes >= 24 * 60:
        days = round(minutes / (24 * 60))
        return f"{days} jour{'s' if days > 1 else ''}"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d}"


def _note(line: CallLine) -> Text:
    if line.note is None:
        state = STATE_LABELS[State(line.case_state)].lower() if line.case_state else ""
        return Text(f"dossier {line.case} : {state}" if line.case else "sans dossier", "dim")
    paid = line.paid_cents == line.note_cents
    return Text.assemble(
        f"{line.note} ", (str(Money(line.note_cents or 0)), "bold"), (" payée" if paid else " à payer", "dim")
    )


def _summary(report: Report) -> RenderableType:
    outcomes = Table.grid(padding=(0, 2))
    for code, label in OUTCOME_LABELS.items():
        if report.outcomes.get(code):
            outcomes.add_row(str(report.outcomes[code]), label)
    delays = _delay_counts(report.calls)
    notes = [line for line in report.calls if line.note is not None]
    total = Money(sum(line.note_cents or 0 for line in notes))
    broken = [verdict for verdict in report.invariants if not verdict.held]
    lines: list[RenderableType] = [
        outcomes,
        Text.assemble(
            (f"\n{report.lost} appel perdu" if report.lost < 2 else f"\n{report.lost} appels perdus", "bold"),
            f" sur {len(report.calls)}",
            style="red" if report.lost else "green",
        ),
        Text(f"Délais tenus : {delays['kept']}, manqués : {delays['missed']}"),
        Text(f"Notes : {len(notes)}, pour {total} TTC"),
        Text(
            f"Invariants vérifiés en SQL : {len(report.invariants) - len(broken)} sur {len(report.invariants)}",
            "green" if not broken else "bold red",
        ),
    ]
    for verdict in broken:
        lines.append(Text(f"✗ {verdict.label} ({verdict.where}) : {', '.join(verdict.offenders)}", "red"))
    lines += [Text(f"✗ {trouble}", "red") for trouble in report.troubles]
    return Panel(Group(*lines), title="Bilan", border_style="green" if report.ok else "red")
