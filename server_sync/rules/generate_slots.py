"""``block.generate_slots``: split a block by duration. Slots that people have claimed stay as they are.

A slot for which somebody waits keeps its capacity too; who waits for any slot of the event gets a new one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import structs

from server_sync.protocol.errors import CANCELLED, INVALID, MANUAL_SLOTS, NOT_FOUND, RESERVED_SLOTS, Refusal
from server_sync.protocol.ids import GivenId
from server_sync.protocol.records import EventSlot, EventTimeBlock
from server_sync.rules.blocks import Capacity, Minutes, new_slot, split
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.rehearsed import Watched
from server_sync.rules.state import SLOTS_OF_BLOCK, WAITING_FOR_SLOT, Changes, Keys, State
from server_sync.rules.waitlist import promoted_answer, serve

MOST = 1000


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which block, how long a slot is (the block's own duration if not said), and how many each takes."""

    block_id: GivenId
    slot_duration_minutes: Minutes | None = None
    capacity: Capacity = 1


def needs(command: Command[Args], loaded: State) -> Keys:
    """The block with its slots, all locked, whether anybody waits for one, and who gets a place in a new one."""
    keys = Keys()
    _generate(Draft(Watched(loaded, keys)), command, keys)
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """The wanted slots, numbered 1..N by time; unclaimed others leave; doing it twice changes nothing."""
    draft = Draft(state)
    answer = _generate(draft, command, Keys())
    return answer if isinstance(answer, Refusal) else draft.changes(answer)


def _generate(state: Draft, command: Command[Args], ask: Keys) -> dict[str, Any] | Refusal:
    ask.lock.add((EventTimeBlock, command.args.block_id))
    ask.lock |= {(EventSlot, slot.id) for slot in state.find(SLOTS_OF_BLOCK, command.args.block_id)}
    args = command.args
    block = state.get(EventTimeBlock, args.block_id)
    if block is None or block.deleted or block.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"block_id": args.block_id})
    if block.status == "cancelled":
        return Refusal(CANCELLED, {"block_id": block.id, "reason": block.status_reason})
    if block.manual_slots:
        return Refusal(MANUAL_SLOTS, {"block_id": block.id})
    minutes = args.slot_duration_minutes or block.slot_duration_minutes
    if minutes is None:
        return Refusal(INVALID, {"field": "slot_duration_minutes", "problem": "neither request nor block says it"})
    count = (block.end_time - block.start_time) // timedelta(minutes=minutes)
    if not 0 < count <= MOST:
        return Refusal(INVALID, {"field": "slot_duration_minutes", "problem": f"it makes {count} slots"})
    spans = list(split(block.start_time, block.end_time, minutes))
    there = sorted(state.find(SLOTS_OF_BLOCK, block.id), key=lambda slot: slot.status != "cancelled")
    old = {(slot.start_time, slot.end_time): slot for slot in there}  # one made anew stands for one that was cancelled
    claimed = {span: slot for span, slot in old.items() if _claimed(state, slot)}
    stuck = [slot.id for slot in claimed.values() if slot.reserved_count > args.capacity and not _keeps(state, slot)]
    if stuck:
        return Refusal(RESERVED_SLOTS, {"slot_ids": sorted(stuck), "capacity": args.capacity})
    kept = [span for span in claimed if span not in spans]
    wanted = sorted([*kept, *(span for span in spans if not any(_overlap(span, other) for other in kept))])
    puts: list[EventSlot | EventTimeBlock] = []
    if minutes != block.slot_duration_minutes:
        puts.append(structs.replace(block, slot_duration_minutes=minutes))
    puts += [structs.replace(slot, deleted=True) for span, slot in old.items() if span not in wanted]
    for number, span in enumerate(wanted, 1):
        slot = old.get(span)
        if slot is None:
            puts.append(new_slot(command.derive(number), block, number, span, args.capacity))
        elif span in spans and slot.capacity != args.capacity and not _keeps(state, slot):
            puts.append(structs.replace(slot, slot_number=number, capacity=args.capacity, overbooked_count=0))
        elif slot.slot_number != number:
            puts.append(structs.replace(slot, slot_number=number))
    state.write(*puts)
    roomier = {row.id for row in puts if isinstance(row, EventSlot) and not row.deleted}
    promoted = serve(state, roomier, ask)
    return {"block_id": block.id, "slots": len(wanted), "kept": len(claimed), **promoted_answer(promoted)}


def _claimed(state: State, slot: EventSlot) -> bool:
    return slot.reserved_count > 0 or slot.created_by_admin or _keeps(state, slot)


def _keeps(state: State, slot: EventSlot) -> bool:
    """Whether its capacity is not this command's to set: somebody waits for it, or its places are seats."""
    return bool(slot.seated) or bool(state.find(WAITING_FOR_SLOT, slot.id))


def _overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


RULE = Rule("block.generate_slots", Args, "admin", needs, decide)
