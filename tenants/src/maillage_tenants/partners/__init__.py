"""Partners: the third parties that come by the API, landlord, property manager, insurer, software maker.

A client sees what belongs to its customers: those the cooperative gave it, those it registered itself; everything only
when the cooperative said so (`reach_of`). What it orders keeps its own references with the case (`PartnerOrder`). What
it was answered to a POST is kept a day under its Idempotency-Key, so that nothing is done twice.
"""

from .models import PartnerOrder
from .queries import clients_reaching, order_of, orders_of, reach_of
from .service.answers import Answers
from .service.granting import add_customer, grant, hide_customer, show_customer, show_everything
from .service.ordering import Order, write_order

__all__ = [
    "Answers",
    "Order",
    "PartnerOrder",
    "add_customer",
    "clients_reaching",
    "grant",
    "hide_customer",
    "order_of",
    "orders_of",
    "reach_of",
    "show_customer",
    "show_everything",
    "write_order",
]
