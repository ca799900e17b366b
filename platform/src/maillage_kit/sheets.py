"""Tables that leave as files for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Semicolons and CRLF, as a French spreadsheet opens them; a cell that begins like a formula is made text."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([[_no_formula(cell) for cell in row] for row in rows])
    return out.getvalue()


def _no_formula(cell: str) -> str:
    """A name that begins like a formula is not one; an E.164 number begins with + and stays as it is."""
    return f"'{cell}" if cell.startswith(("=", "-", "@", "\t")) else cell
