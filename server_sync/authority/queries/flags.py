"""Flags."""

from __future__ import annotations

import sqlalchemy as sa

from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.queries.page import Page, fetch_page
from server_sync.authority.tables import metadata
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Flag

_FLAGS = metadata.tables["flags"]


async def page(
    reads: Reads, programme_id: Id | None, open: bool | None, audience: str | None, limit: int, after: str | None
) -> Page[Flag] | Refusal:
    """Flags by the time when they were raised."""
    select = sa.select(_FLAGS).where(_FLAGS.c.deleted.isnot(True))
    if programme_id is not None:
        select = select.where(_FLAGS.c.programme_id == uid(programme_id))
    if open is not None:
        select = select.where(_FLAGS.c.resolved_at.is_(None) if open else _FLAGS.c.resolved_at.isnot(None))
    if audience is not None:
        select = select.where(_FLAGS.c.audience == audience)
    order = (_FLAGS.c.raised_at, _FLAGS.c.id)
    return await fetch_page(reads, select, Flag, order, lambda row: (row.raised_at, row.id), limit, after)
