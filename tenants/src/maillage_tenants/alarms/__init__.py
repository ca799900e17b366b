"""Alarms: what a person of the office must look at, raised once per cause, until acknowledged and resolved."""

from .models import Severity
from .queries import AlarmRow, open_alarms
from .service import acknowledge_alarm, raise_alarm, resolve_alarm

__all__ = ["AlarmRow", "Severity", "acknowledge_alarm", "open_alarms", "raise_alarm", "resolve_alarm"]
