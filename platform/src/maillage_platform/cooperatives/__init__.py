"""The directory of cooperatives: creation, provisioning, trades, state."""

from maillage_platform.cooperatives.directory import Directory
from maillage_platform.cooperatives.queries import all_cooperatives, by_id, by_slug
from maillage_platform.cooperatives.service import (
    NewCooperative,
    activate,
    change_trades,
    record_revision,
    register_cooperative,
)

__all__ = [
    "Directory",
    "NewCooperative",
    "activate",
    "all_cooperatives",
    "by_id",
    "by_slug",
    "change_trades",
    "record_revision",
    "register_cooperative",
]
