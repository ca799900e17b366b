"""Living with the published rota: absences are decided, duties change hands."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Each use case adds its own block."""
    _absences()
    _swaps()
    _feeds()
    _terms()


def downgrade() -> None:
    """The same blocks, undone in reverse order."""
    _no_terms()
    _no_feeds()
    _no_swaps()
    _undo_absences()


def _absences() -> None:
    """What the office answered, and those that wait for an answer."""
    op.add_column("absence", sa.Column("answer", sa.Text(), nullable=False, server_default=""))
    op.alter_column("absence", "answer", server_default=None)
    op.create_index("ix_absence_asked", "absence", ["created_at"], postgresql_where=sa.text("state = 'asked'"))


def _undo_absences() -> None:
    op.drop_index("ix_absence_asked", table_name="absence")
    op.drop_column("absence", "answer")


def _swaps() -> None:
    """Exchanges, gifts and changes that the office asks for."""
    op.create_table(
        "swap",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("duty_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_technician_id", sa.Uuid(), nullable=False),
        sa.Column("to_technician_id", sa.Uuid(), nullable=True),
        sa.Column("wanted_duty_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.CheckConstraint("kind in ('gift', 'exchange', 'request')", name=op.f("ck_swap_kind_known")),
        sa.CheckConstraint(
            "state in ('proposed', 'accepted', 'declined', 'cancelled')", name=op.f("ck_swap_state_known")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_swap_period")),
        sa.CheckConstraint("(kind = 'exchange') = (wanted_duty_id is not null)", name=op.f("ck_swap_exchanged")),
        sa.CheckConstraint("kind = 'gift' or to_technician_id is not null", name=op.f("ck_swap_asked")),
        sa.ForeignKeyConstraint(["duty_id"], ["duty.id"], name=op.f("fk_swap_duty_id")),
        sa.ForeignKeyConstraint(["wanted_duty_id"], ["duty.id"], name=op.f("fk_swap_wanted_duty_id")),
        sa.ForeignKeyConstraint(["from_technician_id"], ["technician.id"], name=op.f("fk_swap_from_technician_id")),
        sa.ForeignKeyConstraint(["to_technician_id"], ["technician.id"], name=op.f("fk_swap_to_technician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_swap")),
    )
    open_ = sa.text("state = 'proposed'")
    op.create_index("uq_swap_open", "swap", ["duty_id"], unique=True, postgresql_where=open_)
    op.create_index("ix_swap_to", "swap", ["to_technician_id"], postgresql_where=open_)
    op.create_index(op.f("ix_swap_created_at_id"), "swap", ["created_at", "id"])


def _no_swaps() -> None:
    op.drop_table("swap")


def _feeds() -> None:
    """Secret addresses that calendars read."""
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("sector_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.CheckConstraint("technician_id is null or sector_id is null", name=op.f("ck_calendar_feed_owner")),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_calendar_feed_technician_id")),
        sa.ForeignKeyConstraint(["sector_id"], ["sector.id"], name=op.f("fk_calendar_feed_sector_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feed_token_hash")),
    )
    in_force = sa.text("revoked_at is null")
    for name, column in (("person", "technician_id"), ("sector", "sector_id")):
        op.create_index(f"uq_calendar_feed_{name}", "calendar_feed", [column], unique=True, postgresql_where=in_force)
    op.create_index(op.f("ix_calendar_feed_created_at_id"), "calendar_feed", ["created_at", "id"])


def _no_feeds() -> None:
    op.drop_table("calendar_feed")


def _terms() -> None:
    """What employees get for being on call, on the monthly statement (R63)."""
    op.create_table(
        "on_call_terms",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("hourly", sa.BigInteger(), nullable=False),
        sa.Column("rest_minutes_a_day", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("hourly >= 0 and rest_minutes_a_day >= 0", name=op.f("ck_on_call_terms_positive")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_on_call_terms_member_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_on_call_terms")),
    )


def _no_terms() -> None:
    op.drop_table("on_call_terms")
