"""What a cooperative of the bench holds: people with papers, years of duties, customers under contract. In SQL."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg

from maillage_kit import clock
from maillage_kit.semester import Semester
from maillage_tenants.rota.rules import weekly_shifts

TRADES = ("plumbing", "locksmith", "glazing")
PUBLISHED_BEFORE = timedelta(days=30)


@dataclass(frozen=True)
class Size:
    """What each cooperative of a database holds.

    `years`: of past duties, in whole semesters, besides the present one. `changed_percent`: of the duties, those whose
    second half somebody else took, so that one row became three.
    """

    customers: int = 0
    years: int = 5
    members_per_trade: int = 20
    changed_percent: int = 10
    trades: tuple[str, ...] = TRADES


def public_number(number: int) -> str:
    return f"+33232{400_000 + number}"


def caller_phone(number: int) -> str:
    """The number that the customer of that place, from 0, calls from."""
    return f"+336{10_000_000 + number}"


def fill(owner_url: str, size: Size) -> None:
    shifts = [
        (semester.code, semester.starts_at - PUBLISHED_BEFORE, shift.starts_at, shift.ends_at)
        for semester in _semesters(size.years)
        for shift in weekly_shifts(semester)
    ]
    with psycopg.connect(owner_url) as connection:
        connection.execute("set local search_path = t0001")
        connection.execute(
            "create temporary table shift (no serial, semester text, published_at timestamptz, starts_at timestamptz,"
            " ends_at timestamptz) on commit drop"
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into shift (semester, published_at, starts_at, ends_at) values (%s, %s, %s, %s)", shifts
            )
        for statement in _PEOPLE:
            connection.execute(statement, {"members": size.members_per_trade, "trades": list(size.trades)})
        for statement in _DUTIES:
            connection.execute(statement, {"members": size.members_per_trade, "changed": size.changed_percent})
        if size.customers:
            for statement in _CUSTOMERS:
                connection.execute(statement, {"customers": size.customers, "trades": list(size.trades)})


def _semesters(years: int) -> list[Semester]:
    """The same half year that many years ago, up to the next one, in order."""
    present = Semester.containing(clock.now())
    semesters = [Semester(present.year - years, present.half)]
    while semesters[-1] != present.next:
        semesters.append(semesters[-1].next)
    return semesters


_PEOPLE: tuple[Any, ...] = (
    """
    create temporary table staff on commit drop as
    select no, trade, uuidv7() as member_id, uuidv7() as technician_id
    from unnest(%(trades)s::text[]) trade cross join generate_series(0, %(members)s - 1) no
    """,
    """
    insert into member (id, name, legal_form, siret, category, vat_status, email, phone, address, postcode,
      city, joined_on)
    select member_id, 'Entreprise ' || trade || ' ' || no, 'SARL', lpad((row_number() over ())::text, 14, '9'),
      'artisan', 'standard', 'contact@entreprise.example', '+33611000000', '1 rue des Carmes', '27500',
      'Pont-Audemer', current_date - 4000
    from staff
    """,
    """
    insert into technician (id, member_id, first_name, last_name, phone, employed, active)
    select technician_id, member_id, 'Camille', initcap(trade) || ' ' || no,
      '+33612' || lpad((row_number() over ())::text, 6, '0'), false, true
    from staff
    """,
    "insert into member_trade (member_id, trade) select member_id, trade from staff",
    """
    insert into member_document
      (id, member_id, kind, trade, reference, issuer, issuer_contact, coverage, valid_from, valid_to, recorded_at)
    select uuidv7(), member_id, kind, case when kind <> 'liability' then trade end, 'P-1', 'Assureur Normand', 'Évreux',
      'France', current_date - 4000 + year * 365, current_date - 4000 + year * 365 + 364, now()
    from staff cross join unnest(array['liability', 'decennial', 'qualification']) kind
      cross join generate_series(6, 12) year
    """,
)
_DUTIES: tuple[Any, ...] = (
    """
    insert into rota (id, semester, state, created_at, published_at, published_by, decision)
    select uuidv7(), semester, 'published', min(published_at), min(published_at), 'bench', 'Décision du bureau'
    from shift group by semester order by semester
    """,
    """
    insert into on_call_post (sector_id, trade, rank)
    select sector.id, trade, rank
    from sector cross join (select distinct trade from staff) trades cross join generate_series(1, 2) rank
    order by sector.code, trade, rank
    """,
    """
    insert into duty
      (id, rota_id, post_id, member_id, technician_id, starts_at, ends_at, live, recorded_at, recorded_by, reason)
    select uuidv7(), rota.id, post.id, staff.member_id, staff.technician_id, shift.starts_at, shift.ends_at, true,
      shift.published_at, 'bench', ''
    from shift join rota using (semester) cross join on_call_post post
      join staff on staff.trade = post.trade and staff.no = (shift.no * 7 + post.id * 3) %% %(members)s
    order by semester, post.id, shift.no
    """,
    """
    with changed as (
      update duty set superseded_at = starts_at - interval '5 days', superseded_by = 'bench'
      where starts_at < now() and abs(hashtext(id::text)) %% 100 < %(changed)s
      returning *
    ), other as (
      select changed.*, staff.member_id as other_member, staff.technician_id as other_technician
      from changed join on_call_post post on post.id = changed.post_id
        join staff on staff.trade = post.trade and staff.no = abs(hashtext(changed.id::text || 'x')) %% %(members)s
    ), halves as (
      select id, rota_id, post_id, member_id, technician_id, starts_at,
        starts_at + (ends_at - starts_at) / 2 as ends_at, superseded_at as at from other
      union all
      select id, rota_id, post_id, other_member, other_technician, starts_at + (ends_at - starts_at) / 2, ends_at,
        superseded_at from other
    )
    insert into duty
      (id, rota_id, post_id, member_id, technician_id, starts_at, ends_at, live, recorded_at, recorded_by, reason)
    select uuidv7(), rota_id, post_id, member_id, technician_id, starts_at, ends_at, true, at, 'bench', 'Remplacement'
    from halves order by at
    """,
)
_CUSTOMERS: tuple[Any, ...] = (
    """
    create temporary table person on commit drop as
    select no, uuidv7() as customer_id, uuidv7() as site_id, uuidv7() as subscription_id,
      '+336' || (10000000 + no) as phone, 'Lefèvre ' || no as name, commune.insee, commune.name as city,
      commune.postcodes[1] as postcode, (select member_id from staff order by staff.no, trade limit 1) as member_id
    from generate_series(0, %(customers)s - 1) no
      join (
        select *, row_number() over (order by insee) - 1 as place, count(*) over () as communes from commune
      ) commune on commune.place = no %% commune.communes
    """,
    """
    insert into customer (id, number, kind, consumer_status, name, contact_name, email, billing_address,
      billing_postcode, billing_city, referring_member_id, sort_name, search, created_at)
    select customer_id, 'C-2026-' || lpad(no::text, 6, '0'), 'person', 'consumer', name, '', 'abonne@exemple.example',
      no || ' rue de la Harpe', postcode, city, member_id, lower(name),
      to_tsvector('simple', name || ' ' || city), now()
    from person
    """,
    """
    insert into site (id, customer_id, label, address, complement, insee, postcode, premises_use, over_two_years,
      occupant_name, created_at)
    select site_id, customer_id, 'Domicile', no || ' rue de la Harpe', '', insee, postcode, 'dwelling', true, '', now()
    from person
    """,
    """
    insert into customer_phone (id, customer_id, site_id, phone, label)
    select uuidv7(), customer_id, site_id, phone, '' from person
    """,
    """
    insert into plan (id, code, name, description, trades, legal_nature, yearly_price, vat_basis_points,
      accept_minutes, arrive_minutes_urban, arrive_minutes_rural, included_interventions, reimbursement,
      waiting_period_days, covers_parts, state, created_at)
    values (uuidv7(), 'bench', 'Sérénité', '', %(trades)s, 'service', 7900, 2000, 10, 60, 90, 0, false, 0, false,
      'published', now())
    """,
    """
    insert into subscription (id, number, customer_id, plan_id, channel, state, signed_on, starts_on, ends_on,
      created_at)
    select subscription_id, 'S-2026-' || lpad(no::text, 6, '0'), customer_id, plan.id, 'distance_phone', 'active',
      current_date - 60, current_date - 60, current_date + 305, now()
    from person cross join plan where plan.code = 'bench'
    """,
    "insert into subscription_site (subscription_id, site_id) select subscription_id, site_id from person",
)
