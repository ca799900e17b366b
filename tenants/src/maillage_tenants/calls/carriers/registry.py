"""Which adapter speaks for a call: the name that is stored on it leads back to its carrier."""

from maillage_kit.errors import Unavailable
from maillage_kit.settings import Settings
from maillage_tenants.calls.carriers import TelephonyProvider, sip, twiml
from maillage_tenants.calls.carriers.sip import SipCarrier
from maillage_tenants.calls.carriers.twiml import TwimlCarrier


def provider_named(name: str, settings: Settings) -> TelephonyProvider:
    """The carrier that a call came through. Raises Unavailable for one that this installation no longer speaks to."""
    if name == sip.PROVIDER:
        return SipCarrier.of(settings)
    if name == twiml.PROVIDER:
        return TwimlCarrier.of(settings)
    raise Unavailable("L’opérateur de cet appel n’est plus relié.")
