"""Lines whose end nobody told, and watch calls that are not kept for ever."""

from alembic import op

revision = "0009"
down_revision = "0008"

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

ADOPTED_ONLY = """
create or replace function adopted_only() returns trigger language plpgsql as $$
begin
  {forgotten}if tg_op = 'UPDATE' and old.call_id is null and new.call_id is not null
     and to_jsonb(new) - 'call_id' = to_jsonb(old) - 'call_id' then
    return new;
  end if;
  raise exception 'table % is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$"""
FORGOTTEN = """if tg_op = 'DELETE' and (
     (old.call_id is null and old.kind in ('watch_ringing', 'watch_answered', 'watch_ended'))
     or exists (select 1 from call where id = old.call_id and watch_id is not null)) then
    return old;
  end if;
  """
KEEP_STEP = """
create function keep_ladder_step() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and exists (select 1 from call where id = old.call_id and watch_id is not null) then
    return old;
  end if;
  raise exception 'table % is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$"""


def upgrade() -> None:
    """Each use case adds its own block."""
    _untold()
    _forgotten()


def downgrade() -> None:
    """The same blocks, undone in reverse order."""
    _not_forgotten()
    _not_untold()


def _forgotten() -> None:
    """What was told of our own watch calls may be erased; of a caller's call, never."""
    op.execute(ADOPTED_ONLY.format(forgotten=FORGOTTEN))
    op.execute(KEEP_STEP)
    op.execute("drop trigger append_only on ladder_step")
    op.execute(
        "create trigger append_only before update or delete on ladder_step "
        "for each row execute function keep_ladder_step()"
    )
    op.drop_constraint("fk_watch_run_call_id", "watch_run")
    op.create_foreign_key(op.f("fk_watch_run_call_id"), "watch_run", "call", ["call_id"], ["id"], ondelete="SET NULL")


def _not_forgotten() -> None:
    op.drop_constraint("fk_watch_run_call_id", "watch_run")
    op.create_foreign_key(op.f("fk_watch_run_call_id"), "watch_run", "call", ["call_id"], ["id"])
    op.execute("drop trigger append_only on ladder_step")
    op.execute(
        "create trigger append_only before update or delete on ladder_step for each row execute function forbid_change()"
    )
    op.execute("drop function keep_ladder_step")
    op.execute(ADOPTED_ONLY.format(forgotten=""))


def _untold() -> None:
    """A state of its own, which a late word may still change."""
    op.execute(KEEP_LEG.format(open="'ringing', 'answered', 'untold'"))
    _states(*STATES, "untold")


def _not_untold() -> None:
    op.execute("update call_leg set state = 'cancelled' where state = 'untold'")
    op.execute(KEEP_LEG.format(open="'ringing', 'answered'"))
    _states(*STATES)


def _states(*known: str) -> None:
    op.drop_constraint("ck_call_leg_state_known", "call_leg")
    listed = ", ".join(f"'{state}'" for state in known)
    op.create_check_constraint(op.f("ck_call_leg_state_known"), "call_leg", f"state in ({listed})")
