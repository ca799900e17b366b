"""Every mapped class of a cooperative's schema: importing this module completes `TenantBase.metadata`."""

from maillage_kit.db import TenantBase
from maillage_tenants.alarms import models as alarms
from maillage_tenants.audit import models as audit
from maillage_tenants.calls import models as calls
from maillage_tenants.customers import models as customers
from maillage_tenants.interventions import models as interventions
from maillage_tenants.invoices import models as invoices
from maillage_tenants.ledger import models as ledger
from maillage_tenants.masking import models as masking
from maillage_tenants.members import models as members
from maillage_tenants.messages import models as messages
from maillage_tenants.numbering import models as numbering
from maillage_tenants.partners import models as partners
from maillage_tenants.quotes import models as quotes
from maillage_tenants.recordings import models as recordings
from maillage_tenants.reviews import models as reviews
from maillage_tenants.rota import models as rota
from maillage_tenants.rota import models_life as rota_life
from maillage_tenants.rota import models_swaps as rota_swaps
from maillage_tenants.subscriptions import models as subscriptions
from maillage_tenants.tariffs import models as tariffs
from maillage_tenants.territory import models as territory
from maillage_tenants.watch import models as watch
from maillage_tenants.worktime import models as worktime

__all__ = [
    "TenantBase",
    "alarms",
    "audit",
    "calls",
    "customers",
    "interventions",
    "invoices",
    "ledger",
    "masking",
    "members",
    "messages",
    "numbering",
    "partners",
    "quotes",
    "recordings",
    "reviews",
    "rota",
    "rota_life",
    "rota_swaps",
    "subscriptions",
    "tariffs",
    "territory",
    "watch",
    "worktime",
]
