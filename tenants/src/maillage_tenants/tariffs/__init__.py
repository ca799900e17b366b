"""Tariffs: versioned price grids per trade (R2, R3).

A published version never changes: the next one replaces it from its date, without gap or overlap. What was announced
to a caller is frozen on the case by `announcement`.
"""

from .queries import tariff_at, tariff_version
from .rules import (
    BAND_LABELS,
    PricedItem,
    TariffVersion,
    announcement,
    announcement_text,
    percent_text,
    quote_price_text,
    surcharged,
)
from .service import install_default_tariff, publish_tariff
from .views import KIND_LABELS

__all__ = [
    "BAND_LABELS",
    "KIND_LABELS",
    "PricedItem",
    "TariffVersion",
    "announcement",
    "announcement_text",
    "install_default_tariff",
    "percent_text",
    "publish_tariff",
    "quote_price_text",
    "surcharged",
    "tariff_at",
    "tariff_version",
]
