"""Audit: who did what sensitive thing, when (R68, R72). Entries are added and read, never changed.

Each entry holds the digest of the one before and its own, given by the database at commit: whoever changes, removes or
slips in one breaks the chain, and `verify` names the place. After a year the beginning is forgotten, by a purge that
leaves the rest verifiable.
"""

from .queries import AuditRow, entries_about
from .rules import Broken
from .service import Verdict, purge, record, verify

__all__ = ["AuditRow", "Broken", "Verdict", "entries_about", "purge", "record", "verify"]
