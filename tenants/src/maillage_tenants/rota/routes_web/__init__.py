"""Pages of the rota, by what they show."""

from . import absences, exports, feeds, own_absences, swaps
from .answers import on_call_page, own_duties
from .duties import change_duty, fill_gap, gap_form, one_duty, remove_duty
from .semester import create_draft, freeze, generate, import_file, publish, semester_page

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
    *absences.ROUTES,
    *own_absences.ROUTES,
    *swaps.ROUTES,
    *feeds.ROUTES,
    *exports.ROUTES,
]
PUBLIC_ROUTES = feeds.PUBLIC_ROUTES
