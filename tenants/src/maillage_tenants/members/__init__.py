"""Members: the craft businesses, their people, trades, documents and engagement (R52, R53, R61).

Other domains import from here only: `assignability` says who may be sent and why not, `roster` gives a rota what it
needs to know of everybody.
"""

from .errors import SiretTaken, UnknownMember, UnknownTechnician
from .queries import (
    RosterEntry,
    TechnicianRow,
    assignability,
    documents_of,
    get_member,
    get_technician,
    roster,
    standings,
    technicians,
    technicians_by_email,
    technicians_of,
    trades_of,
)
from .rules import (
    Assignability,
    DocumentState,
    Standing,
    Validity,
    assignability_on,
    assignability_over,
    assignable_days,
    document_state,
)
from .service import (
    NewDocument,
    NewMember,
    NewTechnician,
    add_document,
    add_technician,
    change_member,
    change_technician,
    register_member,
    set_home_sectors,
    set_trades,
    sign_engagement,
)

__all__ = [
    "Assignability",
    "DocumentState",
    "NewDocument",
    "NewMember",
    "NewTechnician",
    "RosterEntry",
    "SiretTaken",
    "Standing",
    "TechnicianRow",
    "UnknownMember",
    "UnknownTechnician",
    "Validity",
    "add_document",
    "add_technician",
    "assignability",
    "assignability_on",
    "assignability_over",
    "assignable_days",
    "change_member",
    "change_technician",
    "document_state",
    "documents_of",
    "get_member",
    "get_technician",
    "register_member",
    "roster",
    "set_home_sectors",
    "set_trades",
    "sign_engagement",
    "standings",
    "technicians",
    "technicians_by_email",
    "technicians_of",
    "trades_of",
]
