"""What may change of programmes, events, rooms, rules, blocks and slots: what is given, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from server_sync.protocol.errors import (
    ALREADY_EXISTS,
    CANCELLED,
    HAS_PEOPLE,
    IN_USE,
    INVALID,
    MANUAL_SLOTS,
    NOT_ALLOWED,
    NOT_FOUND,
    NOTHING_TO_DO,
    ROOM_TAKEN,
    SLOT_TAKEN,
)
from server_sync.protocol.ids import Id, derived_id, new_id
from server_sync.protocol.records import Event, EventRules, EventSlot, EventTimeBlock, Location, Programme
from server_sync.rules.registry import RULES
from server_sync.rules.state import EVENT_NAMED, EVENTS, ROOMS_OF_EVENT, SLOTS_OF_BLOCK
from tests.unit.day import Day, applied, at, discover, refused
from tests.unit.test_waitlist import join, line_day

OTHER = derived_id(new_id(), "other")


def test_a_programme_changes_but_never_between_practice_and_real() -> None:
    day = Day()
    args = {"name": "Spring", "starts_on": "2026-05-02", "ends_on": "2026-05-03", "settings": {"late": 5}}
    applied(day.do("programme.update", {**args, "status": "published", "practice": False}))
    row = day.state.rows[Programme][day.programme]
    assert (row.name, row.status, row.settings, row.time_zone) == ("Spring", "published", {"late": 5}, "UTC")
    assert refused(day.do("programme.update", {"practice": True}), INVALID)["field"] == "practice"
    assert refused(day.do("programme.update", {"ends_on": "2026-05-01"}), INVALID)["field"] == "ends_on"
    refused(day.do("programme.update", {"status": "gone"}), INVALID)
    refused(day.do("programme.update", {"name": None}), INVALID)
    refused(day.do("programme.update", {}), NOTHING_TO_DO)
    refused(day.do("programme.update", {"name": "Spring"}), NOTHING_TO_DO)
    refused(day.do("programme.update", {"name": "X"}, role="room_manager"), NOT_ALLOWED)
    refused(day.do("programme.update", {"name": "X"}, programme=OTHER), NOT_FOUND)
    applied(day.do("programme.update", {"settings": None, "starts_on": None}))
    row = day.state.rows[Programme][day.programme]
    assert (row.settings, row.starts_on, row.name) == (None, None, "Spring")


def test_rules_are_attached_to_an_event_until_it_lets_go() -> None:
    day = Day()
    scoring = {"criteria": [{"name": "tone", "most": 10}], "drop": "lowest"}
    rules = day.create("event_rules", name="Solo", description="Three judges", configuration=scoring)
    assert day.state.rows[EventRules][rules].configuration == scoring
    event = day.create("event", name="Piano", rules_id=rules)
    assert day.state.rows[Event][event].rules_id == rules
    applied(day.do("event_rules.update", {"rules_id": rules, "description": None, "configuration": {"judges": 5}}))
    row = day.state.rows[EventRules][rules]
    assert (row.name, row.description, row.configuration) == ("Solo", None, {"judges": 5})
    assert refused(day.do("event_rules.retire", {"rules_id": rules}), IN_USE)["event_ids"] == [event]
    applied(day.do("event.update", {"event_id": event, "rules_id": None}))
    applied(day.do("event_rules.retire", {"rules_id": rules}))
    for kind, args in (
        ("event.update", {"event_id": event, "rules_id": rules}),
        ("event.create", {"name": "A", "rules_id": rules}),
        ("event_rules.update", {"rules_id": rules, "name": "A"}),
        ("event_rules.retire", {"rules_id": rules}),
    ):
        assert refused(day.do(kind, args), NOT_FOUND) == {"rules_id": rules}
    refused(day.do("event_rules.create", {"name": "A"}, programme=OTHER), NOT_FOUND)
    refused(day.do("event_rules.create", {"name": ""}), INVALID)


def test_an_event_changes_field_by_field() -> None:
    day = Day()
    prices = {"stalls": 4500, "balcony": 3000}
    event = day.create(
        "event", name="Gala", seat_type_prices=prices, currency="CHF", artists=["Ada"], waitlist_order="best_fit",
        external_id="E-1", master_start=at(9), master_end=at(17),
    )  # fmt: skip
    row = day.state.rows[Event][event]
    assert (row.seat_type_prices, row.waitlist_order) == (prices, "best_fit")
    applied(day.do("event.update", {"event_id": event, "name": "Ball", "points_first": -3, "artists": None}))
    row = day.state.rows[Event][event]
    assert (row.name, row.points_first, row.artists, row.currency, row.external_id) == ("Ball", -3, None, "CHF", "E-1")
    for bad in (
        {"master_end": at(9)},
        {"master_start": at(18)},
        {"name": None},
        {"is_active": None},
        {"capacity": 0},
        {"seat_type_prices": {"": 1}},
        {"seat_type_prices": {"stalls": -1}},
        {"category": "chess"},
    ):
        refused(day.do("event.update", {"event_id": event, **bad}), INVALID)
    applied(day.do("event.update", {"event_id": event, "master_end": None, "master_start": at(18)}))
    refused(day.do("event.update", {"event_id": event}), NOTHING_TO_DO)
    refused(day.do("event.update", {"event_id": new_id(), "name": "A"}), NOT_FOUND)
    refused(day.do("event.update", {"event_id": event, "name": "A"}, programme=OTHER), NOT_FOUND)


@pytest.mark.parametrize("kind", ["event", "location"])
def test_an_external_id_stays_one_row_s(kind: str) -> None:
    day = Day()
    first, second = day.create(kind, name="A", external_id="X-1"), day.create(kind, name="B")
    details = refused(day.do(f"{kind}.update", {f"{kind}_id": second, "external_id": "X-1"}), ALREADY_EXISTS)
    assert details == {"external_id": "X-1", "id": first}
    refused(day.do(f"{kind}.update", {f"{kind}_id": first, "external_id": "X-1"}), NOTHING_TO_DO)
    applied(day.do(f"{kind}.update", {f"{kind}_id": first, "external_id": None}))
    applied(day.do(f"{kind}.update", {f"{kind}_id": second, "external_id": "X-1"}))


def test_a_named_row_is_found_by_its_name_alone() -> None:
    day = Day()
    day.create("event", name="A", external_id="X-1")
    command = day.readable("event.create", {"name": "B", "external_id": "X-2"})
    keys = discover(RULES["event.create"], command, day.state, day.now)
    assert keys.find == {(EVENT_NAMED, f"{day.programme}/X-2")}
    assert not any(index is EVENTS for index, _ in keys.find)


def test_a_room_changes() -> None:
    day = Day()
    room = day.create("location", name="Hall", city="Bern", description="Red brick", capacity=80)
    applied(day.do("location.update", {"location_id": room, "description": None, "position": 3, "city": "Basel"}))
    row = day.state.rows[Location][room]
    assert (row.name, row.city, row.description, row.position, row.capacity) == ("Hall", "Basel", None, 3, 80)
    refused(day.do("location.update", {"location_id": room, "position": 10**9}), INVALID)
    refused(day.do("location.update", {"location_id": room, "city": "Basel"}), NOTHING_TO_DO)
    refused(day.do("location.update", {"location_id": new_id(), "city": "Basel"}), NOT_FOUND)


def test_the_rooms_of_an_event_are_what_is_said_last() -> None:
    day = Day()
    hall, studio, attic = (day.create("location", name=name) for name in ("Hall", "Studio", "Attic"))
    event = day.create("event", name="A", location_ids=[hall, studio])

    def rooms() -> set[Id]:
        return {use.location_id for use in day.state.find(ROOMS_OF_EVENT, event)}

    applied(day.do("event.update", {"event_id": event, "location_ids": [studio, attic, attic]}))
    assert rooms() == {studio, attic}
    applied(day.do("event.update", {"event_id": event, "location_ids": [hall, studio]}))
    assert rooms() == {hall, studio}
    times = {"start_time": at(9), "end_time": at(10)}
    block = applied(day.do("block.create", {"event_id": event, "location_id": hall, **times})).answer["id"]
    assert refused(day.do("event.update", {"event_id": event, "location_ids": []}), IN_USE) == {
        "location_id": hall, "block_ids": [block],
    }  # fmt: skip
    refused(day.do("event.update", {"event_id": event, "location_ids": [hall, new_id()]}), NOT_FOUND)
    applied(day.do("event.update", {"event_id": event, "location_ids": [hall]}))
    assert rooms() == {hall}


# ---------------------------------------------------------------- blocks


def block_day(**block: Any) -> tuple[Day, Id, Id]:
    """A day with one block from nine to ten; the day, the block and its room."""
    day = Day()
    day.now = at(8)
    event, room = day.create("event", name="A", waitlist_enabled=True), day.create("location", name="Hall")
    args = {"event_id": event, "location_id": room, "start_time": at(9), "end_time": at(10), **block}
    return day, applied(day.do("block.create", args)).answer["id"], room


def spans(day: Day, block: Id) -> list[tuple[int, Any, Any]]:
    slots = sorted(day.state.find(SLOTS_OF_BLOCK, block), key=lambda slot: slot.slot_number)
    return [(slot.slot_number, slot.start_time, slot.end_time) for slot in slots]


def test_an_empty_block_moves_in_time_and_room_with_its_one_slot() -> None:
    day, block, room = block_day(notes="tune first")
    other = day.create("location", name="Studio")
    args = {"block_id": block, "start_time": at(11), "end_time": at(13), "location_id": other, "notes": None}
    applied(day.do("block.update", args))
    row = day.state.rows[EventTimeBlock][block]
    assert (row.start_time, row.end_time, row.location_id, row.notes) == (at(11), at(13), other, None)
    assert spans(day, block) == [(1, at(11), at(13))]
    (slot,) = day.state.find(SLOTS_OF_BLOCK, block)
    assert slot.location_id == other
    assert {use.location_id for use in day.state.find(ROOMS_OF_EVENT, row.event_id)} == {room, other}
    refused(day.do("block.update", args), NOTHING_TO_DO)


def test_slots_are_shifted_or_must_lie_within() -> None:
    day, block, _ = block_day(slot_duration_minutes=30)
    applied(day.do("block.generate_slots", {"block_id": block}))
    applied(day.do("block.update", {"block_id": block, "start_time": at(14), "end_time": at(15)}))
    assert spans(day, block) == [(1, at(14), at(14, 30)), (2, at(14, 30), at(15))]
    details = refused(day.do("block.update", {"block_id": block, "end_time": at(14, 45)}), INVALID)
    assert len(details["slot_ids"]) == 1
    applied(day.do("block.update", {"block_id": block, "end_time": at(16), "slot_duration_minutes": 60}))
    assert len(spans(day, block)) == 2, "made anew only when asked for"


def test_a_block_with_people_stays_where_it_is() -> None:
    day, block, _ = block_day()
    (slot,) = day.state.find(SLOTS_OF_BLOCK, block)
    day.reserve(slot, day.person())
    assert refused(day.do("block.update", {"block_id": block, "end_time": at(11)}), HAS_PEOPLE)["reservations"] == 1
    applied(day.do("block.update", {"block_id": block, "notes": "two stands"}))
    refused(day.do("block.update", {"block_id": block, "end_time": at(9)}), INVALID)
    refused(day.do("block.update", {"block_id": block, "manual_slots": True, "slot_duration_minutes": 5}), INVALID)
    refused(day.do("block.update", {"block_id": block, "location_id": new_id()}), NOT_FOUND)
    refused(day.do("block.update", {"block_id": new_id(), "notes": "x"}), NOT_FOUND)


def test_a_block_meets_another_in_its_room_waived_or_not() -> None:
    day, block, room = block_day()
    event = day.create("event", name="B")
    args = {"event_id": event, "location_id": room, "start_time": at(9), "end_time": at(10), "waive_reason": "shared"}
    waived = applied(day.do("block.create", args)).answer["id"]
    applied(day.do("block.update", {"block_id": block, "start_time": at(12), "end_time": at(13)}))
    back = {"block_id": block, "start_time": at(9, 30), "end_time": at(10, 30)}
    assert refused(day.do("block.update", back), ROOM_TAKEN)["block_id"] == waived, "no constraint guards that one"
    applied(day.do("block.update", {**back, "waive_reason": "a folding wall"}))
    row = day.state.rows[EventTimeBlock][block]
    assert (row.waived, row.waived_reason) == (True, "a folding wall")
    applied(day.do("block.update", {"block_id": block, "start_time": at(12), "end_time": at(13)}))
    row = day.state.rows[EventTimeBlock][block]
    assert (row.waived, row.waived_reason) == (False, None), "nothing is in the way any more"


# ----------------------------------------------------------------- slots


def test_slots_made_by_hand_are_numbered_by_time() -> None:
    day, block, _ = block_day(manual_slots=True)
    late = day.create("slot", block_id=block, start_time=at(9, 30), end_time=at(9, 50), capacity=2)
    early = day.create("slot", block_id=block, start_time=at(9), end_time=at(9, 20))
    rows = day.state.rows[EventSlot]
    assert [(rows[id].slot_number, rows[id].created_by_admin) for id in (early, late)] == [(1, True), (2, True)]
    assert rows[late].capacity == 2
    create = {"block_id": block, "start_time": at(9, 10), "end_time": at(9, 30)}
    assert refused(day.do("slot.create", create), SLOT_TAKEN)["slot_id"] == early
    for field, times in (
        ("start_time", {"start_time": at(8, 59), "end_time": at(9)}),
        ("end_time", {"start_time": at(9, 50), "end_time": at(10, 1)}),
        ("end_time", {"start_time": at(9, 50), "end_time": at(9, 50)}),
    ):
        assert refused(day.do("slot.create", {**create, **times}), INVALID)["field"] == field
    refused(day.do("slot.create", {**create, "block_id": new_id()}), NOT_FOUND)
    refused(day.do("slot.create", create, role="room_manager"), NOT_ALLOWED)
    refused(day.do("slot.create", {**create, "capacity": 0}), INVALID)


def test_only_a_block_of_manual_slots_takes_them() -> None:
    day, block, _ = block_day(slot_duration_minutes=30)
    refused(day.do("slot.create", {"block_id": block, "start_time": at(9), "end_time": at(9, 5)}), MANUAL_SLOTS)


def test_a_slot_moves_while_nobody_has_it_or_waits() -> None:
    day, block, _ = block_day(manual_slots=True)
    one = day.create("slot", block_id=block, start_time=at(9), end_time=at(9, 10))
    two = day.create("slot", block_id=block, start_time=at(9, 20), end_time=at(9, 30))
    applied(day.do("slot.update", {"slot_id": one, "start_time": at(9, 40), "end_time": at(9, 50)}))
    rows = day.state.rows[EventSlot]
    assert [rows[id].slot_number for id in (two, one)] == [1, 2]
    taken = {"slot_id": one, "start_time": at(9, 25)}
    assert refused(day.do("slot.update", taken), SLOT_TAKEN)["slot_id"] == two
    refused(day.do("slot.update", {"slot_id": one, "end_time": at(10, 5)}), INVALID)
    refused(day.do("slot.update", {"slot_id": one, "end_time": None}), INVALID)
    first = day.reserve(rows[one], day.person())
    waiting = join(day, rows[one], day.person("Bea"))
    away = {"slot_id": one, "start_time": at(9, 45)}
    assert refused(day.do("slot.update", away), HAS_PEOPLE)["reservation_ids"] == [first, waiting]


def test_a_new_slot_goes_to_whoever_waits_for_any() -> None:
    day, block, _ = block_day(manual_slots=True)
    slot = day.create("slot", block_id=block, start_time=at(9), end_time=at(9, 10))
    row = day.state.rows[EventSlot][slot]
    join(day, row, reserved_name="first")
    args = {"event_id": row.event_id, "reserved_name": "any", "on_full": "waitlist"}
    waiting = applied(day.do("reservation.reserve", args)).answer["reservation_id"]
    made = applied(day.do("slot.create", {"block_id": block, "start_time": at(9, 30), "end_time": at(9, 40)})).answer
    assert made["promoted"] == [waiting]
    assert day.claim(waiting).slot_id == made["id"]


def test_a_new_block_that_is_its_own_slot_goes_to_whoever_waits_for_any() -> None:
    day, (slot,) = line_day()
    join(day, slot, reserved_name="first")
    args = {"event_id": slot.event_id, "reserved_name": "any", "on_full": "waitlist"}
    waiting = applied(day.do("reservation.reserve", args)).answer["reservation_id"]
    times = {"start_time": at(15), "end_time": at(16)}
    room = day.create("location", name="Studio")
    made = applied(day.do("block.create", {"event_id": slot.event_id, "location_id": room, **times})).answer
    assert made["promoted"] == [waiting]
    assert day.claim(waiting).time_block_id == made["id"]


def test_a_waiver_for_two_places_is_none_for_waiting_twice() -> None:
    day, slots = line_day()
    (elsewhere,) = day.slots(1)
    zoe = day.person()
    day.reserve(elsewhere, zoe)
    join(day, slots[0], reserved_name="first")
    both = {"slot_id": slots[0].id, "participant_ids": [zoe], "on_full": "waitlist", "waive_reason": "both"}
    applied(day.do("reservation.reserve", both))
    refused(day.do("reservation.reserve", both), "ALREADY_WAITING")


def test_a_cancelled_block_is_not_split_and_a_cancelled_slot_may_be_made_anew() -> None:
    day, block, _ = block_day(slot_duration_minutes=30)
    applied(day.do("block.cancel", {"block_id": block, "reason": "x"}))
    assert refused(day.do("block.generate_slots", {"block_id": block}), CANCELLED)["reason"] == "x"
    day, block, _ = block_day(manual_slots=True)
    slot = {"block_id": block, "start_time": at(9), "end_time": at(9, 10)}
    first = day.create("slot", **slot)
    applied(day.do("slot.cancel", {"slot_id": first, "reason": "x"}))
    second = day.create("slot", **slot)
    day.reserve(day.state.rows[EventSlot][second], day.person())
    applied(day.do("block.update", {"block_id": block, "manual_slots": False, "slot_duration_minutes": 10}))
    applied(day.do("block.generate_slots", {"block_id": block}))
    assert len({id for id in (first, second) if not day.state.rows[EventSlot][id].deleted}) == 2
    applied(day.do("block.cancel", {"block_id": block, "reason": "x"}))
    refused(day.do("slot.create", {**slot, "start_time": at(9, 5)}), CANCELLED)


def test_slots_that_are_held_or_waited_for_survive_another_duration() -> None:
    day, slots = line_day(count=3)
    join(day, slots[0], reserved_name="held")
    waiting = join(day, slots[0], reserved_name="waits")
    block = slots[0].time_block_id
    answer = applied(day.do("block.generate_slots", {"block_id": block, "capacity": 2})).answer
    assert answer == {"block_id": block, "slots": 3, "kept": 1}
    assert (day.slot(slots[0]).capacity, day.slot(slots[1]).capacity) == (1, 2)
    assert day.claim(waiting).claim == "waitlisted"


def test_nothing_is_looked_at_that_is_another_programme_s() -> None:
    day, block, _ = block_day(manual_slots=True)
    slot = day.create("slot", block_id=block, start_time=at(9), end_time=at(9, 10))
    applied(day.do("programme.create", {"name": "Other"}, id=OTHER))
    for kind, args in (
        ("block.update", {"block_id": block, "notes": "x"}),
        ("slot.update", {"slot_id": slot, "capacity": 4}),
        ("slot.create", {"block_id": block, "start_time": at(9, 20), "end_time": at(9, 30)}),
        ("slot.block", {"slot_id": slot, "reason": "x"}),
        ("slot.retire", {"slot_id": slot}),
        ("block.cancel", {"block_id": block, "reason": "x"}),
        ("block.postpone", {"block_id": block, "minutes": 5}),
    ):
        refused(day.do(kind, args, programme=OTHER), NOT_FOUND)
