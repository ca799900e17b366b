"""Files are what their first bytes say; reports are what the trade declares."""

import pytest

from maillage_hooks import TradeRegistry
from maillage_hooks.types import Choice, FieldKind, ReportField
from maillage_tenants.interventions import files, reports
from maillage_tenants.interventions.errors import FileTooLarge, InvalidReport, UnknownFile

JPEG = b"\xff\xd8\xff\xe0" + b"0" * 20


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (JPEG, "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7\n", "application/pdf"),
    ],
)
def test_the_first_bytes_decide(content: bytes, media_type: str) -> None:
    assert files.sniff(content) == media_type


@pytest.mark.parametrize(
    "content", [b"", b"<svg onload=alert(1)>", b"<html>", b"GIF89a", b"RIFF\x00\x00\x00\x00WAVE", b"MZ\x90"]
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(UnknownFile):
        files.sniff(content)


def test_eight_megabytes_is_the_limit() -> None:
    assert files.sniff(JPEG.ljust(files.MAX_BYTES, b"0")) == "image/jpeg"
    with pytest.raises(FileTooLarge):
        files.sniff(JPEG.ljust(files.MAX_BYTES + 1, b"0"))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("photo.JPG", "photo.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\tmp\\été.png", "été.jpg"),
        ("\r\nSet-Cookie: x", "__Set-Cookie_ x.jpg"),
        ("", "fichier.jpg"),
        ("x" * 300 + ".jpg", "x" * 80 + ".jpg"),
    ],
)
def test_names_are_harmless(given: str, kept: str) -> None:
    assert files.safe_name(given, "image/jpeg") == kept


FIELDS = (
    ReportField("cause", "Cause", FieldKind.LONG_TEXT, required=True),
    ReportField("safe", "Mis en sécurité", FieldKind.BOOLEAN, required=True),
    ReportField("pipe", "Tuyau", FieldKind.CHOICE, choices=(Choice("copper", "Cuivre"),)),
    ReportField("on", "Date", FieldKind.DATE),
    ReportField("index", "Index", FieldKind.NUMBER, unit="m³"),
)
GOOD = {"cause": "joint usé", "safe": "no", "pipe": "copper", "on": "2027-03-01", "index": "12,5", "other": "x"}


def test_a_report_is_typed_and_comes_back_as_it_was() -> None:
    stored = reports.check_report(FIELDS, GOOD, complete=True)
    assert stored == {"cause": "joint usé", "safe": False, "pipe": "copper", "on": "2027-03-01", "index": "12.5"}
    again = reports.check_report(FIELDS, reports.as_form(FIELDS, stored), complete=True)
    assert again == stored
    assert reports.as_words(FIELDS, {**stored, "old": "gardé"}) == (
        ("Cause", "joint usé"),
        ("Mis en sécurité", "Non"),
        ("Tuyau", "Cuivre"),
        ("Date", "01/03/2027"),
        ("Index", "12,5 m³"),
        ("old", "gardé"),
    )


def test_each_wrong_field_is_named() -> None:
    wrong = {"safe": "peut-être", "pipe": "gold", "on": "demain", "index": "NaN"}
    with pytest.raises(InvalidReport) as refused:
        reports.check_report(FIELDS, wrong, complete=True)
    assert set(refused.value.fields) == {"cause", "safe", "pipe", "on", "index"}
    assert reports.check_report(FIELDS, {"pipe": "copper"}, complete=False) == {"pipe": "copper"}
    assert reports.missing_fields(FIELDS, {"safe": False}) == ("cause",)


def test_every_type_of_every_trade_has_a_report_that_can_be_filled(trades: TradeRegistry) -> None:
    """R84."""
    example = dict.fromkeys((FieldKind.TEXT, FieldKind.LONG_TEXT), "a") | {
        FieldKind.NUMBER: "1",
        FieldKind.BOOLEAN: "yes",
        FieldKind.DATE: "2027-03-01",
    }
    for plugin in trades:
        for kind in plugin.types:
            fields = plugin.report.fields(kind.code)
            values = {f.code: f.choices[0].code if f.kind is FieldKind.CHOICE else example[f.kind] for f in fields}
            stored = reports.check_report(fields, values, complete=True)
            assert not reports.missing_fields(fields, stored)
