"""What every migration does: its SQL stands in a file of the same name beside it."""

from __future__ import annotations

from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only


def run_sql_beside(file: str) -> None:
    """Run the SQL beside a migration (before deploy: the code of its version needs it), in the migration's transaction;
    the driver takes a whole script, SQLAlchemy's cursor one statement."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    await_only(connection.execute(Path(file).with_suffix(".sql").read_text("utf-8")))
