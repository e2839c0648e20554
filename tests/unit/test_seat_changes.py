"""Holds end, and every change that a seat may and may not undergo."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from server_sync.protocol.ids import Id, new_id
from server_sync.rules.draft import Draft
from server_sync.rules.seating import book
from server_sync.rules.state import MEMBERS
from tests.unit.day import applied, refused
from tests.unit.hall import SEAT_CHANGES, Hall, later
from tests.unit.test_waitlist import join, line_day

MINUTE = timedelta(minutes=1)

# ------------------------------------------------------------------ to expire


def test_to_expire_frees_everything_and_is_best_effort() -> None:
    hall = Hall()
    ada = hall.day.person("Ada")
    over, going = hall.hold("A-1", participant_ids=[ada]), hall.hold("A-2", ttl_seconds=3600)
    booked, missing = hall.day.reserve(hall.slot, reserved_name="Bea"), new_id()
    later(hall, seconds=200)
    answer = applied(hall.day.do("hold.expire", {"reservation_ids": [over, going, booked, missing, over]})).answer
    assert answer["expired"] == [over]
    assert answer["left"] == {going: "NOT_EXPIRED", booked: "NOT_HELD", missing: "NOT_FOUND"}
    assert "A-1" not in hall.states()
    (member,) = hall.day.state.find(MEMBERS, over)
    assert not member.live
    assert hall.slot.reserved_count == 2


@pytest.mark.parametrize(
    ("which", "code"), [("going", "NOT_EXPIRED"), ("booked", "NOT_HELD"), ("gone", "NOT_HELD"), ("x", "NOT_FOUND")]
)
def test_nothing_to_expire(which: str, code: str) -> None:
    hall = Hall()
    ids = {
        "going": hall.hold("A-1"),
        "booked": hall.day.reserve(hall.slot, reserved_name="B"),
        "gone": hall.hold("B-1"),
    }
    applied(hall.day.do("reservation.cancel", {"reservation_id": ids["gone"]}))
    id = ids.get(which, new_id())
    later(hall, seconds=179)
    assert refused(hall.day.do("hold.expire", {"reservation_ids": [id]}), code)["left"] == {id: code}


def test_who_may_expire() -> None:
    hall = Hall()
    id = hall.hold("A-1")
    later(hall, seconds=200)
    refused(hall.day.do("hold.expire", {"reservation_ids": [id]}, role="room_manager"), "NOT_ALLOWED")
    refused(hall.day.do("hold.expire", {"reservation_ids": []}), "INVALID")
    refused(hall.day.do("hold.expire", {"reservation_ids": [id]}, programme=new_id()), "NOT_FOUND")


def test_several_that_expire_together_serve_the_line_once() -> None:
    day, (slot,) = line_day(capacity=3)
    asked = {"slot_id": slot.id, "reserved_name": "Ada"}
    held = [applied(day.do("reservation.hold", asked)).answer["reservation_id"] for _ in range(3)]
    trio = join(day, slot, reserved_name="trio", guests=2)
    day.now += 5 * MINUTE
    assert applied(day.do("hold.expire", {"reservation_ids": held})).answer["promoted"] == [trio]


# ------------------------------------------------- every change of one seat


def _hold(hall: Hall, id: Id) -> Any:
    return hall.day.do("reservation.hold", {"slot_id": hall.slot.id, "seat_ids": hall.ids("A-1"), "reserved_name": "E"})


def _reserve(hall: Hall, id: Id) -> Any:
    asked = {"slot_id": hall.slot.id, "seat_ids": hall.ids("A-1"), "reserved_name": "E"}
    return hall.day.do("reservation.reserve", asked)


def _confirm(hall: Hall, id: Id) -> Any:
    return hall.day.do("reservation.confirm", {"reservation_id": id})


def _cancel(hall: Hall, id: Id) -> Any:
    return hall.day.do("reservation.cancel", {"reservation_id": id})


def _expire(hall: Hall, id: Id) -> Any:
    return hall.day.do("hold.expire", {"reservation_ids": [id]})


def seat_in(state: str) -> tuple[Hall, Id]:
    """A hall whose seat A-1 is in that state, and the claim that has it (or had it, or never was)."""
    hall, id = Hall(), new_id()
    if state in ("held", "overdue", "released"):
        id = hall.hold("A-1")
    if state == "booked":
        id = hall.day.reserve(hall.slot, reserved_name="Ada", seat_ids=hall.ids("A-1"))
    if state == "released":
        applied(_cancel(hall, id))
    if state == "overdue":
        later(hall, seconds=180)
    return hall, id


ACTS: dict[str, Any] = {"hold": _hold, "reserve": _reserve, "confirm": _confirm, "cancel": _cancel, "expire": _expire}


@pytest.mark.parametrize(
    ("state", "act", "becomes"),
    SEAT_CHANGES,
)
def test_every_change_of_a_seat(state: str, act: str, becomes: str) -> None:
    hall, id = seat_in(state)
    before = hall.map()["A-1"]
    verdict = ACTS[act](hall, id)
    seat = hall.map()["A-1"]
    if becomes.isupper():
        refused(verdict, becomes)
        assert seat == before
    else:
        applied(verdict)
        assert seat.state == becomes
        assert (seat.reservation_id is None) == (becomes == "available")
        assert (seat.held_until is not None) == (becomes == "held")


def test_booking_what_is_held() -> None:
    hall = Hall()
    id = hall.hold("A-1", "A-2")
    draft = Draft(hall.day.state)
    book(draft, hall.day.claim(id))
    hall.day.put(*draft.puts)
    assert hall.states() == {"A-1": "booked", "A-2": "booked"}
    assert {hall.map()[name].held_until for name in ("A-1", "A-2")} == {None}
