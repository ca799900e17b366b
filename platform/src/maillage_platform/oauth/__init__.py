"""The authorization server: applications of third parties, what they may do, the tokens that say so (ADR 0014).

An application belongs to one cooperative and reaches nothing else. It acts in its own name, or for a person of the
office who allowed it. Its tokens live ten minutes and are refused within seconds once anything behind them ends.
"""

from maillage_platform.oauth.sweeping import turn_keys_and_forget
from maillage_platform.oauth.verifier import Verifier

__all__ = ["Verifier", "turn_keys_and_forget"]
