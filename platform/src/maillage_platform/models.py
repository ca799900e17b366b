"""Every mapped class of the control plane: importing this module completes `PlatformBase.metadata`."""

from maillage_kit.db import PlatformBase
from maillage_platform.cooperatives import models as cooperatives
from maillage_platform.federation import models as federation
from maillage_platform.heartbeat import models as heartbeat
from maillage_platform.identity import models as identity
from maillage_platform.oauth import models as oauth
from maillage_platform.outbox import models as outbox
from maillage_platform.support import models as support
from maillage_platform.webhooks import models as webhooks

__all__ = [
    "PlatformBase",
    "cooperatives",
    "federation",
    "heartbeat",
    "identity",
    "oauth",
    "outbox",
    "support",
    "webhooks",
]
