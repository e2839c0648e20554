"""The Postgres that comes with the wheel, run by our own supervisor; or the one that DATABASE_URL names."""

from server_sync.embedded.binaries import CannotStart, tool
from server_sync.embedded.database import Database, database
from server_sync.embedded.postgres import EmbeddedPostgres

__all__ = ["CannotStart", "Database", "EmbeddedPostgres", "database", "tool"]
