"""How many a slot, a block or an event takes: the step that sets it. A draft's counts must stay those of the database.

Where more is reserved than a new capacity allows, that is overbooked from now on: with a reason, or not at all. What
was not limited has kept no count: setting a limit counts its claims, as the database's trigger does.
"""

from __future__ import annotations

from typing import Final, TypeVar

from msgspec import structs

from server_sync.protocol.errors import BELOW_RESERVED, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock
from server_sync.rules.draft import Draft
from server_sync.rules.state import CLAIMS_ON_SLOT, SLOTS_OF_BLOCK, SLOTS_OF_EVENT, Keys
from server_sync.rules.waitlist import let_go

Limited = Event | EventTimeBlock | EventSlot
L = TypeVar("L", bound=Limited)

_NAMES: Final[dict[type[Limited], str]] = {Event: "event_id", EventTimeBlock: "block_id", EventSlot: "slot_id"}


def set_capacity(draft: Draft, row: Limited, capacity: int | None, reason: str | None, ask: Keys) -> Refusal | set[Id]:
    """Give *row* that capacity (None: no limit); returns the slots in which somebody who waits may have a place now.

    That may be so where it is lowered too: a party that fits nowhere any more is in nobody's way.
    """
    field = "max_capacity" if isinstance(row, EventTimeBlock) else "capacity"
    old: int | None = getattr(row, field)
    if old == capacity:
        return set()
    freed = let_go(draft, row.id if isinstance(row, Event) else row.event_id, ask)
    row = draft.get(type(row), row.id) or row
    reserved = row.reserved_count if old is not None else _count(draft, row, ask)
    limit = limited(row, capacity, reserved)
    lower = old is None or (capacity is not None and capacity < old)
    if limit.overbooked_count and lower and reason is None:
        details = {_NAMES[type(row)]: row.id, "reserved": reserved, "capacity": capacity, "was": old}
        return Refusal(BELOW_RESERVED, details)
    draft.write(limit)
    return freed | {slot.id for slot in slots_of(draft, row)}


def limited(row: L, capacity: int | None, reserved: int) -> L:
    """*row* with that capacity, of which *reserved* are taken; what is beyond it is overbooked."""
    field = "max_capacity" if isinstance(row, EventTimeBlock) else "capacity"
    overbooked = 0 if capacity is None else max(0, reserved - capacity)
    return structs.replace(row, **{field: capacity, "reserved_count": reserved, "overbooked_count": overbooked})


def slots_of(draft: Draft, row: Limited) -> list[EventSlot]:
    """The slots that count against *row*."""
    if isinstance(row, EventSlot):
        return [row]
    index = SLOTS_OF_EVENT if isinstance(row, Event) else SLOTS_OF_BLOCK
    return draft.find(index, row.id)


def _count(draft: Draft, row: Limited, ask: Keys) -> int:
    """What is reserved under *row*. Its slots are locked: nobody reserves meanwhile."""
    spots = 0
    for slot in slots_of(draft, row):
        ask.lock.add((EventSlot, slot.id))
        spots += sum(claim.spots for claim in draft.find(CLAIMS_ON_SLOT, slot.id))
    return spots
