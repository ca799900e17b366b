"""Which pages a person finds in the navigation, in order: those that they may open."""

from maillage_app.permitted import Allowed
from maillage_kit.context import Actor, CooperativeContext
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
    ("/audit", "Journal", "shield"),
)
_FIELD = (
    ("/field", "Mes interventions", "wrench"),
    ("/field/duties", "Mes astreintes", "calendar"),
    ("/field/ledger", "Mon compte", "euro"),
    ("/field/notifications", "Être prévenu", "bolt"),
)
_PARTNER = (
    ("/partner", "Interventions", "wrench"),
    ("/partner/dwellings", "Logements", "home"),
    ("/partner/quotes", "Devis", "pen"),
    ("/partner/invoices", "Notes et factures", "file"),
    ("/partner/applications", "Logiciels reliés", "mesh"),
)
_FEDERATION = (("/federation", "Coopératives", "home"),)


def navigation(
    cooperative: CooperativeContext | None, actor: Actor | None, path: str, allowed: Allowed
) -> list[NavItem]:
    """The navigation of one page, without what this person may not open: the longest matching entry is the current
    one."""
    if actor is None:
        return []
    base = f"/c/{cooperative.slug}" if cooperative else ""
    entries = (*_OFFICE, *_FIELD, *_PARTNER) if cooperative else _FEDERATION
    offered = [(base + href, label, icon) for href, label, icon in entries if allowed("GET", base + href)]
    matching = [href for href, _, _ in offered if path == href or path.startswith(f"{href}/")]
    current = max(matching, key=len, default=None)
    return [NavItem(href, label, icon, current=href == current) for href, label, icon in offered]


def user_links(actor: Actor | None, cooperative: CooperativeContext | None, allowed: Allowed) -> list[NavItem]:
    """What the menu under one's name leads to."""
    if actor is None:
        return []
    links = [NavItem("/account/sessions", "Mes connexions", "shield")]
    if actor.has_other_hats:
        links.append(NavItem("/account/hats", "Changer de rôle ou de coopérative", "users"))
    place = f"/c/{cooperative.slug}" if cooperative else "/federation" if actor.role.of_federation else None
    if place and allowed("GET", f"{place}/settings/people"):
        links.append(NavItem(f"{place}/settings/people", "Personnes et connexion", "settings"))
    return links
