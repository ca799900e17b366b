"""The locksmith trade keeps the contract of every trade."""

import maillage_locksmith
from maillage_hooks import TradeRegistry
from maillage_hooks.conformance import check_trade


def test_locksmith_conforms() -> None:
    registry = TradeRegistry.from_modules({"locksmith": maillage_locksmith})
    assert check_trade(registry.get("locksmith")) == []
