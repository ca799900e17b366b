"""The switchboard becomes real: what SIP, carriers, message receipts and the watch over them need to remember."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Each use case adds its own block."""
    _message_chain()


def downgrade() -> None:
    """The same blocks, undone in reverse order."""
    _undo_message_chain()


def _message_chain() -> None:
    """Messages that arrive: attempts with their receipts, replies, dead addresses, push, preferences, quiet hours."""
    op.drop_constraint(op.f("ck_message_state_known"), "message", type_="check")
    op.create_check_constraint(
        op.f("ck_message_state_known"), "message", "state in ('queued', 'held', 'sent', 'delivered', 'failed')"
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
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "channel in ('push', 'sms', 'call', 'email')", name=op.f("ck_message_attempt_channel_known")
        ),
        sa.CheckConstraint(
            "state in ('waiting', 'giving', 'given', 'delivered', 'failed', 'expired')",
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
    op.execute("update message set state = 'queued' where state = 'held'")
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
