"""Living with the published rota: absences are asked and decided."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0002"


def upgrade() -> None:
    """Each use case adds its own block."""
    _absences()


def downgrade() -> None:
    """The same blocks, undone in reverse order."""
    _undo_absences()


def _absences() -> None:
    """What was recorded until now was recorded by the office: it is approved."""
    op.alter_column("absence", "recorded_at", new_column_name="created_at")
    op.add_column("absence", sa.Column("state", sa.Text(), nullable=False, server_default="approved"))
    op.alter_column("absence", "state", server_default=None)
    op.add_column("absence", sa.Column("answer", sa.Text(), nullable=False, server_default=""))
    op.alter_column("absence", "answer", server_default=None)
    op.add_column("absence", sa.Column("decided_by", sa.Text(), nullable=True))
    op.add_column("absence", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_absence_state_known"), "absence", "state in ('asked', 'approved', 'refused')")
    op.create_index("ix_absence_asked", "absence", ["created_at"], postgresql_where=sa.text("state = 'asked'"))


def _undo_absences() -> None:
    """What nobody approved did not exist before."""
    op.execute("delete from absence where state <> 'approved'")
    op.drop_index("ix_absence_asked", table_name="absence")
    op.drop_constraint(op.f("ck_absence_state_known"), "absence", type_="check")
    for name in ("decided_at", "decided_by", "answer", "state"):
        op.drop_column("absence", name)
    op.alter_column("absence", "created_at", new_column_name="recorded_at")
