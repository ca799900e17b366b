"""A rota read from a spreadsheet: every wrong row is told, and nothing half is kept."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from openpyxl import Workbook

from maillage_app.runtime import Runtime
from maillage_app.testing.plumbers import S2, Plumbers, add_person
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_tenants import rota

HOUR = timedelta(hours=1)

HEADER = "secteur;métier;rang;technicien;début;fin\n"


async def imported(
    session: TenantSession, plumbers: Plumbers, content: bytes, filename: str = "planning.csv", **options: bool
) -> tuple[UUID, rota.ImportReport]:
    plan = await rota.rota_of(session, semester=S2) or await rota.create_draft(
        session, semester=S2, trades=plumbers.trades, by="bureau"
    )
    return plan.id, await rota.import_rows(
        session,
        rota_id=plan.id,
        content=content,
        filename=filename,
        trades=plumbers.trades,
        by="bureau",
        **options,
    )


BROKEN = HEADER + (
    "Évreux;plomberie;1;06 12 00 00 00;02/07/2027 18:00;09/07/2027 18:00\n"  # 2 good
    "Évreux;plomberie;2;Nom1 Prénom1;02/07/2027 18:00;09/07/2027 18:00\n"  # 3 good
    "Nulle part;plomberie;1;Prénom2 Nom2;02/07/2027 18:00;09/07/2027 18:00\n"
    "S1;couverture;1;Prénom2 Nom2;02/07/2027 18:00;09/07/2027 18:00\n"
    "S1;plomberie;3;Prénom2 Nom2;02/07/2027 18:00;09/07/2027 18:00\n"
    "S1;plomberie;1;Jean Inconnu;09/07/2027 18:00;16/07/2027 18:00\n"
    "S1;plomberie;1;Prénom2 Nom2;09/07/2027 18:00;09/07/2027 18:00\n"
    "S1;plomberie;1;Prénom2 Nom2;31/12/2027 18:00;07/01/2028 18:00\n"
    "S1;plomberie;1;Prénom2 Nom2;04/07/2027 08:00;05/07/2027 08:00\n"  # post held by line 2
    "S2;plomberie;1;Prénom0 Nom0;05/07/2027 08:00;06/07/2027 08:00\n"  # person held by line 2
    "S2;plomberie;1;Prénom900 Nom900;12/07/2027 08:00;13/07/2027 08:00\n"  # décennale
    "S1;plomberie;1;;32/07/2027;demain\n"
)


async def test_wrong_rows_are_told_one_by_one_and_nothing_is_imported(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        await add_person(session, 900, sectors=(plumbers.sector("S1"),), decennial_until=date(2027, 7, 11))
        rota_id, report = await imported(session, plumbers, BROKEN.encode("cp1252"))
        assert (report.rows, report.imported) == (12, 0)
        assert await rota.duties(session, rota_id=rota_id) == ()
        assert [(error.line, error.column, error.message) for error in report.errors] == [
            (4, "secteur", "Secteur inconnu : « Nulle part »."),
            (5, "metier", "Métier inconnu : « couverture »."),
            (6, "rang", "Le rang est 1 ou 2, pas « 3 »."),
            (7, "technicien", "Technicien inconnu : « Jean Inconnu »."),
            (8, "fin", "La fin est avant le début."),
            (9, "debut", "Hors du second semestre 2027."),
            (
                10,
                "",
                "Secteur Évreux, plomberie, rang 1 est déjà pris du 02/07/2027 18:00 au 09/07/2027 18:00 (ligne 2).",
            ),
            (
                11,
                "technicien",
                "Prénom0 Nom0 est déjà d’astreinte du 02/07/2027 18:00 au 09/07/2027 18:00 (ligne 2).",
            ),
            (
                12,
                "technicien",
                "Prénom900 Nom900 ne peut pas être d’astreinte : Assurance décennale expirée le 11/07/2027.",
            ),
            (13, "technicien", "Technicien manquant."),
            (13, "debut", "« 32/07/2027 » n’est pas une date : écrivez par exemple 05/02/2027 18:00."),
            (13, "fin", "« demain » n’est pas une date : écrivez par exemple 05/02/2027 18:00."),
        ]
        _, kept = await imported(session, plumbers, BROKEN.encode(), keep_good=True)
        assert (kept.rows, kept.imported, len(kept.errors)) == (12, 2, 12)
        held = await rota.duties(session, rota_id=rota_id)
        assert [(duty.name, duty.starts_at) for duty in held] == [
            ("Prénom0 Nom0", datetime(2027, 7, 2, 16, tzinfo=UTC)),
            ("Prénom1 Nom1", datetime(2027, 7, 2, 16, tzinfo=UTC)),
        ]
        _, again = await imported(session, plumbers, BROKEN.encode(), keep_good=True)
        assert again.imported == 0
        assert "(dans le brouillon)" in again.errors[0].message
        _, replaced = await imported(session, plumbers, BROKEN.encode(), keep_good=True, replace=True)
        assert replaced.imported == 2


async def test_excel_is_read_like_csv(runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Secteur", "Métier", "Rang", "Technicien", "Début", "Fin"])
    naive: Callable[..., datetime] = datetime
    sheet.append(["S1", "Plomberie", 1, 612000000, naive(2027, 10, 29, 18), naive(2027, 11, 5, 18)])
    sheet.append(["S1", "Plomberie", 2.5, "Prénom1 Nom1", naive(2027, 10, 29, 18), None])
    buffer = io.BytesIO()
    book.save(buffer)
    async with runtime.database.tenant(eure.tenant) as session:
        rota_id, report = await imported(session, plumbers, buffer.getvalue(), "planning.xlsx", keep_good=True)
        assert report.imported == 1
        assert [(error.line, error.column) for error in report.errors] == [(3, "rang"), (3, "fin")]
        (duty,) = await rota.duties(session, rota_id=rota_id)
        assert (duty.ends_at - duty.starts_at) == 169 * HOUR
