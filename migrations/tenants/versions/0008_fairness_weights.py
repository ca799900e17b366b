"""What weighs in a fair rota, decided by the cooperative."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_POINTS = (
    *("festive", "holiday", "sunday", "saturday", "weeknight", "weekday", "first_rank", "second_rank"),
    *("away", "same_again", "same_holiday", "wish"),
)


def upgrade() -> None:
    op.create_table(
        "fairness_weights",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.SmallInteger(), nullable=False) for name in _POINTS),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_fairness_weights_only_one")),
        sa.CheckConstraint(
            " and ".join(f"{name} between 0 and 100" for name in _POINTS), name=op.f("ck_fairness_weights_points")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fairness_weights")),
    )


def downgrade() -> None:
    op.drop_table("fairness_weights")
