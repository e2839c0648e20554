"""What must never be false of a programme's rows, whatever was done."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    Event,
    EventSlot,
    EventTimeBlock,
    Participant,
    ReservationMember,
    SlotReservation,
    SlotSeat,
)
from server_sync.rules.attendance import word
from server_sync.rules.placing import open_slot, room_for
from server_sync.rules.state import FACTS, MEMBERS, SLOTS_OF_EVENT, State, takes_places
from server_sync.rules.waitlist import line, place_in_line, waits_for


def broken(state: State) -> list[str]:
    """Every invariant that *state* breaks, in words; none if all is well."""
    return [problem for check in CHECKS for problem in check(state)]


def _counts(state: State) -> Iterator[str]:
    counted: Counter[tuple[type[Any], Id]] = Counter()
    for claim in state.rows[SlotReservation].values():
        if takes_places(claim):
            counted[EventSlot, claim.slot_id] += claim.spots
            counted[EventTimeBlock, claim.time_block_id] += claim.spots
            counted[Event, claim.event_id] += claim.spots
    for record, limit in ((EventSlot, "capacity"), (EventTimeBlock, "max_capacity"), (Event, "capacity")):
        for row in state.rows[record].values():
            capacity = getattr(row, limit)
            if capacity is None:
                continue
            if row.reserved_count != counted[record, row.id]:
                yield f"{record.TABLE} {row.id} counts {row.reserved_count}, its claims {counted[record, row.id]}"
            if row.reserved_count > capacity + row.overbooked_count:
                yield f"{record.TABLE} {row.id} holds {row.reserved_count} of {capacity} + {row.overbooked_count}"
            if row.overbooked_count > max(0, row.reserved_count - capacity):
                yield f"{record.TABLE} {row.id} is overbooked by {row.overbooked_count} with {row.reserved_count} in it"


def _members(state: State) -> Iterator[str]:
    times = defaultdict(list)
    waiting: Counter[tuple[Id, Id]] = Counter()
    parties: Counter[Id] = Counter()
    for member in state.rows[ReservationMember].values():
        if member.deleted:
            continue
        claim = state.rows[SlotReservation][member.reservation_id]
        slot = state.rows[EventSlot][claim.slot_id]
        if member.live != takes_places(claim):
            yield f"member {member.id} is live={member.live} in a claim {claim.claim}"
        if bool(member.waiting) != (claim.claim == "waitlisted" and not claim.deleted):
            yield f"member {member.id} is waiting={member.waiting} in a claim {claim.claim}"
        if member.live and (member.slot_id, member.start_time, member.end_time) != (
            slot.id, slot.start_time, slot.end_time,
        ):  # fmt: skip
            yield f"member {member.id} is not where its claim is"
        if member.live:
            parties[claim.id] += 1
            if not member.waived:
                times[member.participant_id].append((member.start_time, member.end_time))
        if member.waiting:
            waiting[member.participant_id, claim.slot_id] += 1
    for person, spans in times.items():
        if any(one[1] > other[0] for one, other in pairwise(sorted(spans))):
            yield f"participant {person} is in two places at once"
    for (person, slot_id), count in waiting.items():
        if count > 1:
            yield f"participant {person} waits {count} times for slot {slot_id}"
    for claim_id, people in parties.items():
        claim = state.rows[SlotReservation][claim_id]
        if claim.spots < people:
            yield f"claim {claim_id} takes {claim.spots} places for {people} people"


def _rooms(state: State) -> Iterator[str]:
    times = defaultdict(list)
    for block in state.rows[EventTimeBlock].values():
        if not block.waived and not block.deleted and block.status != "cancelled":
            times[block.location_id].append((block.start_time, block.end_time))
    for room, spans in times.items():
        if any(one[1] > other[0] for one, other in pairwise(sorted(spans))):
            yield f"location {room} hosts two blocks at once"


def _slots(state: State) -> Iterator[str]:
    of_block = defaultdict(list)
    for slot in state.rows[EventSlot].values():
        if not slot.deleted:
            of_block[slot.time_block_id].append(slot)
    for block_id, slots in of_block.items():
        block = state.rows[EventTimeBlock][block_id]
        slots.sort(key=lambda slot: slot.start_time)
        standing = [slot for slot in slots if slot.status != "cancelled"]
        if any(one.end_time > other.start_time for one, other in pairwise(standing)):
            yield f"slots of block {block_id} overlap"
        if not all(block.start_time <= slot.start_time < slot.end_time <= block.end_time for slot in slots):
            yield f"a slot of block {block_id} lies outside it"
        if len({slot.slot_number for slot in slots}) != len(slots):
            yield f"two slots of block {block_id} bear one number"


def _claims(state: State) -> Iterator[str]:
    for claim in state.rows[SlotReservation].values():
        slot = state.rows[EventSlot][claim.slot_id]
        if (claim.event_id, claim.time_block_id) != (slot.event_id, slot.time_block_id):
            yield f"claim {claim.id} lies elsewhere than its slot"
        if takes_places(claim) and slot.deleted:
            yield f"claim {claim.id} holds a place in a slot that left"
        if claim.claim == "held" and claim.expires_at is None:
            yield f"hold {claim.id} never ends"
        if claim.claim == "waitlisted" and claim.queued_at is None:
            yield f"claim {claim.id} waits since no time"
        if not claim.placement_version <= claim.version:
            yield f"claim {claim.id} was placed more often than changed"
        word(claim, state.find(FACTS, claim.id))


def _seats(state: State) -> Iterator[str]:
    taken: Counter[Id] = Counter()
    for seat in state.rows[SlotSeat].values():
        if seat.deleted or seat.reservation_id is None:
            continue
        claim = state.rows[SlotReservation][seat.reservation_id]
        taken[claim.id] += 1
        wanted = {"held": "held", "reserved": "booked"}.get(claim.claim)
        if seat.state != wanted or seat.slot_id != claim.slot_id:
            yield f"seat {seat.id} is {seat.state} by a claim {claim.claim} of slot {claim.slot_id}"
        if seat.state == "held" and seat.held_until != claim.expires_at:
            yield f"seat {seat.id} is held until {seat.held_until}, its claim until {claim.expires_at}"
    for claim in state.rows[SlotReservation].values():
        slot = state.rows[EventSlot][claim.slot_id]
        if slot.seated and takes_places(claim) and taken[claim.id] != claim.spots:
            yield f"claim {claim.id} of {claim.spots} places has {taken[claim.id]} seats"


def _lines(state: State) -> Iterator[str]:
    for event in state.rows[Event].values():
        waiting = line(state, event.id)
        for claim in waiting:
            if (place_in_line(state, claim) or 0) < 1:
                yield f"claim {claim.id} waits at no place"


def _starving(state: State) -> Iterator[str]:
    """Who waits and could have a place without passing anybody (or, in best fit, at all). People may be elsewhere."""
    for event in state.rows[Event].values():
        waiting = line(state, event.id)
        for claim in waiting if event.waitlist_order == "best_fit" else waiting[:1]:
            if state.find(MEMBERS, claim.id):
                continue
            for row in state.find(SLOTS_OF_EVENT, event.id):
                slot = open_slot(state, event.programme_id, row.id) if waits_for(claim, row.id) else None
                if isinstance(slot, EventSlot) and not slot.seated and room_for(state, slot, claim.spots) is None:
                    yield f"claim {claim.id} waits though slot {slot.id} has room"


def _people(state: State) -> Iterator[str]:
    for person in state.rows[Participant].values():
        gone = person.merged_into is not None or person.deleted
        if gone and any(
            member.participant_id == person.id and not member.deleted and (member.live or member.waiting)
            for member in state.rows[ReservationMember].values()
        ):
            yield f"participant {person.id} is merged or deleted and still has a place"


CHECKS = (_counts, _members, _rooms, _slots, _claims, _seats, _lines, _starving, _people)
