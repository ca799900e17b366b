"""Who may do what: the roles, the permissions, and the one table between them.

A route names the permission it asks for (`maillage_kit.web.requires`); nothing else decides by role.
docs/permissions.md is made from this module; tests/contract/test_permissions.py tries every route with every role.
"""

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """What a person is, in one cooperative or in the federation."""

    MANAGER = "manager"
    DISPATCHER = "dispatcher"
    ACCOUNTANT = "accountant"
    MEMBER = "member"
    TECHNICIAN = "technician"
    AUDITOR = "auditor"
    PARTNER = "partner"
    OPERATOR = "operator"
    ANALYST = "analyst"
    SUPPORT = "support"

    @property
    def of_federation(self) -> bool:
        """A role in no cooperative."""
        return self in FEDERATION_ROLES


FEDERATION_ROLES = frozenset({Role.OPERATOR, Role.ANALYST, Role.SUPPORT})
COOPERATIVE_ROLES = tuple(role for role in Role if role not in FEDERATION_ROLES and role is not Role.PARTNER)
"""Who works in a cooperative; a partner is one of its customers' people, let in to see what is theirs."""
FIELD_ROLES = frozenset({Role.MEMBER, Role.TECHNICIAN})
SECOND_FACTOR_ROLES = frozenset({Role.MANAGER, *FEDERATION_ROLES})
"""Who works in production only after a passkey, unless the installation says otherwise."""

ROLE_LABELS = {
    Role.MANAGER: "Gérance",
    Role.DISPATCHER: "Permanence",
    Role.ACCOUNTANT: "Comptabilité",
    Role.MEMBER: "Artisan associé",
    Role.TECHNICIAN: "Intervenant",
    Role.AUDITOR: "Contrôle (lecture seule)",
    Role.PARTNER: "Client partenaire",
    Role.OPERATOR: "Fédération : exploitation",
    Role.ANALYST: "Fédération : analyse",
    Role.SUPPORT: "Fédération : assistance",
}
ROLE_HINTS = {
    Role.MANAGER: "Tout, y compris les personnes et les réglages.",
    Role.DISPATCHER: "Les appels, les interventions, les clients et les astreintes au jour le jour.",
    Role.ACCOUNTANT: "Les notes, les règlements et les comptes des associés.",
    Role.MEMBER: "Ses propres interventions, ses astreintes et son compte.",
    Role.TECHNICIAN: "Les interventions et les astreintes qui lui sont confiées.",
    Role.AUDITOR: "Lit tout, ne change rien, ne lit jamais un code d’accès.",
    Role.PARTNER: "Suit les logements, interventions, devis et notes de sa seule organisation, décide de ses devis.",
    Role.OPERATOR: "Suit les coopératives et gère les personnes de la fédération.",
    Role.ANALYST: "Lit les totaux des coopératives.",
    Role.SUPPORT: "Lit les totaux ; entre dans une coopérative qui l’a permis, pour une heure au plus.",
}


class Permission(StrEnum):
    """Something a person may do. Named beside each route."""

    ACCOUNT_OWN = "account.own"
    LIVE_FOLLOW = "live.follow"
    DESK_READ = "desk.read"
    CALLS_READ = "calls.read"
    CALLS_LISTEN = "calls.listen"
    CALLS_WRITE = "calls.write"
    CASES_READ = "cases.read"
    CASES_WRITE = "cases.write"
    ROTA_READ = "rota.read"
    ROTA_WRITE = "rota.write"
    ROTA_PUBLISH = "rota.publish"
    MEMBERS_READ = "members.read"
    MEMBERS_WRITE = "members.write"
    CUSTOMERS_READ = "customers.read"
    CUSTOMERS_WRITE = "customers.write"
    CUSTOMERS_ACCESS_CODES = "customers.access_codes"
    MONEY_READ = "money.read"
    MONEY_WRITE = "money.write"
    MESSAGES_READ = "messages.read"
    SETTINGS_READ = "settings.read"
    SETTINGS_WRITE = "settings.write"
    EXPORTS = "exports"
    PEOPLE_READ = "people.read"
    PEOPLE_MANAGE = "people.manage"
    API_MANAGE = "api.manage"
    AUDIT_READ = "audit.read"
    FIELD_WORK = "field.work"
    FIELD_LEDGER = "field.ledger"
    PARTNER_OWN = "partner.own"
    FEDERATION_READ = "federation.read"
    FEDERATION_PEOPLE = "federation.people"
    SUPPORT_ENTER = "support.enter"


_P = Permission
PERMISSION_LABELS = {
    _P.ACCOUNT_OWN: "son propre compte : connexions, clés d’accès, rôles",
    _P.LIVE_FOLLOW: "les pages qui se mettent à jour d’elles-mêmes",
    _P.DESK_READ: "le tableau de bord",
    _P.CALLS_READ: "les appels et leur récit",
    _P.CALLS_LISTEN: "écouter un message ou une conversation (chaque écoute est inscrite, R70)",
    _P.CALLS_WRITE: "raccrocher, rappeler, garder un enregistrement, lancer un appel d’essai",
    _P.CASES_READ: "les interventions",
    _P.CASES_WRITE: "ouvrir, attribuer, mener et clore une intervention",
    _P.ROTA_READ: "les astreintes",
    _P.ROTA_WRITE: "projets de planning, remplacements, absences",
    _P.ROTA_PUBLISH: "publier et arrêter un planning",
    _P.MEMBERS_READ: "les associés et leurs documents",
    _P.MEMBERS_WRITE: "inscrire et modifier un associé, ses intervenants, ses engagements",
    _P.CUSTOMERS_READ: "les clients et leurs contrats, sans les codes d’accès",
    _P.CUSTOMERS_WRITE: "inscrire et modifier un client, ses lieux, ses contrats",
    _P.CUSTOMERS_ACCESS_CODES: "lire un code d’accès en clair (chaque lecture est inscrite, R72)",
    _P.MONEY_READ: "les notes, les règlements, les comptes des associés",
    _P.MONEY_WRITE: "avoirs, remboursements, corrections, règlements",
    _P.MESSAGES_READ: "les messages envoyés",
    _P.SETTINGS_READ: "les réglages : territoire, tarifs, formules, téléphonie, veille",
    _P.SETTINGS_WRITE: "changer les réglages",
    _P.EXPORTS: "sortir des données (chaque export est inscrit)",
    _P.PEOPLE_READ: "qui peut entrer",
    _P.PEOPLE_MANAGE: "inviter, changer un rôle, retirer un accès, permettre l’assistance",
    _P.API_MANAGE: "relier une application par l’API, changer son secret, la retirer",
    _P.AUDIT_READ: "le journal des actes sensibles",
    _P.FIELD_WORK: "ses propres interventions et astreintes",
    _P.FIELD_LEDGER: "le compte de sa propre entreprise",
    _P.PARTNER_OWN: "ce qui est à sa propre organisation : logements, interventions, devis (et y répondre), notes",
    _P.FEDERATION_READ: "les totaux des coopératives, sans aucun client (R73)",
    _P.FEDERATION_PEOPLE: "les personnes de la fédération et leur connexion",
    _P.SUPPORT_ENTER: "entrer en lecture dans une coopérative qui l’a permis, pour une heure au plus",
}

_READS = frozenset(
    {
        _P.DESK_READ, _P.CALLS_READ, _P.CASES_READ, _P.ROTA_READ, _P.MEMBERS_READ, _P.CUSTOMERS_READ,
        _P.MONEY_READ, _P.MESSAGES_READ, _P.SETTINGS_READ,
    }
)  # fmt: skip
_OWN = frozenset({_P.ACCOUNT_OWN})
_COLLEAGUE = _OWN | {_P.LIVE_FOLLOW}
_MANAGER = frozenset(Permission) - {
    _P.FIELD_WORK,
    _P.FIELD_LEDGER,
    _P.PARTNER_OWN,
    _P.FEDERATION_READ,
    _P.FEDERATION_PEOPLE,
    _P.SUPPORT_ENTER,
}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.MANAGER: _MANAGER,
    Role.DISPATCHER: _COLLEAGUE
    | {
        _P.DESK_READ, _P.CALLS_READ, _P.CALLS_LISTEN, _P.CALLS_WRITE, _P.CASES_READ, _P.CASES_WRITE, _P.ROTA_READ,
        _P.ROTA_WRITE, _P.MEMBERS_READ, _P.CUSTOMERS_READ, _P.CUSTOMERS_WRITE, _P.CUSTOMERS_ACCESS_CODES,
        _P.MESSAGES_READ, _P.SETTINGS_READ,
    },
    Role.ACCOUNTANT: _COLLEAGUE
    | {
        _P.CASES_READ, _P.MEMBERS_READ, _P.CUSTOMERS_READ, _P.MONEY_READ, _P.MONEY_WRITE, _P.SETTINGS_READ, _P.EXPORTS,
    },
    Role.MEMBER: _COLLEAGUE | {_P.FIELD_WORK, _P.FIELD_LEDGER},
    Role.TECHNICIAN: _COLLEAGUE | {_P.FIELD_WORK},
    Role.AUDITOR: _COLLEAGUE | _READS | {_P.CALLS_LISTEN, _P.EXPORTS, _P.PEOPLE_READ, _P.AUDIT_READ},
    Role.PARTNER: _OWN | {_P.PARTNER_OWN},
    Role.OPERATOR: _OWN | {_P.FEDERATION_READ, _P.FEDERATION_PEOPLE},
    Role.ANALYST: _OWN | {_P.FEDERATION_READ},
    Role.SUPPORT: _OWN | {_P.FEDERATION_READ, _P.SUPPORT_ENTER},
}  # fmt: skip
"""The one table. A permission that no role holds, or a role without a line, fails a test."""

VISITOR = _READS
"""What somebody of the federation's support sees inside a cooperative that let them in: pages, nothing that leaves."""


def roles_with(permissions: Iterable[Permission]) -> frozenset[Role]:
    """The roles that hold one of these at least."""
    wanted = set(permissions)
    return frozenset(role for role, held in GRANTS.items() if held & wanted)


def start_of(role: Role) -> str:
    """Where a role starts, under its cooperative's address; the federation's console otherwise."""
    if role.of_federation:
        return "/federation"
    if role in FIELD_ROLES:
        return "/field"
    if role is Role.PARTNER:
        return "/partner"
    return "/notes" if role is Role.ACCOUNTANT else "/desk"
