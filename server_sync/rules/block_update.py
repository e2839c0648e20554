"""``block.update``: what may change of a block. Its time and room only while nobody is in it; people are postponed.

A block that is its own slot takes it along, and so does one that only starts at another time. Otherwise the slots stay
where they are, and must lie within.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType, structs

from server_sync.protocol.errors import CANCELLED, HAS_PEOPLE, INVALID, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import EventLocation, EventSlot, EventTimeBlock, Location, SlotReservation
from server_sync.rules.blocks import Capacity, Minutes
from server_sync.rules.capacity import set_capacity
from server_sync.rules.changing import change, given, own
from server_sync.rules.command import Command
from server_sync.rules.draft import Draft
from server_sync.rules.outcome import people_of
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reserve import Reason
from server_sync.rules.rooms import in_room, room_taken
from server_sync.rules.state import ALL_CLAIMS_ON_SLOT, ROOMS_OF_EVENT, SLOTS_OF_BLOCK, Keys
from server_sync.rules.waitlist import let_go, promoted_answer, serve


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changes. A new duration tells how slots are made from now on; those that are there stay.

    ``override_reason`` lets ``max_capacity`` go below what is reserved, ``waive_reason`` the block share its room.
    """

    block_id: GivenId
    location_id: GivenId | UnsetType = UNSET
    start_time: datetime | UnsetType = UNSET
    end_time: datetime | UnsetType = UNSET
    slot_duration_minutes: Minutes | UnsetType | None = UNSET
    manual_slots: bool | UnsetType = UNSET
    max_capacity: Capacity | UnsetType | None = UNSET
    notes: Annotated[str, msgspec.Meta(max_length=2000)] | UnsetType | None = UNSET
    override_reason: Reason | None = None
    waive_reason: Reason | None = None


_PLACE = ("location_id", "start_time", "end_time")
_ELSEWHERE = ("block_id", "max_capacity", "override_reason", "waive_reason", *_PLACE)


def act(draft: Draft, command: Command[Args], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """The block as it is now; whoever waits gets what room there is more."""
    args = command.args
    block = own(draft, command, EventTimeBlock, args.block_id, "block_id")
    if isinstance(block, Refusal):
        return block
    changed = structs.replace(block, **given(args, *_ELSEWHERE))
    if changed.manual_slots and changed.slot_duration_minutes is not None:
        return Refusal(INVALID, {"field": "manual_slots", "problem": "slots are made by duration or by hand, not both"})
    place = {name: value for name, value in given(args).items() if name in _PLACE and value != getattr(block, name)}
    freed: set[Id] = set()
    if place:
        freed |= let_go(draft, block.event_id, ask)
        block = draft.get(EventTimeBlock, block.id) or block
        refusal = _place(draft, command, block, structs.replace(block, **place), ask)
        if refusal is not None:
            return refusal
        freed |= {slot.id for slot in draft.find(SLOTS_OF_BLOCK, block.id)}  # at another time somebody may come
    change(draft, draft.get(EventTimeBlock, block.id) or block, given(args, *_ELSEWHERE))
    if args.max_capacity is not UNSET:
        current = draft.get(EventTimeBlock, block.id) or block
        more = set_capacity(draft, current, args.max_capacity, args.override_reason, ask)
        if isinstance(more, Refusal):
            return more
        freed |= more
    return {"id": block.id, **promoted_answer(serve(draft, freed, ask))}


def _place(draft: Draft, command: Command[Args], old: EventTimeBlock, new: EventTimeBlock, ask: Keys) -> Refusal | None:
    """Put the block, which must be empty, into its new room or time, with its slots."""
    if old.status == "cancelled":
        return Refusal(CANCELLED, {"block_id": old.id, "reason": old.status_reason})
    if new.end_time <= new.start_time:
        return Refusal(INVALID, {"field": "end_time", "problem": "it ends before it starts"})
    room = own(draft, command, Location, new.location_id, "location_id")
    if isinstance(room, Refusal):
        return room
    ask.lock |= {(Location, room.id), (Location, old.location_id)}
    slots = draft.find(SLOTS_OF_BLOCK, old.id)
    people = people_of(draft, slots)
    if people:
        return Refusal(HAS_PEOPLE, {"block_id": old.id, "reservations": len(people)})
    taken = in_room(draft, room.id, new.start_time, new.end_time, except_for=(old.id,))
    if taken and command.args.waive_reason is None:
        return room_taken(taken)
    ask.lock |= {(EventSlot, slot.id) for slot in slots}
    waived = {"waived": bool(taken), "waived_reason": command.args.waive_reason if taken else None}
    draft.write(structs.replace(new, **waived))
    _use_room(draft, command, new)
    return _take_slots(draft, old, new, slots)


def _use_room(draft: Draft, command: Command[Args], block: EventTimeBlock) -> None:
    uses: list[EventLocation] = draft.find(ROOMS_OF_EVENT, block.event_id)
    if all(use.location_id != block.location_id for use in uses):
        id, programme_id = command.derive("room"), block.programme_id
        use = EventLocation(id=id, programme_id=programme_id, event_id=block.event_id, location_id=block.location_id)
        draft.write(use)


def _take_slots(draft: Draft, old: EventTimeBlock, new: EventTimeBlock, slots: list[EventSlot]) -> Refusal | None:
    """Have the slots follow: whole, shifted, or not at all, and then they must lie within."""
    seated = [slot.id for slot in slots if slot.seated]
    if seated and new.location_id != old.location_id:
        problem = "the places of these slots are the seats of their room"
        return Refusal(INVALID, {"field": "location_id", "problem": problem, "slot_ids": seated})
    by = new.start_time - old.start_time
    shifted = by == new.end_time - old.end_time
    whole = len(slots) == 1 and (slots[0].start_time, slots[0].end_time) == (old.start_time, old.end_time)
    outside = []
    for slot in slots:
        start, end = slot.start_time, slot.end_time
        if whole:
            start, end = new.start_time, new.end_time
        elif shifted:
            start, end = start + by, end + by
        elif start < new.start_time or new.end_time < end:
            outside.append(slot.id)
        change(draft, slot, {"location_id": new.location_id, "start_time": start, "end_time": end})
        ended: list[SlotReservation] = draft.find(ALL_CLAIMS_ON_SLOT, slot.id)  # nobody else is in it
        draft.write(
            *(
                structs.replace(claim, location_id=new.location_id, version=claim.version + 1)
                for claim in ended
                if claim.location_id != new.location_id
            )
        )
    if outside:
        return Refusal(INVALID, {"field": "end_time", "problem": "slots would lie outside", "slot_ids": outside})
    return None


RULE = rehearsed("block.update", Args, act)
