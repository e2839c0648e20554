"""``block.create``: a stretch of time of one event in one room, and the slots that it splits into."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

from server_sync.protocol.errors import INVALID, NOT_ALLOWED, NOT_FOUND, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import Event, EventLocation, EventSlot, EventTimeBlock, Location
from server_sync.rules.command import Command
from server_sync.rules.draft import Draft
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.rooms import in_room, room_taken
from server_sync.rules.state import ROOMS_OF_EVENT, Keys, State
from server_sync.rules.waitlist import promoted_answer, serve

Minutes = Annotated[int, msgspec.Meta(ge=1, le=1440)]
Capacity = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Without a slot duration and without ``manual_slots`` the block itself is its one slot, of ``capacity`` places.

    ``waive_reason`` lets it share the room with another block; only an admin has it.
    """

    event_id: GivenId
    location_id: GivenId
    start_time: datetime
    end_time: datetime
    slot_duration_minutes: Minutes | None = None
    manual_slots: bool = False
    max_capacity: Capacity | None = None
    capacity: Capacity = 1
    notes: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    waive_reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None


def create(draft: Draft, command: Command[Args], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """The block; its one slot too if it is its own slot; and that the event uses the room.

    Event and room are locked, so that neither leaves meanwhile. Whoever waits for any slot of the event comes first.
    """
    args = command.args
    ask.lock |= {(Event, args.event_id), (Location, args.location_id)}
    refusal = _problem(draft, command)
    if refusal is not None:
        return refusal
    taken = in_room(draft, args.location_id, args.start_time, args.end_time)
    if taken and args.waive_reason is None:
        return room_taken(taken)
    block = _block(command, bool(taken))
    draft.write(block)
    if all(use.location_id != args.location_id for use in draft.find(ROOMS_OF_EVENT, args.event_id)):
        draft.write(
            EventLocation(
                id=command.derive("room"),
                programme_id=command.programme_id,
                event_id=args.event_id,
                location_id=args.location_id,
            )
        )
    freed: set[Id] = set()
    if args.slot_duration_minutes is None and not args.manual_slots:
        slot = new_slot(command.derive(1), block, 1, (block.start_time, block.end_time), args.capacity)
        draft.write(slot)
        freed.add(slot.id)
    return {"id": block.id, **promoted_answer(serve(draft, freed, ask))}


def _block(command: Command[Args], waived: bool) -> EventTimeBlock:
    args = command.args
    return EventTimeBlock(
        id=command.id,
        programme_id=command.programme_id,
        event_id=args.event_id,
        location_id=args.location_id,
        start_time=args.start_time,
        end_time=args.end_time,
        manual_slots=args.manual_slots,
        status="open",
        waived=waived,
        reserved_count=0,
        overbooked_count=0,
        slot_duration_minutes=args.slot_duration_minutes,
        max_capacity=args.max_capacity,
        waived_reason=args.waive_reason if waived else None,
        notes=args.notes,
    )


def _problem(state: State, command: Command[Args]) -> Refusal | None:
    args = command.args
    if args.end_time <= args.start_time:
        return Refusal(INVALID, {"field": "end_time", "problem": "it ends before it starts"})
    if args.manual_slots and args.slot_duration_minutes is not None:
        return Refusal(INVALID, {"field": "manual_slots", "problem": "slots are made by duration or by hand, not both"})
    event, room = state.get(Event, args.event_id), state.get(Location, args.location_id)
    if event is None or event.deleted or event.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"event_id": args.event_id})
    if room is None or room.deleted or room.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"location_id": args.location_id})
    if args.waive_reason is not None and command.role != "admin":
        return Refusal(NOT_ALLOWED, {"needs": "admin"})
    return None


def new_slot(
    id: Id, block: EventTimeBlock, number: int, span: tuple[datetime, datetime], capacity: int, by_admin: bool = False
) -> EventSlot:
    """An open, empty slot of *block*."""
    return EventSlot(
        id=id,
        programme_id=block.programme_id,
        time_block_id=block.id,
        event_id=block.event_id,
        location_id=block.location_id,
        start_time=span[0],
        end_time=span[1],
        slot_number=number,
        capacity=capacity,
        reserved_count=0,
        overbooked_count=0,
        status="open",
        created_by_admin=by_admin,
    )


def split(start: datetime, end: datetime, minutes: int) -> Iterator[tuple[datetime, datetime]]:
    """Consecutive spans of *minutes* that fit whole between *start* and *end*."""
    step = timedelta(minutes=minutes)
    while start + step <= end:
        yield start, start + step
        start += step


RULE = rehearsed("block.create", Args, create)
