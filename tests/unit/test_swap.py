"""Two parties take each other's slot at once, or neither does."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock
from server_sync.rules.state import MEMBERS
from tests.unit.day import Day, applied, at, refused
from tests.unit.test_waitlist import join, line_day


def swap(day: Day, one: Id, other: Id, **how: Any) -> Any:
    args = {"reservation_id": one, "with_reservation_id": other}
    more = {name: how.pop(name) for name in ("override_reason", "waive_reason") if name in how}
    return day.do("reservation.swap", args | more, **{"role": "volunteer", **how})


def counts(day: Day, *slots: EventSlot) -> list[tuple[int, int]]:
    return [(day.slot(slot).reserved_count, day.slot(slot).overbooked_count) for slot in slots]


def test_two_full_slots_change_hands() -> None:
    day = Day()
    (here,) = day.slots()
    (there,) = day.slots(start=at(15))
    zoe, ann = day.person("Zoë"), day.person("Ann")
    one, other = day.reserve(here, zoe), day.reserve(there, ann)
    answer = applied(swap(day, one, other)).answer
    assert answer == {
        "reservation_id": one, "slot_id": there.id, "with_reservation_id": other, "with_slot_id": here.id,
    }  # fmt: skip
    for id, slot in ((one, there), (other, here)):
        claim = day.claim(id)
        assert (claim.slot_id, claim.location_id, claim.time_block_id) == (
            slot.id, slot.location_id, slot.time_block_id,
        )  # fmt: skip
        assert (claim.version, claim.placement_version) == (2, 2)
        (member,) = day.state.find(MEMBERS, id)
        assert (member.slot_id, member.start_time, member.live) == (slot.id, slot.start_time, True)
    assert counts(day, here, there) == [(1, 0), (1, 0)]


def test_the_same_two_people_crosswise() -> None:
    """Each is busy at the other's time only with the very reservation that leaves."""
    day = Day()
    (here,) = day.slots(capacity=2)
    (there,) = day.slots(capacity=2, start=at(12, 5))
    zoe, ann = day.person("Zoë"), day.person("Ann")
    one, other = day.reserve(here, zoe), day.reserve(there, ann)
    applied(swap(day, one, other))
    applied(swap(day, one, other))
    assert (day.claim(one).slot_id, day.claim(other).slot_id) == (here.id, there.id)
    both, late = day.slots(2, capacity=2, start=at(15))
    duo, solo = day.reserve(both, zoe, ann), day.reserve(late, zoe)
    applied(swap(day, duo, solo))
    assert {member.slot_id for member in day.state.find(MEMBERS, duo)} == {late.id}


def test_parties_of_different_size_need_room_for_the_difference() -> None:
    day = Day()
    (here,) = day.slots(capacity=3)
    (there,) = day.slots(capacity=2, start=at(15))
    trio, solo = day.reserve(here, reserved_name="Trio", guests=2), day.reserve(there, reserved_name="Solo")
    details = refused(swap(day, trio, solo), "SLOT_FULL")
    assert details == {"slot_id": there.id, "reserved": 1, "capacity": 2, "spots": 2}
    assert counts(day, here, there) == [(3, 0), (1, 0)]
    refused(swap(day, trio, solo, override_reason="the judge is late"), "NOT_ALLOWED")
    applied(swap(day, trio, solo, override_reason="the judge is late", role="admin"))
    assert counts(day, here, there) == [(1, 0), (3, 1)]
    assert day.claim(trio).override_reason == "the judge is late"
    applied(swap(day, trio, solo))
    assert counts(day, here, there) == [(3, 0), (1, 0)]


def test_who_swaps_within_what_is_overbooked_makes_it_no_fuller() -> None:
    day = Day()
    event = day.create("event", name="Limited", capacity=4)
    one_slot, other_slot = day.slots(2, capacity=1, max_capacity=3, event=event)
    one, other = day.reserve(one_slot, day.person()), day.reserve(other_slot, day.person())
    extra = {"slot_id": one_slot.id, "reserved_name": "vip", "guests": 3, "override_reason": "the mayor"}
    applied(day.do("reservation.override", extra))
    applied(swap(day, one, other))
    assert counts(day, one_slot, other_slot) == [(5, 4), (1, 0)]
    block = day.state.rows[EventTimeBlock][one_slot.time_block_id]
    row = day.state.rows[Event][event]
    assert (block.reserved_count, block.overbooked_count) == (6, 3)
    assert (row.reserved_count, row.overbooked_count) == (6, 2)


def test_a_limited_event_and_block_see_only_the_difference() -> None:
    day = Day()
    event = day.create("event", name="Limited", capacity=3)
    (here,) = day.slots(capacity=5, event=event)
    (there,) = day.slots(capacity=5, start=at(15), max_capacity=2)
    duo, solo = day.reserve(here, reserved_name="Duo", guests=1), day.reserve(there, reserved_name="Solo")
    full = day.reserve(there, reserved_name="Other")
    assert refused(swap(day, duo, solo), "BLOCK_FULL")["spots"] == 1
    applied(day.do("reservation.cancel", {"reservation_id": full}))
    applied(swap(day, duo, solo))
    assert day.state.rows[Event][event].reserved_count == 1
    assert day.state.rows[EventTimeBlock][there.time_block_id].reserved_count == 2


def test_a_clash_of_either_refuses_both() -> None:
    day = Day()
    (here,) = day.slots(capacity=2)
    (there,) = day.slots(capacity=2, start=at(15))
    (busy,) = day.slots(start=at(15, 5))
    zoe, ann = day.person("Zoë"), day.person("Ann")
    one, other = day.reserve(here, zoe), day.reserve(there, ann)
    day.reserve(busy, zoe)
    for pair in ((one, other), (other, one)):
        details = refused(swap(day, *pair), "DOUBLE_BOOKED")
        assert (details["participant_id"], details["slot_id"]) == (zoe, busy.id)
    assert (day.claim(one).slot_id, day.claim(other).slot_id) == (here.id, there.id)
    refused(swap(day, one, other, waive_reason="understudy"), "NOT_ALLOWED")
    applied(swap(day, one, other, waive_reason="understudy", role="admin"))
    (member,) = day.state.find(MEMBERS, one)
    assert (member.waived, member.waived_reason) == (True, "understudy")


def test_what_was_seen_and_is_not_so_any_more() -> None:
    day = Day()
    one_slot, other_slot, free = day.slots(3)
    one, other = day.reserve(one_slot, day.person()), day.reserve(other_slot, day.person())
    applied(day.do("reservation.move", {"reservation_id": other, "slot_id": free.id}))
    seen = {f"slot_reservations/{id}": 1 for id in (one, other)}
    assert refused(swap(day, one, other, seen=seen), "MOVED")["reservation_id"] == other
    assert refused(swap(day, other, one, seen=seen), "MOVED")["reservation_id"] == other
    applied(swap(day, one, other, seen=seen | {f"slot_reservations/{other}": 2}))


def test_nonsense() -> None:
    day = Day()
    slot, other_slot = day.slots(2, capacity=2)
    one, same, other = (day.reserve(s, day.person()) for s in (slot, slot, other_slot))
    refused(swap(day, one, one), "INVALID")
    refused(swap(day, one, same), "SAME_SLOT")
    refused(swap(day, one, new_id()), "NOT_FOUND")
    refused(swap(day, new_id(), one), "NOT_FOUND")
    refused(swap(day, one, other, programme=new_id()), "NOT_FOUND")
    refused(swap(day, one, other, role="public"), "NOT_ALLOWED")


@pytest.mark.parametrize(("status", "code"), [("closed", "SLOT_CLOSED"), ("cancelled", "SLOT_CANCELLED")])
def test_nobody_swaps_into_what_takes_nobody(status: Any, code: str) -> None:
    day = Day()
    slot, other_slot = day.slots(2)
    one, other = day.reserve(slot, day.person()), day.reserve(other_slot, day.person())
    day.put(structs.replace(day.slot(other_slot), status=status))
    refused(swap(day, one, other), code)
    refused(swap(day, other, one), code)


def test_what_the_smaller_party_leaves_over_goes_to_the_line() -> None:
    day, (here, there) = line_day(capacity=3, count=2)
    trio = join(day, here, reserved_name="Trio", guests=2)
    solo = join(day, there, reserved_name="Solo")
    waiting = join(day, here, reserved_name="Waits", guests=1)
    assert day.claim(waiting).claim == "waitlisted"
    answer = applied(swap(day, trio, solo)).answer
    assert answer["promoted"] == [waiting]
    assert counts(day, here, there) == [(3, 0), (3, 0)]


def test_what_is_taken_in_addition_is_not_taken_from_who_waits() -> None:
    day, (here, there) = line_day(capacity=3, count=2)
    duo = join(day, here, reserved_name="Duo", guests=1)
    solo = join(day, there, reserved_name="Solo")
    more = join(day, there, reserved_name="More")
    big = join(day, there, reserved_name="Big", guests=2)
    assert [day.claim(id).claim for id in (more, big)] == ["reserved", "waitlisted"]
    refused(swap(day, duo, solo), "LINE_AHEAD")
    applied(day.do("reservation.cancel", {"reservation_id": big}))
    applied(swap(day, duo, solo))
