"""The rota leaves the screen: a poster for the wall, a spreadsheet that comes back the same."""

import io
from datetime import date, time

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook
from pypdf import PdfReader

from maillage_kit.clock import paris_instant
from maillage_kit.context import CooperativeContext
from maillage_tenants import rota
from maillage_tenants.members.models import Technician
from maillage_tenants.rota.models import Rota

BASE = "/c/eure"
MARCH_20 = paris_instant(date(2027, 3, 20), time(18))


@pytest.fixture
async def guild(guild):
    """Ana and Bilal from 5 March to 2 April, with Saturday the 27th given away."""
    await guild.joins("Ana", employed=True)
    await guild.joins("Bilal")
    friday = [paris_instant(date(2027, 3, 5), time(18)), paris_instant(date(2027, 3, 26), time(18))]
    await guild.on_duty("Ana", friday[1], paris_instant(date(2027, 4, 2), time(18)))
    await guild.on_duty("Bilal", friday[0], friday[1])
    return guild


def words(content: bytes) -> str:
    """The text of a PDF."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


async def test_the_poster_is_a3_and_says_who_each_week(guild, eure: CooperativeContext) -> None:
    office = await guild.office()
    answer = await office.get(f"{BASE}/rota/{guild.rota_id}/pdf?trade=plumbing")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    (page,) = PdfReader(io.BytesIO(answer.content)).pages
    assert [round(float(side) / 72 * 25.4) for side in (page.mediabox.width, page.mediabox.height)] == [420, 297]
    text = words(answer.content)
    assert "Astreintes plomberie, premier semestre 2027" in text
    assert "26/03 → 02/04" in text
    assert "Lundi de Pâques" in text
    assert "Ana Test" in text
    assert "vacant" in text
    assert "02 32 40 27 27" in text


async def test_the_spreadsheet_comes_back_the_same(guild) -> None:
    office = await guild.office()
    async with guild.session() as session:
        await session.execute(
            sa.update(Technician).where(Technician.id == guild.id_of("Bilal")).values(first_name="=1+1")
        )
    answer = await office.get(f"{BASE}/rota/{guild.rota_id}/xlsx")
    assert answer.headers["content-disposition"] == 'attachment; filename="astreintes-2027-S1.xlsx"'
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
    assert "f" not in {cell.data_type for cell in cells}  # a name is never a formula
    assert "=1+1 Test" in {cell.value for cell in cells}
    async with guild.session() as session:
        before = {
            (d.post_id, d.technician_id, d.starts_at, d.ends_at)
            for d in await rota.duties(session, rota_id=guild.rota_id)
        }
        draft = Rota(semester="2027-S1")
        session.add(draft)
        await session.flush()
        trades = guild.runtime.trades.enabled(guild.cooperative.trades)
        report = await rota.import_rows(
            session, rota_id=draft.id, content=answer.content, filename="astreintes.xlsx", trades=trades, by="bureau"
        )
        assert (report.errors, report.imported) == ((), 2)
        after = {
            (d.post_id, d.technician_id, d.starts_at, d.ends_at) for d in await rota.duties(session, rota_id=draft.id)
        }
    assert after == before
