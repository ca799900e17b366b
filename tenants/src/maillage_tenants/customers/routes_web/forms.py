"""What the forms of a customer, a place and a number share."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from maillage_kit.context import CooperativeContext
from maillage_kit.errors import Invalid
from maillage_kit.web import AnyRequest, base_path, text
from maillage_tenants.customers import labels

CHOICES = {
    "kinds": [(code.value, label) for code, label in labels.KINDS.items()],
    "statuses": [(code.value, label, labels.CONSUMER_HINTS[code]) for code, label in labels.CONSUMER_STATUSES.items()],
    "premises": [(code.value, label) for code, label in labels.PREMISES.items()],
    "completed": [("yes", "Plus de deux ans"), ("no", "Moins de deux ans"), ("", "On ne sait pas")],
}
COMPLETED = {"yes": True, "no": False, "": None}


async def sent(request: AnyRequest) -> dict[str, Any]:
    """The fields of the form."""
    return dict(await request.form())


def chosen_id(form: Mapping[str, Any], name: str) -> UUID | None:
    """The id chosen in a list, None for none. Raises Invalid."""
    try:
        return UUID(text(form, name)) if text(form, name) else None
    except ValueError as exc:
        raise Invalid(fields={name: "Ce choix n’existe pas."}) from exc


def customer_path(cooperative: CooperativeContext, customer_id: UUID) -> str:
    """The page of one customer."""
    return f"{base_path(cooperative)}/customers/{customer_id}"
