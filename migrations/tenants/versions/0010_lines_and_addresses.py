"""A line of an ended call whose end nobody told: a state of its own, which a late word may still change."""

from alembic import op

revision = "0010"
down_revision = "0006"

STATES = (
    "ringing",
    "answered",
    "accepted",
    "no_answer",
    "busy",
    "refused",
    "unreachable",
    "not_accepted",
    "cancelled",
)
KEEP_LEG = """
create or replace function keep_final_leg() returns trigger language plpgsql as $$
begin
  if old.state not in ({open}) and new.state is distinct from old.state then
    raise exception 'a final leg state never changes' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$"""


def upgrade() -> None:
    op.execute(KEEP_LEG.format(open="'ringing', 'answered', 'untold'"))
    _states(*STATES, "untold")


def downgrade() -> None:
    op.execute("update call_leg set state = 'cancelled' where state = 'untold'")
    op.execute(KEEP_LEG.format(open="'ringing', 'answered'"))
    _states(*STATES)


def _states(*known: str) -> None:
    op.drop_constraint("ck_call_leg_state_known", "call_leg")
    listed = ", ".join(f"'{state}'" for state in known)
    op.create_check_constraint(op.f("ck_call_leg_state_known"), "call_leg", f"state in ({listed})")
