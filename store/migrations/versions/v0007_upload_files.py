"""Digests of past uploads' files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INDEXED = ("md5", "occurred_at_ms", "sha256")


def upgrade() -> None:
    """Go up to this schema."""
    op.create_table(
        "media_upload_files",
        sa.Column("upload_id", sa.String(length=256), nullable=False),
        sa.Column("account_id", sa.String(length=256), nullable=False),
        sa.Column("event_id", sa.String(length=256), nullable=False),
        sa.Column("occurred_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("md5", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_media_upload_files")),
    )
    for name in _INDEXED:
        op.create_index(f"ix_media_upload_files_{name}", "media_upload_files", [name])


def downgrade() -> None:
    """Go back to the schema before."""
    op.drop_table("media_upload_files")
