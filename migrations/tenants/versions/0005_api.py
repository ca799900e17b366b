"""Third parties come by the API: the customers that a client sees, its orders, its answers, its names of dwellings."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "partner_client",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sees_all", sa.Boolean(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_partner_client")),
    )
    op.create_table(
        "partner_customer",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["partner_client.client_id"], name=op.f("fk_partner_customer_client_id")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_partner_customer_customer_id")),
        sa.PrimaryKeyConstraint("client_id", "customer_id", name=op.f("pk_partner_customer")),
    )
    op.create_index(op.f("ix_partner_customer_customer_id"), "partner_customer", ["customer_id"])
    op.create_table(
        "partner_order",
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("purchase_order", sa.Text(), nullable=False),
        sa.Column("spending_limit", sa.BigInteger(), nullable=True),
        sa.Column("occupant_name", sa.Text(), nullable=False),
        sa.Column("occupant_phone", sa.Text(), nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["intervention_id"], ["intervention.id"], name=op.f("fk_partner_order_intervention_id")
        ),
        sa.PrimaryKeyConstraint("intervention_id", name=op.f("pk_partner_order")),
    )
    op.create_index(op.f("ix_partner_order_client_id_reference"), "partner_order", ["client_id", "reference"])
    op.create_table(
        "api_answer",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key", name=op.f("pk_api_answer")),
    )
    op.create_index(op.f("ix_api_answer_created_at"), "api_answer", ["created_at"])
    op.add_column("site", sa.Column("reference", sa.Text(), nullable=True))
    op.create_unique_constraint(op.f("uq_site_customer_id_reference"), "site", ["customer_id", "reference"])


def downgrade() -> None:
    op.drop_constraint(op.f("uq_site_customer_id_reference"), "site", type_="unique")
    op.drop_column("site", "reference")
    for table in ("api_answer", "partner_order", "partner_customer", "partner_client"):
        op.drop_table(table)
