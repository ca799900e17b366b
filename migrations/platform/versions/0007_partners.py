"""The people of a customer: a tenth role, bound to the one customer whose things it sees."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_BEFORE = "'manager', 'dispatcher', 'accountant', 'member', 'technician', 'auditor', 'operator', 'analyst', 'support'"
_SINCE = (
    "'manager', 'dispatcher', 'accountant', 'member', 'technician', 'auditor', 'partner', 'operator', 'analyst', "
    "'support'"
)


def upgrade() -> None:
    op.add_column("membership", sa.Column("customer_id", sa.Uuid(), nullable=True), schema="platform")
    _roles_are(_SINCE)
    op.create_check_constraint(
        op.f("ck_membership_partner_has_a_customer"),
        "membership",
        "(role = 'partner') = (customer_id is not null)",
        schema="platform",
    )


def downgrade() -> None:
    gone = "select id from platform.membership where role = 'partner'"
    op.execute(f"delete from platform.web_session where membership_id in ({gone})")
    op.execute("delete from platform.membership where role = 'partner'")
    op.drop_constraint(op.f("ck_membership_partner_has_a_customer"), "membership", schema="platform", type_="check")
    _roles_are(_BEFORE)
    op.drop_column("membership", "customer_id", schema="platform")


def _roles_are(listed: str) -> None:
    op.drop_constraint(op.f("ck_membership_role_known"), "membership", schema="platform", type_="check")
    op.create_check_constraint(op.f("ck_membership_role_known"), "membership", f"role in ({listed})", schema="platform")
