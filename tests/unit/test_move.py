"""Out of one slot and into another at once, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.errors import (
    ALREADY_RESERVED,
    BLOCK_FULL,
    DOUBLE_BOOKED,
    EVENT_FULL,
    HOLD_EXPIRED,
    MOVED,
    NOT_CONFIRMED,
    NOT_FOUND,
    NOT_LIVE,
    SAME_SLOT,
    SLOT_CLOSED,
    SLOT_FULL,
)
from server_sync.protocol.ids import new_id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock
from server_sync.rules.state import MEMBERS
from tests.unit.day import Day, applied, at, refused


def move(day: Day, id: str, slot: EventSlot, **how: Any) -> Any:
    return day.do("reservation.move", {"reservation_id": id, "slot_id": slot.id}, role="volunteer", **how)


def test_a_move_takes_everybody_along() -> None:
    day = Day()
    (here,) = day.slots(capacity=3)
    (there,) = day.slots(capacity=3, start=at(15))
    zoe, ann = day.person(), day.person()
    id = day.reserve(here, zoe, ann, guests=1)
    answer = applied(move(day, id, there)).answer
    assert answer == {"reservation_id": id, "from_slot_id": here.id, "slot_id": there.id}
    claim = day.claim(id)
    assert (claim.slot_id, claim.event_id) == (there.id, there.event_id)
    assert (claim.location_id, claim.time_block_id) == (there.location_id, there.time_block_id)
    assert (claim.version, claim.placement_version) == (2, 2)
    assert (day.slot(here).reserved_count, day.slot(there).reserved_count) == (0, 3)
    for member in day.state.find(MEMBERS, id):
        assert (member.slot_id, member.start_time, member.end_time) == (there.id, there.start_time, there.end_time)
        assert member.live


def test_within_one_full_block_and_event_there_is_room() -> None:
    day = Day()
    event = day.create("event", name="Limited", capacity=1)
    one, other = day.slots(2, event=event, max_capacity=1)
    id = day.reserve(one, day.person())
    applied(move(day, id, other))
    assert (day.slot(one).reserved_count, day.slot(other).reserved_count) == (0, 1)
    assert day.state.rows[EventTimeBlock][one.time_block_id].reserved_count == 1
    assert day.state.rows[Event][event].reserved_count == 1


def test_within_an_overbooked_block_nothing_is_given_back() -> None:
    day = Day()
    one, other = day.slots(2, max_capacity=2)
    first = day.reserve(one, day.person())
    block = day.state.rows[EventTimeBlock][one.time_block_id]
    day.put(structs.replace(block, max_capacity=1, reserved_count=2, overbooked_count=1))
    applied(move(day, first, other))
    block = day.state.rows[EventTimeBlock][one.time_block_id]
    assert (block.reserved_count, block.overbooked_count) == (2, 1)


def test_a_waiting_claim_brings_no_place_with_it() -> None:
    day = Day()
    event = day.create("event", name="Limited", capacity=1)
    one, other = day.slots(2, event=event, max_capacity=1)
    waiting = day.reserve(one, day.person())
    day.put(structs.replace(day.claim(waiting), claim="waitlisted"))
    for member in day.state.find(MEMBERS, waiting):
        day.put(structs.replace(member, live=False))
    holder = day.reserve(one, day.person())
    refused(move(day, waiting, other), BLOCK_FULL)
    day.put(structs.replace(day.state.rows[EventTimeBlock][one.time_block_id], max_capacity=5))
    refused(move(day, waiting, other), EVENT_FULL)
    applied(day.do("reservation.cancel", {"reservation_id": holder}))
    applied(move(day, waiting, other))
    assert day.claim(waiting).claim == "reserved"
    assert all(member.live for member in day.state.find(MEMBERS, waiting))
    assert day.slot(other).reserved_count == 1


def test_moves_refused() -> None:
    day = Day()
    one, full, closed = day.slots(3)
    id = day.reserve(one, day.person())
    day.reserve(full, day.person())
    day.put(structs.replace(closed, status="closed"))
    refused(move(day, id, full), SLOT_FULL)
    refused(move(day, id, closed), SLOT_CLOSED)
    refused(move(day, id, one), SAME_SLOT)
    refused(move(day, new_id(), one), NOT_FOUND)
    refused(move(day, id, structs.replace(one, id=new_id())), NOT_FOUND)
    refused(move(day, id, full, programme=new_id()), NOT_FOUND)
    refused(move(day, id, full, seen={f"slot_reservations/{id}": 9}), MOVED)
    assert day.claim(id).version == 1
    assert day.slot(one).reserved_count == 1


def test_move_against_move_of_one_claim() -> None:
    day = Day()
    one, two, three = day.slots(3)
    id = day.reserve(one, day.person())
    seen = {f"slot_reservations/{id}": 1}
    applied(move(day, id, two, seen=seen))
    assert refused(move(day, id, three, seen=seen), MOVED)["slot_id"] == two.id


def test_a_check_in_elsewhere_does_not_stop_a_move() -> None:
    day = Day()
    one, two = day.slots(2)
    id = day.reserve(one, day.person())
    applied(day.do("attendance.arrive", {"reservation_id": id}))
    applied(move(day, id, two, seen={f"slot_reservations/{id}": 1}))


@pytest.mark.parametrize(
    ("claim", "code"), [("cancelled", NOT_LIVE), ("held", NOT_CONFIRMED), ("expired", HOLD_EXPIRED)]
)
def test_a_claim_that_cannot_move(claim: Any, code: str) -> None:
    day = Day()
    one, two = day.slots(2)
    id = day.reserve(one, day.person())
    day.put(structs.replace(day.claim(id), claim=claim))
    refused(move(day, id, two), code)


def test_a_move_into_a_clash() -> None:
    day = Day()
    here, free = day.slots(2, capacity=3)
    (there,) = day.slots(capacity=3)
    zoe = day.person()
    day.reserve(here, zoe)
    id = day.reserve(free, day.person(), zoe)
    refused(move(day, id, there), DOUBLE_BOOKED)
    refused(move(day, id, here), ALREADY_RESERVED)


def test_a_move_to_an_overlapping_slot_does_not_clash_with_itself() -> None:
    day = Day()
    (here,) = day.slots()
    (there,) = day.slots(start=at(12, 5))
    applied(move(day, day.reserve(here, day.person()), there))
