"""What must be true after any night, asked in SQL with the owner's connection: nothing of the application is used.

Each check is one query that returns what is wrong, as text; no row is what everybody wants to see.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

LOST = """
select c.provider_call_id from call c
where c.state <> 'ended' or c.outcome is null
   or (c.outcome = 'missed' and not (
        exists (select 1 from callback b where b.call_id = c.id)
        and exists (select 1 from alarm a where a.subject_id = c.id)))
   or (c.outcome in ('accepted', 'fallback') and c.connected_at is null)
"""
"""A call is lost unless somebody took it, it was redirected, the caller gave up, or it is written as missed with a
callback owed and an alarm (rule 1)."""


@dataclass(frozen=True, slots=True)
class Check:
    """`query` returns the offenders of one cooperative (search path set), or of the platform."""

    code: str
    label: str
    query: str


COOPERATIVE_CHECKS = (
    Check("calls_end", "Chaque appel aboutit à une personne, ou est écrit, alarmé et à rappeler", LOST),
    Check(
        "abandoned_by_the_caller",
        "Un appel abandonné n’a été pris par personne",
        "select provider_call_id from call where outcome = 'abandoned' and accepted_position is not null",
    ),
    Check(
        "accepted_is_explained",
        "Qui a pris l’appel est une marche de l’échelle figée",
        """
        select c.provider_call_id from call c
        where c.outcome in ('accepted', 'fallback') and not exists (
            select 1 from ladder_step s where s.call_id = c.id and s.position = c.accepted_position
            and s.skipped is null)
        """,
    ),
    Check(
        "ladder_is_whole",
        "Chaque échelle est numérotée sans trou, motivée, et finit par un numéro humain",
        """
        select c.provider_call_id from call c join ladder_step s on s.call_id = c.id
        group by c.id
        having count(*) <> max(s.position) + 1 or min(s.position) <> 0
            or bool_or(btrim(s.reason) = '')
            or not bool_or(s.kind = 'fallback' and s.skipped is null and s.phone is not null)
            or max(s.position) filter (where s.kind = 'fallback') <> max(s.position)
        """,
    ),
    Check(
        "rung_as_frozen",
        "On n’a appelé que les numéros de l’échelle, dans l’ordre, sans les marches écartées",
        """
        select c.provider_call_id || ' ' || l.position from call_leg l join call c on c.id = l.call_id
        left join ladder_step s on s.call_id = l.call_id and s.position = l.position
        where s.phone is distinct from l.phone or s.skipped is not null
           or exists (select 1 from call_leg m where m.call_id = l.call_id and m.position > l.position
                      and m.started_at < l.started_at)
        """,
    ),
    Check(
        "on_duty_then",
        "Chaque artisan appelé était d’astreinte à cet instant, d’après le planning publié",
        """
        select c.provider_call_id || ' ' || s.position from ladder_step s
        join call c on c.id = s.call_id left join duty d on d.id = s.duty_id
        where s.kind in ('rank1', 'rank2', 'neighbour') and s.phone is not null
          and (d.id is null or not d.live or c.started_at < d.starts_at or c.started_at >= d.ends_at)
        """,
    ),
    Check(
        "one_winner",
        "Un seul artisan par appel",
        "select call_id::text from call_leg where state = 'accepted' group by call_id having count(*) > 1",
    ),
    Check(
        "case_of_the_call",
        "Chaque appel accepté par un artisan a son dossier, et un seul",
        """
        select c.provider_call_id from call c
        where c.outcome = 'accepted'
          and (select count(*) from intervention i where i.call_id = c.id and i.follow_up_of is null) <> 1
        """,
    ),
    Check(
        "clocks_in_order",
        "Les instants de chaque dossier se suivent (R88)",
        """
        select i.number from intervention_clock a
        join intervention_clock b on b.intervention_id = a.intervention_id and b.code > a.code and b.at < a.at
        join intervention i on i.id = a.intervention_id
        where a.code <> 'T2' and b.code <> 'T2'
        """,
    ),
    Check(
        "quote_before_work",
        "Pas de travaux sans devis signé ou danger écrit (R4, R6)",
        """
        select i.number from intervention i
        join intervention_clock t on t.intervention_id = i.id and t.code in ('T7', 'T8')
        where coalesce(btrim(i.danger_reason), '') = '' and not exists (
            select 1 from quote q where q.intervention_id = i.id and q.state = 'signed' and q.signed_at <= t.at)
        """,
    ),
    Check(
        "note_before_payment",
        "La note est remise avant le paiement (R7)",
        "select v.number from payment p join invoice v on v.id = p.invoice_id where p.received_at < v.issued_at",
    ),
    Check(
        "closed_has_note",
        "Aucun dossier clos sans note (R7)",
        """
        select i.number from intervention i where i.state = 'closed'
          and not exists (select 1 from invoice v where v.intervention_id = i.id and v.kind <> 'credit_note')
        """,
    ),
    Check(
        "note_adds_up",
        "Chaque note est la somme de ses lignes, TVA par taux (EN 16931)",
        """
        select v.number from invoice v
        left join lateral (select sum(l.net) as net from invoice_line l where l.invoice_id = v.id) n on true
        left join lateral (
            select sum(round(r.net * r.rate / 10000.0)) as vat from (
                select vat_basis_points as rate, sum(net) as net from invoice_line l where l.invoice_id = v.id
                group by vat_basis_points) r) t on true
        where v.net <> coalesce(n.net, 0) or v.vat <> coalesce(t.vat, 0) or v.gross <> v.net + v.vat
        """,
    ),
    Check(
        "numbers_without_gap",
        "Aucun trou dans la numérotation (R40)",
        """
        with issued as (
            select number from intervention union all select number from quote union all select number from invoice
            union all select number from customer union all select number from subscription),
        cut as (select split_part(number, '-', 1) as series, split_part(number, '-', 2)::int as year,
                       split_part(number, '-', 3)::int as place from issued),
        counted as (select series, year, count(*) as many, count(distinct place) as different, max(place) as last
                    from cut group by series, year)
        select coalesce(c.series, n.series) || '-' || coalesce(c.year, n.year) from counted c
        full join number_counter n on n.series = c.series and n.year = c.year
        where c.many is distinct from c.last or c.different is distinct from c.last or n.last is distinct from c.last
        """,
    ),
    Check(
        "journal_chained",
        "Le journal des règlements est chaîné sans trou (R42)",
        """
        select sequence::text from (
            select sequence, previous_hash, entry_hash,
                   lag(entry_hash) over (order by sequence) as before,
                   row_number() over (order by sequence) as place from payment) p
        where (before is not null and previous_hash <> before) or sequence <> place
           or entry_hash !~ '^[0-9a-f]{64}$'
        """,
    ),
    Check(
        "not_overpaid",
        "Aucune note payée plus que son montant",
        """
        select v.number from invoice v join payment p on p.invoice_id = v.id
        group by v.id having sum(p.amount) > v.gross
        """,
    ),
    Check(
        "ledger_is_the_notes",
        "Le compte des associés est la somme des notes des dossiers clos (R56)",
        """
        select i.number from intervention i
        left join (select intervention_id, sum(amount) as credited from ledger_entry group by 1) l
            on l.intervention_id = i.id
        left join (select intervention_id, sum(case when kind = 'credit_note' then -abs(net) else net end) as noted
                   from invoice group by 1) v on v.intervention_id = i.id
        where (i.state = 'closed' and l.credited is distinct from v.noted) or (i.state <> 'closed' and l.credited <> 0)
        """,
    ),
    Check(
        "duties_do_not_overlap",
        "Deux personnes ne tiennent jamais la même place d’astreinte",
        """
        select a.id::text from duty a join duty b on b.post_id = a.post_id and b.id > a.id
            and tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)
        where a.live and b.live and a.superseded_at is null and b.superseded_at is null
        """,
    ),
    Check(
        "nobody_twice",
        "Personne n’est d’astreinte à deux endroits à la fois",
        """
        select a.technician_id::text from duty a join duty b on b.technician_id = a.technician_id and b.id > a.id
            and tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)
        where a.live and b.live and a.superseded_at is null and b.superseded_at is null
        """,
    ),
    Check(
        "semester_covered",
        "Chaque place d’astreinte est tenue d’un bout à l’autre du semestre",
        """
        select p.id::text from on_call_post p
        left join duty d on d.post_id = p.id and d.live and d.superseded_at is null
        group by p.id
        having coalesce(sum(d.ends_at - d.starts_at), interval '0') <>
            (timestamp '2027-07-01' at time zone 'Europe/Paris') - (timestamp '2027-01-01' at time zone 'Europe/Paris')
        """,
    ),
    Check(
        "short_night_whole",
        "La nuit du 27 au 28 mars 2027 (23 h) est tenue sans trou (R105)",
        """
        select p.id::text || ' ' || t.at from on_call_post p
        cross join generate_series(timestamptz '2027-03-27 18:00+00', timestamptz '2027-03-28 18:00+00',
                                   interval '15 minutes') as t(at)
        where (select count(*) from duty d where d.post_id = p.id and d.live and d.superseded_at is null
               and d.starts_at <= t.at and t.at < d.ends_at) <> 1
        """,
    ),
    Check(
        "messages_left",
        "Aucun message resté en panne",
        "select purpose || ' ' || coalesce(error, '') from message where state = 'failed'",
    ),
)

AGGREGATES = """
with mine as (
    select (c.ended_at at time zone 'Europe/Paris')::date as day, count(*) as calls,
        count(*) filter (where s.kind = 'rank1' and c.outcome = 'accepted') as rank1,
        count(*) filter (where s.kind = 'rank2' and c.outcome = 'accepted') as rank2,
        count(*) filter (where s.kind = 'neighbour' and c.outcome = 'accepted') as neighbour,
        count(*) filter (where s.kind = 'manager' and c.outcome = 'accepted') as manager,
        count(*) filter (where c.outcome = 'fallback') as fallback,
        count(*) filter (where c.outcome = 'redirected') as redirected,
        count(*) filter (where c.outcome = 'abandoned') as abandoned,
        count(*) filter (where c.outcome = 'missed') as missed
    from call c left join ladder_step s on s.call_id = c.id and s.position = c.accepted_position
    group by 1),
theirs as (select * from platform.daily_aggregate where cooperative_id = %(cooperative)s)
select 'total' from mine m full join theirs t on false
having coalesce(sum(m.calls), 0) <> coalesce(sum(t.calls), 0)
    or coalesce(sum(m.rank1), 0) <> coalesce(sum(t.accepted_rank1), 0)
    or coalesce(sum(m.rank2), 0) <> coalesce(sum(t.accepted_rank2), 0)
    or coalesce(sum(m.neighbour), 0) <> coalesce(sum(t.accepted_neighbour), 0)
    or coalesce(sum(m.manager), 0) <> coalesce(sum(t.accepted_manager), 0)
    or coalesce(sum(m.fallback), 0) <> coalesce(sum(t.fallback), 0)
    or coalesce(sum(m.redirected), 0) <> coalesce(sum(t.redirected), 0)
    or coalesce(sum(m.abandoned), 0) <> coalesce(sum(t.abandoned), 0)
    or coalesce(sum(m.missed), 0) <> coalesce(sum(t.missed), 0)
"""
CLOSED_COUNTED = """
select 'closed' where (select count(*) from intervention where state = 'closed')
    <> (select coalesce(sum(interventions_closed), 0) from platform.daily_aggregate
        where cooperative_id = %(cooperative)s)
"""
NO_CUSTOMER_OUTSIDE = """
select e.type from platform.outbox_event e
where e.cooperative_id = %(cooperative)s and exists (
    select 1 from customer_phone p where position(p.phone in e.payload::text) > 0)
"""
FEDERATION_CHECKS = (
    Check("federation_counts", "Les chiffres de la fédération sont ceux des appels", AGGREGATES),
    Check("federation_closed", "Les dossiers clos sont tous comptés par la fédération", CLOSED_COUNTED),
    Check("federation_sees_nobody", "Rien de ce qui sort ne porte le numéro d’un client (R73)", NO_CUSTOMER_OUTSIDE),
)
TASKS_LEFT = """
select task_name || ' (' || status || ')' from tasks.procrastinate_jobs
where task_name not like 'platform.%%'
  and (status in ('failed', 'doing', 'aborting', 'aborted', 'cancelled')
       or (status = 'todo' and (scheduled_at is null or scheduled_at <= %(now)s)))
"""
EVENTS_LEFT = """
select e.type from platform.outbox_event e
where (e.transaction_id, e.id) > (select coalesce(max(c.transaction_id), 0), coalesce(max(c.event_id), 0)
                                  from platform.outbox_cursor c where c.consumer = 'federation')
limit 10
"""
_FAULT = re.compile(r"\[(error|critical)\s*\]|^Traceback |\[ERROR\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check, done. `offenders` are at most ten, as text."""

    code: str
    label: str
    where: str
    offenders: tuple[str, ...]

    @property
    def held(self) -> bool:
        return not self.offenders


@dataclass(frozen=True, slots=True)
class Ground:
    """A cooperative as the checks see it."""

    cooperative_id: object
    name: str
    schema: str


def check_everything(owner_url: str, grounds: Sequence[Ground], *, now: object, logs: Sequence[Path]) -> list[Verdict]:
    """Every invariant of every cooperative, of the platform and of the logs."""
    verdicts: list[Verdict] = []
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for ground in grounds:
            connection.execute(sql.SQL("set search_path = {}").format(sql.Identifier(ground.schema)))
            for check in (*COOPERATIVE_CHECKS, *FEDERATION_CHECKS):
                found = _ask(connection, check.query, {"cooperative": ground.cooperative_id})
                verdicts.append(Verdict(check.code, check.label, ground.name, found))
        left = _ask(connection, TASKS_LEFT, {"now": now})
        verdicts.append(Verdict("no_task_left", "Aucune tâche de fond en échec ou en retard", "plateforme", left))
    for log in logs:
        label = "Aucune erreur dans le journal du processus"
        verdicts.append(Verdict("no_error_logged", label, log.name, _faults(log)))
    return verdicts


def work_left(owner_url: str, now: object) -> bool:
    """Has the application still to do something by itself at that instant: tasks due, events not yet counted?"""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        return bool(_ask(connection, TASKS_LEFT, {"now": now}) or _ask(connection, EVENTS_LEFT, {}))


def lost_calls(owner_url: str, ground: Ground) -> tuple[str, ...]:
    """The carrier's names of the calls that nobody took and nobody will: must be none."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(sql.SQL("set search_path = {}").format(sql.Identifier(ground.schema)))
        return tuple(str(row[0]) for row in connection.execute(LOST).fetchall())


def _ask(connection: psycopg.Connection, query: str, values: dict[str, object]) -> tuple[str, ...]:
    text = query if "%(" in query else query.replace("%%", "%")
    rows = connection.execute(text.encode(), values if "%(" in query else None).fetchmany(10)
    return tuple(str(row[0]) for row in rows)


def _faults(log: Path) -> tuple[str, ...]:
    text = log.read_text(errors="replace") if log.exists() else ""
    return tuple(
        text[text.rfind("\n", 0, found.start()) + 1 :].split("\n", 1)[0][:200]
        for found in list(_FAULT.finditer(text))[:10]
    )
