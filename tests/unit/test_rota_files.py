"""Rotas typed in a spreadsheet: CSV and Excel, times of Paris."""

import io
import re
from datetime import UTC, date, datetime

import pytest
from openpyxl import Workbook

from maillage_tenants.rota.errors import UnreadableFile
from maillage_tenants.rota.files import read_instant, read_rows

HEADER = "Secteur;Métier;Rang;Technicien;Début;Fin\n"


@pytest.mark.parametrize(
    ("typed", "utc"),
    [
        ("05/02/2027 18:00", "2027-02-05T17:00"),
        ("5/2/2027 18h", "2027-02-05T17:00"),
        ("05/07/2027 à 18 h 30", "2027-07-05T16:30"),
        ("2027-07-05 18:00", "2027-07-05T16:00"),
        ("2027-07-05T18:00:00", "2027-07-05T16:00"),
        ("05.02.2027", "2027-02-04T23:00"),
        (datetime(2027, 2, 5, 18), "2027-02-05T17:00"),  # noqa: DTZ001 - what Excel gives
        (date(2027, 2, 5), "2027-02-04T23:00"),
        ("31/10/2027 02:30", "2027-10-31T00:30"),
    ],
)
def test_times_of_paris(typed: object, utc: str) -> None:
    assert read_instant(typed) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("28/03/2027 02:30", "28/03/2027 02:30 n’existe pas : cette nuit-là on passe à l’heure d’été."),
        ("31/02/2027 18:00", "« 31/02/2027 18:00 » n’est pas une date : écrivez par exemple 05/02/2027 18:00."),
        ("demain", "« demain » n’est pas une date : écrivez par exemple 05/02/2027 18:00."),
        ("", "Date manquante."),
        (None, "Date manquante."),
    ],
)
def test_what_is_no_time_is_told(typed: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_instant(typed)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_csv_as_spreadsheets_write_it(encoding: str, delimiter: str) -> None:
    text = (HEADER + "Évreux;Plomberie;1;06 12 34 56 78;01/01/2027;08/01/2027 18:00\n;;;;;\n").replace(";", delimiter)
    (row,) = read_rows(text.encode(encoding), filename="planning.csv")
    assert (row.line, row.text("secteur"), row.text("technicien")) == (2, "Évreux", "06 12 34 56 78")


def test_excel_keeps_dates_and_numbers() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Fin", "Début", "Technicien", "Rang", "Métier", "Secteur", "Note"])
    sheet.append([datetime(2027, 2, 12, 18), datetime(2027, 2, 5, 18), 612345678, 2, "Plomberie", "S4", "x"])  # noqa: DTZ001
    buffer = io.BytesIO()
    book.save(buffer)
    (row,) = read_rows(buffer.getvalue(), filename="planning.xlsx")
    assert (row.text("rang"), row.text("technicien"), row.text("secteur")) == ("2", "612345678", "S4")
    assert read_instant(row.values["debut"]) == datetime(2027, 2, 5, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "a.csv", "Ce fichier est vide."),
        (HEADER.encode(), "a.csv", "Ce fichier n’a aucune ligne sous l’en-tête."),
        (b"secteur;rang\nS1;1\n", "a.csv", "Il manque les colonnes : Métier, Technicien, Début, Fin."),
        (b"PK\x03\x04 not a workbook", "a.xlsx", "Ce classeur Excel ne peut pas être lu."),
        (b"plain", "a.xlsx", "Ce classeur Excel ne peut pas être lu."),
        (b"%PDF-1.7\x00\x01", "a.pdf", "Ce fichier n’est ni un CSV ni un classeur Excel"),
    ],
)
def test_unreadable_files_say_why(content: bytes, name: str, message: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read_rows(content, filename=name)
    assert message in refused.value.message
