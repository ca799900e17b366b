"""`/dev/phone`: the switchboard called from the browser. Only outside production."""

from typing import Annotated

import sqlalchemy as sa
from litestar import Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from maillage_app.runtime import Runtime
from maillage_app.simulator import Line, Simulator
from maillage_kit.context import CooperativeContext
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.phone import caller_number
from maillage_kit.testing.phone_company import MASKED
from maillage_kit.web import AnyRequest, Sent, page, see_other, text
from maillage_tenants.customers.models import Customer, CustomerPhone
from maillage_tenants.members.models import Technician

_SIMULATOR = Simulator()
_KNOWN = 12
LineId = Annotated[str, Parameter(pattern="^[A-Za-z0-9_-]{16}$")]


@get("/dev/phone")
async def phone(request: AnyRequest, runtime: Runtime) -> Template:
    """Choose who calls whom."""
    return await _choice(request, runtime)


async def _choice(
    request: AnyRequest, runtime: Runtime, *, form: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> Template:
    cooperatives = [found for found in await runtime.directory.all() if not runtime.directory.is_suspended(found)]
    known = [(found, await _customers(runtime, found)) for found in cooperatives]
    return page(
        request,
        "dev/phone.html",
        status_code=422 if errors else 200,
        cooperatives=[(found.slug, found.name) for found in cooperatives],
        known=[(found, people) for found, people in known if people],
        closed=_closed(runtime),
        form=Sent(form or {}),
        errors=errors or {},
    )


@post("/dev/phone", status_code=303)
async def ring(request: AnyRequest, runtime: Runtime) -> Redirect | Template:
    """Ring the number of a cooperative."""
    sent = await request.form()
    form = {name: text(sent, name) for name in ("cooperative", "caller", "number")}
    cooperative = await runtime.directory.by_slug(form["cooperative"])
    caller = MASKED if text(sent, "masked") else caller_number(form["caller"])
    errors = {}
    if cooperative is None:
        errors["cooperative"] = "Choisissez une coopérative."
    if caller is None:
        errors["caller"] = "Numéro de téléphone non valable."
    if cooperative is None or caller is None or _closed(runtime):
        return await _choice(request, runtime, form=form, errors=errors or {"": "La téléphonie est fermée."})
    number = caller_number(form["number"]) or cooperative.public_number
    line = await _SIMULATOR.open(request.app, runtime.settings, cooperative)
    line.dial(caller, number, await _names(runtime, cooperative))
    await line.settled()
    return see_other(f"/dev/phone/{line.id}")


@get("/dev/phone/{line_id:str}")
async def one_line(request: AnyRequest, line_id: LineId) -> Template:
    """The caller's phone and those that ring."""
    return page(request, "dev/phone_line.html", line=_line(line_id))


@get("/dev/phone/{line_id:str}/live")
async def line_now(request: AnyRequest, line_id: LineId, seen: str = "") -> Template | Response[None]:
    """The phones as they are now; nothing when nothing changed."""
    line = _line(line_id)
    if line.version == seen:
        return Response(None, status_code=204)
    return page(request, "dev/_phones.html", line=line)


@post("/dev/phone/{line_id:str}", status_code=200)
async def act(request: AnyRequest, line_id: LineId) -> Template:
    """Somebody does something: the caller types or hangs up, a person picks up, presses a key, hangs up."""
    line, form = _line(line_id), await request.form()
    who, what = text(form, "who"), text(form, "what")
    if who != "caller":
        line.act(who, what)
    elif what == "hang_up":
        line.hang_up()
    elif what == "press":
        line.press(text(form, "keys"))
    else:
        raise Invalid
    await line.settled()
    return page(request, "dev/_phones.html", line=line)


def _closed(runtime: Runtime) -> bool:
    """The fictitious company signs as the first kind of carrier does, and only so."""
    return not runtime.settings.telephony.auth_tokens or runtime.settings.telephony.carrier != "twilio"


def _line(line_id: str) -> Line:
    line = _SIMULATOR.find(line_id)
    if line is None:
        raise NotFound("Cet appel n’existe plus.")
    return line


async def _customers(runtime: Runtime, cooperative: CooperativeContext) -> list[tuple[str, str]]:
    async with runtime.database.tenant(cooperative.tenant) as session:
        found = await session.execute(
            sa.select(CustomerPhone.phone, Customer.name)
            .join(Customer, Customer.id == CustomerPhone.customer_id)
            .order_by(Customer.name)
            .limit(_KNOWN)
        )
        return [(number, name) for number, name in found]


async def _names(runtime: Runtime, cooperative: CooperativeContext) -> dict[str, str]:
    """Whose phone a number is."""
    async with runtime.database.tenant(cooperative.tenant) as session:
        found = await session.execute(sa.select(Technician.phone, Technician.first_name, Technician.last_name))
        names = {number: f"{first} {last}" for number, first, last in found}
    names.setdefault(cooperative.manager_phone, cooperative.manager_name)
    names.setdefault(cooperative.fallback_phone, "Numéro de repli")
    last_resort = runtime.settings.telephony.last_resort_number
    if last_resort:
        names.setdefault(last_resort, "Numéro de dernier recours")
    return names


ROUTES = (phone, ring, one_line, line_now, act)
