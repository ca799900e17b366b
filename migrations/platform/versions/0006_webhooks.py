"""Webhooks: the addresses that cooperatives have told what happens, and their deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cooperative_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("former_secret", sa.LargeBinary(), nullable=True),
        sa.Column("former_secret_until", instant, nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("paused_at", instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["platform.cooperative.id"], name=op.f("fk_webhook_endpoint_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoint")),
        schema="platform",
    )
    op.create_index(
        op.f("ix_webhook_endpoint_cooperative_id_name"),
        "webhook_endpoint",
        ["cooperative_id", "name"],
        schema="platform",
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("occurred_at", instant, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", instant, nullable=False),
        sa.Column("tried_from", instant, nullable=True),
        sa.Column("tried_at", instant, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("settled_at", instant, nullable=True),
        sa.CheckConstraint("state in ('waiting', 'delivered', 'dead')", name=op.f("ck_webhook_delivery_state_known")),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["platform.webhook_endpoint.id"],
            name=op.f("fk_webhook_delivery_endpoint_id"),
            ondelete="cascade",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        schema="platform",
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        op.f("ix_webhook_delivery_endpoint_id_position"),
        "webhook_delivery",
        ["endpoint_id", "position"],
        schema="platform",
    )
    op.create_index(
        "ix_webhook_delivery_due", "webhook_delivery", ["next_at"], schema="platform", postgresql_where=waiting
    )
    op.create_index(
        "ix_webhook_delivery_case",
        "webhook_delivery",
        ["endpoint_id", "case_id", "position"],
        schema="platform",
        postgresql_where=waiting,
    )
    op.create_index(
        "ix_webhook_delivery_settled",
        "webhook_delivery",
        ["settled_at"],
        schema="platform",
        postgresql_where=sa.text("state <> 'waiting'"),
    )


def downgrade() -> None:
    for name in ("settled", "case", "due", "endpoint_id_position"):
        op.drop_index(f"ix_webhook_delivery_{name}", table_name="webhook_delivery", schema="platform")
    op.drop_table("webhook_delivery", schema="platform")
    op.drop_index(op.f("ix_webhook_endpoint_cooperative_id_name"), table_name="webhook_endpoint", schema="platform")
    op.drop_table("webhook_endpoint", schema="platform")
