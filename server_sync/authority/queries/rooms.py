"""Rooms."""

from __future__ import annotations

import sqlalchemy as sa

from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.tables import metadata
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Location

_ROOMS = metadata.tables["locations"]


async def all_of(reads: Reads, programme_id: Id | None) -> list[Location]:
    """The rooms of a programme (or of all) in the order of the board, then by name."""
    select = sa.select(_ROOMS).where(_ROOMS.c.deleted.isnot(True))
    if programme_id is not None:
        select = select.where(_ROOMS.c.programme_id == uid(programme_id))
    return await reads.rows(select.order_by(_ROOMS.c.position.nulls_last(), _ROOMS.c.name, _ROOMS.c.id), Location)
