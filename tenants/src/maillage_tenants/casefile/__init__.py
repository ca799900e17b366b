"""The case page: the whole story of an intervention on one page, and the acts that need several domains at once.

Closing is one transaction: note issued (R7), report complete (R84), member credited (R56). The office sees every case,
a member those of the business, a technician those given to him; anybody else's does not exist.
"""

from .access import attempt, case_for, case_page, done_or_said, is_own, pdf, words_of
from .queries import CASE_LINE, CaseLine
from .service import assign_case, close_case
from .views import CaseView, StatusView, case_view, status_view
from .words import case_words

__all__ = [
    "CASE_LINE",
    "CaseLine",
    "CaseView",
    "StatusView",
    "assign_case",
    "attempt",
    "case_for",
    "case_page",
    "case_view",
    "case_words",
    "close_case",
    "done_or_said",
    "is_own",
    "pdf",
    "status_view",
    "words_of",
]
