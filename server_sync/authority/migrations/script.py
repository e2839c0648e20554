"""Running a step's frozen SQL."""

from __future__ import annotations

from pathlib import Path

from alembic import op


def run_sql(folder: Path, *names: str) -> None:
    """Run the files *names* of *folder* in turn, each of any number of statements.

    The driver's own connection takes them at once; SQLAlchemy would prepare them, which only one statement can be.
    """
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    for name in names:
        script = (folder / name).read_text(encoding="utf-8")
        connection.run_async(lambda driver, script=script: driver.execute(script))
