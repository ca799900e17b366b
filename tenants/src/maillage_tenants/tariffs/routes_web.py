"""Pages of the tariffs: versions and the next one for the office, the grid and its poster for everybody (R2, R3)."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Response, Template

from maillage_hooks import TradePlugin, TradeRegistry
from maillage_hooks.types import TimeBand
from maillage_kit import clock
from maillage_kit.clock import paris_instant
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError, Invalid, NotFound
from maillage_kit.money import Money
from maillage_kit.pdf import on_paper, render_pdf
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, Sent, base_path, page, requires, see_other, text
from maillage_tenants.tariffs import queries, rules, service, views
from maillage_tenants.tariffs.rules import PricedItem, TariffVersion

# ------------------------------------------------------------------------------------------------------ for the office


@get("/tariffs", guards=[requires(Permission.SETTINGS_READ)])
async def overview(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    """The grid in force for a trade and every version ever written."""
    now = clock.now()
    trade = _chosen(request, trades)
    every = await queries.versions(session, trade=trade) if trade else ()
    cards = [views.tariff_card(version, trades=trades, at=now) for version in every]
    return page(
        request,
        "tariffs/overview.html",
        trade=trade,
        trade_label=trades.label(trade),
        tabs=_tabs(request, trades, trade),
        cards=cards,
        current=next((card for card in cards if card.state == "in_force"), None),
    )


@get("/tariffs/versions/{tariff_id:uuid}", guards=[requires(Permission.SETTINGS_READ)])
async def one_version(request: AnyRequest, session: TenantSession, trades: TradeRegistry, tariff_id: UUID) -> Template:
    version = await queries.tariff_version(session, tariff_id=tariff_id)
    return page(request, "tariffs/version.html", card=views.tariff_card(version, trades=trades, at=clock.now()))


@post("/tariffs/versions/{tariff_id:uuid}/withdraw", status_code=303, guards=[requires(Permission.SETTINGS_WRITE)])
async def withdraw(session: TenantSession, cooperative: CooperativeContext, actor: Actor, tariff_id: UUID) -> Redirect:
    """Give up a planned version before its date."""
    version = await queries.tariff_version(session, tariff_id=tariff_id)
    await service.withdraw_tariff(session, tariff_id=tariff_id, by=actor.display_name)
    path = f"{base_path(cooperative)}/tariffs?trade={version.trade}"
    return see_other(path, flash=f"La version {version.version} est retirée, la précédente continue.")


@get("/tariffs/new", guards=[requires(Permission.SETTINGS_WRITE)])
async def new_version(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    """The form of the next version, filled with the present prices."""
    plugin = _plugin(trades, _chosen(request, trades))
    return _form_page(request, plugin, _prefilled(await _latest(session, plugin), plugin))


@post("/tariffs", status_code=303, guards=[requires(Permission.SETTINGS_WRITE)])
async def publish(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, trades: TradeRegistry
) -> Redirect | Template:
    """Publish the next version from its date."""
    form = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
    plugin = _plugin(trades, text(form, "trade"))
    try:
        async with session.begin_nested():
            written = await service.publish_tariff(
                session, trade=plugin.trade.code, **_read(form, plugin), by=actor.display_name
            )
    except AppError as wrong:
        errors = wrong.fields or {"": wrong.message}
        return _form_page(request, plugin, form, errors=errors)
    day = clock.paris(written.valid_from).date()
    return see_other(
        f"{base_path(cooperative)}/tariffs?trade={plugin.trade.code}",
        flash=f"Version {written.version} publiée : elle s’applique à partir du {day:%d/%m/%Y}.",
    )


# ------------------------------------------------------------------------------------------------------- for everybody


@get("/tarifs")
async def public_grid(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    """The grid in force of every trade (R3): the very one that prices the quotes."""
    return page(request, "tariffs/public.html", cards=await _in_force(session, trades), note_rule=views.NOTE_RULE)


@get("/tarifs.pdf")
async def poster(session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry) -> Response[bytes]:
    """The same grid as an A4 poster for the workshops of the members (R3)."""
    now = clock.now()
    data = views.poster_data(cooperative, await _in_force(session, trades), at=now)
    content = await render_pdf(on_paper("maillage_tenants.tariffs", "poster"), data, at=now)
    return Response(
        content,
        media_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="tarifs-{cooperative.slug}.pdf"'},
    )


ROUTES = (overview, one_version, withdraw, new_version, publish)
PUBLIC_ROUTES = (public_grid, poster)


async def _in_force(session: TenantSession, trades: TradeRegistry) -> list[views.TariffCard]:
    now = clock.now()
    found = []
    for plugin in trades:
        version = await queries.tariff_at(session, trade=plugin.trade.code, at=now)
        if version is not None:
            found.append(views.tariff_card(version, trades=trades, at=now))
    return found


def _chosen(request: AnyRequest, trades: TradeRegistry) -> str:
    asked = request.query_params.get("trade", "")
    return asked if asked in trades else next(iter(trades.codes), "")


def _plugin(trades: TradeRegistry, code: str) -> TradePlugin:
    if code not in trades:
        raise NotFound
    return trades.get(code)


def _tabs(request: AnyRequest, trades: TradeRegistry, chosen: str) -> list[dict[str, Any]]:
    return [
        {
            "href": f"{request.url.path}?trade={plugin.trade.code}",
            "label": plugin.trade.label,
            "icon": plugin.trade.icon,
            "current": plugin.trade.code == chosen,
            "badge": None,
        }
        for plugin in trades
    ]


async def _latest(session: TenantSession, plugin: TradePlugin) -> TariffVersion | None:
    every = await queries.versions(session, trade=plugin.trade.code)
    return next((version for version in every if not version.withdrawn), None)


def _prefilled(before: TariffVersion | None, plugin: TradePlugin) -> dict[str, str]:
    prices = before.view.prices if before else {}
    surcharges = before.view.surcharges if before else rules.DEFAULT_SURCHARGES
    return {
        "trade": plugin.trade.code,
        "valid_from": "",
        "time_counting": before.time_counting if before else rules.DEFAULT_TIME_COUNTING,
        "conditions": before.conditions if before else rules.DEFAULT_CONDITIONS,
        "quote_price": _typed(before.quote_price if before else Money.zero()),
        **{f"surcharge_{band}": str(surcharges.get(band, 0) // 100) for band in rules.SURCHARGED_BANDS},
        **{
            f"price_{item.code}": _typed(prices.get(item.code, item.default_price)) for item in plugin.pricing.catalogue
        },
    }


def _read(form: Mapping[str, str], plugin: TradePlugin) -> dict[str, Any]:
    """The arguments of `publish_tariff` from the form. Raises Invalid naming every field that cannot be read."""
    errors: dict[str, str] = {}

    def amount(name: str) -> Money:
        try:
            return Money.typed(text(form, name))
        except ValueError:
            errors[name] = "Un montant en euros est attendu, comme 128,50."
            return Money.zero()

    def percent(name: str) -> int:
        typed = text(form, name)
        if not typed.isascii() or not typed.isdecimal():
            errors[name] = "Un nombre entier est attendu, comme 50."
            return 0
        return int(typed) * 100

    try:
        valid_from = paris_instant(date.fromisoformat(text(form, "valid_from")))
    except ValueError:
        errors["valid_from"] = "Choisissez une date."
        valid_from = clock.now()
    values = {
        "valid_from": valid_from,
        "items": [
            PricedItem(item.code, item.label, item.kind, item.unit, amount(f"price_{item.code}"))
            for item in plugin.pricing.catalogue
        ],
        "surcharges": {TimeBand(band): percent(f"surcharge_{band}") for band in rules.SURCHARGED_BANDS},
        "time_counting": text(form, "time_counting"),
        "quote_price": amount("quote_price"),
        "conditions": text(form, "conditions"),
    }
    if errors:
        raise Invalid(fields=errors)
    return values


def _form_page(
    request: AnyRequest, plugin: TradePlugin, form: Mapping[str, str], *, errors: Mapping[str, str] | None = None
) -> Template:
    tomorrow = clock.paris(clock.now()).date().toordinal() + 1
    groups = [
        (label, [item for item in plugin.pricing.catalogue if item.kind is kind])
        for kind, label in views.KIND_LABELS.items()
    ]
    return page(
        request,
        "tariffs/new.html",
        status_code=422 if errors else 200,
        trade=plugin.trade.code,
        trade_label=plugin.trade.label,
        groups=[(label, items) for label, items in groups if items],
        bands=[(f"surcharge_{band}", rules.BAND_LABELS[band]) for band in rules.SURCHARGED_BANDS],
        form=Sent(form),
        errors=Sent({"" if name == "items" else name: wrong for name, wrong in (errors or {}).items()}),
        earliest=date.fromordinal(tomorrow).isoformat(),
    )


def _typed(amount: Money) -> str:
    return f"{amount.as_decimal():.2f}".replace(".", ",")
