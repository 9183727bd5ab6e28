"""When each value of an experiment was set, and by which attempt; null: before this was kept."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("experiments", sa.Column("stamps", sa.JSON(), nullable=True))
