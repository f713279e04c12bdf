"""How far each alert had come, to tell a repeat from a history that began again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up to this schema."""
    op.add_column("alerts", sa.Column("reach", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Go back to the schema before."""
    op.drop_column("alerts", "reach")
