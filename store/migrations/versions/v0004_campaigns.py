"""Revisions that add up what is known, and the alerts by the campaigns that verdicts name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up to this schema."""
    for table in ("alerts", "deliveries"):
        with op.batch_alter_table(table) as batch:
            batch.alter_column("revision", existing_type=sa.Integer(), type_=sa.BigInteger())
    op.create_table(
        "alert_campaigns",
        sa.Column("campaign_id", sa.String(length=64), nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "alert_id", name=op.f("pk_alert_campaigns")),
    )


def downgrade() -> None:
    """Go back to the schema before; revisions that it cannot hold are cut to what it can."""
    op.drop_table("alert_campaigns")
    for table in ("alerts", "deliveries"):
        op.execute(f"UPDATE {table} SET revision = 2147483647 WHERE revision > 2147483647")
        with op.batch_alter_table(table) as batch:
            batch.alter_column("revision", existing_type=sa.BigInteger(), type_=sa.Integer())
