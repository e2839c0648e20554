"""Many reservations at once: all of them, or each that can be made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from server_sync.protocol.ids import Id, derived_id, new_id
from server_sync.protocol.records import SlotReservation
from server_sync.rules.state import MEMBERS
from tests.unit.day import Day, applied, at, refused
from tests.unit.test_waitlist import join, line_day


def assign(day: Day, *assignments: dict[str, Any], **args: Any) -> Any:
    how = {name: args.pop(name) for name in ("role", "id", "programme") if name in args}
    if assignments:
        args["assignments"] = list(assignments)
    return day.do("reservation.assign", args, **how)


def choir(day: Day, size: int) -> tuple[Id, list[Id]]:
    group = day.create("group", name="Choir")
    return group, [day.person(f"Singer {n}", group_id=group) for n in range(size)]


def test_a_group_gets_several_slots_with_several_people_in_each() -> None:
    day = Day()
    one, two, three = day.slots(3, capacity=3)
    group, people = choir(day, 3)
    id = new_id()
    answer = applied(
        assign(
            day,
            {"slot_id": one.id, "group_id": group},
            {"slot_id": two.id, "group_id": group, "participant_ids": people[:2]},
            {"slot_id": three.id, "participant_ids": people[2:], "guests": 2},
            id=id,
        )
    ).answer
    ids = [derived_id(id, f"claim/{n}") for n in range(3)]
    assert [result["reservation_id"] for result in answer["results"]] == ids
    assert [result["spots"] for result in answer["results"]] == [3, 2, 3]
    assert (answer["made"], answer["refused"]) == (3, 0)
    assert [day.slot(slot).reserved_count for slot in (one, two, three)] == [3, 2, 3]
    assert [day.claim(claim).group_id for claim in ids] == [group, group, None]
    assert {member.participant_id for member in day.state.find(MEMBERS, ids[1])} == set(people[:2])


def test_all_or_nothing_says_which_and_why() -> None:
    day = Day()
    one, two = day.slots(2)
    zoe = day.person()
    before = dict(day.state.rows[SlotReservation])
    details = refused(
        assign(
            day,
            {"slot_id": one.id, "participant_ids": [zoe]},
            {"slot_id": one.id, "reserved_name": "late"},
            {"slot_id": two.id, "participant_ids": [new_id()]},
        ),
        "SLOT_FULL",
    )
    assert (details["index"], details["slot_id"], details["reserved"]) == (1, one.id, 1)
    assert day.state.rows[SlotReservation] == before


def test_the_best_that_can_be_done_is_reported_one_by_one() -> None:
    day = Day()
    one, two = day.slots(2)
    (same_time,) = day.slots()
    zoe, nobody = day.person(), new_id()
    answer = applied(
        assign(
            day,
            {"slot_id": one.id, "participant_ids": [zoe]},
            {"slot_id": one.id, "reserved_name": "late"},
            {"slot_id": same_time.id, "participant_ids": [zoe]},
            {"slot_id": two.id, "participant_ids": [nobody]},
            {"slot_id": two.id, "event_id": two.event_id, "reserved_name": "both"},
            {"slot_id": two.id, "reserved_name": "in time"},
            mode="best",
        )
    ).answer
    assert [result.get("code", "made") for result in answer["results"]] == [
        "made",
        "SLOT_FULL",
        "DOUBLE_BOOKED",
        "NOT_FOUND",
        "INVALID",
        "made",
    ]
    assert [result["index"] for result in answer["results"]] == list(range(6))
    assert answer["results"][3]["details"] == {"participant_id": nobody}
    assert (answer["made"], answer["refused"]) == (2, 4)
    nothing = refused(assign(day, {"slot_id": one.id, "reserved_name": "x"}, mode="best"), "NOTHING_TO_DO")
    assert nothing["results"][0]["code"] == "SLOT_FULL"


def test_a_whole_class_joins_the_line_in_order() -> None:
    day, (slot,) = line_day(capacity=2)
    people = [day.person(f"P{n}") for n in range(5)]
    answer = applied(
        assign(day, *({"slot_id": slot.id, "participant_ids": [who], "on_full": "waitlist"} for who in people))
    ).answer
    assert [result.get("claim", "reserved") for result in answer["results"]] == ["reserved"] * 2 + ["waitlisted"] * 3
    waiting = [result["reservation_id"] for result in answer["results"][2:]]
    promoted = []
    for result in answer["results"][:2]:
        promoted += applied(day.do("reservation.cancel", {"reservation_id": result["reservation_id"]})).answer[
            "promoted"
        ]
    assert promoted == waiting[:2]


def test_an_event_takes_each_where_there_is_room() -> None:
    day = Day()
    slots = day.slots(3)
    event = slots[0].event_id
    answer = applied(assign(day, *({"event_id": event, "participant_ids": [day.person()]} for _ in slots))).answer
    assert [result["slot_id"] for result in answer["results"]] == [slot.id for slot in slots]
    zoe = day.person()
    day.slots(2, event=event, start=at(15))
    details = refused(
        assign(day, *({"event_id": event, "participant_ids": [zoe]} for _ in range(2))), "ALREADY_RESERVED"
    )
    assert details["index"] == 1


def test_participants_and_groups_are_spread_over_slots() -> None:
    day = Day()
    slots = day.slots(3, capacity=3)
    people = [day.person(f"P{n}") for n in range(5)]
    ids = [slot.id for slot in slots]
    applied(assign(day, spread={"slot_ids": ids, "participant_ids": people, "per_slot": 2}))
    assert [day.slot(slot).reserved_count for slot in slots] == [2, 2, 1]
    later = day.slots(2, capacity=3, start=at(15))
    groups = [choir(day, 3)[0] for _ in range(2)]
    applied(assign(day, spread={"slot_ids": [slot.id for slot in later], "group_ids": groups}))
    assert [day.slot(slot).reserved_count for slot in later] == [3, 3]
    too_many = {"slot_ids": ids[:1], "participant_ids": people, "per_slot": 4}
    assert refused(assign(day, spread=too_many), "INVALID")["places"] == 4
    refused(assign(day, spread={"slot_ids": ids}), "INVALID")
    refused(assign(day, spread={"slot_ids": ids, "participant_ids": people, "group_ids": groups}), "INVALID")


def test_overrides_hold_for_all_and_are_for_admins() -> None:
    day = Day()
    (slot,) = day.slots()
    wanted = [{"slot_id": slot.id, "reserved_name": str(n)} for n in range(3)]
    refused(assign(day, *wanted), "SLOT_FULL")
    refused(assign(day, *wanted, override_reason="gala", role="room_manager"), "NOT_ALLOWED")
    applied(assign(day, *wanted, override_reason="gala"))
    assert (day.slot(slot).reserved_count, day.slot(slot).overbooked_count) == (3, 2)
    zoe = day.person()
    (there,) = day.slots(2, capacity=2)[:1]
    twice = [{"slot_id": there.id, "participant_ids": [zoe]}, {"slot_id": day.slots()[0].id, "participant_ids": [zoe]}]
    assert refused(assign(day, *twice), "DOUBLE_BOOKED")["index"] == 1
    applied(assign(day, *twice, waive_reason="understudy"))


def test_nonsense() -> None:
    day = Day()
    (slot,) = day.slots()
    one = {"slot_id": slot.id, "reserved_name": "x"}
    refused(assign(day), "INVALID")
    refused(assign(day, one, spread={"slot_ids": [slot.id], "participant_ids": [new_id()]}), "INVALID")
    refused(assign(day, *([one] * 1001)), "INVALID")
    refused(assign(day, one, mode="some"), "INVALID")
    refused(assign(day, {"slot_id": slot.id}), "INVALID")
    refused(assign(day, {"reserved_name": "x"}), "INVALID")
    refused(assign(day, one, programme=new_id()), "NOT_FOUND")
    assert day.slot(slot).reserved_count == 0


def test_holds_that_ran_out_make_room_for_all_of_them() -> None:
    day, slots = line_day(count=3)
    for slot in slots:
        applied(day.do("reservation.hold", {"slot_id": slot.id, "reserved_name": "h"}))
    wanted = [{"slot_id": slot.id, "participant_ids": [day.person()]} for slot in slots]
    refused(assign(day, *wanted), "SLOT_FULL")
    waiting = join(day, slots[1], reserved_name="first in line")
    day.now += timedelta(minutes=5)
    details = refused(assign(day, *wanted), "SLOT_FULL")
    assert (details["index"], details["slot_id"]) == (1, slots[1].id)
    assert day.claim(waiting).claim == "waitlisted", "a refusal changes nothing"
    assert applied(assign(day, *wanted, mode="best")).answer["made"] == 2
