"""Holds beyond their time: they stand in nobody's way, and those in line come before whoever comes now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from server_sync.protocol.records import EventSlot
from tests.unit.day import applied, at, refused, reservation_id
from tests.unit.hall import Hall
from tests.unit.test_line_moves_on import cancel, hold, seats
from tests.unit.test_waitlist import join, line_day


def test_a_hold_that_ran_out_keeps_nobody_from_being_next() -> None:
    """The head's own hold elsewhere: a cancellation promotes the head, not whoever stands behind."""
    day, (slot,) = line_day()
    other = day.slots()[0]
    first, zoe = join(day, slot, reserved_name="first"), day.person()
    head, behind = join(day, slot, zoe), join(day, slot, reserved_name="behind")
    held = hold(day, other, zoe)
    day.now += timedelta(minutes=4)
    assert cancel(day, first)["promoted"] == [head]
    assert (day.claim(held).claim, day.claim(behind).claim) == ("expired", "waitlisted")


def test_newcomers_dont_pass_somebody_whose_hold_ran_out() -> None:
    day, (slot,) = line_day(capacity=2)
    first, zoe = join(day, slot, reserved_name="first", guests=1), day.person()
    head = join(day, slot, zoe)
    hold(day, day.slots()[0], zoe)
    assert "promoted" not in cancel(day, first)
    reservation_id(day.do("reservation.reserve", {"slot_id": slot.id, "reserved_name": "while she is elsewhere"}))
    day.now += timedelta(minutes=4)
    refused(day.do("reservation.reserve", {"slot_id": slot.id, "reserved_name": "newcomer"}), "LINE_AHEAD")
    assert day.claim(head).claim == "waitlisted"


def test_what_ran_out_goes_to_the_line_before_somebody_takes_what_is_free() -> None:
    """Best fit: a hold of one ran out beside one free place, and a party of two waits for both."""
    day, (slot,) = line_day(capacity=3, waitlist_order="best_fit")
    join(day, slot, reserved_name="in")
    held = hold(day, slot, reserved_name="held")
    pair = join(day, slot, reserved_name="pair", guests=1)
    day.now += timedelta(minutes=4)
    refused(day.do("reservation.reserve", {"slot_id": slot.id, "reserved_name": "newcomer"}), "SLOT_FULL")
    waiting = join(day, slot, reserved_name="newcomer")
    assert (day.claim(held).claim, day.claim(pair).claim) == ("expired", "reserved")
    assert day.claim(waiting).claim == "waitlisted"


def test_a_hold_that_ran_out_frees_another_events_line_on_the_way() -> None:
    day, (slot,) = line_day()
    other_day_event = day.create("event", name="Other", waitlist_enabled=True)
    (other,) = day.slots(1, event=other_day_event)
    zoe = day.person()
    first, head = join(day, slot, reserved_name="first"), join(day, slot, zoe)
    hold(day, other, zoe)
    there = join(day, other, reserved_name="waits there")
    day.now += timedelta(minutes=4)
    assert set(cancel(day, first)["promoted"]) == {head, there}


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("slot.update", {"capacity": 1}),
        ("block.update", {"max_capacity": 1}),
        ("event.update", {"capacity": 1}),
        ("slot.update", {"start_time": at(12, 30), "end_time": at(12, 35)}),
        ("block.update", {"start_time": at(13), "end_time": at(13, 10)}),
    ],
)
def test_what_ran_out_is_in_no_admins_way(kind: str, args: dict[str, Any]) -> None:
    day, (slot,) = line_day(capacity=2)
    if "capacity" in args or "max_capacity" in args:
        join(day, slot, reserved_name="in")
    elif kind == "slot.update":
        applied(day.do("block.update", {"block_id": slot.time_block_id, "end_time": at(13)}))
    held = hold(day, slot, reserved_name="held")
    ids = {"slot": slot.id, "block": slot.time_block_id, "event": slot.event_id}
    what = kind.partition(".")[0]
    code = "BELOW_RESERVED" if "capacity" in str(args) else "HAS_PEOPLE"
    refused(day.do(kind, {f"{what}_id": ids[what], **args}), code)
    day.now += timedelta(minutes=4)
    applied(day.do(kind, {f"{what}_id": ids[what], **args}))
    assert day.claim(held).claim == "expired"


def test_seats_are_opened_and_retired_past_what_ran_out() -> None:
    hall = Hall(2)
    day, slot = hall.day, hall.slot
    held = hold(day, slot, reserved_name="held")
    taken = seats(hall, held)
    refused(day.do("seats.retire", {"seat_ids": taken}), "SEATS_TAKEN")
    day.now += timedelta(minutes=4)
    applied(day.do("seats.retire", {"seat_ids": taken}))
    assert day.claim(held).claim == "expired"


def test_a_hold_that_ran_out_is_reinstated_like_one_that_was_ended() -> None:
    day, (slot,) = line_day()
    held = hold(day, slot, reserved_name="held")
    day.now += timedelta(minutes=4)
    seen = {f"slot_reservations/{held}": 1}
    applied(day.do("reservation.reinstate", {"reservation_id": held, "version": 1}, seen=seen))
    assert (day.claim(held).claim, day.claim(held).expires_at) == ("reserved", None)
    late = hold(day, (day.slots(1, event=slot.event_id, start=at(14)))[0], reserved_name="late")
    waiting = join(day, day.state.get(EventSlot, day.claim(late).slot_id) or slot, reserved_name="waits")
    day.now += timedelta(minutes=4)
    refused(day.do("reservation.reinstate", {"reservation_id": late}), "SLOT_FULL")  # it is the line's
    assert day.claim(waiting).claim == "waitlisted", "a refusal changes nothing"


def test_a_party_grows_into_a_seat_that_somebody_held_too_long() -> None:
    hall = Hall(2)
    day, slot = hall.day, hall.slot
    mine = reservation_id(day.do("reservation.reserve", {"slot_id": slot.id, "reserved_name": "mine"}))
    held = hold(day, slot, reserved_name="held")
    (seat,) = seats(hall, held)
    day.now += timedelta(minutes=4)
    applied(day.do("reservation.update", {"reservation_id": mine, "guests": 1, "seat_ids": [seat]}))
    assert seat in seats(hall, mine)


def test_promoting_two_succeeds_where_the_line_serves_the_second_on_the_way() -> None:
    day, (slot,) = line_day(capacity=2)
    for name in ("one", "two"):
        hold(day, slot, reserved_name=name)
    waiting = [join(day, slot, reserved_name=f"waits {n}") for n in range(2)]
    day.now += timedelta(minutes=4)
    answer = applied(day.do("waitlist.promote", {"reservation_ids": waiting})).answer
    assert [result["claim"] for result in answer["results"]] == ["reserved", "reserved"]


def test_what_ran_out_keeps_nothing_from_leaving() -> None:
    day, (slot,) = line_day()
    zoe = day.person()
    held = hold(day, slot, zoe)
    refused(day.do("slot.retire", {"slot_id": slot.id}), "HAS_PEOPLE")
    refused(day.do("participant.retire", {"participant_id": zoe}), "HAS_PEOPLE")
    day.now += timedelta(minutes=4)
    applied(day.do("participant.retire", {"participant_id": zoe}))
    applied(day.do("slot.retire", {"slot_id": slot.id}))
    assert day.claim(held).deleted


def test_slots_are_generated_anew_past_what_ran_out() -> None:
    day, (slot,) = line_day(capacity=2)
    held = hold(day, slot, reserved_name="held")
    day.now += timedelta(minutes=4)
    applied(day.do("block.generate_slots", {"block_id": slot.time_block_id, "capacity": 3}))
    assert (day.slot(slot).capacity, day.claim(held).claim) == (3, "expired")
