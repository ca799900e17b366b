"""Planning a semester: patterns, wishes, rules, school holidays, the solving itself; absences are asked and decided."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.alter_column("absence", "recorded_at", new_column_name="created_at")
    op.add_column("absence", sa.Column("state", sa.Text(), nullable=False, server_default="approved"))
    op.alter_column("absence", "state", server_default=None)
    op.create_check_constraint(op.f("ck_absence_state_known"), "absence", "state in ('asked', 'approved', 'refused')")
    op.add_column("absence", sa.Column("decided_by", sa.Text(), nullable=True))
    op.add_column("absence", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "shift_pattern",
        sa.Column("sector_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("handover_weekday", sa.SmallInteger(), nullable=False),
        sa.Column("handover_at", sa.Time(), nullable=False),
        sa.Column("day_starts", sa.Time(), nullable=False),
        sa.Column("holidays_apart", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "code in ('whole_weeks', 'week_and_weekend', 'days_and_nights')", name=op.f("ck_shift_pattern_code_known")
        ),
        sa.CheckConstraint("handover_weekday between 0 and 6", name=op.f("ck_shift_pattern_weekday")),
        sa.CheckConstraint("code = 'whole_weeks' or day_starts < handover_at", name=op.f("ck_shift_pattern_day")),
        sa.ForeignKeyConstraint(["sector_id"], ["sector.id"], name=op.f("fk_shift_pattern_sector_id")),
        sa.PrimaryKeyConstraint("sector_id", name=op.f("pk_shift_pattern")),
    )
    op.create_table(
        "duty_preference",
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("backup_only", sa.Boolean(), nullable=False),
        sa.Column("spare_school_holidays", sa.SmallInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "spare_school_holidays between 0 and 3", name=op.f("ck_duty_preference_spare_school_holidays")
        ),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_duty_preference_technician_id")),
        sa.PrimaryKeyConstraint("technician_id", name=op.f("pk_duty_preference")),
    )
    op.create_table(
        "duty_wish",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_duty_wish_period")),
        sa.CheckConstraint("weight between 1 and 3", name=op.f("ck_duty_wish_weight")),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_duty_wish_technician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_wish")),
    )
    op.create_index(op.f("ix_duty_wish_technician_id_starts_at"), "duty_wish", ["technician_id", "starts_at"])
    op.create_table(
        "rota_policy",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("school_zone", sa.Text(), nullable=False),
        sa.Column("promised_minutes", sa.Integer(), nullable=False),
        sa.Column("max_weeks_running", sa.Integer(), nullable=False),
        sa.Column("max_units_a_week", sa.Integer(), nullable=False),
        sa.Column("rest_hours", sa.Integer(), nullable=False),
        sa.Column("employee_rest_hours", sa.Integer(), nullable=False),
        sa.Column("employee_weekly_rest_hours", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_rota_policy_only_one")),
        sa.CheckConstraint("school_zone in ('A', 'B', 'C', '')", name=op.f("ck_rota_policy_school_zone_known")),
        sa.CheckConstraint("promised_minutes between 15 and 240", name=op.f("ck_rota_policy_promised_minutes")),
        sa.CheckConstraint(
            "max_weeks_running between 0 and 10 and max_units_a_week between 0 and 10 and rest_hours between 0 and 48 "
            "and employee_rest_hours between 11 and 48 and employee_weekly_rest_hours between 35 and 72",
            name=op.f("ck_rota_policy_rules"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rota_policy")),
    )
    op.create_table(
        "school_break",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_school_break_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_school_break")),
    )
    op.create_index(op.f("ix_school_break_first_day"), "school_break", ["first_day"])
    op.create_table(
        "solve_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("semester", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("most_steps", sa.Integer(), nullable=True),
        sa.Column("instance", sa.LargeBinary(), nullable=False),
        sa.Column("base_rota_id", sa.Uuid(), nullable=True),
        sa.Column("replays_id", sa.Uuid(), nullable=True),
        sa.Column("rota_id", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.Column("elapsed", sa.Float(), nullable=True),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=True),
        sa.Column("uncovered", sa.Integer(), nullable=True),
        sa.Column("points", sa.Integer(), nullable=True),
        sa.Column("bound", sa.Integer(), nullable=True),
        sa.Column("spread", sa.Float(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_by", sa.Text(), nullable=True),
        sa.Column("applied_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind in ('draft', 'repair')", name=op.f("ck_solve_run_kind_known")),
        sa.CheckConstraint("state in ('waiting', 'running', 'done', 'failed')", name=op.f("ck_solve_run_state_known")),
        sa.CheckConstraint("seconds between 1 and 3600", name=op.f("ck_solve_run_seconds")),
        sa.ForeignKeyConstraint(["base_rota_id"], ["rota.id"], name=op.f("fk_solve_run_base_rota_id")),
        sa.ForeignKeyConstraint(["replays_id"], ["solve_run.id"], name=op.f("fk_solve_run_replays_id")),
        sa.ForeignKeyConstraint(["rota_id"], ["rota.id"], name=op.f("fk_solve_run_rota_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_solve_run")),
    )
    op.create_index(op.f("ix_solve_run_semester_asked_at"), "solve_run", ["semester", "asked_at"])
    op.create_index(op.f("ix_solve_run_rota_id"), "solve_run", ["rota_id"])


def downgrade() -> None:
    for table in ("solve_run", "school_break", "rota_policy", "duty_wish", "duty_preference", "shift_pattern"):
        op.drop_table(table)
    op.drop_column("absence", "decided_at")
    op.drop_column("absence", "decided_by")
    op.drop_constraint(op.f("ck_absence_state_known"), "absence", type_="check")
    op.execute("delete from absence where state <> 'approved'")
    op.drop_column("absence", "state")
    op.alter_column("absence", "created_at", new_column_name="recorded_at")
