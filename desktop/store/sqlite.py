"""One SQLite file with one connection, set up explicitly, for use by one thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.pool import StaticPool


class CheckFailed(sqlite3.DatabaseError):
    """SQLite's own check found damage; told apart from nothing else than damage met while reading."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} failed its check")
        self.sqlite_errorcode = sqlite3.SQLITE_CORRUPT


class Database:
    """A file in WAL mode. ``synchronous`` FULL: what was committed survives a power cut; NORMAL: the file survives it.

    Raises what SQLAlchemy raises; ``refusals.refusal_of`` says which of it is expected.
    """

    def __init__(self, path: Path, synchronous: Literal["FULL", "NORMAL"]) -> None:
        self.path = path
        self._synchronous = synchronous
        self._engine: Engine = create_engine("sqlite://", creator=self._connect, poolclass=StaticPool)
        event.listen(self._engine, "begin", _begin)
        self._connection: Connection | None = None

    def _connect(self) -> sqlite3.Connection:
        # Only the store's worker uses it; the check would also forbid closing it from the thread that shuts down.
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10)
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {self._synchronous}",
            "fullfsync = ON",  # macOS: fsync alone leaves data in the drive's cache; elsewhere it does nothing
            "checkpoint_fullfsync = ON",
            "foreign_keys = ON",
            "secure_delete = ON",  # what is overwritten or deleted is gone from the file, as when somebody is erased
        ):
            try:
                connection.execute(f"PRAGMA {pragma}")
            except sqlite3.Error:
                connection.close()
                raise
        return connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A write transaction: committed at the end, rolled back if anything raises."""
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            yield self._connection

    def create(self, tables: MetaData) -> None:
        """Make the tables that are missing."""
        with self.transaction() as connection:
            tables.create_all(connection)

    def pragma(self, name: str) -> Any:
        """The value of a pragma, for checks; None where it says nothing."""
        with self.transaction() as connection:
            result = connection.exec_driver_sql(f"PRAGMA {name}")
            return result.scalar() if result.returns_rows else None

    def sound(self) -> bool:
        """Whether SQLite finds nothing wrong in the file; raises if it can't even be read."""
        return bool(self.pragma("quick_check") == "ok")

    def fold(self) -> None:
        """Fold the log into the file and empty it, so that what was overwritten is in neither."""
        if self._connection is None:
            return
        raw = self._connection.connection.dbapi_connection
        assert raw is not None
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")  # outside of any transaction, where alone it can

    def close(self) -> None:
        """Close the file; the last to close it folds the log in."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def remove(path: Path) -> None:
    """Delete a database with its log and shared memory; a missing one is fine."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
