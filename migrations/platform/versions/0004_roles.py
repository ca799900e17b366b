"""Nine roles instead of three; the federation's visits to a cooperative that let it in."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ROLES = "'manager', 'dispatcher', 'accountant', 'member', 'technician', 'auditor', 'operator', 'analyst', 'support'"
_FEDERATION = "'operator', 'analyst', 'support'"
_OLD = (
    "case when role in ('member', 'technician') then 'member' "
    f"when role in ({_FEDERATION}) then 'federation' else 'office' end"
)


def upgrade() -> None:
    _drop_checks()
    # whoever worked at the office could do everything there: a manager until the cooperative says otherwise
    op.execute(
        "update platform.membership set role = "
        "case role when 'office' then 'manager' when 'federation' then 'operator' else role end"
    )
    op.create_check_constraint(op.f("ck_membership_role_known"), "membership", f"role in ({_ROLES})", schema="platform")
    op.create_check_constraint(
        op.f("ck_membership_federation_has_no_cooperative"),
        "membership",
        f"(role in ({_FEDERATION})) = (cooperative_id is null)",
        schema="platform",
    )
    _support_up()


def downgrade() -> None:
    op.drop_table("support_visit", schema="platform")
    op.drop_table("support_consent", schema="platform")
    _drop_checks()
    # several of the new roles are one of the old: each person keeps one hat for it, with the sessions that wear it
    op.execute(
        f"update platform.membership set role = {_OLD} where id in (select distinct on "
        f"(account_id, cooperative_id, {_OLD}) id from platform.membership "
        f"order by account_id, cooperative_id, {_OLD}, role = 'member' desc, id)"
    )
    doubled = "select id from platform.membership where role not in ('office', 'member', 'federation')"
    op.execute(f"delete from platform.web_session where membership_id in ({doubled})")
    op.execute(f"delete from platform.membership where id in ({doubled})")
    op.create_check_constraint(
        op.f("ck_membership_role_known"), "membership", "role in ('office', 'member', 'federation')", schema="platform"
    )
    op.create_check_constraint(
        op.f("ck_membership_federation_has_no_cooperative"),
        "membership",
        "(role = 'federation') = (cooperative_id is null)",
        schema="platform",
    )


def _drop_checks() -> None:
    for name in ("role_known", "federation_has_no_cooperative"):
        op.drop_constraint(op.f(f"ck_membership_{name}"), "membership", schema="platform", type_="check")


def _support_up() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "support_consent",
        sa.Column("cooperative_id", sa.Uuid(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["platform.cooperative.id"], name=op.f("fk_support_consent_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("cooperative_id", name=op.f("pk_support_consent")),
        schema="platform",
    )
    op.create_table(
        "support_visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cooperative_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("visitor_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("ended_at", instant, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "expires_at > opened_at and expires_at <= opened_at + interval '60 minutes'",
            name=op.f("ck_support_visit_an_hour_at_most"),
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["platform.cooperative.id"], name=op.f("fk_support_visit_cooperative_id")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["platform.account.id"], name=op.f("fk_support_visit_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_visit")),
        schema="platform",
    )
    op.create_index(
        op.f("ix_support_visit_cooperative_id_id"), "support_visit", ["cooperative_id", "id"], schema="platform"
    )
    op.create_index(op.f("ix_support_visit_account_id_id"), "support_visit", ["account_id", "id"], schema="platform")
