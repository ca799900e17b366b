"""The record of making safe after a break-in (R93)."""

import io

from pypdf import PdfReader

import maillage_locksmith
from maillage_hooks import TradeRegistry
from maillage_hooks.conformance import sample_data, sample_value
from maillage_hooks.documents import render

plugin = TradeRegistry.from_modules({"locksmith": maillage_locksmith}).get("locksmith")


def test_the_break_in_record_holds_what_was_seen_and_done() -> None:
    [record] = [document for document in plugin.report.documents if document.code == "break_in_record"]
    [type_code] = record.type_codes
    report = {field.code: sample_value(field) for field in plugin.report.fields(type_code)}
    report |= {"entry_point": "Porte d’entrée", "complaint_number": "2026/1234"}
    pdf = render(record, sample_data(plugin, record, type_code, report))
    text = " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())
    for mention in ("effraction", "Porte d’entrée", "2026/1234", "2026-000123", "22 novembre 2026 à 4 h 20"):
        assert mention in text


def test_the_identity_check_keeps_its_result_only() -> None:
    """R92, R68: no copy, no number."""
    fields = [field for kind in plugin.types for field in kind.report_fields if field.code == "identity_check"]
    assert fields
    assert {field.kind.value for field in fields} == {"choice"}
