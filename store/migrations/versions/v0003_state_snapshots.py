"""Snapshots of the stages' state."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up to this schema."""
    op.create_table(
        "state_snapshots",
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=256), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("snapshot_id", sa.String(length=32), nullable=False),
        sa.Column("basis", sa.String(length=64), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("last_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_digest", sa.BigInteger(), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("codec", sa.String(length=16), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stage", "topic", "partition", name=op.f("pk_state_snapshots")),
    )
    op.create_table(
        "state_snapshot_chunks",
        sa.Column("snapshot_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("written_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "number", name=op.f("pk_state_snapshot_chunks")),
    )
    op.create_index(
        "ix_state_snapshot_chunks_written_at_ms", "state_snapshot_chunks", ["written_at_ms"]
    )


def downgrade() -> None:
    """Go back to the schema before."""
    op.drop_table("state_snapshot_chunks")
    op.drop_table("state_snapshots")
