"""The switchboard becomes real: what SIP, carriers, message receipts and the watch over them need to remember."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Each use case adds its own block."""
    _watch()
    _message_chain()
    _kept_voices()
    _masking()
    _told_later()


def downgrade() -> None:
    """The same blocks, undone in reverse order."""
    _not_told_later()
    _no_masking()
    _no_kept_voices()
    _no_watch()
    _undo_message_chain()


def _message_chain() -> None:
    """Messages that arrive: attempts with their receipts, replies, dead addresses, push, preferences, quiet hours."""
    op.drop_constraint(op.f("ck_message_state_known"), "message", type_="check")
    op.create_check_constraint(
        op.f("ck_message_state_known"),
        "message",
        "state in ('queued', 'held', 'sent', 'delivered', 'failed', 'expired')",
    )
    op.add_column("message", sa.Column("urgency", sa.Text(), nullable=False, server_default="prompt"))
    op.alter_column("message", "urgency", server_default=None)
    op.create_check_constraint(
        op.f("ck_message_urgency_known"), "message", "urgency in ('emergency', 'prompt', 'routine')"
    )
    op.add_column("message", sa.Column("service", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.alter_column("message", "service", server_default=None)
    for name in ("glance", "link"):
        op.add_column("message", sa.Column(name, sa.Text(), nullable=False, server_default=""))
        op.alter_column("message", name, server_default=None)
    op.add_column("message", sa.Column("technician_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("fk_message_technician_id", "message", "technician", ["technician_id"], ["id"])
    for name in ("email", "held_reason"):
        op.add_column("message", sa.Column(name, sa.Text(), nullable=True))
    for name in ("held_until", "delivered_at", "settled_at"):
        op.add_column("message", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_message_recipient_id", "message", ["recipient", "id"])
    op.create_index("ix_message_open", "message", ["id"], postgresql_where=sa.text("state in ('queued', 'held')"))
    op.create_table(
        "push_subscription",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name="fk_push_subscription_technician_id"),
        sa.PrimaryKeyConstraint("id", name="pk_push_subscription"),
        sa.UniqueConstraint("endpoint", name="uq_push_subscription_endpoint"),
    )
    op.create_index("ix_push_subscription_technician_id", "push_subscription", ["technician_id"])
    op.create_table(
        "message_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("segments", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "channel in ('push', 'sms', 'call', 'email')", name=op.f("ck_message_attempt_channel_known")
        ),
        sa.CheckConstraint(
            "state in ('giving', 'given', 'delivered', 'failed', 'expired')",
            name=op.f("ck_message_attempt_state_known"),
        ),
        sa.CheckConstraint(
            "failure is null or failure in ('dead', 'refused', 'unavailable', 'undelivered')",
            name=op.f("ck_message_attempt_failure_known"),
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name="fk_message_attempt_message_id"),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["push_subscription.id"], name="fk_message_attempt_subscription_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_message_attempt"),
    )
    op.create_index("ix_message_attempt_message_id", "message_attempt", ["message_id"])
    op.create_index("ix_message_attempt_reference", "message_attempt", ["provider_reference", "carrier"])
    op.create_index(
        "ix_message_attempt_no_news", "message_attempt", ["given_at"], postgresql_where=sa.text("state = 'given'")
    )
    op.create_table(
        "message_reply",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("provider_reference", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("intervention_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["intervention_id"], ["intervention.id"], name="fk_message_reply_intervention_id"),
        sa.PrimaryKeyConstraint("id", name="pk_message_reply"),
        sa.UniqueConstraint("carrier", "provider_reference", name="uq_message_reply_carrier_provider_reference"),
    )
    op.create_index("ix_message_reply_sender_id", "message_reply", ["sender", "id"])
    op.create_table(
        "message_address",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("dead_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "channel in ('push', 'sms', 'call', 'email')", name=op.f("ck_message_address_channel_known")
        ),
        sa.PrimaryKeyConstraint("channel", "address", name="pk_message_address"),
    )
    op.create_table(
        "notification_preference",
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("channels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sms_after_seconds", sa.Integer(), nullable=False),
        sa.Column("voice_call", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("sms_after_seconds between 0 and 120", name=op.f("ck_notification_preference_sms_after")),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name="fk_notification_preference_technician_id"),
        sa.PrimaryKeyConstraint("technician_id", name="pk_notification_preference"),
    )
    op.create_table(
        "message_policy",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=False),
        sa.Column("quiet_to", sa.Time(), nullable=False),
        sa.Column("quiet_sundays", sa.Boolean(), nullable=False),
        sa.Column("quiet_holidays", sa.Boolean(), nullable=False),
        sa.Column("routine_per_hour", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_message_policy_only_one")),
        sa.CheckConstraint("routine_per_hour between 1 and 100", name=op.f("ck_message_policy_routine_per_hour")),
        sa.PrimaryKeyConstraint("id", name="pk_message_policy"),
    )


def _undo_message_chain() -> None:
    for table in ("message_policy", "notification_preference", "message_address", "message_reply", "message_attempt"):
        op.drop_table(table)
    op.drop_table("push_subscription")
    op.execute("update message set state = 'sent' where state = 'delivered'")
    op.execute("update message set state = 'queued' where state in ('held', 'expired')")
    op.drop_index("ix_message_open", table_name="message")
    op.drop_index("ix_message_recipient_id", table_name="message")
    op.drop_constraint("fk_message_technician_id", "message", type_="foreignkey")
    op.drop_constraint(op.f("ck_message_urgency_known"), "message", type_="check")
    op.drop_constraint(op.f("ck_message_state_known"), "message", type_="check")
    op.create_check_constraint(op.f("ck_message_state_known"), "message", "state in ('queued', 'sent', 'failed')")
    for name in (
        *("settled_at", "delivered_at", "held_until", "held_reason", "email", "technician_id"),
        *("link", "glance", "service", "urgency"),
    ):
        op.drop_column("message", name)


def _kept_voices() -> None:
    """Messages, conversations, own prompts."""
    op.create_table(
        "call_recording",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('message', 'conversation')", name="ck_call_recording_kind_known"),
        sa.CheckConstraint("state in ('waiting', 'kept', 'failed', 'purged')", name="ck_call_recording_state_known"),
        sa.CheckConstraint("(state = 'kept') = (content is not null)", name="ck_call_recording_kept_with_sound"),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_call_recording_call_id"),
        sa.PrimaryKeyConstraint("id", name="pk_call_recording"),
        sa.UniqueConstraint("reference", name="uq_call_recording_reference"),
    )
    op.create_index("ix_call_recording_call_id", "call_recording", ["call_id"])
    op.create_index(
        "ix_call_recording_kept", "call_recording", ["created_at"], postgresql_where=sa.text("state = 'kept'")
    )
    op.create_table(
        "call_hold",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_call_hold_call_id"),
        sa.PrimaryKeyConstraint("call_id", name="pk_call_hold"),
    )
    op.create_table(
        "recording_choice",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("records", sa.Boolean(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chosen_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recording_choice"),
    )
    op.create_table(
        "own_prompt",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_own_prompt"),
    )
    op.add_column("call", sa.Column("may_record", sa.Boolean(), server_default=sa.false(), nullable=False))


def _no_kept_voices() -> None:
    op.drop_column("call", "may_record")
    for table in ("own_prompt", "recording_choice", "call_hold", "call_recording"):
        op.drop_table(table)


def _masking() -> None:
    """Numbers that join an artisan and a customer."""
    op.create_table(
        "masked_number",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_by", sa.Text(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_masked_number"),
    )
    op.create_index(
        "uq_masked_number_held",
        "masked_number",
        ["number"],
        unique=True,
        postgresql_where=sa.text("released_at is null"),
    )
    op.create_table(
        "masked_lease",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number_id", sa.Uuid(), nullable=False),
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("artisan_phone", sa.Text(), nullable=False),
        sa.Column("customer_phone", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("artisan_phone <> customer_phone", name="ck_masked_lease_two_people"),
        sa.ForeignKeyConstraint(["number_id"], ["masked_number.id"], name="fk_masked_lease_number_id"),
        sa.ForeignKeyConstraint(["intervention_id"], ["intervention.id"], name="fk_masked_lease_intervention_id"),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name="fk_masked_lease_technician_id"),
        sa.PrimaryKeyConstraint("id", name="pk_masked_lease"),
    )
    op.create_index(
        "uq_masked_lease_open",
        "masked_lease",
        ["intervention_id", "technician_id"],
        unique=True,
        postgresql_where=sa.text("ends_at is null"),
    )
    op.create_index("ix_masked_lease_number_id_ends_at", "masked_lease", ["number_id", "ends_at"])
    op.create_table(
        "masked_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lease_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_call_id", sa.Text(), nullable=False),
        sa.Column("by_artisan", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["lease_id"], ["masked_lease.id"], name="fk_masked_call_lease_id"),
        sa.PrimaryKeyConstraint("id", name="pk_masked_call"),
        sa.UniqueConstraint("provider", "provider_call_id", name="uq_masked_call_provider_provider_call_id"),
    )
    op.create_index("ix_masked_call_lease_id_started_at", "masked_call", ["lease_id", "started_at"])


def _no_masking() -> None:
    for table in ("masked_call", "masked_lease", "masked_number"):
        op.drop_table(table)


def _watch() -> None:
    """Watch calls and the marks they leave on calls; findings of the audit; the static forward lists (R104)."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "watch_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("expected_from", instant, nullable=False),
        sa.Column("expected_until", instant, nullable=False),
        sa.CheckConstraint("expected_until > expected_from", name=op.f("ck_watch_call_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_call")),
    )
    op.create_index("ix_watch_call_caller_expected_until", "watch_call", ["caller", "expected_until"])
    op.add_column("call", sa.Column("watch_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("fk_call_watch_id", "call", "watch_call", ["watch_id"], ["id"])
    op.create_index("ix_call_watch_id", "call", ["watch_id"], postgresql_where=sa.text("watch_id is not null"))
    op.create_table(
        "watch_setting",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("enabled_at", instant, nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("operator_email", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_watch_setting_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_setting")),
    )
    op.create_table(
        "watch_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("planned_at", instant, nullable=False),
        sa.Column("planned_by", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("deadline_at", instant, nullable=False),
        sa.Column("placed_at", instant, nullable=True),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("arrived_at", instant, nullable=True),
        sa.Column("rang_at", instant, nullable=True),
        sa.Column("answered_at", instant, nullable=True),
        sa.Column("accepted_at", instant, nullable=True),
        sa.Column("judged_at", instant, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.CheckConstraint("outcome in ('success', 'failed')", name=op.f("ck_watch_run_outcome_known")),
        sa.CheckConstraint("(outcome is null) = (judged_at is null)", name=op.f("ck_watch_run_judged")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_watch_run_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_run")),
    )
    op.create_index("ix_watch_run_planned_at", "watch_run", ["planned_at"])
    op.create_index("ix_watch_run_success", "watch_run", ["judged_at"], postgresql_where=sa.text("outcome = 'success'"))
    op.create_index("ix_watch_run_open", "watch_run", ["planned_at"], postgresql_where=sa.text("outcome is null"))
    op.create_table(
        "watch_finding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("since", instant, nullable=False),
        sa.Column("found_at", instant, nullable=False),
        sa.Column("gone_at", instant, nullable=True),
        sa.CheckConstraint(
            "kind in ('call_without_end', 'offer_overdue', 'leg_without_event', 'message_waiting', 'task_late')",
            name=op.f("ck_watch_finding_kind_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_finding")),
    )
    op.create_index(
        "uq_watch_finding_open",
        "watch_finding",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("gone_at is null"),
    )
    op.create_index("ix_watch_finding_found_at", "watch_finding", ["found_at"])
    op.create_table(
        "watch_audit",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("audited_at", instant, nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_watch_audit_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_audit")),
    )
    op.create_table(
        "forward_list",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("daily", sa.Boolean(), nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("starts_at", instant, nullable=False),
        sa.Column("ends_at", instant, nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_forward_list_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forward_list")),
    )
    op.create_index("uq_forward_list_daily", "forward_list", ["day"], unique=True, postgresql_where=sa.text("daily"))
    op.create_index("ix_forward_list_made_at", "forward_list", ["made_at"])


def _no_watch() -> None:
    for table in ("forward_list", "watch_audit", "watch_finding", "watch_run", "watch_setting"):
        op.drop_table(table)
    op.drop_index("ix_call_watch_id", table_name="call")
    op.drop_constraint("fk_call_watch_id", "call", type_="foreignkey")
    op.drop_column("call", "watch_id")
    op.drop_table("watch_call")


ADOPTED_ONLY = """
create function adopted_only() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.call_id is null and new.call_id is not null
     and to_jsonb(new) - 'call_id' = to_jsonb(old) - 'call_id' then
    return new;
  end if;
  raise exception 'table % is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$"""
"""An event that came before its call may be given to it, once; nothing else of it ever changes."""


def _told_later() -> None:
    """A carrier tells afterwards what happened: the end of a line before what came of it, events before their call."""
    op.add_column("call", sa.Column("line_ended_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_call_event_orphan", "call_event", ["provider_call_id"], postgresql_where=sa.text("call_id is null")
    )
    op.create_index(
        "ix_call_event_orphan_since", "call_event", ["received_at"], postgresql_where=sa.text("call_id is null")
    )
    op.execute("drop trigger append_only on call_event")
    op.execute(ADOPTED_ONLY)
    op.execute(
        "create trigger append_only before update or delete on call_event for each row execute function adopted_only()"
    )


def _not_told_later() -> None:
    op.execute("drop trigger append_only on call_event")
    op.execute("drop function adopted_only")
    op.execute(
        "create trigger append_only before update or delete on call_event for each row execute function forbid_change()"
    )
    op.drop_index("ix_call_event_orphan_since", "call_event")
    op.drop_index("ix_call_event_orphan", "call_event")
    op.drop_column("call", "line_ended_at")
