"""The cooperative's own settings of the watch."""

import re

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_tenants import audit
from maillage_tenants.watch import rules
from maillage_tenants.watch.service.running import ensure_setting

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


async def choose(session: TenantSession, *, enabled: bool, keys: str, operator_email: str, by: str) -> None:
    """Switch watch calls on or off, say what they type and where the daily forward list is sent.

    Raises Invalid for keys that are not groups of digits or an address that is not one.
    """
    keys = " ".join(keys.split())
    fields = {}
    if keys and not rules.KEYS.fullmatch(keys):
        fields["keys"] = "Des chiffres, un groupe par question du menu : 1 27500"
    if operator_email and not _EMAIL.fullmatch(operator_email):
        fields["operator_email"] = "Ce n’est pas une adresse de courriel."
    if fields:
        raise Invalid(fields=fields)
    chosen = await ensure_setting(session)
    if enabled and not chosen.enabled:
        chosen.enabled_at = clock.now()
    chosen.enabled, chosen.keys, chosen.operator_email, chosen.changed_by = enabled, keys, operator_email, by
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="watch.choose",
        subject_type="watch_setting",
        subject_id=1,
        detail={"enabled": enabled, "operator_email": bool(operator_email)},
    )
