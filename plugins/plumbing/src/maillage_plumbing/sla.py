"""Plumbing delays: the common ones (R88)."""

from maillage_hooks.tables import StandardSla
from maillage_plumbing.catalogue import TYPES

SLA = StandardSla(TYPES)
