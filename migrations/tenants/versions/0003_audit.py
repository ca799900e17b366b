"""The audit log becomes a chain: each entry holds the digest of the one before and its own, given by the database.

An entry is chained when its transaction commits, so the lock on the end of the chain is held for the commit only,
whatever the transaction did before. The cooperative's role can add entries; nothing it does changes or removes one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# each part with its length in bytes: no two entries are written alike (tenants: audit/rules.py does the same)
DIGEST = """
create function audit_digest(
  previous text, "position" bigint, at timestamptz, actor text, action text,
  subject_type text, subject_id text, detail jsonb
) returns text language sql stable set search_path = pg_catalog, pg_temp as $$
  select encode(sha256(string_agg(
    convert_to(octet_length(convert_to(part, 'UTF8')) || ':' || part || ',', 'UTF8'), ''::bytea order by n)), 'hex')
  from unnest(array[
    previous, "position"::text, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), actor, action,
    subject_type, subject_id, detail::text
  ]) with ordinality as parts (part, n)
$$"""

# an insert arrives unchained; further than that only the functions below go, which run as the owner of the table
KEEP = """
create function keep_audit() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' and tg_table_name = 'audit_entry' then
    new.position := null;
    new.previous := null;
    new.hash := null;
    return new;
  end if;
  if current_setting('maillage.audit', true) = tg_op
     and current_user = (select pg_get_userbyid(relowner) from pg_class where oid = tg_relid) then
    if tg_op = 'DELETE' then
      return old;
    end if;
    return new;
  end if;
  raise exception 'table % is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$"""

CHAIN = """
create function chain_audit() returns trigger
language plpgsql security definer set search_path = {schema}, pg_catalog, pg_temp as $$
declare
  last text;
  here bigint;
  digest text;
begin
  perform set_config('maillage.audit', 'UPDATE', true);
  update audit_head set position = position + 1 where id = 1 returning position, hash into here, last;
  digest := audit_digest(
    last, here, new.at, new.actor, new.action, new.subject_type, new.subject_id, new.detail);
  update audit_entry set position = here, previous = last, hash = digest where id = new.id;
  update audit_head set hash = digest where id = 1;
  perform set_config('maillage.audit', '', true);
  return null;
end
$$"""

FORGET = """
create function forget_audit(older_than timestamptz, out through bigint, out hash text, out entries bigint)
language plpgsql security definer set search_path = {schema}, pg_catalog, pg_temp as $$
declare
  newest timestamptz := greatest(clock_timestamp(), (select max(e.at) from audit_entry e));
  first_kept bigint;
begin
  if older_than > newest - interval '180 days' then
    raise exception 'an audit entry is kept for six months at least' using errcode = 'restrict_violation';
  end if;
  perform 1 from audit_head where id = 1 for update;
  select e.position into first_kept from audit_entry e
    where e.at >= older_than and e.position is not null order by e.position limit 1;
  select e.position, e.hash into through, hash from audit_entry e
    where e.position < first_kept or first_kept is null order by e.position desc limit 1;
  if through is null then
    entries := 0;
    return;
  end if;
  perform set_config('maillage.audit', 'DELETE', true);
  delete from audit_entry e where e.position <= through;
  get diagnostics entries = row_count;
  perform set_config('maillage.audit', '', true);
end
$$"""

CHAIN_WHAT_IS_THERE = """
do $$
declare
  entry audit_entry;
  last text := '';
  here bigint := 0;
begin
  for entry in select * from audit_entry order by id loop
    here := here + 1;
    update audit_entry set position = here, previous = last, hash = audit_digest(
      last, here, entry.at, entry.actor, entry.action, entry.subject_type, entry.subject_id, entry.detail)
      where id = entry.id returning hash into last;
  end loop;
  insert into audit_head (id, position, hash) values (1, here, last);
end
$$"""


def upgrade() -> None:
    schema = op.get_bind().scalar(sa.text("select quote_ident(current_schema())"))
    for name, kind in (("position", sa.BigInteger()), ("previous", sa.Text()), ("hash", sa.Text())):
        op.add_column("audit_entry", sa.Column(name, kind, nullable=True))
    op.create_unique_constraint(op.f("uq_audit_entry_position"), "audit_entry", ["position"])
    op.create_index(op.f("ix_audit_entry_action_position"), "audit_entry", ["action", "position"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.execute("drop trigger append_only on audit_entry")
    for function in (DIGEST, KEEP, CHAIN.format(schema=schema), FORGET.format(schema=schema)):
        op.execute(function)
    op.execute(CHAIN_WHAT_IS_THERE)
    for table in ("audit_entry", "audit_head"):
        op.execute(
            f"create trigger append_only before insert or update or delete on {table} "
            "for each row execute function keep_audit()"
        )
    op.execute(
        "create constraint trigger chain after insert on audit_entry deferrable initially deferred "
        "for each row execute function chain_audit()"
    )


def downgrade() -> None:
    op.execute("drop trigger chain on audit_entry")
    op.execute("drop trigger append_only on audit_entry")
    op.drop_table("audit_head")
    op.execute("drop function forget_audit, chain_audit, keep_audit, audit_digest")
    op.drop_index(op.f("ix_audit_entry_action_position"), table_name="audit_entry")
    op.drop_constraint(op.f("uq_audit_entry_position"), "audit_entry", type_="unique")
    for name in ("hash", "previous", "position"):
        op.drop_column("audit_entry", name)
    op.execute(
        "create trigger append_only before update or delete on audit_entry "
        "for each row execute function forbid_change()"
    )
