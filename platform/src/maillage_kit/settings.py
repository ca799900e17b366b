"""All settings, in one place, read once at start-up from `MAILLAGE_…` variables and injected. There is no global."""

import base64
import hashlib
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from maillage_kit.permissions import SECOND_FACTOR_ROLES, Role

_DEV_SECRET = "development-only-secret-key-never-in-production"  # noqa: S105 - refused in production below
_DEV_TELEPHONY = "development-only-telephony-token"


def development_field_key() -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(_DEV_SECRET.encode()).digest()).decode()


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(_Group):
    """`url` is the owner's (migrations); without it the embedded PostgreSQL runs under `data_dir`.

    `app_url` is the application's login role; without it, the role `<database>_app` on the same server.
    """

    url: str | None = None
    app_url: str | None = None
    app_password: SecretStr | None = None
    data_dir: Path = Path(".maillage/postgres")
    pool_size: int = Field(default=16, ge=2, le=200)  # the most of a process; a request may hold two
    pool_recycle_seconds: int = 600


class WebSettings(_Group):
    host: str = "127.0.0.1"
    port: int = Field(default=8027, ge=0, le=65535)
    public_url: str = "http://localhost:8027"
    secret_key: SecretStr = SecretStr(_DEV_SECRET)
    workers: int = Field(default=1, ge=1, le=32)
    max_body_bytes: int = 8 * 1024 * 1024
    trusted_proxies: tuple[str, ...] = ()  # whose X-Forwarded-For says who really asks


class WatchCallSettings(_Group):
    """Our own calls to each cooperative's number, which prove that it rings. Off until both numbers are set (E.164).

    `number` places them, `artisan_number` is rung instead of anybody on call; both lines lead to this installation.
    The voice process of the SIP switchboard places them when that is on, else the carrier's REST API (`api`).
    `keys`: what is typed, one menu after the other; empty means a trade and a postcode of each cooperative.
    """

    number: str | None = Field(default=None, pattern=r"^\+[1-9]\d{5,14}$")
    artisan_number: str | None = Field(default=None, pattern=r"^\+[1-9]\d{5,14}$")
    every_minutes: int = Field(default=15, ge=5, le=1440)
    within_seconds: int = Field(default=90, ge=20, le=300)
    keys: str = Field(default="", pattern=r"^[0-9 ]*$")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = {self.number, self.artisan_number}
        if given != {None} and (None in given or len(given) == 1):
            raise ValueError("MAILLAGE_TELEPHONY__WATCH__NUMBER and __ARTISAN_NUMBER are two numbers that go together")
        return self

    @property
    def is_set(self) -> bool:
        return self.number is not None


class SipSettings(_Group):
    """The switchboard of our own. `secrets` are accepted from its edge and its voice (two during a rotation); empty
    turns `/telephony/sip` off.

    `voice`: the SIP address of the voice menu; `trunk`: host and port of the operator; `edge_rpc`: where the edge is
    asked to end a call; `voice_control`: where the voice is asked to place one.
    """

    secrets: tuple[SecretStr, ...] = ()
    voice: str = Field(default="sip:voice@127.0.0.1:5080", pattern=r"^sips?:[^\s\",;]+$")
    trunk: str = Field(default="127.0.0.1:5070", pattern=r"^[A-Za-z0-9.\[\]:-]+$")
    edge_rpc: str = "http://127.0.0.1:5090/RPC"
    voice_control: str = "http://127.0.0.1:5081"

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if any(len(secret.get_secret_value()) < 16 for secret in self.secrets):
            raise ValueError("MAILLAGE_TELEPHONY__SIP__SECRETS: 16 characters at least for each")
        return self


class CarrierApiSettings(_Group):
    """The REST API of a TwiML carrier: hangs up a running call, places watch calls. All three are needed for that."""

    base_url: str = "https://api.twilio.com"
    account_sid: str = ""
    auth_token: SecretStr | None = None

    @property
    def is_set(self) -> bool:
        return bool(self.account_sid and self.auth_token and self.auth_token.get_secret_value())


class TelephonySettings(_Group):
    """`carrier` signs the TwiML webhooks: Twilio and SignalWire with `auth_tokens`, Telnyx (TeXML) with a key of which
    `public_keys` has the public half, in base64. Two of either are accepted during a rotation; none turns them off.
    """

    carrier: Literal["twilio", "signalwire", "telnyx"] = "twilio"
    auth_tokens: tuple[SecretStr, ...] = (SecretStr(_DEV_TELEPHONY),)
    public_keys: tuple[str, ...] = ()
    ring_seconds: int = Field(default=20, ge=5, le=60)
    accept_seconds: int = Field(default=15, ge=5, le=30)
    last_resort_number: str | None = None
    api: CarrierApiSettings = CarrierApiSettings()
    sip: SipSettings = SipSettings()
    watch: WatchCallSettings = WatchCallSettings()


class MailSettings(_Group):
    """Without `smtp_url`, messages stay in the database and show in the development mailbox.

    `bounces`: the address to which servers send what they could not deliver, read by `./maillage mail bounce`; each
    e-mail leaves with a token of its own behind a plus sign. Empty: they go to the sender's address, and nobody reads.
    """

    smtp_url: SecretStr | None = None
    sender: str = "Maillage <ne-pas-repondre@maillage.example>"
    bounces: str | None = Field(default=None, pattern=r"^[a-z0-9._-]{1,23}@[a-z0-9-]+(\.[a-z0-9-]+)+$")


class SmsSettings(_Group):
    """A text-message carrier with a REST API of Twilio's form. Empty (the default) is off; else all three are needed.

    `sender` is the number (E.164) or the name of at most 11 letters that recipients see.
    """

    base_url: str = "https://api.twilio.com"
    account_sid: str = ""
    auth_token: SecretStr | None = None
    sender: str = ""

    @model_validator(mode="after")
    def _all_or_nothing(self) -> Self:
        token = self.auth_token.get_secret_value() if self.auth_token else ""
        given = [bool(value) for value in (self.account_sid, token, self.sender)]
        if any(given) and not all(given):
            raise ValueError("MAILLAGE_SMS__ACCOUNT_SID, __AUTH_TOKEN and __SENDER go together")
        return self

    @property
    def is_set(self) -> bool:
        return bool(self.account_sid)


class OvhSmsSettings(_Group):
    """OVHcloud's SMS API. Empty (the default) is off; else the three keys and the service are needed.

    Without `sender` a short number is used, which can be answered; a name of at most 11 letters cannot.
    `callback_secret` is part of the address given to OVHcloud for receipts and replies; empty turns that address off.
    """

    endpoint: str = "https://eu.api.ovh.com/1.0"
    application_key: str = ""
    application_secret: SecretStr | None = None
    consumer_key: SecretStr | None = None
    service: str = ""
    sender: str = Field(default="", max_length=16)
    callback_secret: SecretStr | None = Field(default=None, min_length=16)

    @model_validator(mode="after")
    def _all_or_nothing(self) -> Self:
        given = [bool(self.application_key), bool(self.application_secret), bool(self.consumer_key), bool(self.service)]
        if any(given) and not all(given):
            raise ValueError(
                "MAILLAGE_OVH__APPLICATION_KEY, __APPLICATION_SECRET, __CONSUMER_KEY, __SERVICE: all or none"
            )
        return self

    @property
    def is_set(self) -> bool:
        return bool(self.service)


class SmppSettings(_Group):
    """A text-message carrier over SMPP 3.4: `smpp://user:password@host:2775` or `smpps://…`. Empty is off."""

    url: SecretStr | None = None
    sender: str = ""


class PushSettings(_Group):
    """Notifications to browsers. `vapid_private_key`: 32 bytes in base64url (`./maillage push-key` makes one); empty is
    off. `subject`: whom a push service writes to. `hosts`: the push services that subscriptions may name."""

    vapid_private_key: SecretStr | None = None
    subject: str = Field(default="mailto:contact@maillage.example", pattern=r"^(mailto:|https://)")
    hosts: tuple[str, ...] = (
        *("fcm.googleapis.com", "push.services.mozilla.com"),
        *("push.apple.com", "notify.windows.com"),
    )


class AlertCallSettings(_Group):
    """The call that reads an unread emergency aloud, placed by our own switchboard when there is one, else by the
    account of `telephony.api`. `number`: who calls (E.164); empty is off."""

    number: str | None = Field(default=None, pattern=r"^\+[1-9]\d{5,14}$")


class WatchSettings(_Group):
    """`heartbeat_url` is asked (GET) while everything is on time; an outside service alarms when that stops."""

    heartbeat_url: SecretStr | None = None


class VoiceSettings(_Group):
    """The voice process (`./maillage voice`). Its secret is the first of `telephony.sip.secrets`.

    `host` is where it listens and what it tells others: SIP on `port`, sound on the even `rtp_ports`, control on
    `control_port`. Only `edge` is believed, and every call goes there. Beyond `max_calls`, calls are refused at once:
    the edge rings people itself. A call ends after `max_call_seconds`. Told to stop, it waits `drain_seconds` for the
    calls in progress.
    """

    host: str = Field(default="127.0.0.1", pattern=r"^\d{1,3}(\.\d{1,3}){3}$")
    port: int = Field(default=5080, ge=1, le=65535)
    control_port: int = Field(default=5081, ge=1, le=65535)
    rtp_ports: tuple[int, int] = (20000, 20998)
    edge: str = Field(default="127.0.0.1:5060", pattern=r"^\d{1,3}(\.\d{1,3}){3}:\d{1,5}$")
    application_url: str = "http://127.0.0.1:8027"
    data_dir: Path = Path(".maillage/voice")
    max_calls: int = Field(default=200, ge=1, le=2000)
    max_call_seconds: int = Field(default=7200, ge=1, le=86400)
    drain_seconds: int = Field(default=300, ge=0, le=7200)

    @model_validator(mode="after")
    def _ports_in_order(self) -> Self:
        first, last = self.rtp_ports
        if not 1024 <= first < last <= 65535:
            raise ValueError("MAILLAGE_VOICE__RTP_PORTS: first and last, from 1024 to 65535")
        return self


class SignInSettings(_Group):
    """`passkey_required_for`: roles that work only after a passkey (docs/howto/sign-in.md). Not set: the
    managers and the federation in production, nobody elsewhere."""

    passkey_required_for: frozenset[Role] | None = None


class CryptoSettings(_Group):
    field_keys: tuple[SecretStr, ...] = Field(default_factory=lambda: (SecretStr(development_field_key()),))


class ApiSettings(_Group):
    """`requests_per_minute`: what one client may ask of the REST API, all processes together."""

    requests_per_minute: int = Field(default=600, ge=1, le=100_000)


class Settings(BaseSettings):
    """The whole configuration. Development defaults are refused when `environment` is `production`."""

    model_config = SettingsConfigDict(
        env_prefix="MAILLAGE_", env_nested_delimiter="__", extra="forbid", frozen=True, env_file=None
    )

    environment: Literal["development", "test", "production"] = "development"
    database: DatabaseSettings = DatabaseSettings()
    web: WebSettings = WebSettings()
    telephony: TelephonySettings = TelephonySettings()
    mail: MailSettings = MailSettings()
    sms: SmsSettings = SmsSettings()
    ovh: OvhSmsSettings = OvhSmsSettings()
    smpp: SmppSettings = SmppSettings()
    sms_order: tuple[Literal["twilio", "ovh", "smpp"], ...] = ("twilio", "ovh", "smpp")
    push: PushSettings = PushSettings()
    alert_call: AlertCallSettings = AlertCallSettings()
    crypto: CryptoSettings = CryptoSettings()
    sign_in: SignInSettings = SignInSettings()
    voice: VoiceSettings = VoiceSettings()
    watch: WatchSettings = WatchSettings()
    api: ApiSettings = ApiSettings()
    clock_file: Path | None = None

    @property
    def in_production(self) -> bool:
        return self.environment == "production"

    @property
    def passkey_required_for(self) -> frozenset[Role]:
        """The roles that work only after a passkey."""
        asked = self.sign_in.passkey_required_for
        if asked is not None:
            return asked
        return SECOND_FACTOR_ROLES if self.in_production else frozenset()

    @model_validator(mode="after")
    def _no_development_default_in_production(self) -> Self:
        if not self.in_production:
            return self
        problems = []
        if self.web.secret_key.get_secret_value() == _DEV_SECRET:
            problems.append("MAILLAGE_WEB__SECRET_KEY")
        if any(token.get_secret_value() == _DEV_TELEPHONY for token in self.telephony.auth_tokens):
            problems.append("MAILLAGE_TELEPHONY__AUTH_TOKENS")
        if any(key.get_secret_value() == development_field_key() for key in self.crypto.field_keys):
            problems.append("MAILLAGE_CRYPTO__FIELD_KEYS")
        if not self.web.public_url.startswith("https://"):
            problems.append("MAILLAGE_WEB__PUBLIC_URL (https)")
        if self.telephony.last_resort_number is None:
            problems.append("MAILLAGE_TELEPHONY__LAST_RESORT_NUMBER")
        if self.clock_file is not None:
            problems.append("MAILLAGE_CLOCK_FILE (only for tests and the demo)")
        if problems:
            raise ValueError("development defaults are refused in production: set " + ", ".join(problems))
        return self
