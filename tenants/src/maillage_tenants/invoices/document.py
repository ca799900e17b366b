"""The note and the credit note as printed: everything already written in French (R7, R8, R21, R22, R39)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from maillage_hooks.documents import french_date, french_instant
from maillage_kit import clock
from maillage_tenants.invoices.models import InvoiceKind
from maillage_tenants.invoices.rules import PAYMENT_TERM
from maillage_tenants.quotes import (
    PricedLine,
    customer_lines,
    footer_lines,
    line_totals,
    performer_lines,
    printed_lines,
    printed_totals,
    seller_lines,
    vat_notes,
)

_HEADINGS = {
    InvoiceKind.NOTE: "Note",
    InvoiceKind.INVOICE: "Facture",
    InvoiceKind.CREDIT_NOTE: "Avoir",
}


def invoice_data(
    *,
    number: str,
    kind: InvoiceKind,
    parties: Mapping[str, Any],
    lines: Sequence[PricedLine],
    issued_at: datetime,
    service_date: date,
    service_place: str,
    certification: str | None,
) -> dict[str, Any]:
    """The JSON of `documents/note.typ` and `documents/credit_note.typ`."""
    seller = parties["cooperative"]
    heading = _HEADINGS[kind]
    sums = line_totals(lines)
    return {
        "title": f"{heading} {number}",
        "author": seller["name"],
        "footer": footer_lines(seller),
        "heading": heading,
        "number": number,
        "issued": french_instant(issued_at),
        "seller": seller_lines(seller),
        "performer": performer_lines(parties["performer"]),
        "insurance": parties["performer"]["insurance"],
        "customer": customer_lines(parties["customer"]),
        "facts": [
            ["Dossier", parties["case"]["number"]],
            ["Nature de la prestation", parties["case"]["nature"]],
            ["Date d’exécution", french_date(service_date)],
            ["Lieu d’exécution", service_place],
            *([["Devis", parties["quote"]]] if parties.get("quote") else []),
        ],
        "danger": parties.get("danger") or "",
        "lines": printed_lines(lines),
        "totals": printed_totals(sums),
        "vat_notes": list(vat_notes(lines)),
        "certification": certification or "",
        "terms": _terms(kind, issued_at),
        "mediator": (
            "Réclamation : écrivez d’abord à la coopérative. Sans solution, vous pouvez saisir gratuitement le "
            f"médiateur de la consommation : {seller['mediator']}, {seller['mediator_contact']}."
            if kind is InvoiceKind.NOTE
            else ""
        ),
        "credited": parties.get("credited") or "",
        "reason": parties.get("reason") or "",
    }


def _terms(kind: InvoiceKind, issued_at: datetime) -> list[str]:
    """When it is due; for a professional also what the law requires on an invoice (R39)."""
    if kind is InvoiceKind.CREDIT_NOTE:
        return []
    if kind is InvoiceKind.NOTE:
        return ["Payable à réception. Cette note est remise avant tout paiement."]
    due = clock.paris(issued_at + PAYMENT_TERM).date()
    return [
        f"Payable au plus tard le {french_date(due)}. Pas d’escompte pour paiement anticipé.",
        "Retard de paiement : pénalités au taux de trois fois l’intérêt légal et indemnité forfaitaire de 40 € pour "
        "frais de recouvrement (article L441-10 du code de commerce).",
    ]
