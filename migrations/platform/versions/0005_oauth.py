"""The authorization server: applications of cooperatives, consents, codes, refresh tokens, signing keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "oauth_client",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cooperative_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("auth_method", sa.Text(), nullable=False),
        sa.Column("grants", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("redirect_uris", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("jwks", postgresql.JSONB(), nullable=True),
        sa.Column("secret_hash", sa.Text(), nullable=True),
        sa.Column("former_secret_hash", sa.Text(), nullable=True),
        sa.Column("former_secret_until", instant, nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("last_used_at", instant, nullable=True),
        sa.Column("revoked_at", instant, nullable=True),
        sa.CheckConstraint(
            "auth_method in ('secret', 'private_key_jwt')", name=op.f("ck_oauth_client_auth_method_known")
        ),
        sa.ForeignKeyConstraint(
            ["cooperative_id"], ["platform.cooperative.id"], name=op.f("fk_oauth_client_cooperative_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_client")),
        schema="platform",
    )
    op.create_index(
        op.f("ix_oauth_client_cooperative_id_name"), "oauth_client", ["cooperative_id", "name"], schema="platform"
    )
    op.create_table(
        "oauth_consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("revoked_at", instant, nullable=True),
        sa.Column("revoked_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["platform.oauth_client.id"], name=op.f("fk_oauth_consent_client_id")),
        sa.ForeignKeyConstraint(["account_id"], ["platform.account.id"], name=op.f("fk_oauth_consent_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_consent")),
        schema="platform",
    )
    op.create_index(op.f("ix_oauth_consent_client_id"), "oauth_consent", ["client_id"], schema="platform")
    op.create_index(op.f("ix_oauth_consent_account_id"), "oauth_consent", ["account_id"], schema="platform")
    op.create_table(
        "oauth_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.Text(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("used_at", instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["consent_id"], ["platform.oauth_consent.id"], name=op.f("fk_oauth_code_consent_id"), ondelete="cascade"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_oauth_code_code_hash")),
        schema="platform",
    )
    op.create_index(op.f("ix_oauth_code_consent_id"), "oauth_code", ["consent_id"], schema="platform")
    op.create_table(
        "oauth_refresh_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("used_at", instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["consent_id"],
            ["platform.oauth_consent.id"],
            name=op.f("fk_oauth_refresh_token_consent_id"),
            ondelete="cascade",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_refresh_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_oauth_refresh_token_token_hash")),
        schema="platform",
    )
    op.create_index(op.f("ix_oauth_refresh_token_consent_id"), "oauth_refresh_token", ["consent_id"], schema="platform")
    op.create_table(
        "oauth_revoked_token",
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_oauth_revoked_token")),
        schema="platform",
    )
    op.create_table(
        "oauth_used_assertion",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("assertion_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["platform.oauth_client.id"], name=op.f("fk_oauth_used_assertion_client_id")
        ),
        sa.PrimaryKeyConstraint("client_id", "assertion_hash", name=op.f("pk_oauth_used_assertion")),
        schema="platform",
    )
    op.create_table(
        "oauth_signing_key",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(), nullable=False),
        sa.Column("private_jwk", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("signs_from", instant, nullable=False),
        sa.Column("listed_until", instant, nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_oauth_signing_key")),
        schema="platform",
    )


def downgrade() -> None:
    op.drop_table("oauth_signing_key", schema="platform")
    op.drop_table("oauth_used_assertion", schema="platform")
    op.drop_table("oauth_revoked_token", schema="platform")
    op.drop_index(op.f("ix_oauth_refresh_token_consent_id"), table_name="oauth_refresh_token", schema="platform")
    op.drop_table("oauth_refresh_token", schema="platform")
    op.drop_index(op.f("ix_oauth_code_consent_id"), table_name="oauth_code", schema="platform")
    op.drop_table("oauth_code", schema="platform")
    op.drop_index(op.f("ix_oauth_consent_account_id"), table_name="oauth_consent", schema="platform")
    op.drop_index(op.f("ix_oauth_consent_client_id"), table_name="oauth_consent", schema="platform")
    op.drop_table("oauth_consent", schema="platform")
    op.drop_index(op.f("ix_oauth_client_cooperative_id_name"), table_name="oauth_client", schema="platform")
    op.drop_table("oauth_client", schema="platform")
