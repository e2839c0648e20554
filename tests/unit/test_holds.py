"""Holds: what they take and for how long, who gets a seat that ran out, and every change that a seat may undergo."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.ids import new_id
from server_sync.protocol.records import Programme
from tests.unit.day import Day, applied, refused
from tests.unit.hall import Hall, later
from tests.unit.test_waitlist import join, line_day

MINUTE = timedelta(minutes=1)


def settings(day: Day, **said: Any) -> None:
    """The programme's settings."""
    programme = day.state.get(Programme, day.programme)
    assert programme is not None
    day.put(structs.replace(programme, settings=said))


# ------------------------------------------------------------------- the hold


def test_a_hold_takes_its_seats_until_its_time_is_over() -> None:
    hall = Hall()
    answer = applied(
        hall.day.do(
            "reservation.hold",
            {"slot_id": hall.slot.id, "seat_ids": hall.ids("A-1", "B-2"), "reserved_name": "Ada"},
            role="public",
        )
    ).answer
    id, until = answer["reservation_id"], hall.day.now + timedelta(seconds=180)
    assert (answer["claim"], answer["spots"], answer["expires_at"]) == ("held", 2, until)
    assert [(seat["seat"], seat["price"]) for seat in answer["seats"]] in (
        [("A-1", 2500), ("B-2", None)],
        [("B-2", None), ("A-1", 2500)],
    )
    assert hall.states() == {"A-1": "held", "B-2": "held"}
    assert {hall.map()[name].held_until for name in ("A-1", "B-2")} == {until}
    assert {hall.map()[name].reservation_id for name in ("A-1", "B-2")} == {id}
    claim = hall.day.claim(id)
    assert (claim.claim, claim.expires_at, claim.spots, claim.guests) == ("held", until, 2, 1)
    assert hall.slot.reserved_count == 2


@pytest.mark.parametrize(
    ("said", "event", "seconds"),
    [
        ({}, {}, 180),
        ({}, {"price": 0, "fee": 0}, 180),
        ({}, {"price": 1}, 300),
        ({}, {"fee": 1}, 300),
        ({"hold_seconds": 20, "paid_hold_seconds": 40}, {}, 20),
        ({"hold_seconds": 20, "paid_hold_seconds": 40}, {"price": 500}, 40),
        ({"hold_seconds": 0}, {}, 180),
        ({"hold_seconds": -5}, {}, 180),
        ({"hold_seconds": "20"}, {}, 180),
        ({"hold_seconds": True}, {}, 180),
        ({"hold_seconds": 10**9}, {}, 180),
    ],
)
def test_how_long(said: dict[str, Any], event: dict[str, Any], seconds: int) -> None:
    hall = Hall(**event)
    settings(hall.day, **said)
    assert hall.day.claim(hall.hold("A-1")).expires_at == hall.day.now + timedelta(seconds=seconds)


def test_only_an_admin_says_how_long() -> None:
    hall = Hall()
    assert hall.day.claim(hall.hold("A-1", ttl_seconds=5)).expires_at == hall.day.now + timedelta(seconds=5)
    assert hall.cannot_hold("NOT_ALLOWED", "A-2", role="room_manager", ttl_seconds=5)["needs"] == "admin"
    for seconds in (0, -1, 86_401):
        hall.cannot_hold("INVALID", "A-2", role="admin", ttl_seconds=seconds)


def test_all_or_nothing_and_it_says_which() -> None:
    hall = Hall()
    hall.hold("A-2")
    hall.day.reserve(hall.slot, reserved_name="Bea", seat_ids=hall.ids("A-3"))
    before = hall.map()
    details = hall.cannot_hold("SEATS_TAKEN", "A-1", "A-2", "A-3")
    assert details["seat_ids"] == hall.ids("A-2", "A-3")
    assert [(seat["seat"], seat["state"], seat["why"]) for seat in details["seats"]] == [
        ("A-2", "held", "seat is held"),
        ("A-3", "booked", "seat is booked"),
    ]
    assert hall.map() == before
    assert hall.slot.reserved_count == 2


def test_a_full_hall_says_of_seats_by_name_who_has_them_and_else_that_it_is_full() -> None:
    hall = Hall(1)
    hall.hold("A-1", "B-1")
    assert [seat["state"] for seat in hall.cannot_hold("SEATS_TAKEN", "B-1")["seats"]] == ["held"]
    assert hall.cannot_hold("SLOT_FULL")["capacity"] == 2


def test_nobody_else_learns_who_holds() -> None:
    hall = Hall()
    id, ada = hall.hold("A-2"), hall.day.person("Ada")
    said = str(hall.cannot_hold("SEATS_TAKEN", "A-2", participant_ids=[ada]))
    assert id not in said


def test_the_best_together_for_who_names_none() -> None:
    hall = Hall()
    one, two, three = (hall.hold(guests=1) for _ in range(3))
    assert [hall.of(id) for id in (one, two, three)] == [["A-2", "A-3"], ["A-4", "A-5"], ["B-2", "B-3"]]
    hall.hold(guests=2)
    assert hall.cannot_hold("SLOT_FULL", guests=1)["reserved"] == 9


def test_seats_and_people_must_match() -> None:
    hall = Hall()
    ada, bea = hall.day.person("Ada"), hall.day.person("Bea")
    details = hall.cannot_hold("SEATS_NEEDED", "A-1", participant_ids=[ada, bea])
    assert (details["seats"], details["spots"]) == (1, 2)
    assert hall.cannot_hold("SEATS_NEEDED", "A-1", "A-2", guests=4)["spots"] == 5
    assert hall.day.claim(hall.hold("A-1", "A-2", "A-3", participant_ids=[ada, bea])).guests == 1
    assert hall.day.claim(hall.hold("B-1", "B-1")).spots == 1


def test_seats_that_are_not_there() -> None:
    hall = Hall()
    missing = new_id()
    asked = {"slot_id": hall.slot.id, "seat_ids": [missing], "reserved_name": "Ada"}
    assert refused(hall.day.do("reservation.hold", asked), "NOT_FOUND")["seat_ids"] == [missing]
    (plain,) = hall.day.slots(1)
    seats = hall.ids("A-1")
    asked = {"slot_id": plain.id, "seat_ids": seats, "reserved_name": "Ada"}
    assert refused(hall.day.do("reservation.hold", asked), "NO_SEATS")["seat_ids"] == seats


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ({}, "INVALID"),
        ({"slot_id": "here", "event_id": "here", "reserved_name": "Ada"}, "INVALID"),
        ({"slot_id": "here"}, "INVALID"),
        ({"slot_id": "here", "participant_ids": ["nobody"]}, "NOT_FOUND"),
        ({"slot_id": "here", "group_id": "nobody"}, "NOT_FOUND"),
        ({"slot_id": "nowhere", "reserved_name": "Ada"}, "NOT_FOUND"),
        ({"event_id": "nowhere", "reserved_name": "Ada"}, "NOT_FOUND"),
    ],
)
def test_a_hold_of_nobody_or_nowhere(args: dict[str, Any], code: str) -> None:
    hall = Hall()
    ids = {"here": hall.slot.id, "nobody": new_id(), "nowhere": new_id()}
    asked = {
        name: [ids[one] for one in value] if isinstance(value, list) else ids.get(value, value)
        for name, value in args.items()
    }
    refused(hall.day.do("reservation.hold", asked), code)


def test_somebody_else_s_programme() -> None:
    hall = Hall()
    asked = {"slot_id": hall.slot.id, "reserved_name": "Ada"}
    refused(hall.day.do("reservation.hold", asked, programme=new_id()), "NOT_FOUND")


def test_people_are_in_one_place_at_a_time_held_or_not() -> None:
    hall = Hall()
    ada = hall.day.person("Ada")
    hall.hold("A-1", participant_ids=[ada])
    hall.cannot_hold("ALREADY_RESERVED", "A-2", participant_ids=[ada])
    (elsewhere,) = hall.day.slots(1)
    asked = {"slot_id": elsewhere.id, "participant_ids": [ada]}
    refused(hall.day.do("reservation.reserve", asked), "DOUBLE_BOOKED")
    later(hall, seconds=180)
    applied(hall.day.do("reservation.hold", asked))
    assert hall.states() == {}


def test_the_first_slot_of_an_event_that_has_room() -> None:
    day = Day()
    first, second = day.slots(2)
    day.reserve(first, day.person())
    asked = {"event_id": first.event_id, "reserved_name": "Ada"}
    assert applied(day.do("reservation.hold", asked)).answer["slot_id"] == second.id
    refused(day.do("reservation.hold", asked), "SLOT_FULL")


def test_a_closed_slot_takes_no_holds() -> None:
    day = Day()
    (slot,) = day.slots(1)
    day.put(structs.replace(slot, status="closed", status_reason="painting"))
    asked = {"slot_id": slot.id, "reserved_name": "Ada"}
    assert refused(day.do("reservation.hold", asked), "SLOT_CLOSED")["reason"] == "painting"


def test_in_strict_order_a_hold_does_not_pass_who_waits() -> None:
    day, (slot,) = line_day(capacity=3)
    for name in "abc":
        join(day, slot, reserved_name=name)
    big = join(day, slot, reserved_name="big", guests=2)
    first = next(row.id for row in day.state.rows[type(day.claim(big))].values() if row.claim == "reserved")
    assert "promoted" not in applied(day.do("reservation.cancel", {"reservation_id": first})).answer
    details = refused(day.do("reservation.hold", {"slot_id": slot.id, "reserved_name": "late"}), "LINE_AHEAD")
    assert details["waiting"] == 1


# ------------------------------------------------------- what ran out is free


def test_a_plain_hold_that_ran_out_no_longer_has_its_place() -> None:
    day = Day()
    (slot,) = day.slots(1)
    asked = {"slot_id": slot.id, "reserved_name": "Ada"}
    held = applied(day.do("reservation.hold", asked)).answer["reservation_id"]
    day.now += timedelta(seconds=179)
    refused(day.do("reservation.hold", asked), "SLOT_FULL")
    day.now += timedelta(seconds=1)
    applied(day.do("reservation.hold", asked))
    assert day.claim(held).claim == "expired"
    assert day.slot(slot).reserved_count == 1


def test_seats_that_ran_out_and_seats_that_are_free_in_one_hold() -> None:
    hall = Hall()
    first = hall.hold("A-1", "A-2")
    second = hall.hold("B-1")
    later(hall, seconds=200)
    third = hall.hold("A-2", "B-1", "B-2")
    assert [hall.day.claim(id).claim for id in (first, second, third)] == ["expired", "expired", "held"]
    assert hall.states() == {"A-2": "held", "B-1": "held", "B-2": "held"}
    assert hall.map()["A-2"].held_until == hall.day.now + timedelta(seconds=180)
    assert hall.slot.reserved_count == 3


def test_one_seat_with_time_left_spares_the_others() -> None:
    hall = Hall()
    over = hall.hold("A-1", ttl_seconds=10)
    hall.hold("A-2")
    later(hall, seconds=20)
    assert hall.cannot_hold("SEATS_TAKEN", "A-1", "A-2")["seat_ids"] == hall.ids("A-2")
    assert hall.day.claim(over).claim == "held", "a refusal changes nothing"
    hall.hold("A-1")
    assert hall.day.claim(over).claim == "expired"


def test_a_hold_that_ran_out_on_other_seats_is_left_alone() -> None:
    hall = Hall()
    over = hall.hold("A-1")
    later(hall, seconds=200)
    hall.hold("A-2")
    assert hall.day.claim(over).claim == "held"


def test_who_waits_comes_before_who_wants_the_seat_that_ran_out() -> None:
    hall = Hall(1, waitlist_enabled=True)
    hall.hold("A-1")
    hall.hold("B-1", ttl_seconds=3600)
    waiting = {"slot_id": hall.slot.id, "reserved_name": "Bea", "on_full": "waitlist"}
    bea = applied(hall.day.do("reservation.reserve", waiting)).answer["reservation_id"]
    later(hall, seconds=200)
    hall.cannot_hold("SEATS_TAKEN", "A-1")
    overdue = [row.id for row in hall.day.state.rows[type(hall.day.claim(bea))].values() if row.claim == "held"]
    assert applied(hall.day.do("hold.expire", {"reservation_ids": overdue})).answer["promoted"] == [bea]
    assert hall.of(bea) == ["A-1"]
    assert hall.states() == {"A-1": "booked", "B-1": "held"}
