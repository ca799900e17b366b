"""Customers, their sites and numbers; each stays with the member who brought it (R60)."""

from .models import ConsumerStatus, CustomerKind, PremisesUse
from .queries import KnownCaller, identify_caller

__all__ = ["ConsumerStatus", "CustomerKind", "KnownCaller", "PremisesUse", "identify_caller"]
