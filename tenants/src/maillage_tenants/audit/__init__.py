"""Audit: who did what sensitive thing, when (R68, R72). Entries are added and read, never changed."""

from .queries import AuditRow, entries_about
from .service import record

__all__ = ["AuditRow", "entries_about", "record"]
