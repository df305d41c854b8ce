"""How long patients travel to their visits (D18)."""

from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL beside this file (before deploy: the code of this version needs it), in the migration's
    transaction; the driver takes a whole script, SQLAlchemy's cursor one statement."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    await_only(connection.execute(Path(__file__).with_suffix(".sql").read_text("utf-8")))


def downgrade() -> None:
    """Not offered: data would be lost. Restore a backup instead."""
    raise NotImplementedError("restore a backup to go back")
