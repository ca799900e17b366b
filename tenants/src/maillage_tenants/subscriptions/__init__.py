"""Plans and subscriptions: what was promised to whom (R28)."""

from .models import ContractChannel
from .queries import ActivePromise, active_promise

__all__ = ["ActivePromise", "ContractChannel", "active_promise"]
