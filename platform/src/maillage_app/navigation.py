"""Which pages each role finds in its navigation, in order."""

from maillage_kit.context import Actor, CooperativeContext, Role
from maillage_kit.web import NavItem

_OFFICE = (
    ("/desk", "Tableau de bord", "home"),
    ("/calls", "Appels", "phone"),
    ("/cases", "Interventions", "wrench"),
    ("/rota", "Astreintes", "calendar"),
    ("/members", "Associés", "users"),
    ("/customers", "Clients", "user"),
    ("/plans", "Formules", "shield"),
    ("/territory", "Territoire", "map-pin"),
    ("/tariffs", "Tarifs", "euro"),
    ("/notes", "Notes et règlements", "file"),
    ("/messages", "Messages", "mail"),
    ("/watch", "Veille", "alarm"),
)
_MEMBER = (
    ("/field", "Mes interventions", "wrench"),
    ("/field/duties", "Mes astreintes", "calendar"),
    ("/field/ledger", "Mon compte", "euro"),
    ("/field/notifications", "Être prévenu", "bolt"),
)


def navigation(cooperative: CooperativeContext | None, actor: Actor | None, path: str) -> list[NavItem]:
    """The navigation of one page: the longest matching entry is the current one."""
    if actor is None:
        return []
    if actor.role is Role.FEDERATION:
        return [NavItem("/federation", "Coopératives", "home", current=True)]
    if cooperative is None:
        return []
    base = f"/c/{cooperative.slug}"
    entries = _OFFICE if actor.role is Role.OFFICE else _MEMBER
    matching = [href for href, _, _ in entries if path == base + href or path.startswith(f"{base}{href}/")]
    current = max(matching, key=len, default=None)
    return [NavItem(base + href, label, icon, current=href == current) for href, label, icon in entries]


def user_links(actor: Actor | None, cooperative: CooperativeContext | None) -> list[NavItem]:
    """What the menu under one's name leads to."""
    if actor is None:
        return []
    links = [NavItem("/account/sessions", "Mes connexions", "shield")]
    if actor.has_other_hats:
        links.append(NavItem("/account/hats", "Changer de rôle ou de coopérative", "users"))
    if actor.role is Role.FEDERATION:
        links.append(NavItem("/federation/settings/people", "Personnes et connexion", "settings"))
    elif actor.role is Role.OFFICE and cooperative is not None:
        links.append(NavItem(f"/c/{cooperative.slug}/settings/people", "Personnes et connexion", "settings"))
    return links
