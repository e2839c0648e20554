"""What an import's own facts say against each other: a pure look over the document, the same for every format.

Overlaps of a room or of a person are doubtful: they come in with the waiver recorded on the later block or claim, so
that no two unwaived ones overlap. A claim that can't stand at all (no such block or slot, no place left, twice in one
slot) is refused, by name and place, and left out.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeVar

from msgspec.structs import replace

from server_sync.importers.text import problem
from server_sync.importers.times import zone
from server_sync.protocol.imports import Import, ImportBlock, ImportClaim, Problem, group_members

_T = TypeVar("_T")
Spot = tuple[datetime, datetime, _T]
NAMED_OVERLAPS = 3


def check(document: Import) -> Import:
    """The document without the claims that can't stand, with waivers on what overlaps, and the problems added."""
    problems = list(document.problems)
    claims = _claims_that_stand(document, problems)
    blocks, by_room = _waived_blocks(document)
    claims, by_person = _waived_claims(document, claims)
    problems += by_room + by_person
    return replace(document, blocks=tuple(blocks), claims=tuple(claims), problems=tuple(problems))


def slot_times(block: ImportBlock, slot: int) -> tuple[datetime, datetime]:
    """Start and end of a block's slot, which counts from 1."""
    if block.slot_duration_minutes is None:
        return block.start, block.end
    length = timedelta(minutes=block.slot_duration_minutes)
    return block.start + (slot - 1) * length, block.start + slot * length


def overlaps(spots: Iterable[Spot[_T]]) -> list[tuple[Spot[_T], list[Spot[_T]], int]]:
    """Each spot that begins while earlier ones still run, with the first few of those and their number."""
    running: list[tuple[datetime, int, Spot[_T]]] = []
    found = []
    for number, spot in enumerate(sorted(spots, key=lambda spot: spot[0])):
        while running and running[0][0] <= spot[0]:
            heapq.heappop(running)
        if running:
            found.append((spot, [earlier for _, _, earlier in sorted(running[:NAMED_OVERLAPS])], len(running)))
        heapq.heappush(running, (spot[1], number, spot))
    return found


def _claims_that_stand(document: Import, problems: list[Problem]) -> list[ImportClaim]:
    """The claims whose block and slot exist and have room, in the order of the file."""
    blocks = {block.key: block for block in document.blocks}
    members = group_members(document)
    taken: dict[tuple[str, int], int] = defaultdict(int)
    whole: dict[str, int] = defaultdict(int)
    inside: set[tuple[str, int, str]] = set()
    standing = []
    for claim in document.claims:
        who = claim.people or members.get(claim.group or "", ())
        spots = max(1, len(who))
        block = blocks.get(claim.block)
        refusal = _refusal(claim, block, spots, taken, whole)
        if refusal is None and any((claim.block, claim.slot, person) in inside for person in who):
            refusal = ("twice_in_slot", "somebody in it is in this slot already", "leave one of the two lines out")
        if refusal is not None:
            code, reason, advice = refusal
            problems.append(problem("refused", code, claim.place, _claim_words(document, claim), reason, advice))
            continue
        taken[claim.block, claim.slot] += spots
        whole[claim.block] += spots
        inside.update((claim.block, claim.slot, person) for person in who)
        standing.append(claim)
    return standing


def _refusal(
    claim: ImportClaim,
    block: ImportBlock | None,
    spots: int,
    taken: dict[tuple[str, int], int],
    whole: dict[str, int],
) -> tuple[str, str, str] | None:
    """Code, reason and advice where a claim can't stand; None where it can."""
    if block is None:
        return "no_block", f"there is no block “{claim.block}”", "read the file with the blocks together with this one"
    if not 1 <= claim.slot <= block.slot_count:
        return "no_slot", f"slot {claim.slot} of {block.slot_count}", "correct the slot's number or the block's times"
    if taken[claim.block, claim.slot] + spots > block.slot_capacity:
        left = block.slot_capacity - taken[claim.block, claim.slot]
        reason = f"it needs {spots} of the {left} places left in slot {claim.slot} of “{block.key}”"
        return "slot_full", reason, "raise slot_capacity, or give another slot"
    if block.max_capacity is not None and whole[claim.block] + spots > block.max_capacity:
        return "block_full", f"“{block.key}” takes {block.max_capacity} in all", "raise capacity, or use another block"
    return None


def _waived_blocks(document: Import) -> tuple[list[ImportBlock], list[Problem]]:
    """The blocks with a waiver on each that overlaps an earlier one of its room, and a problem for each."""
    titles = {event.key: event.name for event in document.events}
    by_room: dict[str, list[Spot[ImportBlock]]] = defaultdict(list)
    for block in document.blocks:
        by_room[block.room].append((block.start, block.end, block))
    local = _local(document)
    waivers: dict[str, str] = {}
    found = []
    for room, spots in by_room.items():
        for (_, _, block), earlier, count in overlaps(spots):
            there = _named(earlier, count, lambda other: titles.get(other.event, other.event), local)
            reason = f"“{room}” still has {there}"
            waivers[block.key] = f"so in the file: {reason}"
            title = titles.get(block.event, block.event)
            advice = "it comes in with a waiver; move one of them if that is not meant"
            found.append(problem("doubtful", "room_overlap", block.place, title, reason, advice))
    blocks = [replace(b, waiver=waivers[b.key]) if b.key in waivers else b for b in document.blocks]
    return blocks, found


def _waived_claims(document: Import, claims: list[ImportClaim]) -> tuple[list[ImportClaim], list[Problem]]:
    """The claims with a waiver on each by which somebody is in two places at once, and a problem for each."""
    blocks = {block.key: block for block in document.blocks}
    titles = {event.key: event.name for event in document.events}
    names = {person.key: person.display_name or person.key for person in document.people}
    members = group_members(document)
    by_person: dict[str, list[Spot[ImportClaim]]] = defaultdict(list)
    for claim in claims:
        start, end = slot_times(blocks[claim.block], claim.slot)
        for person in claim.people or members.get(claim.group or "", ()):
            by_person[person].append((start, end, claim))
    local = _local(document)
    waivers: dict[str, str] = {}
    found = []
    for person, spots in by_person.items():
        for (_, _, claim), earlier, count in overlaps(spots):
            there = _named(earlier, count, lambda other: titles.get(blocks[other.block].event, other.block), local)
            reason = f"{names.get(person, person)} is still in {there}"
            waivers.setdefault(claim.key, f"so in the file: still in {there}")  # whoever it is may be forgotten
            subject = titles.get(blocks[claim.block].event, claim.block)
            advice = "it comes in with a waiver; move one of them if that is not meant"
            found.append(problem("doubtful", "person_overlap", claim.place, subject, reason, advice))
    waived = [replace(claim, waiver=waivers[claim.key]) if claim.key in waivers else claim for claim in claims]
    return waived, found


def _named(spots: list[Spot[_T]], count: int, title: Callable[[_T], str], local: tzinfo) -> str:
    """The first few of `count` overlapping things in words, with their local times."""
    words = []
    for start, end, what in spots:
        first, last = start.astimezone(local), end.astimezone(local)
        until = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%d %b %H:%M}"
        words.append(f"“{title(what)}” ({first:%d %b %H:%M} to {until})")
    return ", ".join(words) + (f" and {count - len(spots)} more" if count > len(spots) else "")


def _local(document: Import) -> tzinfo:
    """The zone in which problems name times."""
    return (zone(document.schedule.time_zone) if document.schedule is not None else None) or UTC


def _claim_words(document: Import, claim: ImportClaim) -> str:
    """A claim in words: who, and where."""
    return f"{claim.name or claim.group or ', '.join(claim.people)} in {claim.block}"
