"""Migrating: from nothing, again, by two at once; and refusing what this version can't use."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from server_sync.authority import migrate as migrating
from server_sync.authority.migrate import CannotMigrate, migrate, newest_revision


async def test_an_empty_database_gets_the_schema_once_however_many_servers_start(empty_database_url: str) -> None:
    revisions = await asyncio.gather(*(migrate(empty_database_url) for _ in range(3)))
    assert set(revisions) == {newest_revision()}
    assert await migrate(empty_database_url) == newest_revision()
    connection = await asyncpg.connect(empty_database_url)
    try:
        settings = await connection.fetch("SELECT length(secret), restore_counter FROM server_settings")
        assert [tuple(row) for row in settings] == [(48, 0)]
    finally:
        await connection.close()


async def test_two_databases_share_no_secret(empty_database_url: str, database_url: str) -> None:
    await migrate(empty_database_url)
    found = set()
    for url in (empty_database_url, database_url):
        connection = await asyncpg.connect(url)
        row = await connection.fetchrow("SELECT epoch, secret FROM server_settings")
        found |= {row["epoch"], bytes(row["secret"])}
        await connection.close()
    assert len(found) == 4


async def test_a_database_of_a_newer_version_is_refused_with_words_and_left_alone(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(CannotMigrate, match=r"revision 9999.*newer version.*Install that version again"):
            await migrate(database_url)
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == "9999"
    finally:
        await connection.close()


async def test_an_older_postgres_is_refused_with_words(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "OLDEST_POSTGRES", 990000)
    with pytest.raises(CannotMigrate, match=r"needs PostgreSQL 99 or newer, and the database runs \d+"):
        await migrate(empty_database_url)


async def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute("CREATE TABLE slot_reservations (mine int)")
        with pytest.raises(asyncpg.DuplicateTableError):
            await migrate(empty_database_url)
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert [row[0] for row in tables] == ["slot_reservations"]
    finally:
        await connection.close()
