"""The carriers, one file each, and which of them the settings turn on."""

from maillage_kit.settings import Settings
from maillage_tenants.messages.carriers.ovh import OvhSmsSender
from maillage_tenants.messages.carriers.ports import (
    AddressDead,
    Caller,
    CarrierRefused,
    Carriers,
    CarrierSaidNo,
    CarrierUnavailable,
    Runs,
    SmsSender,
    SpokenCall,
)
from maillage_tenants.messages.carriers.rest_sms import RestSmsSender
from maillage_tenants.messages.carriers.smpp import SmppSender
from maillage_tenants.messages.carriers.smtp import SmtpMailSender
from maillage_tenants.messages.carriers.web_push import VapidKey, WebPushSender

__all__ = [
    "AddressDead",
    "Caller",
    "CarrierRefused",
    "CarrierSaidNo",
    "CarrierUnavailable",
    "Carriers",
    "SpokenCall",
    "carriers_from",
    "vapid_key",
]


def carriers_from(settings: Settings, *, caller: Caller | None = None) -> Carriers:
    """What the settings turn on. Raises ValueError for an address or a key that is none: found at start."""
    url = settings.mail.smtp_url.get_secret_value() if settings.mail.smtp_url else ""
    smpp, ovh = _smpp(settings), ovh_sender(settings)
    known: dict[str, SmsSender | None] = {"twilio": _twilio(settings), "ovh": ovh, "smpp": smpp}
    kept: dict[str, Runs | None] = {"ovh": ovh if ovh and ovh.answerable else None, "smpp": smpp}
    key = vapid_key(settings)
    return Carriers(
        mail=SmtpMailSender(url, sender=settings.mail.sender) if url else None,
        sms=tuple(sender for name in settings.sms_order if (sender := known[name]) is not None),
        push=WebPushSender(key, subject=settings.push.subject) if key else None,
        caller=caller,
        kept=tuple(link for name in settings.sms_order if (link := kept.get(name)) is not None),
    )


def vapid_key(settings: Settings) -> VapidKey | None:
    """The key that browsers are given and push services see; None while notifications are off."""
    secret = settings.push.vapid_private_key
    return VapidKey(secret.get_secret_value()) if secret and secret.get_secret_value() else None


def ovh_sender(settings: Settings) -> OvhSmsSender | None:
    """OVHcloud, when it is set."""
    ovh = settings.ovh
    if not ovh.is_set or ovh.application_secret is None or ovh.consumer_key is None:
        return None
    return OvhSmsSender(
        ovh.endpoint,
        application_key=ovh.application_key,
        application_secret=ovh.application_secret.get_secret_value(),
        consumer_key=ovh.consumer_key.get_secret_value(),
        service=ovh.service,
        sender=ovh.sender,
    )


def _twilio(settings: Settings) -> RestSmsSender | None:
    sms = settings.sms
    if not sms.is_set or sms.auth_token is None:
        return None
    return RestSmsSender(
        sms.base_url,
        account_sid=sms.account_sid,
        auth_token=sms.auth_token.get_secret_value(),
        sender=sms.sender,
        public_url=settings.web.public_url,
    )


def _smpp(settings: Settings) -> SmppSender | None:
    url = settings.smpp.url.get_secret_value() if settings.smpp.url else ""
    return SmppSender(url, sender=settings.smpp.sender) if url else None
