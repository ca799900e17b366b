"""Glazing report and documents: the record after a break-in (R93), the record for the insurer (R91)."""

from maillage_glazing.catalogue import AFTER_BREAK_IN, TYPES
from maillage_hooks.documents import break_in_record, insurance_record
from maillage_hooks.tables import DeclaredReport

REPORT = DeclaredReport(
    version=1,
    types=TYPES,
    documents=(
        break_in_record(kind.code for kind in TYPES if kind.report_fields == AFTER_BREAK_IN),
        insurance_record(kind.code for kind in TYPES),
    ),
)
