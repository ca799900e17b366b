"""Acts on the rota, by use case: drafting, importing, changing, publishing."""

from .absences import add_absence, ask_absence, decide_absence, for_each_new, remove_absence
from .changing import change_duty, fill_gap, remove_duty
from .drafting import Generated, create_draft, ensure_posts, generate
from .importing import ImportReport, import_rows
from .publishing import Review, freeze, publish, review

__all__ = [
    "Generated",
    "ImportReport",
    "Review",
    "add_absence",
    "ask_absence",
    "change_duty",
    "create_draft",
    "decide_absence",
    "ensure_posts",
    "fill_gap",
    "for_each_new",
    "freeze",
    "generate",
    "import_rows",
    "publish",
    "remove_absence",
    "remove_duty",
    "review",
]
