"""The leak certificate says what R90 asks, and only when it may."""

import io

from pypdf import PdfReader

import maillage_plumbing
from maillage_hooks import TradeRegistry
from maillage_hooks.conformance import sample_data, sample_value
from maillage_hooks.documents import render
from maillage_plumbing.catalogue import PIPE_LEAK
from maillage_plumbing.report import LEAK_CERTIFICATE

plugin = TradeRegistry.from_modules({"plumbing": maillage_plumbing}).get("plumbing")


def printed(**changes: object) -> str:
    report = {**{field.code: sample_value(field) for field in PIPE_LEAK}, **changes}
    pdf = render(LEAK_CERTIFICATE, sample_data(plugin, LEAK_CERTIFICATE, "FUITE_ENCASTREE", report))
    return " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())


def test_the_leak_certificate_is_a_pdf_a() -> None:
    report = {field.code: sample_value(field) for field in PIPE_LEAK}
    pdf = render(LEAK_CERTIFICATE, sample_data(plugin, LEAK_CERTIFICATE, "FUITE_ENCASTREE", report))
    assert b"<pdfaid:part>3</pdfaid:part>" in pdf


def test_the_leak_certificate_holds_every_mention_of_r90() -> None:
    text = printed(leak_location="Sous l’évier, mur nord")
    for mention in (
        "Plomberie Martin & fils",
        "552 100 554 00021",
        "Madame Lefèvre",
        "12 rue des Carmes",
        "1234 m³",
        "Sous l’évier, mur nord",
        "Cuivre",
        "22 novembre 2026",
        "FA-2026-00042",
        "après compteur",
    ):
        assert mention in text
    assert "n’ouvre pas droit" not in text


def test_a_leak_of_an_appliance_is_not_certified() -> None:
    assert "n’ouvre pas droit" in printed(pipe_after_meter=False)


def test_the_certificate_is_offered_for_pipes_only() -> None:
    assert LEAK_CERTIFICATE.type_codes == {"FUITE_ACTIVE", "FUITE_ENCASTREE", "DDE_VOISIN", "GEL"}


def test_no_document_promises_a_reimbursement() -> None:
    """R91."""
    for document in plugin.report.documents:
        for word in ("rembours", "prise en charge", "indemni"):
            assert word not in document.template
