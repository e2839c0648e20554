"""Waitlists as people see them: who waits, since when, and at which place, which is computed from the order alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.tables import metadata
from server_sync.protocol.ids import Id

_CLAIMS = metadata.tables["slot_reservations"]

CAME = sa.func.coalesce(_CLAIMS.c.queued_at, _CLAIMS.c.reserved_at)
"""When a claim joined its line: with the id, its order."""

WAITING = sa.and_(_CLAIMS.c.claim == "waitlisted", _CLAIMS.c.deleted.isnot(True))


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a waiting claim stands: in the line of its event, and among those who would take the same place."""

    id: Id
    position: int
    place_in_line: int


async def places(reads: Reads, event_ids: Iterable[Id]) -> dict[Id, Place]:
    """Where everybody stands who waits in one of these events, by claim. The same as ``rules.waitlist`` says."""
    events = [uid(id) for id in event_ids]
    if not events:
        return {}
    anywhere = _CLAIMS.c.any_slot.is_(True)
    order: dict[str, Any] = {"order_by": (CAME, _CLAIMS.c.id)}
    in_event = sa.func.row_number().over(partition_by=_CLAIMS.c.event_id, **order)
    ahead_anywhere = sa.func.count().filter(anywhere).over(partition_by=_CLAIMS.c.event_id, **order)
    ahead_there = sa.func.count().filter(~anywhere).over(partition_by=(_CLAIMS.c.event_id, _CLAIMS.c.slot_id), **order)
    select = sa.select(
        _CLAIMS.c.id,
        in_event.label("position"),
        sa.case((anywhere, in_event), else_=ahead_anywhere + ahead_there).label("place_in_line"),
    ).where(_CLAIMS.c.event_id.in_(events), WAITING)
    return {place.id: place for place in await reads.rows(select, Place)}
