"""Blocks and the slots that they split into."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.errors import (
    INVALID,
    MANUAL_SLOTS,
    NOT_ALLOWED,
    NOT_FOUND,
    ROOM_TAKEN,
)
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import EventSlot, EventTimeBlock
from server_sync.rules.state import ROOMS_OF_EVENT, SLOTS_OF_BLOCK
from tests.unit.day import NOON, Day, applied, at, refused


def block_args(day: Day, **more: Any) -> dict[str, Any]:
    return {
        "event_id": day.create("event", name="A"),
        "location_id": day.create("location", name="Hall"),
        "start_time": at(9),
        "end_time": at(10),
        **more,
    }


def test_a_block_that_is_its_own_slot() -> None:
    day = Day()
    verdict = applied(day.do("block.create", block_args(day, capacity=12)))
    (slot,) = day.state.find(SLOTS_OF_BLOCK, verdict.answer["id"])
    assert (slot.start_time, slot.end_time, slot.capacity, slot.slot_number) == (at(9), at(10), 12, 1)
    assert len(day.state.find(ROOMS_OF_EVENT, slot.event_id)) == 1, "the event uses the room now"


def test_a_block_to_be_split_or_filled_by_hand_has_no_slots_yet() -> None:
    for more in ({"slot_duration_minutes": 10}, {"manual_slots": True}):
        day = Day()
        verdict = applied(day.do("block.create", block_args(day, **more)))
        assert day.state.find(SLOTS_OF_BLOCK, verdict.answer["id"]) == []


def test_an_event_uses_a_room_once() -> None:
    day = Day()
    args = block_args(day)
    applied(day.do("block.create", args))
    applied(day.do("block.create", {**args, "start_time": at(10), "end_time": at(11)}))
    assert len(day.state.find(ROOMS_OF_EVENT, args["event_id"])) == 1


def test_blocks_refused() -> None:
    day = Day()
    args = block_args(day)
    assert refused(day.do("block.create", {**args, "end_time": at(9)}), INVALID)["field"] == "end_time"
    refused(day.do("block.create", {**args, "manual_slots": True, "slot_duration_minutes": 5}), INVALID)
    refused(day.do("block.create", {**args, "event_id": new_id()}), NOT_FOUND)
    refused(day.do("block.create", {**args, "location_id": new_id()}), NOT_FOUND)
    refused(day.do("block.create", args, programme=new_id()), NOT_FOUND)
    refused(day.do("block.create", {**args, "slot_duration_minutes": 0}), INVALID)
    refused(day.do("block.create", args, role="room_manager"), NOT_ALLOWED)


def test_a_room_is_in_use_by_one_block_at_a_time() -> None:
    day = Day()
    args = block_args(day)
    first = applied(day.do("block.create", args)).answer["id"]
    overlapping = {**args, "start_time": at(9, 59), "end_time": at(11)}
    assert refused(day.do("block.create", overlapping), ROOM_TAKEN)["block_id"] == first
    applied(day.do("block.create", {**args, "start_time": at(10), "end_time": at(11)}))


def test_a_waiver_lets_two_blocks_share_and_is_seen_by_the_next() -> None:
    day = Day()
    args = block_args(day)
    applied(day.do("block.create", args))
    waived = applied(day.do("block.create", {**args, "waive_reason": "two halves of one hall"})).answer["id"]
    row = day.state.get(EventTimeBlock, waived)
    assert row is not None
    assert (row.waived, row.waived_reason) == (True, "two halves of one hall")
    free = applied(day.do("block.create", {**args, "start_time": at(11), "end_time": at(12), "waive_reason": "x"}))
    row = day.state.get(EventTimeBlock, free.answer["id"])
    assert row is not None
    assert not row.waived, "nothing was in the way"
    assert row.waived_reason is None
    # the first block leaves: the waived one, which no constraint guards, still stands in the way
    (first,) = [b for b in day.state.rows[EventTimeBlock].values() if b.start_time == at(9) and not b.waived]
    day.put(structs.replace(first, status="cancelled"))
    assert refused(day.do("block.create", args), ROOM_TAKEN)["block_id"] == waived


def test_a_cancelled_block_is_not_in_the_way() -> None:
    day = Day()
    args = block_args(day)
    first = applied(day.do("block.create", args)).answer["id"]
    day.put(structs.replace(day.state.rows[EventTimeBlock][first], status="cancelled"))
    applied(day.do("block.create", args))


def test_slots_fit_whole_and_are_numbered_by_time() -> None:
    day = Day()
    block = applied(day.do("block.create", block_args(day, slot_duration_minutes=25))).answer["id"]
    answer = applied(day.do("block.generate_slots", {"block_id": block, "capacity": 3})).answer
    assert answer == {"block_id": block, "slots": 2, "kept": 0}
    slots = day.state.find(SLOTS_OF_BLOCK, block)
    spans = sorted((slot.slot_number, slot.start_time, slot.end_time, slot.capacity) for slot in slots)
    assert spans == [(1, at(9), at(9, 25), 3), (2, at(9, 25), at(9, 50), 3)]


def test_generating_twice_changes_nothing() -> None:
    day = Day()
    slots = day.slots(6, capacity=2)
    again = applied(day.do("block.generate_slots", {"block_id": slots[0].time_block_id, "capacity": 2}))
    assert again.puts == []
    assert again.answer["slots"] == 6


def test_another_duration_replaces_what_nobody_claimed() -> None:
    day = Day()
    slots = day.slots(6)
    block = slots[0].time_block_id
    applied(day.do("block.generate_slots", {"block_id": block, "slot_duration_minutes": 15}))
    now = day.state.find(SLOTS_OF_BLOCK, block)
    assert sorted((slot.slot_number, slot.start_time.minute) for slot in now) == [(1, 0), (2, 15), (3, 30), (4, 45)]
    assert all(day.slot(slot).deleted for slot in slots)
    assert day.state.rows[EventTimeBlock][block].slot_duration_minutes == 15


def test_claimed_slots_stay_as_they_are() -> None:
    day = Day()
    slots = day.slots(6)
    claim = day.reserve(slots[1], day.person())
    block = slots[0].time_block_id
    answer = applied(day.do("block.generate_slots", {"block_id": block, "slot_duration_minutes": 15})).answer
    now = sorted(day.state.find(SLOTS_OF_BLOCK, block), key=lambda slot: slot.slot_number)
    assert answer["kept"] == 1
    assert [(slot.start_time.minute, slot.end_time.minute) for slot in now] == [(10, 20), (30, 45), (45, 0)]
    assert now[0].id == slots[1].id == day.claim(claim).slot_id
    assert now[0].reserved_count == 1
    # and back again: the unclaimed ones return under new ids
    applied(day.do("block.generate_slots", {"block_id": block, "slot_duration_minutes": 10}))
    now = sorted(day.state.find(SLOTS_OF_BLOCK, block), key=lambda slot: slot.slot_number)
    assert [slot.start_time.minute for slot in now] == [0, 10, 20, 30, 40, 50]
    assert now[1].id == slots[1].id


def test_a_slot_somebody_waits_for_or_an_admin_made_stays() -> None:
    day = Day()
    slots = day.slots(3)
    claim = day.claim(day.reserve(slots[0], day.person()))
    day.put(structs.replace(claim, claim="waitlisted"), structs.replace(day.slot(slots[1]), created_by_admin=True))
    block = slots[0].time_block_id
    answer = applied(day.do("block.generate_slots", {"block_id": block, "slot_duration_minutes": 30})).answer
    assert answer == {"block_id": block, "slots": 2, "kept": 2}
    assert [day.slot(slot).deleted for slot in slots] == [None, None, True]


def generate(day: Day, block: Id, **args: Any) -> dict[str, Any]:
    return applied(day.do("block.generate_slots", {"block_id": block, **args})).answer


def standing_slots(day: Day, block: Id) -> list[EventSlot]:
    return sorted(day.state.find(SLOTS_OF_BLOCK, block), key=lambda slot: slot.slot_number)


def test_a_slot_with_people_keeps_its_capacity_and_the_others_take_the_new_one() -> None:
    day = Day()
    slots = day.slots(3, capacity=3)
    block = slots[0].time_block_id
    day.reserve(slots[0], day.person(), guests=1)
    day.reserve(slots[1], day.person())
    override = {"slot_id": slots[1].id, "participant_ids": [day.person()], "guests": 2, "override_reason": "asked"}
    applied(day.do("reservation.override", override))
    before = [day.slot(slot) for slot in slots[:2]]
    assert before[1].overbooked_count == 1
    generate(day, block, capacity=1)
    assert [day.slot(slot) for slot in slots[:2]] == before
    assert day.slot(slots[2]).capacity == 1
    generate(day, block, capacity=9)
    assert [day.slot(slot) for slot in slots[:2]] == before
    assert day.slot(slots[2]).capacity == 9


def test_without_a_capacity_slots_stay_as_they_are_and_new_ones_are_like_them() -> None:
    day = Day()
    slots = day.slots(6, capacity=3)
    block = slots[0].time_block_id
    applied(day.do("slot.update", {"slot_id": slots[5].id, "capacity": 8}))
    assert generate(day, block)["slots"] == 6
    assert [day.slot(slot).capacity for slot in slots] == [3, 3, 3, 3, 3, 8]
    generate(day, block, slot_duration_minutes=15)
    assert [slot.capacity for slot in standing_slots(day, block)] == [3, 3, 3, 3]


def test_a_closed_slot_stays_closed() -> None:
    day = Day()
    slots = day.slots(3)
    block = slots[0].time_block_id
    applied(day.do("slot.block", {"slot_id": slots[1].id, "reason": "the judges eat"}))
    generate(day, block, slot_duration_minutes=5)
    now = [(slot.start_time.minute, slot.end_time.minute, slot.status) for slot in standing_slots(day, block)]
    assert now == [(0, 5, "open"), (5, 10, "open"), (10, 20, "closed"), (20, 25, "open"), (25, 30, "open")]


def test_an_ended_claim_keeps_its_slot_and_can_be_reinstated() -> None:
    day = Day()
    slots = day.slots(3)
    claim = day.reserve(slots[0], day.person())
    applied(day.do("reservation.cancel", {"reservation_id": claim}))
    generate(day, slots[0].time_block_id, slot_duration_minutes=15)
    assert day.slot(slots[0]).deleted is None
    applied(day.do("reservation.reinstate", {"reservation_id": claim}))
    assert day.claim(claim).claim == "reserved"


def test_what_was_cancelled_is_in_nobodys_way() -> None:
    day = Day()
    slots = day.slots(3)
    block = slots[0].time_block_id
    day.reserve(slots[0], day.person())
    applied(day.do("slot.cancel", {"slot_id": slots[0].id, "reason": "no piano"}))
    applied(day.do("slot.cancel", {"slot_id": slots[1].id, "reason": "no piano"}))
    generate(day, block, slot_duration_minutes=15)
    now = [
        (slot.slot_number, slot.start_time.minute, slot.end_time.minute, slot.status)
        for slot in standing_slots(day, block)
    ]
    assert now == [(1, 0, 10, "cancelled"), (2, 0, 15, "open"), (3, 15, 30, "open")]


def test_generating_refused() -> None:
    day = Day()
    args = block_args(day)
    by_hand = applied(day.do("block.create", {**args, "manual_slots": True})).answer["id"]
    refused(day.do("block.generate_slots", {"block_id": by_hand}), MANUAL_SLOTS)
    refused(day.do("block.generate_slots", {"block_id": new_id()}), NOT_FOUND)
    refused(day.do("block.generate_slots", {"block_id": by_hand}, programme=new_id()), NOT_FOUND)
    whole = applied(day.do("block.create", {**args, "start_time": at(11), "end_time": at(12)})).answer["id"]
    refused(day.do("block.generate_slots", {"block_id": whole}), INVALID)
    refused(day.do("block.generate_slots", {"block_id": whole, "slot_duration_minutes": 61}), INVALID)


@pytest.mark.parametrize("days", [2, 40_000])
def test_too_many_slots_are_refused_at_once(days: int) -> None:
    day = Day()
    args = block_args(day, start_time=NOON, end_time=NOON + timedelta(days=days), slot_duration_minutes=1)
    block = applied(day.do("block.create", args)).answer["id"]
    assert str(days * 1440) in refused(day.do("block.generate_slots", {"block_id": block}), INVALID)["problem"]


def test_a_derived_id_is_the_same_wherever_it_is_derived() -> None:
    day = Day()
    block = applied(day.do("block.create", block_args(day, slot_duration_minutes=30))).answer["id"]
    command = day.readable("block.generate_slots", {"block_id": block})
    verdict = applied(day.decide(command))
    made = [row.id for row in verdict.puts if isinstance(row, EventSlot)]
    assert made == [command.derive(1), command.derive(2)]
