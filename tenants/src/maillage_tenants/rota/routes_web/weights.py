"""What weighs in a fair rota: the points, explained, and changed by who publishes."""

from collections.abc import Mapping
from typing import Any

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, base_path, page, requires, see_other, text
from maillage_tenants.rota import queries_planning
from maillage_tenants.rota.models_planning import MOST_POINTS, POINTS
from maillage_tenants.rota.queries_planning import PROPOSED
from maillage_tenants.rota.routes_web.forms import points_typed, told
from maillage_tenants.rota.service import weights

GROUPS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Partager chaque sorte d’astreinte",
        "Pour chaque sorte, chacun a une part juste, selon son engagement. Une astreinte de plus ou de moins que cette "
        "part coûte ces points. Plus le chiffre est grand, plus le calcul tient à bien partager cette sorte ; à 0, "
        "elle n’est pas partagée à part.",
        (
            ("festive", "Nuits de Noël et du Nouvel An (24 et 31 décembre)"),
            ("holiday", "Jours fériés"),
            ("sunday", "Dimanches"),
            ("saturday", "Samedis"),
            ("weeknight", "Nuits de semaine"),
            ("weekday", "Journées de semaine"),
        ),
    ),
    (
        "Partager le nombre d’astreintes",
        "De la même façon, toutes sortes ensemble : le rang 1 est appelé en premier, le rang 2 quand le rang 1 ne "
        "répond pas.",
        (("first_rank", "Toutes les astreintes de rang 1"), ("second_rank", "Toutes les astreintes de rang 2")),
    ),
    (
        "Ce qu’on évite quand on peut",
        "Chaque fois que cela arrive, ces points s’ajoutent. Ils cèdent devant le partage quand ils sont plus petits "
        "que lui.",
        (
            ("same_again", "La même sorte d’astreinte deux semaines de suite"),
            ("same_holiday", "Un jour férié déjà tenu l’an dernier"),
            ("away", "Une astreinte hors de ses secteurs"),
            ("wish", "Un souhait non suivi, ou les vacances scolaires de qui préfère les éviter"),
        ),
    ),
)
HINTS: Mapping[str, str] = {"wish": "Multiplié par l’importance du souhait, de 1 à 3."}


@get("/rota/planning/weights", guards=[requires(Permission.ROTA_READ)])
async def weights_page(request: AnyRequest, session: TenantSession) -> Template:
    """What weighs, and the form that changes it."""
    return await _page(request, session)


@post("/rota/planning/weights", status_code=303, guards=[requires(Permission.ROTA_PUBLISH)])
async def set_weights(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Decide what weighs."""
    form = await request.form()
    try:
        await weights.set_weights(
            session, points={name: points_typed(text(form, name)) for name in POINTS}, by=actor.display_name
        )
    except Invalid as wrong:
        return await _page(request, session, values=form, errors=told(wrong))
    return see_other(_here(cooperative), flash="Points enregistrés pour les prochains calculs.")


@post("/rota/planning/weights/reset", status_code=303, guards=[requires(Permission.ROTA_PUBLISH)])
async def reset_weights(session: TenantSession, cooperative: CooperativeContext, actor: Actor) -> Redirect:
    """Back to the proposal."""
    await weights.reset_weights(session, by=actor.display_name)
    return see_other(_here(cooperative), flash="Les points proposés sont remis.")


def _here(cooperative: CooperativeContext) -> str:
    return f"{base_path(cooperative)}/rota/planning/weights"


async def _page(
    request: AnyRequest,
    session: TenantSession,
    *,
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Template:
    decided = await queries_planning.weighed(session)
    return page(
        request,
        "rota/weights.html",
        status_code=422 if errors else 200,
        groups=GROUPS,
        hints=HINTS,
        proposed=PROPOSED.points,
        decided=decided.decided,
        values=values or decided.points,
        most=MOST_POINTS,
        errors=errors or {},
    )


ROUTES = [weights_page, set_weights, reset_weights]
