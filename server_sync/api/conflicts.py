"""``/v1/conflicts``: what is wrong with the whole programme, before doors and during the day."""

from __future__ import annotations

from typing import Annotated

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.authority.queries import conflicts, scope
from server_sync.authority.queries.conflicts import ConflictKind, Conflicts
from server_sync.protocol.errors import INVALID, NOT_FOUND, Refusal

faces = Faces("conflicts")


class ConflictQuery(msgspec.Struct, frozen=True, kw_only=True):
    """``walk``: minutes from one building to another; ``kind``: one kind alone; ``limit``: how many of each to show."""

    walk: Annotated[int, msgspec.Meta(ge=0, le=conflicts.LONGEST_WALK)] | None = None
    kind: ConflictKind | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


@faces.get("/conflicts", Conflicts, query=ConflictQuery, role="room_manager", refusals=(NOT_FOUND,))
async def list_conflicts(call: Call[ConflictQuery]) -> Conflicts | Refusal:
    """Report double bookings, over-full slots, people without a slot, slots without a room, and walks too short."""
    query, programme_id = call.query, call.named_programme()
    if programme_id is None:
        return Refusal(INVALID, {"field": "programme", "problem": "say which programme"})
    known = await scope.programmes(call.services.reads, programme_id)
    if not known:
        return Refusal(NOT_FOUND, {"programme_id": programme_id})
    walk = conflicts.usual_walk(known[0]) if query.walk is None else query.walk
    kinds = tuple(conflicts.KINDS) if query.kind is None else (query.kind,)
    return await conflicts.report(call.services.reads, known[0], kinds=kinds, walk=walk, limit=query.limit)
