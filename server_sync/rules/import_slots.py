"""The slots of an import's blocks: cut anew where nobody is in them, else kept and moved along with their block."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.records import EventSlot, EventTimeBlock
from server_sync.rules.blocks import new_slot, split
from server_sync.rules.capacity import limited
from server_sync.rules.import_blocks import Placed
from server_sync.rules.import_plan import Plan, at_least
from server_sync.rules.state import CLAIMS, SLOTS


@dataclass(slots=True)
class Slots:
    """The slots that the file's claims may name, by the block's key and the slot's number; those that moved, by id.

    ``wanted`` is how many each takes by the file: what is reserved once all claims are in may be more.
    """

    by_number: dict[tuple[str, int], EventSlot] = field(default_factory=dict)
    before: dict[Id, EventSlot | None] = field(default_factory=dict)
    moved: dict[Id, EventSlot] = field(default_factory=dict)
    wanted: dict[Id, tuple[Placed, int]] = field(default_factory=dict)


def slots(plan: Plan, placed: list[Placed]) -> Slots:
    """The slots of every block as the file has them, not put yet: claims may still raise a talk's capacity."""
    there: dict[Id, list[EventSlot]] = defaultdict(list)
    for slot in plan.there(SLOTS):
        there[slot.time_block_id].append(slot)
    claimed = {claim.slot_id for claim in plan.there(CLAIMS)}
    result = Slots()
    for block in placed:
        old = sorted(there[block.after.id], key=lambda slot: slot.slot_number)
        if block.after.status == "cancelled":
            for slot in old:
                _follow(block, slot, (slot.start_time, slot.end_time), slot.capacity, result)
        elif _cut_otherwise(block, old, claimed):
            _keep(plan, block, old, result)
        else:
            _cut(plan, block, old, claimed, result)
    return result


def _cut_otherwise(block: Placed, old: list[EventSlot], claimed: set[Id]) -> bool:
    """Whether a slot that stays does not lie where the file's cut would have it, in the block as it was or is."""
    before, now, minutes = block.before, block.after, block.said.slot_duration_minutes
    staying = [slot for slot in old if _stays(slot, claimed)]
    if before is None or not staying:
        return False
    if before.manual_slots:
        return True
    if minutes is None:
        by = _shifted_by(block)
        return any(
            slot.start_time != before.start_time
            or (slot.end_time != before.end_time and slot.end_time + by < now.end_time)
            for slot in staying
        )
    step = timedelta(minutes=minutes)
    starts = ((slot, before.start_time + (slot.slot_number - 1) * step) for slot in staying)
    return any((slot.start_time, slot.end_time) != (start, start + step) for slot, start in starts)


def _shifted_by(block: Placed) -> timedelta:
    return timedelta(0) if block.before is None else block.after.start_time - block.before.start_time


def _stays(slot: EventSlot, claimed: set[Id]) -> bool:
    """Whether it is not an import's to remove: somebody has or had a claim in it, staff made it, or it has seats."""
    return slot.id in claimed or slot.created_by_admin or bool(slot.seated)


def _keep(plan: Plan, block: Placed, old: list[EventSlot], result: Slots) -> None:
    """People are in slots that were cut in another way: these stay as they are, moved with the block's start."""
    reason = "its slots were cut in another way here, and people have claims or seats in them; they stay"
    title = block.said.key
    plan.report.say(EventSlot, "doubtful", "cut_otherwise", block.said.place, title, reason, "cut them anew by hand")
    for slot in old:
        _shift(block, slot, result)


def _cut(plan: Plan, block: Placed, old: list[EventSlot], claimed: set[Id], result: Slots) -> None:
    now, said = block.after, block.said
    block.after = now = structs.replace(now, slot_duration_minutes=said.slot_duration_minutes, manual_slots=False)
    minutes = said.slot_duration_minutes
    span = (now.start_time, now.end_time)
    spans = [span] if minutes is None else list(split(*span, minutes))
    by_number = {slot.slot_number: slot for slot in old}
    for number, times in enumerate(spans, 1):
        slot = by_number.pop(number, None)
        if slot is not None:
            _follow(block, slot, times, _capacity(plan, block, slot, result), result)
            continue
        made = new_slot(
            plan.new_id(EventSlot, str(number), parent=now.id), now, number, times, max(1, said.slot_capacity)
        )
        result.by_number[said.key, number] = made
        result.before[made.id] = None
        result.wanted[made.id] = (block, made.capacity)
    for slot in by_number.values():
        _drop(plan, block, slot, claimed, result)


def _capacity(plan: Plan, block: Placed, slot: EventSlot, result: Slots) -> int:
    """The file's capacity, never below what is reserved; as many as there are seats, where places are seats."""
    wanted = max(1, block.said.slot_capacity)
    if slot.seated:
        if wanted != slot.capacity:
            reason = f"the file says {wanted} places, and its places are {slot.capacity} seats here; it keeps them"
            title, advice = f"{block.said.key} {slot.slot_number}", "make or retire seats, or leave it"
            plan.report.say(EventSlot, "doubtful", "seated", block.said.place, title, reason, advice)
        return slot.capacity
    result.wanted[slot.id] = (block, wanted)
    return at_least(wanted, slot.capacity, slot.reserved_count)


def _follow(block: Placed, slot: EventSlot, times: tuple[datetime, datetime], capacity: int, result: Slots) -> None:
    """The slot at its block's place."""
    now: EventTimeBlock = block.after
    followed = structs.replace(
        limited(slot, capacity, slot.reserved_count),
        location_id=now.location_id, start_time=times[0], end_time=times[1],
    )  # fmt: skip
    result.by_number[block.said.key, slot.slot_number] = followed
    result.before[slot.id] = slot
    if (followed.location_id, followed.start_time, followed.end_time) != (
        slot.location_id, slot.start_time, slot.end_time,
    ):  # fmt: skip
        result.moved[slot.id] = followed


def _shift(block: Placed, slot: EventSlot, result: Slots) -> None:
    """A slot that stays although the file has none like it: moved with its block, which ends no sooner."""
    by = _shifted_by(block)
    end = slot.end_time + by
    if end > block.after.end_time:
        block.after = structs.replace(block.after, end_time=end)
    _follow(block, slot, (slot.start_time + by, end), slot.capacity, result)


def _drop(plan: Plan, block: Placed, slot: EventSlot, claimed: set[Id], result: Slots) -> None:
    """A slot beyond the block's last leaves if nobody ever was in it; else it stays, and is shown."""
    if not _stays(slot, claimed):
        plan.put(slot, structs.replace(slot, deleted=True))
        return
    reason = f"the file has no slot {slot.slot_number} any more, and somebody has a claim or seats in it; it stays"
    title, advice = block.said.key, "move whoever is in it"
    plan.report.say(EventSlot, "doubtful", "slot_kept", block.said.place, title, reason, advice)
    _shift(block, slot, result)
