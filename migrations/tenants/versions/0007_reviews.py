"""Reviews of closed interventions, kept as they were written."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

KEEP_REVIEW = """
create function keep_review() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.answered_at is not null
     or to_jsonb(new) - 'answer' - 'answered_at' - 'answered_by'
        is distinct from to_jsonb(old) - 'answer' - 'answered_at' - 'answered_by'
  then
    raise exception 'a review is kept as it was given, and answered once' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$"""


def upgrade() -> None:
    op.create_table(
        "review",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("experienced_on", sa.Date(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.CheckConstraint("rating between 1 and 5", name=op.f("ck_review_rating_in_range")),
        sa.CheckConstraint(
            "(answered_at is null) = (answer is null) and (answered_at is null) = (answered_by is null)",
            name=op.f("ck_review_answered_whole"),
        ),
        sa.ForeignKeyConstraint(["intervention_id"], ["intervention.id"], name=op.f("fk_review_intervention_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("intervention_id", name=op.f("uq_review_intervention_id")),
    )
    op.create_index(op.f("ix_review_given_at_id"), "review", ["given_at", "id"])
    op.execute(KEEP_REVIEW)
    op.execute(
        "create trigger keep_review before update or delete on review for each row execute function keep_review()"
    )


def downgrade() -> None:
    op.drop_table("review")
    op.execute("drop function keep_review()")
