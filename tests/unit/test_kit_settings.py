"""Settings: development defaults are refused in production, unknown names everywhere."""

import pytest
from pydantic import SecretStr, ValidationError

from maillage_kit.crypto import FieldCipher
from maillage_kit.errors import Unavailable
from maillage_kit.permissions import Role
from maillage_kit.settings import Settings, SignInSettings, development_field_key


def test_development_works_without_any_setting() -> None:
    assert Settings().environment == "development"


def test_production_refuses_every_development_default() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(environment="production")
    message = str(refused.value)
    for name in ("SECRET_KEY", "AUTH_TOKENS", "FIELD_KEYS", "PUBLIC_URL", "LAST_RESORT_NUMBER"):
        assert name in message


def test_a_moved_clock_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILLAGE_CLOCK_FILE", "clock")
    with pytest.raises(ValidationError, match="CLOCK_FILE"):
        Settings(environment="production")


def test_an_unknown_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILLAGE_WEB__PROT", "80")
    with pytest.raises(ValidationError, match="prot"):
        Settings()


def test_secrets_do_not_show_themselves() -> None:
    assert "development-only" not in repr(Settings())


def test_sensitive_fields_are_sealed_and_keys_rotate() -> None:
    old, new = SecretStr(development_field_key()), SecretStr("x" * 43 + "=")
    sealed = FieldCipher((old,)).encrypt("Digicode 12B45")
    assert b"12B45" not in sealed
    assert FieldCipher((new, old)).decrypt(sealed) == "Digicode 12B45"
    with pytest.raises(Unavailable):
        FieldCipher((new,)).decrypt(sealed)


def test_managers_and_the_federation_need_a_passkey_in_production() -> None:
    """Without a word of the installation; what it says otherwise is followed, and the doctor tells (test_directory)."""
    assert Settings().passkey_required_for == frozenset()
    production = Settings().model_copy(update={"environment": "production"})
    assert production.passkey_required_for == {Role.MANAGER, Role.OPERATOR, Role.ANALYST, Role.SUPPORT}
    only = SignInSettings(passkey_required_for=frozenset({Role.OPERATOR}))
    assert production.model_copy(update={"sign_in": only}).passkey_required_for == {Role.OPERATOR}
