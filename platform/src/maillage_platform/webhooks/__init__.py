"""Webhooks: what happens in a cooperative, told to the addresses that it chose, signed as Standard Webhooks says.

Each event of the catalogue becomes one delivery per address, in the transaction that moves the outbox's cursor. A
delivery is sent at least once, always under the same `webhook-id`; a later event of a case waits at an address until
the earlier one is delivered or given up. Nothing leaves but ids, codes and instants (R73), and nothing ever goes to
another cooperative's address.
"""

from maillage_platform.webhooks.catalogue import CATALOGUE
from maillage_platform.webhooks.sending import send_due
from maillage_platform.webhooks.service.recording import CONSUMER, Recorder
from maillage_platform.webhooks.sweeping import forget_old

__all__ = ["CATALOGUE", "CONSUMER", "Recorder", "forget_old", "send_due"]
