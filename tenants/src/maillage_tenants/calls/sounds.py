"""Where a cooperative's own recording of a sentence is heard: at an address that cannot be guessed."""

from uuid import UUID

from pydantic import SecretStr

from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import derived_token
from maillage_tenants import recordings
from maillage_tenants.calls.plan import prompt_of

PUBLIC = "/telephony/audio"


def own_version(cooperative: CooperativeContext | None, text: str) -> str | None:
    """The version of the recording to be heard instead of these words; None: the synthetic voice. From memory."""
    return recordings.version_for(cooperative, name=prompt_of(text), words=text)


def token(cooperative_id: UUID, name: str, version: str, *, secret: SecretStr) -> str:
    return derived_token(secret, f"prompt:{cooperative_id}:{name}:{version}")


def public_path(cooperative: CooperativeContext | None, text: str, *, secret: SecretStr | None) -> str | None:
    """Where a carrier fetches the recording of these words, None without one."""
    version, name = own_version(cooperative, text), prompt_of(text)
    if cooperative is None or version is None or name is None or secret is None:
        return None
    return f"{PUBLIC}/{cooperative.id}/{name}/{version}/{token(cooperative.id, name, version, secret=secret)}"


def sip_path(cooperative: CooperativeContext | None, text: str) -> str | None:
    """Where our own voice process fetches the recording of these words, None without one."""
    version, name = own_version(cooperative, text), prompt_of(text)
    if cooperative is None or version is None or name is None:
        return None
    return f"/telephony/sip/{cooperative.id}/prompts/{name}?v={version}"
