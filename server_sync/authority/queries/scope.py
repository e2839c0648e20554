"""Programmes, which of them a row belongs to, and how the database is made."""

from __future__ import annotations

import sqlalchemy as sa

from server_sync.authority.connection import Pool
from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.tables import metadata
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Programme

_PROGRAMMES = metadata.tables["programmes"]


async def programmes(reads: Reads, programme_id: Id | None) -> list[Programme]:
    """The programme with that id, or all, by name."""
    select = sa.select(_PROGRAMMES).where(_PROGRAMMES.c.deleted.isnot(True)).order_by(_PROGRAMMES.c.name)
    if programme_id is not None:
        select = select.where(_PROGRAMMES.c.id == uid(programme_id))
    return await reads.rows(select, Programme)


async def programme_of(reads: Reads, table: str, id: Id) -> Id | None:
    """Which programme the row of *table* belongs to; None if there is no such row."""
    rows = metadata.tables[table]
    found = await reads.value(sa.select(sa.cast(rows.c.programme_id, sa.Text)).where(rows.c.id == uid(id)))
    return None if found is None else str(found)


async def schema_version(reads: Reads) -> str | None:
    """The newest migration that the database went through; None if it went through none."""
    migrations = sa.table("alembic_version", sa.column("version_num"))
    found = await reads.value(sa.select(migrations.c.version_num))
    return None if found is None else str(found)


async def server_secret(pool: Pool) -> bytes:
    """The secret from which this server derives tokens and signs cursors."""
    secret: bytes = await pool.fetchval("SELECT secret FROM server_settings")
    return secret
