"""The front page of the platform: signed-in people go to their own start, others see the cooperatives' public pages."""

from litestar import get
from litestar.response import Redirect, Template

from maillage_app.runtime import Runtime
from maillage_kit.context import Actor
from maillage_kit.permissions import start_of
from maillage_kit.web import AnyRequest, page


@get("/")
async def front_page(request: AnyRequest, runtime: Runtime) -> Template | Redirect:
    """Where everybody arrives."""
    actor: Actor | None = request.scope["state"].get("actor")
    found = await runtime.directory.all()
    if actor is not None and actor.role.of_federation:
        return Redirect(start_of(actor.role), status_code=303)
    if actor is not None:
        own = next((c for c in found if c.id == actor.cooperative_id), None)
        if own is not None:
            return Redirect(f"/c/{own.slug}{start_of(actor.role)}", status_code=303)
    return page(request, "home/front.html", cooperatives=found)
