"""Reviews: what a customer says of an intervention once it is closed, from the page of the case.

One review for each case, from whoever holds the secret of its page: so it comes from a real intervention. Nobody sorts,
changes, buys or takes away what was said, not even the office, which may answer once beside it (code de la
consommation, art. L111-7-2 and D111-16 to D111-19). The database keeps both as they were written.
"""

from .models import Review
from .queries import review_of
from .rules import LONGEST, RATINGS, read_answer, read_review
from .service import answer_review, give_review

__all__ = ["LONGEST", "RATINGS", "Review", "answer_review", "give_review", "read_answer", "read_review", "review_of"]
