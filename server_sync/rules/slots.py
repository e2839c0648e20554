"""``slot.create`` and ``slot.update``: slots that an admin makes one by one, and what may change of any slot.

The slots of a block are numbered by time, whoever made them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from server_sync.protocol.errors import (
    CANCELLED,
    HAS_PEOPLE,
    INVALID,
    MANUAL_SLOTS,
    SLOT_TAKEN,
    Refusal,
)
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import EventSlot, EventTimeBlock
from server_sync.rules.blocks import Capacity, new_slot
from server_sync.rules.capacity import set_capacity
from server_sync.rules.changing import change, own
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.outcome import people_of
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reserve import Reason
from server_sync.rules.state import SLOTS_OF_BLOCK, Keys, State
from server_sync.rules.waitlist import let_go, promoted_answer, serve


class Create(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A slot of a block whose slots are made by hand, within the block's time."""

    block_id: GivenId
    start_time: datetime
    end_time: datetime
    capacity: Capacity = 1


class Update(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changes: the times only while nobody has the slot or waits for it.

    ``override_reason`` lets ``capacity`` go below what is reserved.
    """

    slot_id: GivenId
    start_time: datetime | UnsetType = UNSET
    end_time: datetime | UnsetType = UNSET
    capacity: Capacity | UnsetType = UNSET
    override_reason: Reason | None = None


def create(draft: Draft, command: Command[Create], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """The new slot, and the others' numbers; whoever waits for any slot of the event comes first."""
    args = command.args
    block = own(draft, command, EventTimeBlock, args.block_id, "block_id")
    if isinstance(block, Refusal):
        return block
    ask.lock.add((EventTimeBlock, block.id))
    if block.status == "cancelled":
        return Refusal(CANCELLED, {"block_id": block.id, "reason": block.status_reason})
    if not block.manual_slots:
        return Refusal(MANUAL_SLOTS, {"block_id": block.id, "problem": "this block's slots follow from its duration"})
    refusal = _does_not_fit(draft, block, args.start_time, args.end_time)
    if refusal is not None:
        return refusal
    draft.write(new_slot(command.id, block, 1, (args.start_time, args.end_time), args.capacity, by_admin=True))
    number(draft, block.id)
    return {"id": command.id, "block_id": block.id, **promoted_answer(serve(draft, {command.id}, ask))}


def update(draft: Draft, command: Command[Update], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """The slot as it is now; whoever waits gets what room there is more."""
    args = command.args
    slot = own(draft, command, EventSlot, args.slot_id, "slot_id")
    if isinstance(slot, Refusal):
        return slot
    start = slot.start_time if args.start_time is UNSET else args.start_time
    end = slot.end_time if args.end_time is UNSET else args.end_time
    freed: set[Id] = set()
    if (start, end) != (slot.start_time, slot.end_time):
        freed |= let_go(draft, slot.event_id, ask) | {slot.id}  # at another time somebody may come who could not
        refusal = _move(draft, command, draft.get(EventSlot, slot.id) or slot, start, end, ask)
        if refusal is not None:
            return refusal
    if args.capacity is not UNSET and args.capacity != slot.capacity:
        if slot.seated:
            return Refusal(INVALID, {"field": "capacity", "problem": "its places are the seats of a map"})
        more = set_capacity(draft, draft.get(EventSlot, slot.id) or slot, args.capacity, args.override_reason, ask)
        if isinstance(more, Refusal):
            return more
        freed |= more
    return {"id": slot.id, **promoted_answer(serve(draft, freed, ask))}


def _move(
    draft: Draft, command: Command[Update], slot: EventSlot, start: datetime, end: datetime, ask: Keys
) -> Refusal | None:
    people = people_of(draft, [slot])
    if people:
        return Refusal(HAS_PEOPLE, {"slot_id": slot.id, "reservation_ids": [claim.id for claim in people]})
    block = own(draft, command, EventTimeBlock, slot.time_block_id, "block_id")
    if isinstance(block, Refusal):
        return block
    ask.lock.add((EventTimeBlock, block.id))
    refusal = _does_not_fit(draft, block, start, end, slot.id)
    if refusal is not None:
        return refusal
    change(draft, slot, {"start_time": start, "end_time": end})
    number(draft, block.id)
    return None


def _does_not_fit(
    state: State, block: EventTimeBlock, start: datetime, end: datetime, except_for: Id | None = None
) -> Refusal | None:
    if end <= start:
        return Refusal(INVALID, {"field": "end_time", "problem": "it ends before it starts"})
    if start < block.start_time or block.end_time < end:
        field = "start_time" if start < block.start_time else "end_time"
        within = {"block_id": block.id, "from": block.start_time, "to": block.end_time}
        return Refusal(INVALID, {"field": field, "problem": "it lies outside its block", **within})
    for slot in state.find(SLOTS_OF_BLOCK, block.id):
        if slot.id != except_for and slot.status != "cancelled" and slot.start_time < end and start < slot.end_time:
            times = {"start_time": slot.start_time, "end_time": slot.end_time}
            return Refusal(SLOT_TAKEN, {"slot_id": slot.id, "slot_number": slot.slot_number, **times})
    return None


def number(draft: Draft, block_id: Id) -> None:
    """Number the slots of a block by time."""
    slots = sorted(draft.find(SLOTS_OF_BLOCK, block_id), key=lambda slot: (slot.start_time, slot.id))
    for place, slot in enumerate(slots, 1):
        change(draft, slot, {"slot_number": place})


RULES: Final[list[Rule[Any]]] = [
    rehearsed("slot.create", Create, create),
    rehearsed("slot.update", Update, update),
]
