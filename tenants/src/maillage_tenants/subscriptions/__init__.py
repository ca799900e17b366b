"""Plans and subscriptions: what was promised to whom (R28)."""

from .queries import ActivePromise, active_promise

__all__ = ["ActivePromise", "active_promise"]
