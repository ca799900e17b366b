"""Rota: who is on call, for which post, over which half-open period; never edited, always superseded (R57, R65).

Other domains import from here only. `on_call` answers for any instant, past or future, and as known at another.
"""

from .errors import (
    DutyOverlap,
    NotAssignable,
    RotaBroken,
    RotaExists,
    RotaHasGaps,
    TwoPlaces,
    UnknownDuty,
    UnknownRota,
)
from .files import RowError
from .queries import DutyRow, OnCall, OwnDuty, duties, duties_of, history, on_call, posts, rota_of
from .queries_life import duties_within
from .rules import Gap, Period, Post, check_coverage, local, weekly_shifts
from .service import (
    Generated,
    ImportReport,
    Review,
    add_absence,
    ask_absence,
    change_duty,
    create_draft,
    decide_absence,
    ensure_posts,
    fill_gap,
    freeze,
    generate,
    import_rows,
    publish,
    remove_absence,
    remove_duty,
    review,
)
from .solver.units import KIND_LABELS, Kind, kind_minutes

__all__ = [
    "KIND_LABELS",
    "DutyOverlap",
    "DutyRow",
    "Gap",
    "Generated",
    "ImportReport",
    "Kind",
    "NotAssignable",
    "OnCall",
    "OwnDuty",
    "Period",
    "Post",
    "Review",
    "RotaBroken",
    "RotaExists",
    "RotaHasGaps",
    "RowError",
    "TwoPlaces",
    "UnknownDuty",
    "UnknownRota",
    "add_absence",
    "ask_absence",
    "change_duty",
    "check_coverage",
    "create_draft",
    "decide_absence",
    "duties",
    "duties_of",
    "duties_within",
    "ensure_posts",
    "fill_gap",
    "freeze",
    "generate",
    "history",
    "import_rows",
    "kind_minutes",
    "local",
    "on_call",
    "posts",
    "publish",
    "remove_absence",
    "remove_duty",
    "review",
    "rota_of",
    "weekly_shifts",
]
