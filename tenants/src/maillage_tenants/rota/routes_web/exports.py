"""The rota on paper and in a spreadsheet; the monthly statements of employees (R63)."""

from uuid import UUID

from litestar import Response, get

from maillage_hooks import TradeRegistry
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, requires
from maillage_tenants.rota import queries, service

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KEPT_MONTHS = 12


@get("/rota/{rota_id:uuid}/pdf", guards=[requires(Permission.ROTA_READ)])
async def poster(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    rota_id: UUID,
) -> Response[bytes]:
    """The poster of one trade, A3."""
    rota = await queries.get_rota(session, rota_id=rota_id)
    asked = request.query_params.get("trade", "")
    trade = asked if asked in trades else next(iter(trades.codes))
    content = await service.poster(session, rota_id=rota_id, trade=trade, cooperative=cooperative, trades=trades)
    return _file(content, "application/pdf", f"astreintes-{rota.semester}-{trade}.pdf")


@get("/rota/{rota_id:uuid}/xlsx", guards=[requires(Permission.ROTA_READ)])
async def spreadsheet(session: TenantSession, trades: TradeRegistry, rota_id: UUID) -> Response[bytes]:
    """The whole rota for a spreadsheet."""
    rota = await queries.get_rota(session, rota_id=rota_id)
    content = await service.spreadsheet(session, rota_id=rota_id, trades=trades)
    return _file(content, EXCEL, f"astreintes-{rota.semester}.xlsx")


def _file(content: bytes, media_type: str, name: str) -> Response[bytes]:
    return Response(
        content,
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


ROUTES = [poster, spreadsheet]
