"""Locksmith delays: the common ones (R88)."""

from maillage_hooks.tables import StandardSla
from maillage_locksmith.catalogue import TYPES

SLA = StandardSla(TYPES)
