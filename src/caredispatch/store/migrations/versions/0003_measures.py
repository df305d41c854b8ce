"""What measures need: when things happened outside, the frozen baseline, coordinators' minutes."""

from caredispatch.store.migrations.beside import run_sql_beside

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL beside this file."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Not offered: data would be lost. Restore a backup instead."""
    raise NotImplementedError("restore a backup to go back")
