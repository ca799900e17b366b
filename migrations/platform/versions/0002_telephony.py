"""The switchboard becomes real: what SIP, carriers, message receipts and the watch over them need to remember."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Each use case adds its own block."""


def downgrade() -> None:
    """The same blocks, undone in reverse order."""
