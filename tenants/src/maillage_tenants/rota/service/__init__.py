"""Acts on the rota, by use case: drafting, importing, changing, publishing."""

from .absences import add_absence, ask_absence, decide_absence, for_each_new, remove_absence
from .changing import change_duty, fill_gap, remove_duty
from .drafting import Generated, create_draft, ensure_posts, generate
from .feeds import make_feed, read_feed, revoke_feed
from .fitness import Candidate, candidates
from .importing import ImportReport, import_rows
from .losing import Losing, losing
from .noticing import announce_handovers, check_phones, remind
from .office import GIVEN, change_by_office, fill_by_office
from .printing import poster, spreadsheet
from .publishing import Review, freeze, publish, review
from .swapping import (
    accept_swap,
    ask_exchange,
    ask_for_change,
    cancel_swap,
    close_stale,
    decline_swap,
    gifts_for,
    give_away,
)
from .taking_over import take_over, to_take_over

__all__ = [
    "GIVEN",
    "Candidate",
    "Generated",
    "ImportReport",
    "Losing",
    "Review",
    "accept_swap",
    "add_absence",
    "announce_handovers",
    "ask_absence",
    "ask_exchange",
    "ask_for_change",
    "cancel_swap",
    "candidates",
    "change_by_office",
    "change_duty",
    "check_phones",
    "close_stale",
    "create_draft",
    "decide_absence",
    "decline_swap",
    "ensure_posts",
    "fill_by_office",
    "fill_gap",
    "for_each_new",
    "freeze",
    "generate",
    "gifts_for",
    "give_away",
    "import_rows",
    "losing",
    "make_feed",
    "poster",
    "publish",
    "read_feed",
    "remind",
    "remove_absence",
    "remove_duty",
    "review",
    "revoke_feed",
    "spreadsheet",
    "take_over",
    "to_take_over",
]
