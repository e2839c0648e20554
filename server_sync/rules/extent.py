"""What a command is about that closes, cancels, postpones or removes: an event, a block, a slot, a room for a time.

Each names it in its own words and all go the same way from there: an ``Extent`` of blocks and slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from server_sync.protocol.errors import INVALID, Refusal
from server_sync.protocol.ids import GivenId
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, Location
from server_sync.rules.changing import own
from server_sync.rules.command import Command
from server_sync.rules.state import (
    BLOCKS_OF_EVENT,
    BLOCKS_OF_LOCATION,
    SLOTS_OF_BLOCK,
    SLOTS_OF_EVENT,
    State,
)


class OfEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A whole event."""

    event_id: GivenId


class OfBlock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One time block."""

    block_id: GivenId


class OfRoom(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room, and all that is in it."""

    location_id: GivenId


class OfLocation(OfRoom, frozen=True, kw_only=True, omit_defaults=True):
    """A room, and what is in it between two times; either may be left open."""

    BY_START: ClassVar[bool] = False
    """Whether that means the blocks that start then, whole, and nothing of others."""

    from_time: datetime | None = None
    to_time: datetime | None = None


class OfSlot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One slot."""

    slot_id: GivenId


@dataclass(frozen=True, slots=True)
class Extent:
    """The rows that it is about. ``blocks`` are whole; ``slots`` are all of theirs, and single ones of others."""

    event: Event | None = None
    blocks: tuple[EventTimeBlock, ...] = ()
    slots: tuple[EventSlot, ...] = ()
    room: Location | None = None

    def single(self) -> tuple[EventSlot, ...]:
        """The slots whose block is not whole in it."""
        blocks = {block.id for block in self.blocks}
        return tuple(slot for slot in self.slots if slot.time_block_id not in blocks)


def extent(state: State, command: Command[Any]) -> Extent | Refusal:
    """What the command's arguments, one of the four shapes, name."""
    args = command.args
    if isinstance(args, OfSlot):
        slot = own(state, command, EventSlot, args.slot_id, "slot_id")
        return slot if isinstance(slot, Refusal) else Extent(slots=(slot,))
    if isinstance(args, OfBlock):
        block = own(state, command, EventTimeBlock, args.block_id, "block_id")
        if isinstance(block, Refusal):
            return block
        return Extent(blocks=(block,), slots=tuple(state.find(SLOTS_OF_BLOCK, block.id)))
    if isinstance(args, OfEvent):
        event = own(state, command, Event, args.event_id, "event_id")
        if isinstance(event, Refusal):
            return event
        blocks = tuple(state.find(BLOCKS_OF_EVENT, event.id))
        return Extent(event, blocks, tuple(state.find(SLOTS_OF_EVENT, event.id)))
    assert isinstance(args, OfRoom)
    room = own(state, command, Location, args.location_id, "location_id")
    if isinstance(room, Refusal):
        return room
    return _of_room(state, room, args if isinstance(args, OfLocation) else OfLocation(location_id=room.id))


def _of_room(state: State, room: Location, args: OfLocation) -> Extent | Refusal:
    """A room's blocks; of those that only reach into the time, the slots that do."""
    if args.from_time is not None and args.to_time is not None and args.to_time <= args.from_time:
        return Refusal(INVALID, {"field": "to_time", "problem": "it ends before it starts"})
    blocks: list[EventTimeBlock] = []
    slots: list[EventSlot] = []
    for block in state.find(BLOCKS_OF_LOCATION, room.id):
        if not _touches(args, block):
            continue
        own_slots = state.find(SLOTS_OF_BLOCK, block.id)
        if _within(args, block):
            blocks.append(block)
            slots += own_slots
        elif not args.BY_START:
            slots += [slot for slot in own_slots if _touches(args, slot)]
    return Extent(None, tuple(blocks), tuple(slots), room)


def _touches(args: OfLocation, row: EventTimeBlock | EventSlot) -> bool:
    after = args.from_time is None or args.from_time < row.end_time
    return after and (args.to_time is None or row.start_time < args.to_time)


def _within(args: OfLocation, block: EventTimeBlock) -> bool:
    if args.from_time is not None and block.start_time < args.from_time:
        return False
    return args.to_time is None or (
        block.start_time < args.to_time if args.BY_START else block.end_time <= args.to_time
    )
