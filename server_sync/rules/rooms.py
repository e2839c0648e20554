"""Who else is in a room meanwhile. The database guards only blocks without a waiver: this looks at all of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from server_sync.protocol.errors import ROOM_TAKEN, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import EventTimeBlock
from server_sync.rules.state import BLOCKS_OF_LOCATION, State


def in_room(
    state: State, location_id: Id, start: datetime, end: datetime, except_for: Collection[Id] = ()
) -> list[EventTimeBlock]:
    """The blocks that use the room between *start* and *end*, waived ones too, by start."""
    meanwhile = (
        block
        for block in state.find(BLOCKS_OF_LOCATION, location_id)
        if block.start_time < end and start < block.end_time
    )
    taken = [block for block in meanwhile if block.status != "cancelled" and block.id not in except_for]
    return sorted(taken, key=lambda block: (block.start_time, block.id))


def room_taken(blocks: list[EventTimeBlock]) -> Refusal:
    """The refusal that names who is in the way."""
    return Refusal(
        ROOM_TAKEN,
        {"block_id": blocks[0].id, "event_id": blocks[0].event_id, "clashes": [used_by(block) for block in blocks]},
    )


def used_by(block: EventTimeBlock) -> dict[str, Any]:
    """A block as a refusal or an answer names it."""
    return {
        "block_id": block.id,
        "event_id": block.event_id,
        "location_id": block.location_id,
        "start_time": block.start_time,
        "end_time": block.end_time,
    }
