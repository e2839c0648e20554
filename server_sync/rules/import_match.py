"""Which block of the programme each block of a file is: the one of its key, or the same one, moved.

A key that the file itself gives stays with its block. One that was made of event, room and start changes when the block
moves: what is left over of an event's blocks, here and in the file, may be the same blocks, or others of another day's
or another room's file. They are taken for the same only where the file evidently speaks of them; else both stay.
"""

from __future__ import annotations

from collections import defaultdict

from server_sync.protocol.ids import Id
from server_sync.protocol.imports import ImportBlock, is_timed
from server_sync.protocol.records import EventTimeBlock
from server_sync.rules.import_plan import Plan, folded
from server_sync.rules.import_rows import Found, local_zone
from server_sync.rules.state import BLOCKS, CLAIMS, MEMBERSHIPS

Matched = list[tuple[ImportBlock, EventTimeBlock | None]]


def matched(plan: Plan, found: Found) -> Matched:
    """Each block of the file that can be placed, in the file's order, with the one that it was."""
    there: list[EventTimeBlock] = plan.there(BLOCKS)
    by_key = {block.external_id: block for block in there if block.external_id is not None}
    standing = [said for said in plan.document.blocks if _stands(plan, found, said)]
    old = {said.key: by_key[said.key] for said in standing if said.key in by_key}
    left: dict[Id, list[EventTimeBlock]] = defaultdict(list)
    said_keys = {said.key for said in plan.document.blocks}
    for block in sorted(there, key=lambda block: (block.start_time, block.id)):
        if block.external_id is not None and block.external_id not in said_keys and is_timed(block.external_id):
            left[block.event_id].append(block)
    new: dict[Id, list[ImportBlock]] = defaultdict(list)
    for said in sorted(standing, key=lambda said: said.start):
        event_id = found.events[said.event].id
        if said.generated and said.key not in old and event_id in left:
            new[event_id].append(said)
    if new:
        moves = _Moves(plan, found)
        for event_id, blocks in new.items():
            old |= moves.of(left[event_id], blocks)
    return [(said, old.get(said.key)) for said in standing]


def _stands(plan: Plan, found: Found, said: ImportBlock) -> bool:
    missing = "event" if said.event not in found.events else "room" if said.room not in found.rooms else None
    if missing is not None:
        reason, advice = f"the file has no {missing} of that key", f"name the {missing} in the file"
        plan.report.say(EventTimeBlock, "refused", f"no_{missing}", said.place, said.key, reason, advice)
    return missing is None


class _Moves:
    """Tells moved blocks from others: by the days and rooms that the file speaks of, and by who is in them."""

    def __init__(self, plan: Plan, found: Found) -> None:
        self._found = found
        self._zone = local_zone(plan.programme)
        self._days = {said.start.astimezone(self._zone).date() for said in plan.document.blocks}
        self._rooms = {room.id for room in found.rooms.values()}
        self._here = _people_here(plan)
        self._said = _people_said(plan, found)

    def of(self, left: list[EventTimeBlock], new: list[ImportBlock]) -> dict[str, EventTimeBlock]:
        """Of one event's blocks, both in order of time, those that moved, by their new key.

        First those whose people are named again; then, where as many are left here as in the file, one after another.
        """
        left = [block for block in left if block.start_time.astimezone(self._zone).date() in self._days]
        moved: dict[str, EventTimeBlock] = {}
        for said in new:
            again = [block for block in left if self._here[block.id] & self._said[said.key]]
            if again:
                nearest = min(again, key=lambda block: self._apart(block, said))
                moved[said.key] = nearest
                left.remove(nearest)
        others = [said for said in new if said.key not in moved]
        left = [block for block in left if block.location_id in self._rooms]
        if len(left) == len(others):
            for block, said in zip(left, others, strict=True):
                if not (self._here[block.id] and self._said[said.key]):  # else it has other people, and is another
                    moved[said.key] = block
        return moved

    def _apart(self, block: EventTimeBlock, said: ImportBlock) -> tuple[bool, float]:
        elsewhere = block.location_id != self._found.rooms[said.room].id
        return elsewhere, abs((block.start_time - said.start).total_seconds())


def _people_here(plan: Plan) -> dict[Id, set[str]]:
    """By block, who has or ever had a claim in it: people, groups and names."""
    here: dict[Id, set[str]] = defaultdict(set)
    block_of: dict[Id, Id] = {}
    for claim in plan.there(CLAIMS):
        block_of[claim.id] = claim.time_block_id
        here[claim.time_block_id] |= {claim.group_id} if claim.group_id else _entry(claim.reserved_name)
    for member in plan.there(MEMBERSHIPS):
        if member.reservation_id in block_of:
            here[block_of[member.reservation_id]].add(member.participant_id)
    return here


def _people_said(plan: Plan, found: Found) -> dict[str, set[str]]:
    """By block's key, whom the file names in it."""
    said: dict[str, set[str]] = defaultdict(set)
    for claim in plan.document.claims:
        said[claim.block] |= {found.people[key].id for key in claim.people if key in found.people}
        if claim.group in found.groups:
            said[claim.block].add(found.groups[claim.group].id)
        elif not claim.people:
            said[claim.block] |= _entry(claim.name)
    return said


def _entry(name: str | None) -> set[str]:
    """What an entry that has but a name is known by. Two without one have nothing in common."""
    known_by = folded(name or "")
    return {f"entry {known_by}"} if known_by else set()
