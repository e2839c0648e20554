"""A room's map of seats: made, put up in slots, and seats that leave it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.ids import derived_id, new_id
from server_sync.rules.state import SEATS_OF_LOCATION, SEATS_OF_SLOT
from tests.unit.day import Day, applied, refused
from tests.unit.hall import Hall


def test_seats_are_called_by_row_and_number() -> None:
    day = Day()
    room, id = day.create("location", name="Opera House"), new_id()
    seats = [{"row": "A", "number": 1, "seat_type": "stalls"}, {"row": "B", "number": 15}]
    answer = applied(day.do("seats.create", {"location_id": room, "seats": seats}, id=id)).answer
    assert answer == {"location_id": room, "seats": 2}
    found = {seat.id: (seat.row, seat.number, seat.seat_type) for seat in day.state.find(SEATS_OF_LOCATION, room)}
    assert found == {derived_id(id, "A-1"): ("A", 1, "stalls"), derived_id(id, "B-15"): ("B", 15, "standard")}


def test_a_position_is_taken_once_in_a_room() -> None:
    day = Day()
    room, other = day.create("location", name="Opera House"), day.create("location", name="Studio")
    first = [{"row": "A", "number": n} for n in (1, 2, 3)]
    applied(day.do("seats.create", {"location_id": room, "seats": first}))
    again = {"location_id": room, "seats": [{"row": "A", "number": n} for n in (3, 4, 1)]}
    assert refused(day.do("seats.create", again), "ALREADY_EXISTS")["seats"] == ["A-3", "A-1"]
    assert len(day.state.find(SEATS_OF_LOCATION, room)) == 3, "not even the one that would have been new"
    applied(day.do("seats.create", {"location_id": other, "seats": first}))
    twice = {"location_id": room, "seats": [{"row": "C", "number": 1}, {"row": "C", "number": 1}]}
    assert refused(day.do("seats.create", twice), "INVALID")["seats"] == ["C-1"]


@pytest.mark.parametrize(
    "seat",
    [
        {"row": "", "number": 1}, {"row": " A", "number": 1}, {"row": "A\n", "number": 1}, {"row": "A", "number": 0},
        {"row": "A", "number": -1}, {"row": "A", "number": "1"}, {"row": "A"}, {"number": 1},
        {"row": "A" * 21, "number": 1}, {"row": "A", "number": 1, "seat_type": ""},
    ],
)  # fmt: skip
def test_what_is_no_seat(seat: dict[str, Any]) -> None:
    day = Day()
    room = day.create("location", name="Opera House")
    refused(day.do("seats.create", {"location_id": room, "seats": [seat]}), "INVALID")


def test_who_may_and_where() -> None:
    day = Day()
    room = day.create("location", name="Opera House")
    seats = [{"row": "A", "number": 1}]
    refused(day.do("seats.create", {"location_id": room, "seats": seats}, role="room_manager"), "NOT_ALLOWED")
    refused(day.do("seats.create", {"location_id": room, "seats": []}), "INVALID")
    refused(day.do("seats.create", {"location_id": new_id(), "seats": seats}), "NOT_FOUND")
    elsewhere = day.do("seats.create", {"location_id": room, "seats": seats}, programme=new_id())
    refused(elsewhere, "NOT_FOUND")


# ----------------------------------------------------------------------- open


def test_opening_copies_every_seat_priced_by_its_type() -> None:
    hall = Hall(2, price=1000)
    assert {name: (seat.price, seat.state, seat.reservation_id) for name, seat in hall.map().items()} == {
        "A-1": (2500, "available", None),
        "A-2": (2500, "available", None),
        "B-1": (1000, "available", None),
        "B-2": (1000, "available", None),
    }
    assert (hall.slot.seated, hall.slot.capacity) == (True, 4)
    without = Hall(1)
    assert without.map()["B-1"].price is None


def test_opening_again_adds_what_is_new_and_touches_nothing_else() -> None:
    hall = Hall(2)
    held = hall.hold("A-1")
    refused(hall.day.do("slot.open_seats", {"slot_id": hall.slot.id}), "NOTHING_TO_DO")
    hall.seats(("C", 1, "stalls"))
    answer = applied(hall.day.do("slot.open_seats", {"slot_id": hall.slot.id})).answer
    assert (answer["seats"], answer["opened"], hall.slot.capacity) == (5, 1, 5)
    assert hall.of(held) == ["A-1"]


def test_opening_needs_a_map_and_nobody_without_a_seat() -> None:
    day = Day()
    (slot,) = day.slots(1, capacity=3)
    refused(day.do("slot.open_seats", {"slot_id": slot.id}), "NO_SEATS")
    refused(day.do("slot.open_seats", {"slot_id": new_id()}), "NOT_FOUND")
    refused(day.do("slot.open_seats", {"slot_id": slot.id}, role="room_manager"), "NOT_ALLOWED")
    seats = [{"row": "A", "number": n} for n in (1, 2)]
    applied(day.do("seats.create", {"location_id": slot.location_id, "seats": seats}))
    claim = day.reserve(slot, day.person())
    assert refused(day.do("slot.open_seats", {"slot_id": slot.id}), "HAS_PEOPLE")["reserved"] == 1
    applied(day.do("reservation.cancel", {"reservation_id": claim}))
    applied(day.do("slot.open_seats", {"slot_id": slot.id}))
    assert day.slot(slot).capacity == 2


def test_a_cancelled_slot_is_not_opened() -> None:
    day = Day()
    (slot,) = day.slots(1)
    day.put(structs.replace(slot, status="cancelled"))
    refused(day.do("slot.open_seats", {"slot_id": slot.id}), "SLOT_CANCELLED")


def test_more_seats_are_for_who_waits() -> None:
    hall = Hall(1, waitlist_enabled=True)
    hall.hold("A-1")
    hall.hold("B-1")
    waiting = {"slot_id": hall.slot.id, "reserved_name": "Bea", "on_full": "waitlist"}
    id = applied(hall.day.do("reservation.reserve", waiting)).answer["reservation_id"]
    hall.seats(("C", 7, "stalls"))
    assert applied(hall.day.do("slot.open_seats", {"slot_id": hall.slot.id})).answer["promoted"] == [id]
    assert hall.of(id) == ["C-7"]


# --------------------------------------------------------------------- retire


def test_a_retired_seat_leaves_the_map_and_the_slots_to_come() -> None:
    hall = Hall(2, slots=2)
    past, coming = hall.slots
    hall.day.now = past.end_time + timedelta(minutes=1)
    (seat,) = hall.ids("A-2")
    answer = applied(hall.day.do("seats.retire", {"seat_ids": [seat]})).answer
    assert answer == {"seats": 1, "slots": 1}
    assert [hall.day.slot(slot).capacity for slot in (past, coming)] == [4, 3]
    assert len(hall.day.state.find(SEATS_OF_SLOT, past.id)) == 4, "what is over stays as it was"
    assert sorted(hall.map(coming)) == ["A-1", "B-1", "B-2"]
    refused(hall.day.do("seats.retire", {"seat_ids": [seat]}), "NOT_FOUND")
    hall.seats(("A", 2, "stalls"))
    applied(hall.day.do("slot.open_seats", {"slot_id": coming.id}))
    assert hall.map(coming)["A-2"].seat_id != seat


@pytest.mark.parametrize("kind", ["reservation.hold", "reservation.reserve"])
def test_a_seat_that_somebody_has_is_not_retired(kind: str) -> None:
    hall = Hall(2)
    seats = hall.ids("A-1", "A-2")
    args = {"slot_id": hall.slot.id, "seat_ids": seats[:1], "reserved_name": "Ada"}
    claim = applied(hall.day.do(kind, args)).answer["reservation_id"]
    (said,) = refused(hall.day.do("seats.retire", {"seat_ids": seats}), "SEATS_TAKEN")["seats"]
    assert said["seat"] == "A-1"
    assert said["state"] == ("held" if kind == "reservation.hold" else "booked")
    assert len(hall.map()) == 4
    applied(hall.day.do("reservation.cancel", {"reservation_id": claim}))
    applied(hall.day.do("seats.retire", {"seat_ids": seats}))
    assert sorted(hall.map()) == ["B-1", "B-2"]


def test_what_is_not_retired() -> None:
    hall = Hall(1)
    everything = hall.ids("A-1", "B-1")
    refused(hall.day.do("seats.retire", {"seat_ids": everything}), "NO_SEATS")
    refused(hall.day.do("seats.retire", {"seat_ids": [*everything[:1], new_id()]}), "NOT_FOUND")
    refused(hall.day.do("seats.retire", {"seat_ids": everything[:1]}, role="volunteer"), "NOT_ALLOWED")
    assert len(hall.map()) == 2


def test_a_move_between_seated_slots_takes_the_best_seats_there() -> None:
    hall = Hall(3, slots=2)
    here, there = hall.slots
    claim = hall.day.reserve(here, reserved_name="Ada", seat_ids=hall.ids("B-3"))
    applied(hall.day.do("reservation.move", {"reservation_id": claim, "slot_id": there.id}))
    assert hall.states(here) == {}
    assert hall.states(there) == {"A-2": "booked"}


def test_a_slot_stays_in_the_room_whose_seats_it_has() -> None:
    hall = Hall(1)
    block, elsewhere = hall.slot.time_block_id, hall.day.create("location", name="Studio")
    said = refused(hall.day.do("block.update", {"block_id": block, "location_id": elsewhere}), "INVALID")
    assert said["slot_ids"] == [hall.slot.id]
    later = hall.slot.start_time + timedelta(hours=1)
    applied(
        hall.day.do("block.update", {"block_id": block, "start_time": later, "end_time": later + timedelta(minutes=10)})
    )
    assert hall.slot.start_time == later
    hall.hold("A-1")


def test_the_number_of_places_follows_from_the_seats_alone() -> None:
    hall = Hall(1)
    refused(hall.day.do("slot.update", {"slot_id": hall.slot.id, "capacity": 9}), "INVALID")
    args = {"slot_id": hall.slot.id, "reserved_name": "A", "guests": 2, "override_reason": "the mayor"}
    assert refused(hall.day.do("reservation.override", args), "SEATS_TAKEN")["available"] == 2
    assert hall.slot.reserved_count == 0
