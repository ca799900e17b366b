"""Calls to the single number: one transaction per carrier webhook, state in the database only, nothing ever silent.

Invariants: a call ends at a human or as a written, alarmed missed call (rule 1); its ladder and the reason of each step
are frozen when it is routed (rule 3); final states never change; a webhook told twice changes nothing and gets the same
answer; gas and fire are said first and redirected without dispatch (R86, R87, R104).

A carrier is an adapter in `carriers/`: it turns what it hears into `signals` and renders `plan`s. `Switchboard` is in
between and knows no carrier.
"""

from .models import CallbackOutcome, CallOutcome, CallState, LegState
from .watched import WatchProgress, expect_watch_call, forget_watch_calls, watch_progress

__all__ = [
    "CallOutcome",
    "CallState",
    "CallbackOutcome",
    "LegState",
    "WatchProgress",
    "expect_watch_call",
    "forget_watch_calls",
    "watch_progress",
]
