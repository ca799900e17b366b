"""The federation's support inside a cooperative: only where it is permitted, with a reason, for an hour at most.

What a visitor may do is `maillage_kit.permissions.VISITOR`: read. The composition root has each visit, and each page
read, written in the cooperative's own audit log, and its managers told (`maillage_app.support_visits`).
"""

from maillage_platform.support.errors import NotPermitted
from maillage_platform.support.queries import consent_of, live_visit, live_visits, visits
from maillage_platform.support.service import end_visit, open_visit, set_consent

__all__ = [
    "NotPermitted",
    "consent_of",
    "end_visit",
    "live_visit",
    "live_visits",
    "open_visit",
    "set_consent",
    "visits",
]
