"""Acts on customers, their sites and their numbers, by use case."""

from .facts import CustomerFacts, CustomerRef, PhoneConsent, SiteFacts, customer_columns, sealed, site_columns
from .numbers import add_phone, record_phone_consent, remove_phone, revoke_phone_consent
from .places import OCCUPANT, add_site, change_site, read_access_notes, write_access_notes
from .registering import change_customer, change_referring_member, register_customer

__all__ = [
    "OCCUPANT",
    "CustomerFacts",
    "CustomerRef",
    "PhoneConsent",
    "SiteFacts",
    "add_phone",
    "add_site",
    "change_customer",
    "change_referring_member",
    "change_site",
    "customer_columns",
    "read_access_notes",
    "record_phone_consent",
    "register_customer",
    "remove_phone",
    "revoke_phone_consent",
    "sealed",
    "site_columns",
    "write_access_notes",
]
