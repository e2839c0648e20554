"""``block.generate_slots``: split a block by duration. What people or admins did with a slot is not undone by it.

A slot that any claim names stays, an ended one too: it may be reinstated. So does one that an admin made or closed.
Where somebody has a place or waits for one, and where places are seats, the capacity stays as well. What was cancelled
is in nobody's way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import structs

from server_sync.protocol.errors import CANCELLED, INVALID, MANUAL_SLOTS, NOT_FOUND, Refusal
from server_sync.protocol.ids import GivenId
from server_sync.protocol.records import EventSlot, EventTimeBlock
from server_sync.rules.blocks import Capacity, Minutes, new_slot, split
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.rehearsed import Watched
from server_sync.rules.state import ALL_CLAIMS_ON_SLOT, SLOTS_OF_BLOCK, WAITING_FOR_SLOT, Changes, Keys, State
from server_sync.rules.waitlist import let_go, promoted_answer, serve

MOST = 1000
Span = tuple[datetime, datetime]


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which block, how long a slot is, and how many each takes; what is left out is as the block has it already."""

    block_id: GivenId
    slot_duration_minutes: Minutes | None = None
    capacity: Capacity | None = None


def needs(command: Command[Args], loaded: State) -> Keys:
    """The block with its slots, all locked, their claims, and who gets a place in a new one."""
    keys = Keys()
    _generate(Draft(Watched(loaded, keys)), command, keys)
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """The wanted slots, numbered 1..N by time; others leave unless they stay; doing it twice changes nothing."""
    draft = Draft(state)
    answer = _generate(draft, command, Keys())
    return answer if isinstance(answer, Refusal) else draft.changes(answer)


def _generate(state: Draft, command: Command[Args], ask: Keys) -> dict[str, Any] | Refusal:
    ask.lock.add((EventTimeBlock, command.args.block_id))
    ask.lock |= {(EventSlot, slot.id) for slot in state.find(SLOTS_OF_BLOCK, command.args.block_id)}
    block = _block(state, command)
    if isinstance(block, Refusal):
        return block
    spans = _spans(block, command.args.slot_duration_minutes)
    if isinstance(spans, Refusal):
        return spans
    freed = let_go(state, block.event_id, ask)
    block = state.get(EventTimeBlock, block.id) or block
    there: list[EventSlot] = state.find(SLOTS_OF_BLOCK, block.id)
    stay = [slot for slot in there if _stays(state, slot)]
    in_the_way = [_span(slot) for slot in stay if slot.status != "cancelled" and _span(slot) not in spans]
    wanted = {span for span in spans if not any(_overlap(span, other) for other in in_the_way)}
    at = {
        _span(slot): slot for slot in sorted(there, key=lambda slot: slot.status != "cancelled")
    }  # the open one of two
    kept = {slot.id for slot in (*stay, *(at[span] for span in wanted & at.keys()))}
    rows: list[tuple[Span, EventSlot | None]] = [(_span(slot), slot) for slot in there if slot.id in kept]
    rows += [(span, None) for span in wanted - at.keys()]
    minutes = command.args.slot_duration_minutes
    if minutes is not None and minutes != block.slot_duration_minutes:
        state.write(structs.replace(block, slot_duration_minutes=minutes))
    state.write(*(structs.replace(slot, deleted=True) for slot in there if slot.id not in kept))
    capacity = command.args.capacity or _usual(there)
    for number, (span, slot) in enumerate(sorted(rows, key=lambda row: row[0]), 1):
        if slot is None:
            state.write(new_slot(command.derive(number), block, number, span, capacity))
            continue
        now = structs.replace(slot, slot_number=number)
        if span in wanted and command.args.capacity is not None and not _taken(state, slot):
            now = structs.replace(now, capacity=capacity, overbooked_count=0)
        if now != slot:
            state.write(now)
    freed |= {row.id for row in state.puts if isinstance(row, EventSlot)}
    promoted = serve(state, freed, ask)
    return {"block_id": block.id, "slots": len(rows), "kept": len(stay), **promoted_answer(promoted)}


def _block(state: State, command: Command[Args]) -> EventTimeBlock | Refusal:
    """The block, if slots can be made of it."""
    block = state.get(EventTimeBlock, command.args.block_id)
    if block is None or block.deleted or block.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"block_id": command.args.block_id})
    if block.status == "cancelled":
        return Refusal(CANCELLED, {"block_id": block.id, "reason": block.status_reason})
    return Refusal(MANUAL_SLOTS, {"block_id": block.id}) if block.manual_slots else block


def _spans(block: EventTimeBlock, said: int | None) -> list[Span] | Refusal:
    """The times that *block* splits into, by the duration *said*, else by its own."""
    minutes = said or block.slot_duration_minutes
    if minutes is None:
        return Refusal(INVALID, {"field": "slot_duration_minutes", "problem": "neither request nor block says it"})
    count = (block.end_time - block.start_time) // timedelta(minutes=minutes)
    if not 0 < count <= MOST:
        return Refusal(INVALID, {"field": "slot_duration_minutes", "problem": f"it makes {count} slots"})
    return list(split(block.start_time, block.end_time, minutes))


def _span(slot: EventSlot) -> Span:
    return slot.start_time, slot.end_time


def _stays(state: State, slot: EventSlot) -> bool:
    """Whether it is not this command's to remove: somebody did something with it."""
    named = bool(state.find(ALL_CLAIMS_ON_SLOT, slot.id))
    return named or slot.created_by_admin or slot.status == "closed" or _taken(state, slot)


def _taken(state: State, slot: EventSlot) -> bool:
    """Whether its capacity is not this command's to set."""
    return slot.reserved_count > 0 or bool(slot.seated) or bool(state.find(WAITING_FOR_SLOT, slot.id))


def _usual(slots: Iterable[EventSlot]) -> int:
    """What most of *slots* take, the smaller of two; 1 where there are none."""
    found = Counter(slot.capacity for slot in slots)
    return min(found, key=lambda capacity: (-found[capacity], capacity), default=1)


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


RULE = Rule("block.generate_slots", Args, "admin", needs, decide)
