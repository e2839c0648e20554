"""Postponing: blocks, slots and people together, and what they meet at the other time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from server_sync.protocol.errors import (
    CANCELLED,
    DOUBLE_BOOKED,
    INVALID,
    NOT_ALLOWED,
    NOT_FOUND,
    NOTHING_TO_DO,
    ROOM_TAKEN,
)
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, ReservationMember
from server_sync.rules.state import MEMBERS
from tests.unit.day import Day, applied, at, refused
from tests.unit.test_waitlist import join, line_day


def member(day: Day, claim: Id) -> ReservationMember:
    """The one who is in a reservation."""
    (row,) = day.state.find(MEMBERS, claim)
    return row  # type: ignore[no-any-return]


def block_of(day: Day, slot: EventSlot) -> EventTimeBlock:
    """The block of a slot, as it is now."""
    return day.state.rows[EventTimeBlock][slot.time_block_id]  # type: ignore[no-any-return]


@pytest.mark.parametrize("what", ["event", "block", "location"])
@pytest.mark.parametrize("how", [{"minutes": 45}, {"start_time": at(12, 45)}])
def test_everything_moves_together(what: str, how: dict[str, Any]) -> None:
    day, slots = line_day(count=2)
    inside, waiting = join(day, slots[0], day.person()), join(day, slots[0], day.person())
    gone = join(day, slots[1], day.person())
    applied(day.do("reservation.cancel", {"reservation_id": gone}))
    applied(day.do("event.update", {"event_id": slots[0].event_id, "master_start": at(9), "master_end": at(20)}))
    versions = [(day.claim(id).version, day.claim(id).placement_version) for id in (inside, waiting)]
    ids = {"event": slots[0].event_id, "block": slots[0].time_block_id, "location": slots[0].location_id}
    answer = applied(day.do(f"{what}.postpone", {f"{what}_id": ids[what], **how})).answer
    assert [day.slot(slot).start_time for slot in slots] == [at(12, 45), at(12, 55)]
    assert (block_of(day, slots[0]).start_time, block_of(day, slots[0]).end_time) == (at(12, 45), at(13, 5))
    for id in (inside, waiting):
        assert (member(day, id).start_time, member(day, id).end_time) == (at(12, 45), at(12, 55))
    now = [(day.claim(id).version, day.claim(id).placement_version) for id in (inside, waiting)]
    assert now == [(version + 1, placement + 1) for version, placement in versions]
    assert {entry["reservation_id"] for entry in answer["moved"]} == {inside, waiting}
    assert (answer["minutes"], answer["counts"]["moved"], answer["counts"]["clashes"]) == (45, 2, 0)
    event = day.state.rows[Event][slots[0].event_id]
    assert event.master_start == (at(9, 45) if what == "event" else at(9))
    assert member(day, gone).start_time == at(12, 10), "what was cancelled is history"


def test_postponing_refused() -> None:
    day, (slot,) = line_day()
    block = {"block_id": slot.time_block_id}
    refused(day.do("block.postpone", block), INVALID)
    refused(day.do("block.postpone", {**block, "minutes": 5, "start_time": at(13)}), INVALID)
    refused(day.do("block.postpone", {**block, "minutes": 0}), NOTHING_TO_DO)
    refused(day.do("block.postpone", {**block, "start_time": at(12)}), NOTHING_TO_DO)
    refused(day.do("block.postpone", {**block, "minutes": 10**7}), INVALID)
    refused(day.do("block.postpone", {**block, "start_time": "2200-12-31T23:55:00Z"}), INVALID)
    refused(day.do("block.postpone", {**block, "minutes": 5}, role="room_manager"), NOT_ALLOWED)
    refused(day.do("block.postpone", {"block_id": new_id(), "minutes": 5}), NOT_FOUND)
    refused(day.do("event.postpone", {"event_id": day.create("event", name="B"), "minutes": 5}), NOTHING_TO_DO)
    room = day.create("location", name="Empty")
    refused(day.do("location.postpone", {"location_id": room, "minutes": 5}), NOTHING_TO_DO)
    applied(day.do("block.cancel", {**block, "reason": "x"}))
    assert refused(day.do("block.postpone", {**block, "minutes": 5}), CANCELLED)["reason"] == "x"
    refused(day.do("event.postpone", {"event_id": slot.event_id, "minutes": 5}), CANCELLED)


def test_a_time_that_is_not_there_yet_moves_with_its_event() -> None:
    day = Day()
    event = day.create("event", name="A", master_start=at(9), master_end=at(10))
    applied(day.do("event.postpone", {"event_id": event, "start_time": at(11)}))
    row = day.state.rows[Event][event]
    assert (row.master_start, row.master_end) == (at(11), at(12))


def test_a_block_may_overlap_the_time_that_it_leaves() -> None:
    day, slots = line_day(count=3)
    zoe = day.person()
    claims = [join(day, slot, zoe) for slot in slots]
    applied(day.do("block.postpone", {"block_id": slots[0].time_block_id, "minutes": 10}))
    assert [member(day, id).start_time for id in claims] == [at(12, 10), at(12, 20), at(12, 30)]
    assert not any(member(day, id).waived for id in claims)


def test_who_would_be_in_two_places_is_listed_refused_and_waived() -> None:
    day, (slot,) = line_day()
    zoe, bea = day.person("Zoë"), day.person("Bea")
    (later,) = day.slots(1, start=at(13))
    mine, other = join(day, slot, zoe), day.reserve(later, zoe)
    waiting = join(day, slot, bea)
    (third,) = day.slots(1, start=at(13))
    day.reserve(third, bea)
    args = {"block_id": slot.time_block_id, "start_time": at(13)}
    details = refused(day.do("block.postpone", args), DOUBLE_BOOKED)
    assert details["clashes"] == [
        {
            "what": "person", "participant_id": zoe, "moves_reservation_id": mine, "reservation_id": other,
            "slot_id": later.id, "start_time": at(13), "end_time": at(13, 10),
        }
    ]  # fmt: skip
    assert day.slot(slot).start_time == at(12)
    answer = applied(day.do("block.postpone", {**args, "waive_reason": "Zoë runs"})).answer
    assert answer["clashes"] == details["clashes"]
    assert (member(day, mine).waived, member(day, mine).waived_reason) == (True, "Zoë runs")
    assert (member(day, waiting).waived, member(day, waiting).start_time) == (False, at(13))
    assert not member(day, other).waived
    applied(day.do("block.postpone", {"block_id": slot.time_block_id, "minutes": -60}))
    assert (member(day, mine).waived, member(day, mine).waived_reason) == (False, None), "and back: nothing clashes"


def test_a_waived_overlap_that_was_there_before_is_no_news() -> None:
    day, slots = line_day(count=2)
    zoe = day.person()
    (long,) = day.slots(1, start=at(12), capacity=1)
    there = day.reserve(long, zoe)
    mine = join(day, slots[0], zoe, waive_reason="both")
    assert member(day, mine).waived
    applied(day.do("block.postpone", {"block_id": slots[0].time_block_id, "minutes": 5}))
    assert (member(day, mine).waived, member(day, mine).waived_reason) == (True, "both")
    applied(day.do("block.postpone", {"block_id": long.time_block_id, "minutes": 5}))
    assert not member(day, there).waived
    assert member(day, mine).waived, "they overlap still"


def test_a_room_that_is_taken_then_is_listed_refused_and_waived() -> None:
    day = Day()
    room = day.create("location", name="Hall")
    (first,), (second,) = (day.slots(1, room=room, start=start) for start in (at(12), at(13)))
    args = {"event_id": first.event_id, "minutes": 60}
    details = refused(day.do("event.postpone", args), ROOM_TAKEN)
    assert details["clashes"] == [
        {
            "what": "room", "moves_block_id": first.time_block_id, "moves_event_id": first.event_id,
            "block_id": second.time_block_id, "event_id": second.event_id, "location_id": room,
            "start_time": at(13), "end_time": at(13, 10),
        }
    ]  # fmt: skip
    applied(day.do("event.postpone", {**args, "waive_reason": "back to back"}))
    assert (block_of(day, first).waived, block_of(day, first).waived_reason) == (True, "back to back")
    # a waived block is outside of the database's constraint, and in the way all the same
    third = day.slots(1, room=room, start=at(14))[0]
    applied(day.do("block.postpone", {"block_id": second.time_block_id, "minutes": 120}))
    refused(day.do("block.postpone", {"block_id": third.time_block_id, "minutes": -60}), ROOM_TAKEN)
    applied(day.do("event.postpone", {"event_id": first.event_id, "minutes": -60}))
    assert not block_of(day, first).waived


def test_a_whole_room_moves_past_itself() -> None:
    day = Day()
    room = day.create("location", name="Hall")
    blocks = [day.slots(3, room=room, start=at(12) + timedelta(minutes=30 * n))[0] for n in range(3)]
    args = {"location_id": room, "minutes": 30}
    applied(day.do("location.postpone", {**args, "from_time": at(12, 30), "to_time": at(13, 1)}))
    assert [block_of(day, slot).start_time for slot in blocks] == [at(12), at(13), at(13, 30)]
    refused(day.do("location.postpone", {**args, "to_time": at(12, 10), "minutes": 45}), ROOM_TAKEN)
    applied(day.do("location.postpone", args))
    assert [block_of(day, slot).start_time for slot in blocks] == [at(12, 30), at(13, 30), at(14)]
    assert not any(block_of(day, slot).waived for slot in blocks)
