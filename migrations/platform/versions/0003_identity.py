"""People sign in: sessions that say where and how they were opened, letters that wait their turn."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _sessions_up()


def downgrade() -> None:
    _sessions_down()


def _sessions_up() -> None:
    op.add_column("letter", sa.Column("send_after", sa.DateTime(timezone=True)), schema="platform")
    op.add_column("web_session", sa.Column("idle_until", sa.DateTime(timezone=True)), schema="platform")
    op.add_column("web_session", sa.Column("address", sa.Text()), schema="platform")
    op.add_column("web_session", sa.Column("method", sa.Text()), schema="platform")
    op.execute(
        "update platform.web_session set idle_until = last_seen_at + interval '3 days', address = '', method = 'link'"
    )
    for column in ("idle_until", "address", "method"):
        op.alter_column("web_session", column, nullable=False, schema="platform")
    op.create_check_constraint(
        op.f("ck_web_session_method_known"), "web_session", "method in ('link', 'openid', 'passkey')", schema="platform"
    )


def _sessions_down() -> None:
    op.drop_constraint(op.f("ck_web_session_method_known"), "web_session", schema="platform")
    for column in ("method", "address", "idle_until"):
        op.drop_column("web_session", column, schema="platform")
    op.drop_column("letter", "send_after", schema="platform")
