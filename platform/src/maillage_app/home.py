"""The front page of the platform: signed-in people go to their own start, others see the cooperatives' public pages."""

from litestar import get
from litestar.response import Redirect, Template

from maillage_app.runtime import Runtime
from maillage_kit.context import Actor, Role
from maillage_kit.web import AnyRequest, page


@get("/")
async def front_page(request: AnyRequest, runtime: Runtime) -> Template | Redirect:
    """Where everybody arrives."""
    actor: Actor | None = request.scope["state"].get("actor")
    found = await runtime.directory.all()
    if actor is not None and actor.role is Role.FEDERATION:
        return Redirect("/federation", status_code=303)
    if actor is not None:
        own = next((c for c in found if c.id == actor.cooperative_id), None)
        if own is not None:
            return Redirect(f"/c/{own.slug}/{'desk' if actor.role is Role.OFFICE else 'field'}", status_code=303)
    return page(request, "home/front.html", cooperatives=found)
