"""Pages of the rota, by what they show."""

from . import absences, exports, feeds, own_absences, swaps, weights
from .answers import on_call_page, own_duties
from .drafts import (
    apply_repair,
    ask_draft,
    ask_repair,
    compare_page,
    discard_draft,
    drafts_page,
    one_run,
    run_again,
    run_status,
    stop_run,
)
from .duties import change_duty, fill_gap, gap_form, one_duty, remove_duty
from .fairness import fairness_page, shared_fairness
from .planning import add_break, planning_page, remove_break, set_pattern, set_policy
from .semester import create_draft, freeze, generate, import_file, publish, semester_page
from .wishes import (
    add_own_wish,
    add_wish,
    own_wishes,
    remove_own_wish,
    remove_wish,
    set_own_preference,
    set_preference,
    wishes_page,
)

ROUTES = [
    semester_page,
    create_draft,
    generate,
    import_file,
    publish,
    freeze,
    one_duty,
    change_duty,
    remove_duty,
    gap_form,
    fill_gap,
    on_call_page,
    own_duties,
    drafts_page,
    ask_draft,
    ask_repair,
    one_run,
    run_status,
    stop_run,
    run_again,
    apply_repair,
    discard_draft,
    compare_page,
    fairness_page,
    shared_fairness,
    planning_page,
    set_policy,
    set_pattern,
    add_break,
    remove_break,
    own_wishes,
    add_own_wish,
    remove_own_wish,
    set_own_preference,
    wishes_page,
    add_wish,
    remove_wish,
    set_preference,
    *absences.ROUTES,
    *own_absences.ROUTES,
    *swaps.ROUTES,
    *feeds.ROUTES,
    *exports.ROUTES,
    *weights.ROUTES,
]
PUBLIC_ROUTES = feeds.PUBLIC_ROUTES
