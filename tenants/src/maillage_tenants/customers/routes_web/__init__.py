"""The office's pages on customers, by what they show. The page of one customer is `customerfile`'s."""

from .customer import (
    change_customer,
    change_referring_member,
    edit_customer,
    edit_referring_member,
    list_customers,
    new_customer,
    register_customer,
)
from .numbers import add_phone, consent_form, new_phone, record_consent, remove_phone, revoke_consent
from .places import add_site, change_site, communes, edit_site, new_site, show_access_notes, write_access_notes

ROUTES = [
    list_customers,
    new_customer,
    register_customer,
    edit_customer,
    change_customer,
    edit_referring_member,
    change_referring_member,
    communes,
    new_site,
    add_site,
    edit_site,
    change_site,
    show_access_notes,
    write_access_notes,
    new_phone,
    add_phone,
    consent_form,
    record_consent,
    revoke_consent,
    remove_phone,
]
