"""An import's blocks: found again under another key where a talk moved, put into their rooms, overlaps waived."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.imports import ImportBlock
from server_sync.protocol.records import Event, EventLocation, EventTimeBlock, Location
from server_sync.rules.import_plan import Plan, filled, spoken
from server_sync.rules.import_rows import Found, local_zone
from server_sync.rules.import_times import LONGEST_REASON, MET, Span, Timetable, by_import, in_words
from server_sync.rules.state import BLOCKS, CLAIMS, EVENTS, SLOTS, USES_OF_ROOMS

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
    """The file's blocks in the file's order, placed in their rooms; ``put_blocks`` follows once slots are cut."""
    there: list[EventTimeBlock] = plan.there(BLOCKS)
    matched = _matched(plan, found, there)
    claimed = {claim.time_block_id for claim in plan.there(CLAIMS)}
    seated = {slot.time_block_id for slot in plan.there(SLOTS) if slot.seated}
    placed = [_placed(plan, found, said, old, claimed, seated) for said, old in matched]
    _waive(plan, placed, there)
    return placed


def put_blocks(plan: Plan, placed: list[Placed]) -> None:
    """Put the blocks, and that their events use their rooms."""
    for block in placed:
        plan.put(block.before, block.after)
        if block.moved:
            plan.lock(Location, block.after.location_id)
    _uses(plan, placed)
    _absent(plan, placed)


def _matched(plan: Plan, found: Found, there: list[EventTimeBlock]) -> list[tuple[ImportBlock, EventTimeBlock | None]]:
    """Each block of the file that can be placed, with the one that it was.

    A talk's key names its room and time: what is left over of an event's blocks, there and in the file, is the same
    blocks moved, paired in order of time.
    """
    by_key = {block.external_id: block for block in there if block.external_id is not None}
    said_keys = {said.key for said in plan.document.blocks}
    left: dict[Id, list[EventTimeBlock]] = defaultdict(list)
    for block in sorted(there, key=lambda block: block.start_time):
        if block.external_id is not None and block.external_id not in said_keys:
            left[block.event_id].append(block)
    standing = [said for said in plan.document.blocks if _stands(plan, found, said)]
    old: dict[str, EventTimeBlock] = {}
    for said in sorted(standing, key=lambda said: said.start):
        known = by_key.get(said.key)
        leavings = left[found.events[said.event].id]
        if known is None and leavings:
            known = leavings.pop(0)
        if known is not None:
            old[said.key] = known
    return [(said, old.get(said.key)) for said in standing]


def _stands(plan: Plan, found: Found, said: ImportBlock) -> bool:
    missing = "event" if said.event not in found.events else "room" if said.room not in found.rooms else None
    if missing is not None:
        reason, advice = f"the file has no {missing} of that key", f"name the {missing} in the file"
        plan.report.say(EventTimeBlock, "refused", f"no_{missing}", said.place, said.key, reason, advice)
    return missing is None


def _placed(
    plan: Plan, found: Found, said: ImportBlock, old: EventTimeBlock | None, claimed: set[Id], seated: set[Id]
) -> Placed:
    event, room = found.events[said.event], found.rooms[said.room]
    block = old or EventTimeBlock(
        id=plan.new_id(EventTimeBlock, said.key),
        programme_id=plan.programme.id,
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
    event_id = event.id
    if block.event_id != event.id and block.id in claimed:
        reason, advice = "it is another event's in the file, and people have claims in it", "give it another key"
        plan.report.say(EventTimeBlock, "doubtful", "other_event", said.place, event.name, reason, advice)
        event_id = block.event_id
    location_id = room.id
    if block.location_id != room.id and block.id in seated:
        reason, advice = f"the file has it in {room.name}, and its places are the seats of its room here", "leave it"
        plan.report.say(EventTimeBlock, "doubtful", "seated_room", said.place, event.name, reason, advice)
        location_id = block.location_id
    changed = structs.replace(
        block,
        event_id=event_id,
        location_id=location_id,
        start_time=said.start,
        end_time=said.end,
        max_capacity=_limit(plan, said, block, event),
        external_id=said.key,
    )
    notes = "\n".join(f"{name}: {value}" for name, value in said.metadata.items())
    return Placed(said, old, filled(changed, spoken(notes=notes)))


def _limit(plan: Plan, said: ImportBlock, block: EventTimeBlock, event: Event) -> int | None:
    """The most that the block takes: never less than is reserved, and blank where the file says nothing of use."""
    if said.max_capacity is None:
        return block.max_capacity
    if said.max_capacity == 0:
        reason, advice = "a limit of 0 places; taken as none", "correct it, or leave it blank"
        plan.report.say(EventTimeBlock, "doubtful", "number", said.place, event.name, reason, advice)
        return block.max_capacity
    reserved = sum(claim.spots for claim in plan.holding(block.id))
    if said.max_capacity < reserved:
        reason = f"the file says {said.max_capacity} places, and {reserved} are reserved; it keeps {reserved}"
        plan.report.say(
            EventTimeBlock, "doubtful", "capacity_kept", said.place, event.name, reason, "cancel some, or leave it"
        )
    return max(said.max_capacity, reserved)


def _waive(plan: Plan, placed: list[Placed], there: list[EventTimeBlock]) -> None:
    """Decide which blocks may share their room: those of the file that it says, and what they meet here."""
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
        if block.said.waiver:
            if not now.waived or by_import(now.waived_reason):
                block.after = structs.replace(now, waived=True, waived_reason=block.said.waiver[:LONGEST_REASON])
        elif now.status == "cancelled" or (not block.moved and not now.waived):
            continue
        else:
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
    gone = [block.external_id for block in plan.there(BLOCKS) if block.external_id is not None and block.id not in ours]
    plan.report.absent(EventTimeBlock, sorted(gone))
