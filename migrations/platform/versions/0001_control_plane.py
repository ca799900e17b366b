"""The control plane: directory, identity, outbox, aggregates, tasks; and the doors open to cooperatives.

Three SECURITY DEFINER functions are all that a cooperative's role may do outside its schema. Each stamps the cooperative
from `current_setting('role')`, which the caller cannot forge.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

TASKS = Path(__file__).parents[1] / "procrastinate_3.10.sql"

PUBLISH = """
create function platform.publish_event(event_type text, event_payload jsonb, event_at timestamptz) returns bigint
language sql security definer set search_path = pg_catalog, platform as $$
  insert into platform.outbox_event (transaction_id, cooperative_id, type, payload, occurred_at)
  select pg_current_xact_id()::text::bigint, c.id, event_type, event_payload, event_at
  from platform.cooperative c where c.role_name = current_setting('role')
  returning id
$$"""

DEFER = """
create function platform.tasks_defer(
  task text, args jsonb, run_at timestamptz, uniq text, queue text default 'default'
) returns bigint
language plpgsql security definer set search_path = tasks, pg_catalog, pg_temp as $$
declare
  stamped jsonb := args || jsonb_build_object('_tenant', current_setting('role'));
  lock_key text := case when uniq is null then null else current_setting('role') || ':' || uniq end;
begin
  return (tasks.procrastinate_defer_jobs_v1(
    array[row(queue, task, 0, null, lock_key, stamped, run_at)::tasks.procrastinate_job_to_defer_v1]))[1];
exception when unique_violation then
  return null;
end
$$"""

NOTIFY = """
create function platform.notify_live(topic text, subject text) returns void
language sql security definer set search_path = pg_catalog as $$
  select pg_notify('maillage_live',
    json_build_object('tenant', current_setting('role'), 'topic', topic, 'subject', subject)::text)
$$"""


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
        schema="platform",
    )
    op.create_table(
        "cooperative",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=False),
        sa.Column("legal_form", sa.Text(), nullable=False),
        sa.Column("siren", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("public_number", sa.Text(), nullable=False),
        sa.Column("manager_name", sa.Text(), nullable=False),
        sa.Column("manager_phone", sa.Text(), nullable=False),
        sa.Column("fallback_phone", sa.Text(), nullable=False),
        sa.Column("mediator_name", sa.Text(), nullable=False),
        sa.Column("mediator_contact", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("trades", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("schema_name", sa.Text(), nullable=False),
        sa.Column("role_name", sa.Text(), nullable=False),
        sa.Column("schema_revision", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('provisioning','active','suspended')", name=op.f("ck_cooperative_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cooperative")),
        sa.UniqueConstraint("number", name=op.f("uq_cooperative_number")),
        sa.UniqueConstraint("public_number", name=op.f("uq_cooperative_public_number")),
        sa.UniqueConstraint("role_name", name=op.f("uq_cooperative_role_name")),
        sa.UniqueConstraint("schema_name", name=op.f("uq_cooperative_schema_name")),
        sa.UniqueConstraint("siren", name=op.f("uq_cooperative_siren")),
        sa.UniqueConstraint("slug", name=op.f("uq_cooperative_slug")),
        schema="platform",
    )
    op.create_table(
        "letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
        schema="platform",
    )
    op.create_table(
        "outbox_cursor",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", name=op.f("pk_outbox_cursor")),
        schema="platform",
    )
    op.create_table(
        "rate_limit",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_limit")),
        schema="platform",
    )
    op.create_table(
        "cooperative_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("cooperative_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["platform.cooperative.id"], name=op.f("fk_cooperative_change_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cooperative_change")),
        schema="platform",
    )
    op.create_table(
        "daily_aggregate",
        sa.Column("cooperative_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("accepted_rank1", sa.Integer(), nullable=False),
        sa.Column("accepted_rank2", sa.Integer(), nullable=False),
        sa.Column("accepted_neighbour", sa.Integer(), nullable=False),
        sa.Column("accepted_manager", sa.Integer(), nullable=False),
        sa.Column("fallback", sa.Integer(), nullable=False),
        sa.Column("redirected", sa.Integer(), nullable=False),
        sa.Column("abandoned", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("interventions_closed", sa.Integer(), nullable=False),
        sa.Column("delays_kept", sa.Integer(), nullable=False),
        sa.Column("delays_missed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["platform.cooperative.id"], name=op.f("fk_daily_aggregate_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("cooperative_id", "day", name=op.f("pk_daily_aggregate")),
        schema="platform",
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("cooperative_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(role = 'federation') = (cooperative_id is null)", name=op.f("ck_membership_federation_has_no_cooperative")
        ),
        sa.CheckConstraint("role in ('office', 'member', 'federation')", name=op.f("ck_membership_role_known")),
        sa.ForeignKeyConstraint(["account_id"], ["platform.account.id"], name=op.f("fk_membership_account_id")),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["platform.cooperative.id"], name=op.f("fk_membership_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint(
            "account_id",
            "cooperative_id",
            "role",
            name=op.f("uq_membership_account_id_cooperative_id_role"),
            postgresql_nulls_not_distinct=True,
        ),
        schema="platform",
    )
    op.create_table(
        "outbox_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("cooperative_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["platform.cooperative.id"], name=op.f("fk_outbox_event_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_event")),
        schema="platform",
    )
    op.create_index(
        op.f("ix_outbox_event_transaction_id_id"),
        "outbox_event",
        ["transaction_id", "id"],
        unique=False,
        schema="platform",
    )
    op.create_table(
        "sign_in_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["platform.account.id"], name=op.f("fk_sign_in_link_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_link_token_hash")),
        schema="platform",
    )
    op.create_index(op.f("ix_sign_in_link_account_id"), "sign_in_link", ["account_id"], unique=False, schema="platform")
    op.create_table(
        "web_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["platform.account.id"], name=op.f("fk_web_session_account_id")),
        sa.ForeignKeyConstraint(
            ["membership_id"], ["platform.membership.id"], name=op.f("fk_web_session_membership_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_web_session_token_hash")),
        schema="platform",
    )
    op.create_index(op.f("ix_web_session_account_id"), "web_session", ["account_id"], unique=False, schema="platform")
    # ### end Alembic commands ###
    op.execute(PUBLISH)
    op.execute(DEFER)
    op.execute(NOTIFY)
    op.execute("set local search_path = tasks, pg_catalog")
    op.get_bind().connection.driver_connection.execute(TASKS.read_text(), prepare=False)
    op.execute("set local search_path = public")


def downgrade() -> None:
    op.execute("drop function platform.notify_live, platform.tasks_defer, platform.publish_event")
    op.execute("drop schema tasks cascade")
    op.execute("create schema tasks")
    op.drop_index(op.f("ix_web_session_account_id"), table_name="web_session", schema="platform")
    op.drop_table("web_session", schema="platform")
    op.drop_index(op.f("ix_sign_in_link_account_id"), table_name="sign_in_link", schema="platform")
    op.drop_table("sign_in_link", schema="platform")
    op.drop_index(op.f("ix_outbox_event_transaction_id_id"), table_name="outbox_event", schema="platform")
    op.drop_table("outbox_event", schema="platform")
    op.drop_table("membership", schema="platform")
    op.drop_table("daily_aggregate", schema="platform")
    op.drop_table("cooperative_change", schema="platform")
    op.drop_table("rate_limit", schema="platform")
    op.drop_table("outbox_cursor", schema="platform")
    op.drop_table("letter", schema="platform")
    op.drop_table("cooperative", schema="platform")
    op.drop_table("account", schema="platform")
    # ### end Alembic commands ###
