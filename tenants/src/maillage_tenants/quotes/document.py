"""The quote as printed: everything already written in French, for `documents/quote.typ`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from maillage_hooks.documents import french_date, french_instant
from maillage_tenants.customers import ConsumerStatus
from maillage_tenants.quotes import parties, rules
from maillage_tenants.quotes.models import QuoteKind, SignatureMethod
from maillage_tenants.quotes.queries import QuoteView
from maillage_tenants.quotes.rules import PricedLine, Totals
from maillage_tenants.tariffs import percent_text


@dataclass(frozen=True, slots=True)
class SignatureBlock:
    """What the customer's copy shows of the signature."""

    name: str
    at: datetime
    method: SignatureMethod
    phone: str | None
    sha256: str
    image: bytes | None
    software: str = ""


def printed_lines(lines: Iterable[PricedLine], *, note: str = "") -> list[dict[str, str]]:
    """Lines for the `priced` table of the paper. `note` says the surcharge under the lines that bear it."""
    return [
        {
            "label": line.label,
            "note": note,
            "quantity": quantity_text(line.quantity),
            "unit": line.unit,
            "unit_price": str(line.unit_price),
            "rate": percent_text(line.vat_basis_points),
            "net": str(line.net),
        }
        for line in lines
    ]


def quantity_text(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}".replace(".", ",")


def printed_totals(totals: Totals) -> dict[str, Any]:
    return {
        "net": str(totals.net),
        "vat": [
            {"rate": percent_text(part.basis_points), "base": str(part.base), "amount": str(part.amount)}
            for part in totals.parts
        ],
        "vat_total": str(totals.vat),
        "gross": str(totals.gross),
    }


def quote_data(quote: QuoteView, *, department: str, signature: SignatureBlock | None = None) -> dict[str, Any]:
    """The JSON of `documents/quote.typ` for a quote that has its number and its parties (R4, R8, R15, R21, R22)."""
    if quote.number is None or quote.issued_at is None or quote.valid_until is None:
        raise ValueError("a draft is not printed")
    seller, customer = quote.parties["cooperative"], quote.parties["customer"]
    status = ConsumerStatus(customer["status"])
    emergency = quote.kind is QuoteKind.EMERGENCY
    withdrawal = rules.may_withdraw(scope=rules.scope_of(quote.kind), channel=quote.channel, status=status)
    travel = any(line.kind == "travel" for line in quote.lines)
    return {
        "title": f"Devis {quote.number}",
        "author": seller["name"],
        "footer": parties.footer_lines(seller),
        "heading": "Devis" if emergency else "Devis complémentaire",
        "number": quote.number,
        "issued": french_instant(quote.issued_at),
        "seller": parties.seller_lines(seller),
        "performer": parties.performer_lines(quote.parties["performer"]),
        "insurance": quote.parties["performer"]["insurance"],
        "customer": parties.customer_lines(customer),
        "site": quote.parties["site"],
        "facts": [
            ["Dossier", quote.parties["case"]["number"]],
            ["Nature des réparations", quote.parties["case"]["nature"]],
            ["Demande du client", quote.parties["case"]["request"]],
            ["Exécution", quote.parties["execution"]],
            ["Validité du devis", f"jusqu’au {french_instant(quote.valid_until)}"],
            ["Prix du devis", quote.parties["quote_price"]],
            ["Frais de déplacement", "dans le décompte" if travel else "aucun"],
            ["Décompte du temps", quote.parties["time_counting"]],
        ],
        "replaces": quote.parties.get("replaces") or "",
        "lines": printed_lines(quote.lines),
        "surcharge": rules.surcharge_note(quote.band, quote.surcharge_basis_points),
        "totals": printed_totals(quote.totals),
        "vat_notes": list(rules.vat_notes(quote.lines)),
        "certification": quote.certification_text,
        "scope": _scope_words(emergency=emergency, withdrawal=withdrawal, protected=status in rules.PROTECTED),
        "withdrawal": _withdrawal(quote, signature, department) if withdrawal else None,
        "mentions": _mentions(seller, protected=status in rules.PROTECTED),
        "signature": _signature(signature) if signature else None,
    }


def _scope_words(*, emergency: bool, withdrawal: bool, protected: bool) -> str:
    if emergency and not protected:
        return "Travaux de réparation urgents, demandés par le client. Ils se paient après remise de la note."
    if emergency:
        return (
            "Travaux de réparation urgents, expressément demandés par le client à son domicile et limités à ce qui est "
            "strictement nécessaire pour répondre à l’urgence : le droit de rétractation ne s’applique pas "
            "(article L221-28, 8° du code de la consommation). Ils se paient après remise de la note."
        )
    words = "Travaux qui vont au-delà de l’urgence : ils font l’objet de ce devis séparé."
    return words if withdrawal else f"{words} Ce contrat n’ouvre pas de droit de rétractation."


def _withdrawal(quote: QuoteView, signature: SignatureBlock | None, department: str) -> dict[str, Any]:
    embargo = quote.channel == "off_premises"
    deadline = ""
    if signature is not None:
        deadline = (
            f"Dernier jour pour vous rétracter : {french_date(rules.withdrawal_last_day(signature.at, department))}."
        )
    return {
        "text": (
            "Vous pouvez vous rétracter sans donner de motif pendant quatorze jours, à compter du lendemain de la "
            "signature. Si le dernier jour est un samedi, un dimanche ou un jour férié, le délai va jusqu’au premier "
            "jour ouvrable suivant. Il suffit d’envoyer le formulaire qui suit, ou toute déclaration claire, avant "
            "la fin du délai. Sauf demande expresse de votre part, les travaux ne commencent pas avant."
        ),
        "deadline": deadline,
        "embargo": (
            "Aucun paiement, sous aucune forme, ne peut vous être demandé pendant les sept jours qui suivent la "
            "signature (article L221-10 du code de la consommation)."
            if embargo
            else ""
        ),
        "to": quote.parties["cooperative"]["name"],
        "address": [*quote.parties["cooperative"]["address"], quote.parties["cooperative"]["email"]],
    }


def _mentions(seller: Mapping[str, Any], *, protected: bool) -> list[str]:
    contract = "La coopérative contracte et facture ; l’artisan associé nommé ci-dessus réalise les travaux."
    if not protected:
        return [contract]
    return [
        "Pièces fournies : garantie légale de conformité (articles L217-3 et suivants du code de la consommation) et "
        "garantie des vices cachés (articles 1641 et suivants du code civil).",
        "Réclamation : écrivez d’abord à la coopérative. Sans solution, vous pouvez saisir gratuitement le médiateur "
        f"de la consommation : {seller['mediator']}, {seller['mediator_contact']}.",
        contract,
    ]


def _signature(block: SignatureBlock) -> dict[str, Any]:
    how = "signature tracée à l’écran"
    if block.method is SignatureMethod.CODE:
        how = f"code à usage unique reçu au {block.phone}"
    elif block.method is SignatureMethod.PARTNER:
        how = "accord donné en ligne, depuis son compte"
        if block.software:
            how = f"accord donné par le logiciel {block.software}"
    return {
        "name": block.name,
        "at": french_instant(block.at),
        "how": how,
        "sha256": block.sha256,
        "image": list(block.image) if block.image else None,
    }
