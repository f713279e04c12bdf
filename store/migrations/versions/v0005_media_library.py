"""Policies, disputes, what is no evidence, hash lists, and new works over past uploads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up to this schema."""
    op.create_table(
        "media_library_revision",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_library_revision")),
    )
    op.create_table(
        "media_reference_digests",
        sa.Column("digest", sa.String(length=128), nullable=False),
        sa.Column("reference_id", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(
            ["reference_id"],
            ["media_references.reference_id"],
            ondelete="CASCADE",
            name=op.f("fk_media_reference_digests_reference_id_media_references"),
        ),
        sa.PrimaryKeyConstraint("digest", "reference_id", name=op.f("pk_media_reference_digests")),
    )
    op.create_table(
        "media_match_policies",
        sa.Column("reference_id", sa.String(length=128), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=256), nullable=False),
        sa.ForeignKeyConstraint(
            ["reference_id"],
            ["media_references.reference_id"],
            ondelete="CASCADE",
            name=op.f("fk_media_match_policies_reference_id_media_references"),
        ),
        sa.PrimaryKeyConstraint("reference_id", name=op.f("pk_media_match_policies")),
    )
    op.create_table(
        "media_disputes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference_id", sa.String(length=128), nullable=False),
        sa.Column("upload_id", sa.String(length=256), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.String(length=256), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.String(length=256), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_disputes")),
    )
    op.create_index("ix_media_disputes_reference_id", "media_disputes", ["reference_id"])
    op.create_table(
        "media_excluded_intervals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference_id", sa.String(length=128), nullable=False),
        sa.Column("start_s", sa.Float(), nullable=False),
        sa.Column("end_s", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reference_id"],
            ["media_references.reference_id"],
            ondelete="CASCADE",
            name=op.f("fk_media_excluded_intervals_reference_id_media_references"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_excluded_intervals")),
    )
    op.create_index(
        "ix_media_excluded_intervals_reference_id", "media_excluded_intervals", ["reference_id"]
    )
    op.create_table(
        "media_negatives",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference_id", sa.String(length=128), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.String(length=16), nullable=False),
        sa.Column("frames", sa.LargeBinary(), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reference_id"],
            ["media_references.reference_id"],
            ondelete="CASCADE",
            name=op.f("fk_media_negatives_reference_id_media_references"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_negatives")),
    )
    op.create_index("ix_media_negatives_reference_id", "media_negatives", ["reference_id"])
    op.create_table(
        "media_upload_stills",
        sa.Column("upload_id", sa.String(length=256), nullable=False),
        sa.Column("occurred_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_media_upload_stills")),
    )
    op.create_index(
        "ix_media_upload_stills_occurred_at_ms",
        "media_upload_stills",
        ["occurred_at_ms", "upload_id"],
    )
    op.create_table(
        "media_retroactive_jobs",
        sa.Column("reference_id", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("uploads_done", sa.BigInteger(), nullable=False),
        sa.Column("uploads_found", sa.BigInteger(), nullable=False),
        sa.Column("leased_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("finished_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("reference_id", name=op.f("pk_media_retroactive_jobs")),
    )
    op.create_index(
        "ix_media_retroactive_jobs_state", "media_retroactive_jobs", ["state", "requested_at_ms"]
    )


def downgrade() -> None:
    """Go back to the schema before."""
    for table in (
        "media_retroactive_jobs",
        "media_upload_stills",
        "media_negatives",
        "media_excluded_intervals",
        "media_disputes",
        "media_match_policies",
        "media_reference_digests",
        "media_library_revision",
    ):
        op.drop_table(table)
