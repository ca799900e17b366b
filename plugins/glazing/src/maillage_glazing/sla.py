"""Glazing delays: the common ones (R88)."""

from maillage_glazing.catalogue import TYPES
from maillage_hooks.tables import StandardSla

SLA = StandardSla(TYPES)
