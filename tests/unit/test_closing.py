"""Closing, opening again, cancelling and removing events, blocks, rooms and slots: what becomes of the people."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.errors import (
    CANCELLED,
    EVENT_INACTIVE,
    HAS_PEOPLE,
    INVALID,
    NOT_ALLOWED,
    NOT_FOUND,
    NOTHING_TO_DO,
    REASON_NEEDED,
    SLOT_CANCELLED,
    SLOT_CLOSED,
)
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import (
    Event,
    EventSlot,
    EventTimeBlock,
    Location,
    ReservationMember,
    SlotReservation,
)
from server_sync.rules.state import ROOMS_OF_EVENT, SLOTS_OF_BLOCK, SLOTS_OF_EVENT
from server_sync.rules.waiting import place_in_line
from tests.unit.day import NOON, Day, applied, at, refused
from tests.unit.test_waitlist import join, line_day

EMPTY: dict[str, list[Any]] = {"cancelled": [], "moved": [], "promoted": [], "clashes": []}


def named(slot: EventSlot, what: str) -> dict[str, Id]:
    """What a command on the slot's event, block or room names, or on itself."""
    ids = {"event": slot.event_id, "block": slot.time_block_id, "location": slot.location_id, "slot": slot.id}
    return {f"{what}_id": ids[what]}


KINDS = [
    ("slot", "slot.block", "slot.unblock", SLOT_CLOSED),
    ("block", "block.close", "block.reopen", SLOT_CLOSED),
    ("location", "location.close", "location.reopen", SLOT_CLOSED),
    ("event", "event.close", "event.reopen", EVENT_INACTIVE),
]


@pytest.mark.parametrize(("what", "close", "reopen", "code"), KINDS)
def test_what_is_closed_takes_nobody_new_and_loses_nobody(what: str, close: str, reopen: str, code: str) -> None:
    day, (slot,) = line_day()
    inside, waiting = join(day, slot, day.person()), join(day, slot, day.person())
    which = named(slot, what)
    refused(day.do(close, which), INVALID)
    refused(day.do(close, {**which, "reason": "the ceiling"}, role="room_manager"), NOT_ALLOWED)
    answer = applied(day.do(close, {**which, "reason": "the ceiling"})).answer
    assert {name: answer[name] for name in EMPTY} == EMPTY
    refused(day.do(close, {**which, "reason": "again"}), NOTHING_TO_DO)
    reserve = {"slot_id": slot.id, "reserved_name": "late", "on_full": "waitlist"}
    details = refused(day.do("reservation.reserve", reserve), code)
    assert code == EVENT_INACTIVE or details["reason"] == "the ceiling"
    assert [day.claim(id).claim for id in (inside, waiting)] == ["reserved", "waitlisted"]
    applied(day.do("reservation.cancel", {"reservation_id": inside}))
    assert day.claim(waiting).claim == "waitlisted", "nobody is promoted into what is closed"
    assert applied(day.do(reopen, which)).answer["promoted"] == [waiting]
    refused(day.do(reopen, which), NOTHING_TO_DO)
    assert (day.slot(slot).status, day.slot(slot).status_reason) == ("open", None)


@pytest.mark.parametrize("what", ["slot", "block", "location", "event"])
def test_what_is_cancelled_frees_its_people(what: str) -> None:
    day, slots = line_day(count=2)
    zoe, bea = day.person("Zoë"), day.person("Bea")
    held = join(day, slots[0], zoe, guests=0)
    day.put(structs.replace(day.claim(held), claim="held"))
    waiting = join(day, slots[0], bea)
    other = join(day, slots[1], day.person("Cyd"))
    refused(day.do(f"{what}.cancel", named(slots[0], what)), INVALID)
    answer = applied(day.do(f"{what}.cancel", {**named(slots[0], what), "reason": "storm"})).answer
    ended = [held, waiting] if what == "slot" else [held, waiting, other]
    assert {entry["reservation_id"] for entry in answer["cancelled"]} == set(ended)
    first = next(entry for entry in answer["cancelled"] if entry["reservation_id"] == held)
    assert first == {
        "reservation_id": held, "slot_id": slots[0].id, "claim": "held", "spots": 1, "participant_ids": [zoe],
    }  # fmt: skip
    assert answer["counts"]["cancelled"] == answer["counts"]["people"] == len(ended)
    for id in ended:
        assert (day.claim(id).claim, day.claim(id).cancelled_at) == ("cancelled", day.now)
    assert (day.slot(slots[0]).status, day.slot(slots[0]).status_reason) == ("cancelled", "storm")
    assert day.slot(slots[0]).reserved_count == 0
    refused(day.do("reservation.reserve", {"slot_id": slots[0].id, "reserved_name": "x"}), SLOT_CANCELLED)
    (elsewhere,) = day.slots(1, start=NOON)
    day.reserve(elsewhere, zoe)
    refused(day.do(f"{what}.cancel", {**named(slots[0], what), "reason": "storm"}), NOTHING_TO_DO)
    reopen = "slot.unblock" if what == "slot" else f"{what}.reopen"
    assert refused(day.do(reopen, named(slots[0], what)), CANCELLED)["reason"] == "storm"
    close = "slot.block" if what == "slot" else f"{what}.close"
    refused(day.do(close, {**named(slots[0], what), "reason": "x"}), CANCELLED)
    event = day.state.get(Event, slots[0].event_id)
    assert event is not None
    assert event.is_active == (what != "event")


def test_an_event_that_has_no_blocks_yet_is_cancelled_by_being_inactive() -> None:
    day = Day()
    event = day.create("event", name="A")
    applied(day.do("event.cancel", {"event_id": event, "reason": "no judge"}))
    refused(day.do("event.cancel", {"event_id": event, "reason": "no judge"}), NOTHING_TO_DO)
    applied(day.do("event.reopen", {"event_id": event}))


def test_what_a_cancelled_slot_takes_of_the_event_goes_to_who_waits_elsewhere() -> None:
    day, slots = line_day(count=2, capacity=2)
    applied(day.do("event.update", {"event_id": slots[0].event_id, "capacity": 1}))
    join(day, slots[0], reserved_name="a")
    waiting = join(day, slots[1], reserved_name="b")
    answer = applied(day.do("slot.cancel", {"slot_id": slots[0].id, "reason": "the piano"})).answer
    assert answer["promoted"] == [waiting]


@pytest.mark.parametrize("what", ["event", "block", "slot", "location"])
def test_whose_time_it_frees_gets_what_they_wait_for_elsewhere(what: str) -> None:
    day = Day()
    (here,) = day.slots()
    (there,) = day.slots(event=day.create("event", name="Choir", waitlist_enabled=True))
    ann, bea = day.person("Ann"), day.person("Bea")
    in_the_way = day.reserve(there, bea)
    waiting = day.reserve(there, ann, on_full="waitlist")
    day.reserve(here, ann)
    applied(day.do("reservation.cancel", {"reservation_id": in_the_way}))
    assert day.claim(waiting).claim == "waitlisted", "she is elsewhere at that time"
    answer = applied(day.do(f"{what}.cancel", {**named(here, what), "reason": "no piano"})).answer
    assert answer["promoted"] == [waiting]
    assert day.claim(waiting).claim == "reserved"


def test_who_waits_for_any_slot_waits_on_for_the_others() -> None:
    day, slots = line_day(count=3)
    for slot in slots:
        join(day, slot, reserved_name="x")
    zoe = day.person()
    args = {"event_id": slots[0].event_id, "participant_ids": [zoe], "on_full": "waitlist"}
    waiting = applied(day.do("reservation.reserve", args)).answer["reservation_id"]
    assert day.claim(waiting).slot_id == slots[0].id
    answer = applied(day.do("slot.cancel", {"slot_id": slots[0].id, "reason": "x"})).answer
    assert answer["counts"]["cancelled"] == 1
    assert (day.claim(waiting).claim, day.claim(waiting).slot_id) == ("waitlisted", slots[1].id)
    assert place_in_line(day.state, day.claim(waiting)) == 1
    refused(day.do("reservation.reserve", args), "ALREADY_WAITING")
    for slot in slots[1:]:
        applied(day.do("slot.cancel", {"slot_id": slot.id, "reason": "x"}))
    assert day.claim(waiting).claim == "cancelled", "there is no slot left to wait for"


def room_day() -> tuple[Day, Id, list[list[EventSlot]]]:
    """A room with two blocks of three slots: from noon, and from one."""
    day = Day()
    room, event = day.create("location", name="Hall"), day.create("event", name="A", waitlist_enabled=True)
    return day, room, [day.slots(3, event=event, room=room, start=start) for start in (at(12), at(13))]


def test_a_room_for_a_time_is_its_blocks_then_and_the_slots_that_reach_into_it() -> None:
    day, room, (first, second) = room_day()
    args = {"location_id": room, "from_time": at(12, 15), "to_time": at(14), "reason": "water"}
    claims = [day.reserve(slot, day.person()) for slot in (*first, *second)]
    answer = applied(day.do("location.cancel", args)).answer
    assert [day.slot(slot).status for slot in (*first, *second)] == ["open"] + ["cancelled"] * 5
    assert [day.claim(id).claim for id in claims] == ["reserved"] + ["cancelled"] * 5
    assert (answer["blocks"], answer["slots"]) == (1, 5)
    blocks = day.state.rows[EventTimeBlock]
    assert [blocks[slots[0].time_block_id].status for slots in (first, second)] == ["open", "cancelled"]
    refused(day.do("location.cancel", {**args, "to_time": at(12)}), INVALID)
    refused(day.do("location.close", {**args, "from_time": at(20), "to_time": None}), NOTHING_TO_DO)
    refused(day.do("location.close", {**args, "location_id": new_id()}), NOT_FOUND)


def test_a_room_closed_for_a_time_opens_again() -> None:
    day, room, (first, second) = room_day()
    until = {"location_id": room, "to_time": at(12, 10)}
    applied(day.do("location.close", {**until, "reason": "tuning"}))
    assert [day.slot(slot).status for slot in (*first, *second)] == ["closed"] + ["open"] * 5
    refused(day.do("location.reopen", {"location_id": room}), NOTHING_TO_DO)
    assert day.slot(first[0]).status == "closed", "a slot that was closed by itself opens by itself"
    applied(day.do("location.reopen", until))
    assert day.slot(first[0]).status == "open"


# ---------------------------------------------------------------- removing


@pytest.mark.parametrize("what", ["slot", "block", "location", "event"])
def test_nothing_with_people_leaves_unless_they_are_cancelled(what: str) -> None:
    day, (slot,) = line_day()
    zoe = day.person()
    past = join(day, slot, zoe)
    applied(day.do("reservation.cancel", {"reservation_id": past}))
    inside, waiting = join(day, slot, zoe), join(day, slot, day.person("Bea"))
    which = named(slot, what)
    details = refused(day.do(f"{what}.retire", which), HAS_PEOPLE)
    assert (details["reservations"], details["waiting"]) == (1, 1)
    assert details["reservation_ids"] == sorted([inside, waiting])
    assert refused(day.do(f"{what}.retire", {**which, "cancel_people": True}), REASON_NEEDED)["field"] == "reason"
    answer = applied(day.do(f"{what}.retire", {**which, "cancel_people": True, "reason": "a mistake"})).answer
    assert {entry["reservation_id"] for entry in answer["cancelled"]} == {inside, waiting}
    assert all(day.claim(id).deleted for id in (past, inside, waiting)), "past ones leave too"
    assert all(row.deleted and not row.live for row in day.state.rows[ReservationMember].values())
    assert day.slot(slot).deleted
    assert day.slot(slot).reserved_count == 0
    assert bool(day.state.rows[EventTimeBlock][slot.time_block_id].deleted) == (what != "slot")
    assert bool(day.state.rows[Event][slot.event_id].deleted) == (what == "event")
    assert bool(day.state.rows[Location][slot.location_id].deleted) == (what == "location")
    assert bool(day.state.find(ROOMS_OF_EVENT, slot.event_id)) == (what not in ("event", "location"))
    refused(day.do(f"{what}.retire", which), NOT_FOUND)
    refused(day.do("reservation.reserve", {"slot_id": slot.id, "reserved_name": "x"}), NOT_FOUND)
    (elsewhere,) = day.slots(1)
    day.reserve(elsewhere, zoe)


def test_what_nobody_is_in_leaves_without_a_word() -> None:
    day, slots = line_day(count=2)
    applied(day.do("slot.retire", {"slot_id": slots[0].id}))
    assert [slot.id for slot in day.state.find(SLOTS_OF_BLOCK, slots[0].time_block_id)] == [slots[1].id]
    applied(day.do("event.retire", {"event_id": slots[0].event_id}))
    assert day.state.find(SLOTS_OF_EVENT, slots[0].event_id) == []
    refused(day.do("block.retire", {"block_id": slots[0].time_block_id}), NOT_FOUND)
    refused(day.do("event.retire", {"event_id": new_id()}, role="room_manager"), NOT_ALLOWED)


def test_a_removed_room_leaves_the_event_its_other_rooms() -> None:
    day, room, (first, second) = room_day()
    other = day.slots(1, event=first[0].event_id, start=at(15))[0]
    args: dict[str, Any] = {"location_id": room}
    applied(day.do("location.retire", args))
    assert [slot.id for slot in day.state.find(SLOTS_OF_EVENT, other.event_id)] == [other.id]
    (use,) = day.state.find(ROOMS_OF_EVENT, other.event_id)
    assert use.location_id == other.location_id
    assert all(day.slot(slot).deleted for slot in (*first, *second))


def test_who_waits_for_any_slot_outlives_the_one_that_is_removed() -> None:
    day, slots = line_day(count=2)
    for slot in slots:
        join(day, slot, reserved_name="x")
    args = {"event_id": slots[0].event_id, "reserved_name": "any", "on_full": "waitlist"}
    waiting = applied(day.do("reservation.reserve", args)).answer["reservation_id"]
    applied(day.do("slot.retire", {"slot_id": slots[0].id, "cancel_people": True, "reason": "x"}))
    claim = day.state.rows[SlotReservation][waiting]
    assert (claim.claim, claim.slot_id, claim.deleted) == ("waitlisted", slots[1].id, None)
