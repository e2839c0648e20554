"""The line: who waits where, in which order, and who is promoted when room comes free."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot
from server_sync.rules.state import MEMBERS
from server_sync.rules.waitlist import place_in_line
from tests.unit.day import Day, applied, refused


def line_day(capacity: int = 1, count: int = 1, **event: Any) -> tuple[Day, list[EventSlot]]:
    """A day with an event that keeps a line."""
    day = Day()
    id = day.create("event", name="Choir", waitlist_enabled=True)
    row = day.state.get(Event, id)
    assert row is not None
    day.put(structs.replace(row, **event))
    return day, day.slots(count, capacity=capacity, event=id)


def join(day: Day, slot: EventSlot, *people: Id, **args: Any) -> Id:
    """The id of a reservation that waits if there is no room; each comes a second after the one before."""
    day.now += timedelta(seconds=1)
    answer = applied(
        day.do("reservation.reserve", {"slot_id": slot.id, "participant_ids": people, "on_full": "waitlist", **args})
    ).answer
    id: Id = answer["reservation_id"]
    return id


def test_who_comes_too_late_waits_and_the_first_of_them_gets_the_place() -> None:
    day, (slot,) = line_day()
    ann, bea, cyd, dot = (day.person(name) for name in ("Ann", "Bea", "Cyd", "Dot"))
    first, second, third = join(day, slot, ann), join(day, slot, bea), join(day, slot, cyd)
    assert [day.claim(id).claim for id in (first, second, third)] == ["reserved", "waitlisted", "waitlisted"]
    assert [place_in_line(day.state, day.claim(id)) for id in (first, second, third)] == [None, 1, 2]
    refused(day.do("reservation.reserve", {"slot_id": slot.id, "participant_ids": [dot]}), "SLOT_FULL")
    refused(
        day.do("reservation.reserve", {"slot_id": slot.id, "participant_ids": [bea], "on_full": "waitlist"}),
        "ALREADY_WAITING",
    )
    answer = applied(day.do("reservation.cancel", {"reservation_id": first})).answer
    assert answer["promoted"] == [second]
    assert day.claim(second).claim == "reserved"
    (member,) = day.state.find(MEMBERS, second)
    assert (member.live, member.waiting) == (True, None)
    assert place_in_line(day.state, day.claim(third)) == 1
    assert day.slot(slot).reserved_count == 1


def test_without_a_line_the_full_event_refuses() -> None:
    day, (slot,) = line_day(waitlist_enabled=False)
    join(day, slot, day.person())
    refused(
        day.do("reservation.reserve", {"slot_id": slot.id, "reserved_name": "B", "on_full": "waitlist"}), "SLOT_FULL"
    )


@pytest.mark.parametrize(("order", "promoted"), [("strict", 0), ("best_fit", 1)])
def test_a_big_party_in_front(order: str, promoted: int) -> None:
    day, (slot,) = line_day(capacity=3, waitlist_order=order)
    one, two, three = (join(day, slot, reserved_name=str(n)) for n in range(3))
    big, small = join(day, slot, reserved_name="big", guests=1), join(day, slot, reserved_name="small")
    answer = applied(day.do("reservation.cancel", {"reservation_id": one})).answer
    assert answer.get("promoted", []) == [small][:promoted]
    if order == "strict":
        refused(day.do("reservation.reserve", {"slot_id": slot.id, "reserved_name": "late"}), "LINE_AHEAD")
        assert applied(day.do("reservation.cancel", {"reservation_id": two})).answer["promoted"] == [big]
    else:
        assert applied(day.do("reservation.cancel", {"reservation_id": two})).answer.get("promoted") is None
        assert applied(day.do("reservation.cancel", {"reservation_id": three})).answer["promoted"] == [big]


def test_the_line_moves_up_when_the_party_in_front_gives_up() -> None:
    day, (slot,) = line_day(capacity=2)
    join(day, slot, reserved_name="a")
    second = join(day, slot, reserved_name="b")
    big, small = join(day, slot, reserved_name="big", guests=1), join(day, slot, reserved_name="small")
    applied(day.do("reservation.cancel", {"reservation_id": second}))
    assert day.claim(small).claim == "waitlisted"
    assert applied(day.do("reservation.cancel", {"reservation_id": big})).answer["promoted"] == [small]


def test_waiting_for_any_slot_of_the_event() -> None:
    day, slots = line_day(count=3)
    claims = [join(day, slot, day.person()) for slot in slots]
    zoe = day.person()
    args = {"event_id": slots[0].event_id, "participant_ids": [zoe], "on_full": "waitlist"}
    waiting = applied(day.do("reservation.reserve", args)).answer["reservation_id"]
    refused(day.do("reservation.reserve", args), "ALREADY_WAITING")
    assert applied(day.do("reservation.cancel", {"reservation_id": claims[1]})).answer["promoted"] == [waiting]
    assert day.claim(waiting).slot_id == slots[1].id
    refused(day.do("reservation.reserve", args), "ALREADY_RESERVED")


def test_who_is_somewhere_else_by_now_is_passed_and_keeps_the_place_in_line() -> None:
    day, (slot,) = line_day()
    (elsewhere,) = day.slots(1)
    first, ann = join(day, slot, day.person()), day.person("Ann")
    waiting, behind = join(day, slot, ann), join(day, slot, day.person("Bea"))
    day.reserve(elsewhere, ann)
    assert applied(day.do("reservation.cancel", {"reservation_id": first})).answer["promoted"] == [behind]
    assert place_in_line(day.state, day.claim(waiting)) == 1


def test_a_place_freed_in_a_limited_event_goes_to_whoever_waits_for_it_anywhere() -> None:
    day, slots = line_day(capacity=2, count=2)
    day.put(structs.replace(applied_event(day, slots[0].event_id), capacity=2))
    first = join(day, slots[0], reserved_name="a")
    join(day, slots[0], reserved_name="b")
    waiting = join(day, slots[1], reserved_name="c")
    assert day.claim(waiting).claim == "waitlisted", "the event is full though the slot is not"
    assert applied(day.do("reservation.cancel", {"reservation_id": first})).answer["promoted"] == [waiting]


def applied_event(day: Day, id: Id) -> Event:
    """The event's row."""
    row = day.state.get(Event, id)
    assert row is not None
    return row


def test_an_override_goes_past_a_full_slot_and_nobody_is_promoted_while_it_is_overbooked() -> None:
    day, (slot,) = line_day()
    first, waiting = join(day, slot, reserved_name="a"), join(day, slot, reserved_name="b")
    refused(day.do("reservation.override", {"slot_id": slot.id, "reserved_name": "vip"}), "REASON_NEEDED")
    args = {"slot_id": slot.id, "reserved_name": "vip", "override_reason": "the mayor"}
    refused(day.do("reservation.override", args, role="volunteer"), "NOT_ALLOWED")
    applied(day.do("reservation.override", args))
    assert (day.slot(slot).reserved_count, day.slot(slot).overbooked_count) == (2, 1)
    assert "promoted" not in applied(day.do("reservation.cancel", {"reservation_id": first})).answer
    assert (day.slot(slot).reserved_count, day.slot(slot).overbooked_count) == (1, 0)
    assert day.claim(waiting).claim == "waitlisted"


def test_a_move_leaves_its_place_to_the_line() -> None:
    day, slots = line_day(count=2)
    first, waiting = join(day, slots[0], reserved_name="a"), join(day, slots[0], reserved_name="b")
    answer = applied(day.do("reservation.move", {"reservation_id": first, "slot_id": slots[1].id})).answer
    assert answer["promoted"] == [waiting]
