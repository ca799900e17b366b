"""Pages of the members, by what they show."""

from .business import change_member, create_member, edit_member, members_list, new_member, one_member
from .commitments import create_document, create_engagement, new_document, new_engagement
from .people import change_technician, create_technician, edit_technician, new_technician

ROUTES = [
    members_list,
    new_member,
    create_member,
    one_member,
    edit_member,
    change_member,
    new_technician,
    create_technician,
    edit_technician,
    change_technician,
    new_document,
    create_document,
    new_engagement,
    create_engagement,
]
