"""The contract between the core and the trades: hooks declare, the core acts (docs/hooks.md).

Everything that crosses the boundary is a frozen dataclass of `types` or an object with pure methods described by a
Protocol of `specs`. No session, request or database row ever reaches a plugin.
"""

from maillage_hooks.registry import PluginError, TradePlugin, TradeRegistry
from maillage_hooks.specs import API_VERSION, hookimpl

__all__ = ["API_VERSION", "PluginError", "TradePlugin", "TradeRegistry", "hookimpl"]
