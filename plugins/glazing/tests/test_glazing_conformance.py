"""The glazing trade keeps the contract of every trade."""

import maillage_glazing
from maillage_hooks import TradeRegistry
from maillage_hooks.conformance import check_trade


def test_glazing_conforms() -> None:
    registry = TradeRegistry.from_modules({"glazing": maillage_glazing})
    assert check_trade(registry.get("glazing")) == []
