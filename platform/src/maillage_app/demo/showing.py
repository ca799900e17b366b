"""The report of the night for people, on a terminal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from maillage_app.demo.report import CallLine, Report, delay_counts, outcome_code
from maillage_kit.money import Money
from maillage_tenants.interventions import STATE_LABELS, State

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
    label = OUTCOME_LABELS.get(outcome_code(line), line.outcome)
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
    delays = delay_counts(report.calls)
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
