"""A rota in a spreadsheet, read and written: CSV or Excel, one duty a row. Pure: bytes in, rows and errors out.

Columns: secteur ; métier ; rang ; technicien (phone or name) ; début ; fin — wall-clock times of Paris.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from maillage_kit.clock import PARIS, paris, paris_instant
from maillage_tenants.rota.errors import UnreadableFile
from maillage_tenants.territory import search_key

COLUMNS = ("secteur", "metier", "rang", "technicien", "debut", "fin")
COLUMN_LABELS = {
    "secteur": "Secteur",
    "metier": "Métier",
    "rang": "Rang",
    "technicien": "Technicien",
    "debut": "Début",
    "fin": "Fin",
}
MOST_ROWS = 20_000
_DAY = r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})"
_ISO = r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"
_HOUR = r"(?:\s*(?:à|T|,)?\s*(?P<hour>\d{1,2})\s*(?::|h)\s*(?P<minute>\d{2})?(?::\d{2})?)?"
_WRITINGS = (re.compile(_DAY + _HOUR), re.compile(_ISO + _HOUR))


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it was typed. `line`: its number in the file, the header being line 1."""

    line: int
    values: Mapping[str, object]

    def text(self, column: str) -> str:
        value = self.values.get(column)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return "" if value is None else str(value).strip()


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in a row, in French. `column` is empty when the whole row is concerned."""

    line: int
    column: str
    message: str


def read_rows(content: bytes, *, filename: str) -> tuple[RawRow, ...]:
    """The rows of a CSV (`;` or `,`, UTF-8 or Windows) or of the first sheet of an Excel file. Blank rows are left out.

    Raises UnreadableFile: another kind of file, no header, a missing column, too many rows.
    """
    excel = content.startswith(b"PK") or filename.lower().endswith((".xlsx", ".xlsm"))
    lines = _excel_lines(content) if excel else _csv_lines(content)
    header = next(lines, None)
    if header is None:
        raise UnreadableFile("Ce fichier est vide.")
    names = [search_key(str(cell or "")) for cell in header]
    missing = [COLUMN_LABELS[column] for column in COLUMNS if column not in names]
    if missing:
        raise UnreadableFile(
            f"Il manque {'la colonne' if len(missing) == 1 else 'les colonnes'} : {', '.join(missing)}. "
            "Première ligne attendue : secteur ; métier ; rang ; technicien ; début ; fin."
        )
    place = {column: names.index(column) for column in COLUMNS}
    rows: list[RawRow] = []
    for line, cells in enumerate(lines, start=2):
        values = {column: cells[index] if index < len(cells) else None for column, index in place.items()}
        if any(value is not None and str(value).strip() for value in values.values()):
            rows.append(RawRow(line, values))
        if len(rows) > MOST_ROWS:
            raise UnreadableFile(f"Ce fichier a plus de {MOST_ROWS} lignes.")
    if not rows:
        raise UnreadableFile("Ce fichier n’a aucune ligne sous l’en-tête.")
    return tuple(rows)


def write_rows(title: str, rows: Iterable[Sequence[object]], *, more: Sequence[str] = ()) -> bytes:
    """An Excel file whose first columns are those that `read_rows` reads, in that order; `more`: columns after them.

    Instants become wall-clock times of Paris; a text is never a formula, whatever it begins with.
    """
    from openpyxl import Workbook  # here: it takes a tenth of the time that any process of ours takes to start
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEFGHI", (22, 14, 7, 26, 17, 17, 28, 17, 40), strict=True):
        sheet.column_dimensions[letter].width = width
    header = [WriteOnlyCell(sheet, label) for label in (*COLUMN_LABELS.values(), *more)]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _cell(sheet: Any, value: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, datetime):
        cell = WriteOnlyCell(sheet, paris(value).replace(tzinfo=None))
        cell.number_format = "dd/mm/yyyy hh:mm"
        return cell
    cell = WriteOnlyCell(sheet, value)
    if isinstance(value, str):
        cell.data_type = "s"
    return cell


def read_instant(value: object) -> datetime:
    """A wall-clock time in Paris, as typed or as Excel keeps it, in UTC: `05/02/2027 18:00`, `2027-02-05 18:00`,
    `5/2/2027 18h`; a day alone means midnight. In the repeated hour of October the first passage is meant (R105).

    Raises ValueError, with a French message, for anything else and for the hour that March skips.
    """
    wall = _wall_clock(value)
    instant = paris_instant(wall.date(), wall.time())
    if instant.astimezone(PARIS).replace(tzinfo=None) != wall:
        raise ValueError(f"{wall:%d/%m/%Y %H:%M} n’existe pas : cette nuit-là on passe à l’heure d’été.")
    return instant


def _wall_clock(value: object) -> datetime:
    if isinstance(value, datetime):
        return value.replace(second=0, microsecond=0, tzinfo=None)
    if isinstance(value, date):
        return datetime.combine(value, time(0))
    text = "" if value is None else str(value).strip()
    for writing in _WRITINGS:
        found = writing.fullmatch(text)
        if found:
            try:
                return datetime(  # noqa: DTZ001 - a wall-clock time, made an instant by the caller
                    int(found["year"]),
                    int(found["month"]),
                    int(found["day"]),
                    int(found["hour"] or 0),
                    int(found["minute"] or 0),
                )
            except ValueError:
                break
    if not text:
        raise ValueError("Date manquante.")
    raise ValueError(f"« {text} » n’est pas une date : écrivez par exemple 05/02/2027 18:00.")


def _csv_lines(content: bytes) -> Iterator[Sequence[object]]:
    if b"\0" in content[:4096]:
        raise UnreadableFile("Ce fichier n’est ni un CSV ni un classeur Excel (.xlsx).")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    first = text.split("\n", 1)[0]
    delimiter = max(";,\t", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as wrong:
        raise UnreadableFile("Ce CSV est mal formé.") from wrong


def _excel_lines(content: bytes) -> Iterator[Sequence[object]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            for sheet in book.worksheets[:1]:
                yield from sheet.iter_rows(values_only=True, max_row=MOST_ROWS + 2, max_col=50)
        finally:
            book.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as wrong:
        raise UnreadableFile("Ce classeur Excel ne peut pas être lu. Enregistrez-le en .xlsx ou en CSV.") from wrong
