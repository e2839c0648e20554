"""What must never be false of a programme's rows, whatever was done. Told from the rows alone (see picture.py)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import combinations, pairwise
from typing import Any

from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    Attendance,
    Event,
    EventSlot,
    EventTimeBlock,
    Participant,
    ReservationMember,
    SlotReservation,
    SlotSeat,
)
from server_sync.rules.attendance import word
from server_sync.rules.state import State
from server_sync.rules.waiting import place_in_line
from tests.anything.lines import starving
from tests.anything.picture import LIMITS, Picture, came, live, overlap, waits


def broken(state: State, now: datetime) -> list[str]:
    """Every invariant that *state* breaks, in words; none if all is well. What rules derive from it is right too."""
    return [*amiss(Picture(state.rows, now)), *_words(state), *_places_in_line(state)]


def amiss(now: Picture) -> list[str]:
    """Everything that is wrong with the rows."""
    return [problem for check in CHECKS for problem in check(now)]


def _counts(now: Picture) -> Iterator[str]:
    counted: Counter[tuple[type[Any], Id]] = Counter()
    for claim in now.all(SlotReservation):
        if live(claim):
            counted[EventSlot, claim.slot_id] += claim.spots
            counted[EventTimeBlock, claim.time_block_id] += claim.spots
            counted[Event, claim.event_id] += claim.spots
    for record, limit in LIMITS:
        for row in now.rows.get(record, {}).values():
            capacity = getattr(row, limit)
            if capacity is None:
                continue
            if row.reserved_count != counted[record, row.id]:
                yield f"{record.TABLE} {row.id} counts {row.reserved_count}, its claims {counted[record, row.id]}"
            if row.reserved_count > capacity + row.overbooked_count:
                yield f"{record.TABLE} {row.id} holds {row.reserved_count} of {capacity} + {row.overbooked_count}"
            if row.overbooked_count > max(0, row.reserved_count - capacity):
                yield f"{record.TABLE} {row.id} is overbooked by {row.overbooked_count} with {row.reserved_count} in it"


def _members(now: Picture) -> Iterator[str]:
    for claim_id, members in now.members.items():
        claim = now.rows[SlotReservation][claim_id]
        slot = now.rows[EventSlot][claim.slot_id]
        for member in members:
            if member.live != live(claim):
                yield f"member {member.id} is live={member.live} in a claim {claim.claim}"
            if bool(member.waiting) != waits(claim):
                yield f"member {member.id} is waiting={member.waiting} in a claim {claim.claim}"
            if member.live and (member.slot_id, member.start_time, member.end_time) != (
                slot.id, slot.start_time, slot.end_time,
            ):  # fmt: skip
                yield f"member {member.id} is not where its claim is"
            if member.waived and not member.waived_reason:
                yield f"member {member.id} is waived for no reason"
        if live(claim) and claim.spots < len(members):
            yield f"claim {claim_id} takes {claim.spots} places for {len(members)} people"


def _people(now: Picture) -> Iterator[str]:
    for person_id, members in now.commitments.items():
        person = now.rows[Participant][person_id]
        if person.merged_into is not None or person.deleted:
            yield f"participant {person_id} is merged or deleted and still has a place"
        for one, other in combinations(members, 2):
            if one.live and other.live and overlap(one, other):
                if one.slot_id == other.slot_id:
                    yield f"participant {person_id} is twice in slot {one.slot_id}"
                if not one.waived and not other.waived:
                    yield f"participant {person_id} is in two places at once"
            if one.waiting and other.waiting and one.slot_id == other.slot_id:
                yield f"participant {person_id} waits twice for slot {one.slot_id}"


def _rooms(now: Picture) -> Iterator[str]:
    in_room = defaultdict(list)
    for block in now.all(EventTimeBlock):
        if block.status != "cancelled":
            in_room[block.location_id].append(block)
        if block.waived and not block.waived_reason:
            yield f"block {block.id} is waived for no reason"
    for room, blocks in in_room.items():
        for one, other in combinations(blocks, 2):
            if overlap(one, other) and not one.waived and not other.waived:
                yield f"location {room} hosts two blocks at once"


def _slots(now: Picture) -> Iterator[str]:
    of_block = defaultdict(list)
    for slot in now.all(EventSlot):
        of_block[slot.time_block_id].append(slot)
    for block_id, slots in of_block.items():
        block = now.rows[EventTimeBlock][block_id]
        slots.sort(key=lambda slot: slot.start_time)
        standing = [slot for slot in slots if slot.status != "cancelled"]
        if any(one.end_time > other.start_time for one, other in pairwise(standing)):
            yield f"slots of block {block_id} overlap"
        if not all(block.start_time <= slot.start_time < slot.end_time <= block.end_time for slot in slots):
            yield f"a slot of block {block_id} lies outside it"
        if len({slot.slot_number for slot in slots}) != len(slots):
            yield f"two slots of block {block_id} bear one number"


def _claims(now: Picture) -> Iterator[str]:
    for claim in now.rows.get(SlotReservation, {}).values():
        slot = now.rows[EventSlot][claim.slot_id]
        if (claim.event_id, claim.time_block_id) != (slot.event_id, slot.time_block_id):
            yield f"claim {claim.id} lies elsewhere than its slot"
        if live(claim) and slot.deleted:
            yield f"claim {claim.id} holds a place in a slot that left"
        if live(claim) and now.openness(slot) == "cancelled":
            yield f"claim {claim.id} holds a place in what was cancelled"
        if claim.claim == "held" and claim.expires_at is None:
            yield f"hold {claim.id} never ends"
        if claim.claim == "waitlisted" and claim.queued_at is None:
            yield f"claim {claim.id} waits since no time"
        if not claim.placement_version <= claim.version:
            yield f"claim {claim.id} was placed more often than changed"


def _seats(now: Picture) -> Iterator[str]:
    taken: Counter[Id] = Counter()
    opened: Counter[tuple[Id, Id]] = Counter()
    for seat in now.all(SlotSeat):
        opened[seat.slot_id, seat.seat_id] += 1
        if (seat.reservation_id is None) != (seat.state == "available"):
            yield f"seat {seat.id} is {seat.state} by {seat.reservation_id}"
        if seat.reservation_id is None:
            continue
        claim = now.rows[SlotReservation][seat.reservation_id]
        taken[claim.id] += 1
        wanted = {"held": "held", "reserved": "booked"}.get(claim.claim)
        if seat.state != wanted or seat.slot_id != claim.slot_id:
            yield f"seat {seat.id} is {seat.state} by a claim {claim.claim} of slot {claim.slot_id}"
        if seat.state == "held" and seat.held_until != claim.expires_at:
            yield f"seat {seat.id} is held until {seat.held_until}, its claim until {claim.expires_at}"
    for (slot_id, seat_id), count in opened.items():
        if count > 1:
            yield f"seat {seat_id} stands {count} times in slot {slot_id}"
    for claim in now.all(SlotReservation):
        slot = now.rows[EventSlot][claim.slot_id]
        if slot.seated and live(claim) and taken[claim.id] != claim.spots:
            yield f"claim {claim.id} of {claim.spots} places has {taken[claim.id]} seats"


CHECKS = (_counts, _members, _people, _rooms, _slots, _claims, _seats, starving)


# ------------------------------------------------- what rules derive from rows


def _words(state: State) -> Iterator[str]:
    """The one word that people see of a claim is what its facts say."""
    facts = defaultdict(list)
    for fact in state.rows[Attendance].values():
        facts[fact.reservation_id].append(fact)
    members = defaultdict(list)
    for member in state.rows[ReservationMember].values():
        if not member.deleted:
            members[member.reservation_id].append(member.participant_id)
    for claim in state.rows[SlotReservation].values():
        derived, told = (
            word(claim, members[claim.id], facts[claim.id]),
            _told(claim, members[claim.id], facts[claim.id]),
        )
        if derived != told:
            yield f"claim {claim.id} reads {derived}, its facts say {told}"


def _told(claim: SlotReservation, people: list[Id], facts: list[Attendance]) -> str:
    """Of a party the furthest that anybody came: who performed has performed, else each one's last word counts."""
    if claim.claim != "reserved":
        return claim.claim
    last: dict[Id | None, str] = {}
    party: list[Id | None] = [*people] or [None]
    for person in party:
        for fact in sorted(facts, key=lambda fact: (fact.occurred_at, fact.kind == "arrived", fact.id)):
            taken_back = any(
                other.kind == "undone" and other.undoes == fact.command_id
                and other.participant_id == fact.participant_id
                for other in facts
            )  # fmt: skip
            if fact.kind == "undone" or taken_back or fact.participant_id not in (person, None):
                continue
            if last.get(person) != "performed":
                last[person] = fact.kind
    if "performed" in last.values():
        return "performed"
    if "arrived" in last.values():
        return "checked_in"
    if len(last) == len(party):
        return "no_show"
    return "confirmed" if claim.confirmed_at is not None else "reserved"


def _places_in_line(state: State) -> Iterator[str]:
    """A claim's place is one more than those have come before who want what it wants."""
    waiting = [claim for claim in state.rows[SlotReservation].values() if waits(claim)]
    for claim in waiting:
        ahead = sum(
            other.event_id == claim.event_id and came(other) < came(claim)
            and bool(claim.any_slot or other.any_slot or other.slot_id == claim.slot_id)
            for other in waiting
        )  # fmt: skip
        if place_in_line(state, claim) != ahead + 1:
            yield f"claim {claim.id} is told place {place_in_line(state, claim)}, not {ahead + 1}"
