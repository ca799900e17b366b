"""People sign in: sessions that say where and how they were opened, letters that wait their turn; identity providers; passkeys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _sessions_up()
    _openid_up()
    _passkeys_up()


def downgrade() -> None:
    _passkeys_down()
    _openid_down()
    _sessions_down()


def _sessions_up() -> None:
    op.add_column("letter", sa.Column("send_after", sa.DateTime(timezone=True)), schema="platform")
    op.add_column("web_session", sa.Column("idle_until", sa.DateTime(timezone=True)), schema="platform")
    op.add_column("web_session", sa.Column("address", sa.Text()), schema="platform")
    op.add_column("web_session", sa.Column("method", sa.Text()), schema="platform")
    op.execute(
        "update platform.web_session set idle_until = last_seen_at + interval '3 days', address = '', method = 'link'"
    )
    for column in ("idle_until", "address", "method"):
        op.alter_column("web_session", column, nullable=False, schema="platform")
    op.create_check_constraint(
        op.f("ck_web_session_method_known"), "web_session", "method in ('link', 'openid', 'passkey')", schema="platform"
    )


def _sessions_down() -> None:
    op.drop_constraint(op.f("ck_web_session_method_known"), "web_session", schema="platform")
    for column in ("method", "address", "idle_until"):
        op.drop_column("web_session", column, schema="platform")
    op.drop_column("letter", "send_after", schema="platform")


def _openid_up() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "identity_provider",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cooperative_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.LargeBinary(), nullable=True),
        sa.Column("allowed_domains", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["platform.cooperative.id"], name=op.f("fk_identity_provider_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_provider")),
        sa.UniqueConstraint(
            "cooperative_id",
            "issuer",
            "client_id",
            name=op.f("uq_identity_provider_cooperative_id_issuer_client_id"),
            postgresql_nulls_not_distinct=True,
        ),
        schema="platform",
    )
    op.create_table(
        "external_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("linked_at", instant, nullable=False),
        sa.Column("last_used_at", instant, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["platform.account.id"], name=op.f("fk_external_identity_account_id")),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["platform.identity_provider.id"], name=op.f("fk_external_identity_provider_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_identity")),
        sa.UniqueConstraint(
            "provider_id", "issuer", "subject", name=op.f("uq_external_identity_provider_id_issuer_subject")
        ),
        schema="platform",
    )
    op.create_index(op.f("ix_external_identity_account_id"), "external_identity", ["account_id"], schema="platform")
    op.create_table(
        "openid_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column("browser_hash", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=False),
        sa.Column("link_account_id", sa.Uuid(), nullable=True),
        sa.Column("sign_in_link_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("used_at", instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["platform.identity_provider.id"], name=op.f("fk_openid_attempt_provider_id")
        ),
        sa.ForeignKeyConstraint(
            ["link_account_id"], ["platform.account.id"], name=op.f("fk_openid_attempt_link_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["sign_in_link_id"], ["platform.sign_in_link.id"], name=op.f("fk_openid_attempt_sign_in_link_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_openid_attempt")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_openid_attempt_state_hash")),
        schema="platform",
    )
    op.create_table(
        "openid_logout",
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["platform.identity_provider.id"], name=op.f("fk_openid_logout_provider_id")
        ),
        sa.PrimaryKeyConstraint("provider_id", "jti", name=op.f("pk_openid_logout")),
        schema="platform",
    )
    op.add_column("web_session", sa.Column("provider_id", sa.Uuid()), schema="platform")
    op.add_column("web_session", sa.Column("openid_subject", sa.Text()), schema="platform")
    op.add_column("web_session", sa.Column("openid_sid", sa.Text()), schema="platform")
    op.add_column("web_session", sa.Column("id_token", sa.LargeBinary()), schema="platform")
    op.create_foreign_key(
        op.f("fk_web_session_provider_id"),
        "web_session",
        "identity_provider",
        ["provider_id"],
        ["id"],
        source_schema="platform",
        referent_schema="platform",
    )
    op.create_index(op.f("ix_web_session_provider_id"), "web_session", ["provider_id"], schema="platform")


def _openid_down() -> None:
    op.drop_index(op.f("ix_web_session_provider_id"), table_name="web_session", schema="platform")
    op.drop_constraint(op.f("fk_web_session_provider_id"), "web_session", schema="platform")
    for column in ("id_token", "openid_sid", "openid_subject", "provider_id"):
        op.drop_column("web_session", column, schema="platform")
    op.drop_table("openid_logout", schema="platform")
    op.drop_table("openid_attempt", schema="platform")
    op.drop_index(op.f("ix_external_identity_account_id"), table_name="external_identity", schema="platform")
    op.drop_table("external_identity", schema="platform")
    op.drop_table("identity_provider", schema="platform")


def _passkeys_up() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "passkey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("synced", sa.Boolean(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("last_used_at", instant, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["platform.account.id"], name=op.f("fk_passkey_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
        schema="platform",
    )
    op.create_index(op.f("ix_passkey_account_id"), "passkey", ["account_id"], schema="platform")
    op.create_table(
        "passkey_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("browser_hash", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("used_at", instant, nullable=True),
        sa.CheckConstraint(
            "purpose in ('register', 'sign_in', 'second')", name=op.f("ck_passkey_challenge_purpose_known")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["platform.account.id"], name=op.f("fk_passkey_challenge_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey_challenge")),
        sa.UniqueConstraint("challenge", name=op.f("uq_passkey_challenge_challenge")),
        schema="platform",
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("used_at", instant, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["platform.account.id"], name=op.f("fk_recovery_code_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_recovery_code_code_hash")),
        schema="platform",
    )
    op.create_index(op.f("ix_recovery_code_account_id"), "recovery_code", ["account_id"], schema="platform")
    op.add_column("web_session", sa.Column("second_factor_at", instant), schema="platform")


def _passkeys_down() -> None:
    op.drop_column("web_session", "second_factor_at", schema="platform")
    op.drop_index(op.f("ix_recovery_code_account_id"), table_name="recovery_code", schema="platform")
    op.drop_table("recovery_code", schema="platform")
    op.drop_table("passkey_challenge", schema="platform")
    op.drop_index(op.f("ix_passkey_account_id"), table_name="passkey", schema="platform")
    op.drop_table("passkey", schema="platform")
