"""Who a person is and which hat they wear; sign-in by one-time link. One interface (`service`) hides how."""

from maillage_platform.identity.service import (
    actor_of,
    add_account,
    add_membership,
    close_session,
    open_session,
)

__all__ = ["actor_of", "add_account", "add_membership", "close_session", "open_session"]
