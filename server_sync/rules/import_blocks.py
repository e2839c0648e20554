"""An import's blocks: known again (import_match.py), put into their rooms, overlaps waived.

A block never changes its event, and one that was cancelled here stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.imports import ImportBlock
from server_sync.protocol.records import Event, EventLocation, EventSlot, EventTimeBlock, Location
from server_sync.rules.capacity import limited
from server_sync.rules.import_match import matched
from server_sync.rules.import_plan import Plan, at_least, filled, spoken
from server_sync.rules.import_rows import Found, local_zone
from server_sync.rules.import_times import LONGEST_REASON, MET, Span, Timetable, by_import, in_words
from server_sync.rules.state import BLOCKS, CLAIMS, EVENTS, LOCATIONS, SLOTS, USES_OF_ROOMS

ADVICE = "it comes in with a waiver; move one of them if that is not meant"


@dataclass(slots=True)
class Placed:
    """One block of the file: what it was (None: new), and what it is now."""

    said: ImportBlock
    before: EventTimeBlock | None
    after: EventTimeBlock

    @property
    def moved(self) -> bool:
        """Whether it is new in its room or at its time."""
        old, new = self.before, self.after
        return old is None or (old.location_id, old.start_time, old.end_time) != (
            new.location_id, new.start_time, new.end_time,
        )  # fmt: skip


def blocks(plan: Plan, found: Found) -> list[Placed]:
    """The file's blocks in the file's order, where the file has them; ``put_blocks`` follows once slots are cut."""
    placing = _Placing(plan, found)
    return [placing.placed(said, old) for said, old in matched(plan, found)]


def put_blocks(plan: Plan, placed: list[Placed]) -> None:
    """Put the blocks, whichever must share its room with a waiver, and that their events use their rooms."""
    _waive(plan, placed)
    rooms = {room.id: room.name for room in (*plan.there(LOCATIONS), *plan.written_rows(Location))}
    for block in placed:
        plan.put(block.before, block.after)
        if block.moved:
            plan.lock(Location, block.after.location_id)
            _report_move(plan, block, rooms)
    _uses(plan, placed)
    _absent(plan, placed)


class _Placing:
    """Decides block by block where it is and how many it takes."""

    def __init__(self, plan: Plan, found: Found) -> None:
        self._plan = plan
        self._found = found
        self._slots: dict[Id, list[EventSlot]] = defaultdict(list)
        for slot in plan.there(SLOTS):
            self._slots[slot.time_block_id].append(slot)
        self._claimed = {claim.time_block_id for claim in plan.there(CLAIMS)}
        self._seated = {block for block, slots in self._slots.items() if any(slot.seated for slot in slots)}

    def placed(self, said: ImportBlock, old: EventTimeBlock | None) -> Placed:
        """One block of the file."""
        event, room = self._found.events[said.event], self._found.rooms[said.room]
        if old is not None and old.status == "cancelled":
            reason, advice = "it was cancelled here, and stays so", "make a new block if it takes place after all"
            self._plan.report.say(EventTimeBlock, "note", "cancelled_here", said.place, event.name, reason, advice)
            return Placed(said, old, old)
        if old is not None and old.event_id != event.id:
            old = self._of_other_event(said, old, event)
        block = old or self._new(said, event, room)
        changed = structs.replace(
            self._limited(said, block, event),
            location_id=self._room(said, block, event, room),
            start_time=said.start,
            end_time=said.end,
            external_id=said.key,
        )
        notes = "\n".join(f"{name}: {value}" for name, value in said.metadata.items())
        return Placed(said, old, filled(changed, spoken(notes=notes)))

    def _new(self, said: ImportBlock, event: Event, room: Location) -> EventTimeBlock:
        return EventTimeBlock(
            id=self._plan.new_id(EventTimeBlock, said.key),
            programme_id=self._plan.programme.id,
            event_id=event.id,
            location_id=room.id,
            start_time=said.start,
            end_time=said.end,
            manual_slots=False,
            status="open",
            waived=False,
            reserved_count=0,
            overbooked_count=0,
            slot_duration_minutes=said.slot_duration_minutes,
        )

    def _of_other_event(self, said: ImportBlock, old: EventTimeBlock, event: Event) -> EventTimeBlock | None:
        """The block that bears the key here, if it must stay as another event's; an empty one makes way."""
        if old.id in self._claimed or old.id in self._seated:
            reason = "it is another event's in the file, and people have claims or seats in it"
            advice = "give it another key"
            self._plan.report.say(EventTimeBlock, "doubtful", "other_event", said.place, event.name, reason, advice)
            return old
        for row in (old, *self._slots[old.id]):
            self._plan.remove(row)
        return None

    def _room(self, said: ImportBlock, block: EventTimeBlock, event: Event, room: Location) -> Id:
        if block.location_id == room.id or block.id not in self._seated:
            return room.id
        reason, advice = f"the file has it in {room.name}, and its places are the seats of its room here", "leave it"
        self._plan.report.say(EventTimeBlock, "doubtful", "seated_room", said.place, event.name, reason, advice)
        return block.location_id

    def _limited(self, said: ImportBlock, block: EventTimeBlock, event: Event) -> EventTimeBlock:
        """The block with the most that it takes as the file says; as it was where that says nothing of use."""
        wanted, now = said.max_capacity, block.max_capacity
        if wanted is None:
            return block
        if wanted == 0:
            reason, advice = "a limit of 0 places; taken as none", "correct it, or leave it blank"
            self._plan.report.say(EventTimeBlock, "doubtful", "number", said.place, event.name, reason, advice)
            return block
        reserved = sum(claim.spots for claim in self._plan.holding(block.id))
        limit = at_least(wanted, now, reserved)
        if limit != wanted:
            reason = f"the file says {wanted} places, and {reserved} are reserved; it keeps {limit}"
            advice = "cancel some, or leave it"
            self._plan.report.say(EventTimeBlock, "doubtful", "capacity_kept", said.place, event.name, reason, advice)
        if now is None:  # what was not limited is counted now: nobody reserves meanwhile
            for slot in self._slots[block.id]:
                self._plan.lock(EventSlot, slot.id)
        return limited(block, limit, reserved) if limit != now else block


def _report_move(plan: Plan, block: Placed, rooms: dict[Id, str]) -> None:
    """Say that people are elsewhere, or at another time, than they were told."""
    old, new = block.before, block.after
    spots = 0 if old is None else sum(claim.spots for claim in plan.holding(old.id))
    if old is None or not spots or (old.location_id, old.start_time) == (new.location_id, new.start_time):
        return
    before, now = (
        f"{rooms.get(row.location_id, '?')}, {row.start_time.astimezone(local_zone(plan.programme)):%d %b %H:%M}"
        for row in (old, new)
    )
    reason = f"it moved from {before} to {now}, and the people in its {spots} reserved places with it"
    advice = "tell them; postpone it, or correct the file, if that is not meant"
    plan.report.say(EventTimeBlock, "doubtful", "block_moved", block.said.place, block.said.key, reason, advice)


def _waive(plan: Plan, placed: list[Placed]) -> None:
    """Decide which blocks may share their room: those of the file that it says, and what they meet here."""
    there: list[EventTimeBlock] = [block for block in plan.there(BLOCKS) if not plan.removes(block)]
    ours = {block.after.id for block in placed}
    rooms, names = Timetable(), {event.id: event.name for event in plan.there(EVENTS)}
    titles: dict[Id, str] = {block.id: names.get(block.event_id, "") for block in there}
    said_names = {event.key: event.name for event in plan.document.events}
    titles |= {block.after.id: said_names.get(block.said.event, "") for block in placed}
    for other in there:
        if other.id not in ours and other.status != "cancelled":
            rooms.add(other.location_id, _span(other), firm=not other.waived)
    for block in placed:
        if not block.moved and not block.said.waiver and block.after.status != "cancelled":
            rooms.add(block.after.location_id, _span(block.after), firm=not block.after.waived)
    for block in placed:
        now = block.after
        if now.status == "cancelled":
            continue
        if block.said.waiver:
            if not now.waived or by_import(now.waived_reason):
                block.after = structs.replace(now, waived=True, waived_reason=block.said.waiver[:LONGEST_REASON])
        elif block.moved or now.waived:
            _meet(plan, block, rooms, titles)


def _meet(plan: Plan, block: Placed, rooms: Timetable, titles: dict[Id, str]) -> None:
    """Waive a block that came, or that an import waived once, by what it meets in its room now."""
    now, mine = block.after, _span(block.after)
    other = rooms.meets(now.location_id, mine)
    if other is None:
        free = not now.waived or by_import(now.waived_reason)
        if free:
            block.after = structs.replace(now, waived=False, waived_reason=None)
        rooms.add(now.location_id, mine, firm=free)
        return
    if block.moved:
        there = in_words(other, titles.get(other.row, ""), local_zone(plan.programme))
        reason = f"{MET}the room also has {there}"
        title = titles[now.id]
        plan.report.say(EventTimeBlock, "doubtful", "room_overlap", block.said.place, title, reason, ADVICE)
        if not now.waived or by_import(now.waived_reason):
            block.after = structs.replace(now, waived=True, waived_reason=reason[:LONGEST_REASON])
        rooms.add(now.location_id, mine, firm=False)


def _span(block: EventTimeBlock) -> Span:
    return Span(block.start_time, block.end_time, block.id)


def _uses(plan: Plan, placed: list[Placed]) -> None:
    """That each event uses the rooms of its blocks. A room that it no longer uses stays: people may have chosen it."""
    uses = {(use.event_id, use.location_id): use for use in plan.there(USES_OF_ROOMS)}
    counted: set[tuple[Id, Id]] = set()
    for block in placed:
        key = (block.after.event_id, block.after.location_id)
        if key in counted:
            continue
        counted.add(key)
        old = uses.get(key)
        plan.put(
            old,
            old
            or EventLocation(
                id=plan.new_id(EventLocation, key[1], parent=key[0]),
                programme_id=plan.programme.id,
                event_id=key[0],
                location_id=key[1],
            ),
        )


def _absent(plan: Plan, placed: list[Placed]) -> None:
    if not plan.document.blocks:
        return
    ours = {block.after.id for block in placed}
    there = (block for block in plan.there(BLOCKS) if block.id not in ours and not plan.removes(block))
    plan.report.absent(EventTimeBlock, sorted(block.external_id for block in there if block.external_id is not None))
