"""Capacities that change: counted afresh, overbooked with a reason, and the line served with what is more."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.errors import BELOW_RESERVED, INVALID, NOT_ALLOWED, NOT_FOUND, NOTHING_TO_DO
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import Event, EventTimeBlock
from tests.unit.day import Day, applied, refused
from tests.unit.test_waitlist import join, line_day


def full_day(capacity: int, reserved: int) -> tuple[Day, Any, list[Id]]:
    """A slot with *reserved* places taken, each by a reservation of its own."""
    day, (slot,) = line_day(capacity=capacity)
    return day, slot, [join(day, slot, reserved_name=str(n)) for n in range(reserved)]


def event_of(day: Day, id: Id) -> Event:
    return day.state.rows[Event][id]  # type: ignore[no-any-return]


def block_of(day: Day, id: Id) -> EventTimeBlock:
    return day.state.rows[EventTimeBlock][id]  # type: ignore[no-any-return]


def test_a_slot_takes_fewer_only_with_a_reason() -> None:
    day, slot, _ = full_day(5, 3)
    lower = {"slot_id": slot.id, "capacity": 2}
    assert refused(day.do("slot.update", lower), BELOW_RESERVED) == {
        "slot_id": slot.id, "reserved": 3, "capacity": 2, "was": 5,
    }  # fmt: skip
    refused(day.do("slot.update", {**lower, "override_reason": ""}), INVALID)
    refused(day.do("slot.update", {**lower, "override_reason": "x"}, role="room_manager"), NOT_ALLOWED)
    applied(day.do("slot.update", {**lower, "override_reason": "half the chairs are gone"}))
    assert (day.slot(slot).capacity, day.slot(slot).overbooked_count) == (2, 1)
    applied(day.do("slot.update", {"slot_id": slot.id, "capacity": 3}))
    assert day.slot(slot).overbooked_count == 0
    refused(day.do("slot.update", {"slot_id": slot.id, "capacity": 3}), NOTHING_TO_DO)
    refused(day.do("slot.update", {"slot_id": new_id(), "capacity": 3}), NOT_FOUND)
    refused(day.do("slot.update", lower, programme=new_id()), NOT_FOUND)


def test_what_is_overbooked_may_be_raised_though_it_stays_so() -> None:
    day, slot, _ = full_day(5, 4)
    applied(day.do("slot.update", {"slot_id": slot.id, "capacity": 1, "override_reason": "x"}))
    applied(day.do("slot.update", {"slot_id": slot.id, "capacity": 3}))
    assert (day.slot(slot).capacity, day.slot(slot).overbooked_count) == (3, 1)


def test_more_places_in_a_slot_go_to_whoever_waits() -> None:
    day, slot, claims = full_day(1, 4)
    assert [day.claim(id).claim for id in claims] == ["reserved", "waitlisted", "waitlisted", "waitlisted"]
    assert applied(day.do("slot.update", {"slot_id": slot.id, "capacity": 3})).answer["promoted"] == claims[1:3]
    assert day.slot(slot).reserved_count == 3


@pytest.mark.parametrize("what", ["event", "block"])
def test_a_limit_that_is_new_counts_what_is_reserved(what: str) -> None:
    day, slots = line_day(capacity=4, count=2)
    for slot in (slots[0], slots[0], slots[1]):
        join(day, slot, reserved_name="x", guests=1)
    event_id, block_id = slots[0].event_id, slots[0].time_block_id
    held = day.claim(join(day, slots[1], reserved_name="held"))
    day.put(structs.replace(held, claim="held"))
    gone = join(day, slots[1], reserved_name="gone")
    applied(day.do("reservation.cancel", {"reservation_id": gone}))
    ids = {"event": {"event_id": event_id}, "block": {"block_id": block_id}}[what]
    field = {"event": "capacity", "block": "max_capacity"}[what]

    def row() -> Any:
        return event_of(day, event_id) if what == "event" else block_of(day, block_id)

    assert refused(day.do(f"{what}.update", {**ids, field: 6}), BELOW_RESERVED)["reserved"] == 7
    applied(day.do(f"{what}.update", {**ids, field: 6, "override_reason": "fire brigade"}))
    assert (row().reserved_count, row().overbooked_count) == (7, 1)
    refused(day.do("reservation.reserve", {"slot_id": slots[1].id, "reserved_name": "late"}), f"{what.upper()}_FULL")
    applied(day.do(f"{what}.update", {**ids, field: 7}))
    assert row().overbooked_count == 0
    applied(day.do(f"{what}.update", {**ids, field: None}))
    assert getattr(row(), field) is None
    day.reserve(slots[1], reserved_name="late")
    applied(day.do(f"{what}.update", {**ids, field: 9}))
    assert row().reserved_count == 8, "what came while nothing was limited counts too"


@pytest.mark.parametrize("more", [3, None])
@pytest.mark.parametrize("what", ["event", "block"])
def test_a_limit_raised_or_gone_serves_the_line_of_every_slot(what: str, more: int | None) -> None:
    day, slots = line_day(capacity=3, count=2)
    ids = {"event": {"event_id": slots[0].event_id}, "block": {"block_id": slots[0].time_block_id}}[what]
    field = {"event": "capacity", "block": "max_capacity"}[what]
    applied(day.do(f"{what}.update", {**ids, field: 1}))
    join(day, slots[0], reserved_name="a")
    waiting = [join(day, slot, reserved_name="w") for slot in (slots[1], slots[0])]
    assert [day.claim(id).claim for id in waiting] == ["waitlisted"] * 2
    assert applied(day.do(f"{what}.update", {**ids, field: more})).answer["promoted"] == waiting


def test_an_event_that_is_active_again_or_of_another_order_serves_its_line() -> None:
    day, (slot,) = line_day(capacity=3)
    event = {"event_id": slot.event_id}
    join(day, slot, reserved_name="who stays")
    first = join(day, slot, reserved_name="a", guests=1)
    big, small = join(day, slot, reserved_name="big", guests=1), join(day, slot, reserved_name="small")
    applied(day.do("event.update", {**event, "is_active": False}))
    answer = applied(day.do("reservation.cancel", {"reservation_id": first})).answer
    assert "promoted" not in answer, "an event that is not active gives nothing away"
    applied(day.do("slot.update", {"slot_id": slot.id, "capacity": 2}))
    assert "promoted" not in applied(day.do("event.update", {**event, "is_active": True})).answer, "big goes first"
    assert applied(day.do("event.update", {**event, "waitlist_order": "best_fit"})).answer["promoted"] == [small]
    assert day.claim(big).claim == "waitlisted"
