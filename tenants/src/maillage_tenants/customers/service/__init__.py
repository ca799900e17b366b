"""Acts on customers, their sites and their numbers, by use case."""

from .dwellings import Dwelling, RowOutcome, RowReport, import_dwellings
from .facts import (
    CustomerFacts,
    CustomerRef,
    PhoneConsent,
    SiteFacts,
    communes_by_postcode,
    customer_columns,
    sealed,
    site_columns,
)
from .numbers import add_phone, record_phone_consent, remove_phone, revoke_phone_consent
from .places import OCCUPANT, add_site, change_site, read_access_notes, write_access_notes
from .registering import change_customer, change_referring_member, register_customer

__all__ = [
    "OCCUPANT",
    "CustomerFacts",
    "CustomerRef",
    "Dwelling",
    "PhoneConsent",
    "RowOutcome",
    "RowReport",
    "SiteFacts",
    "add_phone",
    "add_site",
    "change_customer",
    "change_referring_member",
    "change_site",
    "communes_by_postcode",
    "customer_columns",
    "import_dwellings",
    "read_access_notes",
    "record_phone_consent",
    "register_customer",
    "remove_phone",
    "revoke_phone_consent",
    "sealed",
    "site_columns",
    "write_access_notes",
]
