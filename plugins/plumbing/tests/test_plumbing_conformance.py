"""The plumbing trade keeps the contract of every trade."""

import maillage_plumbing
from maillage_hooks import TradeRegistry
from maillage_hooks.conformance import check_trade


def test_plumbing_conforms() -> None:
    registry = TradeRegistry.from_modules({"plumbing": maillage_plumbing})
    assert check_trade(registry.get("plumbing")) == []
