"""The switchboard becomes real: what SIP, carriers, message receipts and the watch over them need to remember."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


CLAIM_NUMBER = """
create function platform.claim_number(wanted text) returns boolean
language plpgsql security definer set search_path = pg_catalog, platform as $$
begin
  insert into platform.cooperative_number (number, cooperative_id)
  select wanted, c.id from platform.cooperative c
  where c.role_name = current_setting('role')
    and not exists (select 1 from platform.cooperative other where other.public_number = wanted)
  on conflict (number) do nothing;
  return exists (
    select 1 from platform.cooperative_number n join platform.cooperative c on c.id = n.cooperative_id
    where n.number = wanted and c.role_name = current_setting('role'));
end
$$"""

RELEASE_NUMBER = """
create function platform.release_number(given text) returns void
language sql security definer set search_path = pg_catalog, platform as $$
  delete from platform.cooperative_number n using platform.cooperative c
  where n.number = given and c.id = n.cooperative_id and c.role_name = current_setting('role')
$$"""

KEEP_VOICE = """
create function platform.keep_voice(recording boolean, prompts jsonb) returns void
language sql security definer set search_path = pg_catalog, platform as $$
  update platform.cooperative
  set records_calls = coalesce(recording, records_calls), own_prompts = coalesce(prompts, own_prompts)
  where role_name = current_setting('role')
$$"""


def _voice() -> None:
    """What a call must know of a cooperative without its schema: more numbers, recording or not, its own prompts."""
    op.create_table(
        "cooperative_number",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("cooperative_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["platform.cooperative.id"], name=op.f("fk_cooperative_number_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_cooperative_number")),
        schema="platform",
    )
    op.add_column(
        "cooperative",
        sa.Column("records_calls", sa.Boolean(), server_default=sa.false(), nullable=False),
        schema="platform",
    )
    op.add_column(
        "cooperative",
        sa.Column("own_prompts", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        schema="platform",
    )
    for statement in (CLAIM_NUMBER, RELEASE_NUMBER, KEEP_VOICE):
        op.execute(statement)


def _no_voice() -> None:
    op.execute("drop function platform.keep_voice(boolean, jsonb)")
    op.execute("drop function platform.release_number(text)")
    op.execute("drop function platform.claim_number(text)")
    op.drop_column("cooperative", "own_prompts", schema="platform")
    op.drop_column("cooperative", "records_calls", schema="platform")
    op.drop_table("cooperative_number", schema="platform")


def upgrade() -> None:
    """Each use case adds its own block."""
    _watch()
    _voice()


def downgrade() -> None:
    """The same blocks, undone in reverse order."""
    _no_watch()
    _no_voice()


def _watch() -> None:
    """When the audit of the whole installation last looked, and what the federation knows of each watch."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("looked_at", instant, nullable=False),
        sa.Column("on_time_at", instant, nullable=True),
        sa.Column("troubles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeat")),
        schema="platform",
    )
    op.create_table(
        "watch_state",
        sa.Column("cooperative_id", sa.Uuid(), nullable=False),
        sa.Column("last_run_at", instant, nullable=True),
        sa.Column("last_success_at", instant, nullable=True),
        sa.Column("last_seconds", sa.Integer(), nullable=True),
        sa.Column("failed_in_a_row", sa.Integer(), nullable=False),
        sa.Column("last_failure", sa.Text(), nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["platform.cooperative.id"], name=op.f("fk_watch_state_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("cooperative_id", name=op.f("pk_watch_state")),
        schema="platform",
    )


def _no_watch() -> None:
    op.drop_table("watch_state", schema="platform")
    op.drop_table("heartbeat", schema="platform")
