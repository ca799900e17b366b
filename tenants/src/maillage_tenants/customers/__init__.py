"""Customers, their sites and numbers; each stays with the member who brought it (R60).

`identify_caller` is one indexed query: it answers while the phone rings. Access notes are encrypted and each reading of
them is written down (R72). A commercial call needs a recorded consent (R23).
"""

from . import labels
from .errors import CommuneToChoose, PhoneAlreadyThere, UnknownCustomer, UnknownPhone, UnknownSite
from .importing import ImportedCustomer, ImportedRef, ImportedSite, import_customers
from .models import ConsumerStatus, CustomerKind, PremisesUse
from .partner_queries import ids_of_numbers, site_within
from .queries import (
    CustomerCard,
    CustomerRow,
    KnownCaller,
    PhoneRow,
    SiteCard,
    customer_card,
    customer_name,
    customers_within,
    identify_caller,
    list_customers,
    site_by_reference,
    site_card,
    sites_page,
)
from .service import (
    CustomerFacts,
    CustomerRef,
    PhoneConsent,
    SiteFacts,
    add_phone,
    add_site,
    change_customer,
    change_referring_member,
    change_site,
    read_access_notes,
    record_phone_consent,
    register_customer,
    remove_phone,
    revoke_phone_consent,
    write_access_notes,
)

__all__ = [
    "CommuneToChoose",
    "ConsumerStatus",
    "CustomerCard",
    "CustomerFacts",
    "CustomerKind",
    "CustomerRef",
    "CustomerRow",
    "ImportedCustomer",
    "ImportedRef",
    "ImportedSite",
    "KnownCaller",
    "PhoneAlreadyThere",
    "PhoneConsent",
    "PhoneRow",
    "PremisesUse",
    "SiteCard",
    "SiteFacts",
    "UnknownCustomer",
    "UnknownPhone",
    "UnknownSite",
    "add_phone",
    "add_site",
    "change_customer",
    "change_referring_member",
    "change_site",
    "customer_card",
    "customer_name",
    "customers_within",
    "identify_caller",
    "ids_of_numbers",
    "import_customers",
    "labels",
    "list_customers",
    "read_access_notes",
    "record_phone_consent",
    "register_customer",
    "remove_phone",
    "revoke_phone_consent",
    "site_by_reference",
    "site_card",
    "site_within",
    "sites_page",
    "write_access_notes",
]
