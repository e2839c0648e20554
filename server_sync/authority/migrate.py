"""Bringing a database to the schema that this version of the server needs. There is no way back but a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

OLDEST_POSTGRES: Final = 140000
_LOCK: Final = 0x63616C6C626F6172  # "callboar": two servers that start at once migrate one after the other


class CannotMigrate(Exception):
    """The database can't be used by this version; its text tells whoever runs the server what to do."""


async def migrate(url: str) -> str:
    """Bring the database at *url* to the newest schema, in one transaction; returns its revision.

    Raises ``CannotMigrate``, or what asyncpg raises if the database can't be reached.
    """
    engine = create_async_engine(_sqlalchemy_url(url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_migrate)
    finally:
        await engine.dispose()


def newest_revision() -> str:
    """The revision that this version of the server needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def _migrate(connection: Connection) -> str:
    _check_version(connection)
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = _config()
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise CannotMigrate(
            f"The database is at revision {current}, which this version of the server does not know: a newer version "
            f"has used it. Install that version again, or restore a backup from before it. (This one knows up to "
            f"{scripts.get_current_head()}.)"
        )
    head = newest_revision()
    if current != head:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return head


def _check_version(connection: Connection) -> None:
    number = connection.execute(text("SELECT current_setting('server_version_num')::int")).scalar_one()
    if number < OLDEST_POSTGRES:
        version = connection.execute(text("SHOW server_version")).scalar_one()
        raise CannotMigrate(
            f"This server needs PostgreSQL {OLDEST_POSTGRES // 10000} or newer, and the database runs {version}. "
            f"Upgrade it, or leave DATABASE_URL unset to use the PostgreSQL that comes with the server."
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _sqlalchemy_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}+asyncpg://{rest}"
