"""Events, rooms, blocks of time and slots: what is stored, what is refused, and what limits how many come."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from server_sync.protocol.records import Category, EventSlot
from server_sync.rules.state import State
from tests.scenarios.stage import Stage, at

ROOM_FOR = "part:server_sync.rules.placing:room_for"
"""Without it only the constraint on the counts is left, so that a limit is off when both are."""


def limit_of(table: str) -> str:
    """What keeps the limit of a table's rows."""
    return f"{ROOM_FOR} + constraint:{table}.ck_{table}_within_capacity"


@pytest.mark.turned_off("command:event.create", "face:GET /v1/events/{event_id}")
async def test_T01_an_event_keeps_its_points(stage: Stage) -> None:
    id = await stage.create("event", name="Vocal duet", points_first=9, points_second=-2, points_third=0)
    event = await stage.get(f"/v1/events/{id}")
    assert event["points"] == {"first": 9, "second": -2, "third": 0}
    for wrong in (2.5, "9", 10**7):
        await stage.refused("event.create", {"name": "Wrong", "points_first": wrong}, "INVALID")


@pytest.mark.turned_off(
    "command:event.create", "constraint:events.ck_events_category", "constraint:events.ck_events_type"
)
async def test_T03_type_and_category_are_of_the_lists(stage: Stage) -> None:
    assert {"music", "arts", "sports"} <= set(get_args(Category))
    for category in get_args(Category):
        for type in ("individual", "team"):
            id = await stage.create("event", name="Any", category=category, type=type)
            event = await stage.get(f"/v1/events/{id}")
            assert (event["category"], event["type"]) == (category, type)
    for column, wrong in (("category", "cookery"), ("category", "Music"), ("type", "duo"), ("type", "")):
        said = await stage.refused("event.create", {"name": "Wrong", column: wrong}, "INVALID")
        assert column in str(said), "the refusal names the field"
        error = await stage.forbidden(f"UPDATE events SET {column} = $1", wrong)
        assert getattr(error, "constraint_name", None) == f"ck_events_{column}"


@pytest.mark.turned_off(
    "part:server_sync.rules.create:_fields->tests.scenarios.standins:required_only",
    "part:server_sync.rules.create:create_event->tests.scenarios.standins:event_without_rooms",
    "index:uq_event_locations_event_id_location_id",
)  # fmt: skip
async def test_T04_an_event_uses_several_rooms_and_a_room_serves_several_events(stage: Stage) -> None:
    facts = {"name": "Great Hall", "building": "Town Hall", "capacity": 80, "notes": "No lift."}
    hall = await stage.create("location", **facts)
    plain = await stage.create("location", name="Yard")
    stored = await stage.row("locations", hall)
    assert {name: stored[name] for name in facts} == facts
    bare = await stage.row("locations", plain)
    assert (bare["building"], bare["capacity"], bare["notes"]) == (None, None, None)
    events = [await stage.create("event", name=name, location_ids=[hall, plain, hall]) for name in ("Duet", "Trio")]
    for event in events:
        assert sorted((await stage.get(f"/v1/events/{event}"))["location_ids"]) == sorted([hall, plain])
    error = await stage.forbidden(
        "INSERT INTO event_locations (id, programme_id, event_id, location_id)"
        " SELECT gen_random_uuid(), programme_id, event_id, location_id FROM event_locations LIMIT 1"
    )
    assert getattr(error, "constraint_name", None) == "uq_event_locations_event_id_location_id"


@pytest.mark.turned_off("command:block.create", "constraint:event_time_blocks.ck_event_time_blocks_duration_positive")
async def test_T05_a_block_keeps_what_it_is_told(stage: Stage) -> None:
    event, room = stage.festival.event, stage.festival.room
    asked: dict[str, Any] = {"event_id": event, "location_id": room, "max_capacity": 30, "notes": "Warm up in 2b."}
    by_duration = await stage.create(
        "block", **asked, start_time=at("09:00"), end_time=at("10:00"), slot_duration_minutes=10
    )
    by_hand = await stage.create("block", **asked, start_time=at("10:00"), end_time=at("12:30"), manual_slots=True)
    for id, start, end, minutes, manual in (
        (by_duration, "09:00", "10:00", 10, False),
        (by_hand, "10:00", "12:30", None, True),
    ):
        row = await stage.row("event_time_blocks", id)
        assert (str(row["event_id"]), str(row["location_id"])) == (event, room)
        assert [row[name].isoformat()[11:16] for name in ("start_time", "end_time")] == [start, end]
        assert (row["slot_duration_minutes"], row["manual_slots"]) == (minutes, manual)
        assert (row["max_capacity"], row["notes"]) == (30, "Warm up in 2b.")
    error = await stage.forbidden("UPDATE event_time_blocks SET slot_duration_minutes = 0")
    assert getattr(error, "constraint_name", None) == "ck_event_time_blocks_duration_positive"
    backwards = {"start_time": at("14:00"), "end_time": at("13:00")}
    await stage.refused("block.create", asked | backwards, "INVALID")


@pytest.mark.turned_off(
    "part:server_sync.rules.blocks:new_slot->tests.scenarios.standins:half_the_time",
    "part:server_sync.rules.blocks:split->tests.scenarios.standins:all_in_one",
)  # fmt: skip
async def test_T06_a_block_is_one_slot_or_holds_many(stage: Stage) -> None:
    one = await stage.festival.block(capacity=3)
    many = await stage.festival.block(slot_duration_minutes=15)
    await stage.command("block.generate_slots", {"block_id": many["id"]})
    slots = (await stage.get("/v1/slots", eventId=stage.festival.event))["slots"]
    (single,) = [slot for slot in slots if slot["time_block_id"] == one["id"]]
    assert (single["start_time"], single["end_time"]) == (one["start_time"], one["end_time"])
    held = [slot["id"] for slot in slots if slot["time_block_id"] == many["id"]]
    assert len(held) == 4
    for slot in (single["id"], *held):
        await stage.reserve(slot)


@pytest.mark.turned_off("part:server_sync.rules.blocks:split=()", "command:block.generate_slots")
async def test_T07_slots_follow_each_other_numbered_from_one(stage: Stage) -> None:
    block = await stage.festival.block(slot_duration_minutes=25)
    done = await stage.command("block.generate_slots", {"block_id": block["id"], "capacity": 4})
    assert done["slots"] == 2, "what is left of the hour holds no third slot of 25 minutes"
    done = await stage.command(
        "block.generate_slots", {"block_id": block["id"], "capacity": 4, "slot_duration_minutes": 12}
    )
    assert done["slots"] == 5
    slots = (await stage.get("/v1/slots", eventId=stage.festival.event))["slots"]
    assert [slot["slot_number"] for slot in slots] == [1, 2, 3, 4, 5]
    assert {slot["capacity"] for slot in slots} == {4}
    assert slots[0]["start_time"] == block["start_time"]
    assert [slot["start_time"] for slot in slots[1:]] == [slot["end_time"] for slot in slots[:-1]]
    assert slots[-1]["end_time"] == block["end_time"]


def whatever_its_status(state: State, programme_id: str, slot_id: str, *_: Any, **__: Any) -> EventSlot | None:
    """A slot as a rule finds it that does not ask whether it is open."""
    return state.get(EventSlot, slot_id)


@pytest.mark.turned_off(
    "part:server_sync.rules.placing:open_slot->tests.scenarios.test_events:whatever_its_status",
    "constraint:event_slots.ck_event_slots_status",
    "trigger:slot_reservations.count_new",
)
async def test_T09_a_slot_keeps_its_place_and_takes_people_only_while_open(stage: Stage) -> None:
    block = await stage.festival.block(capacity=3)
    (slot,) = (await stage.get("/v1/slots", eventId=stage.festival.event))["slots"]
    claim = await stage.reserve(slot["id"])
    row = await stage.row("event_slots", slot["id"])
    assert [str(row[name]) for name in ("time_block_id", "event_id", "location_id")] == [
        block["id"], stage.festival.event, stage.festival.room,
    ]  # fmt: skip
    assert (row["start_time"].isoformat()[:16], row["end_time"].isoformat()[:16]) == (
        block["start_time"][:16], block["end_time"][:16],
    )  # fmt: skip
    assert (row["slot_number"], row["capacity"], row["reserved_count"], row["status"]) == (1, 3, 1, "open")
    for status, code in (("closed", "SLOT_CLOSED"), ("cancelled", "SLOT_CANCELLED")):
        await stage.sql.execute("UPDATE event_slots SET status = $1", status)
        said = await stage.refused("reservation.reserve", {"slot_id": slot["id"], "reserved_name": "Ada"}, code)
        assert said["slot_id"] == slot["id"]
        assert (await stage.slot(slot["id"]))["status"] == status
    assert (await stage.reservation(claim))["status"] == "reserved", "who was in it stays"
    error = await stage.forbidden("UPDATE event_slots SET status = 'ajar'")
    assert getattr(error, "constraint_name", None) == "ck_event_slots_status"
    await stage.sql.execute("UPDATE event_slots SET status = 'open'")
    await stage.reserve(slot["id"])
    await stage.refused("reservation.reserve", {"slot_id": stage.elsewhere(), "reserved_name": "Ada"}, "NOT_FOUND")


@pytest.mark.turned_off(limit_of("event_slots"), limit_of("event_time_blocks"))
async def test_T10_slot_and_block_both_limit(stage: Stage) -> None:
    block = await stage.festival.block(slot_duration_minutes=30, max_capacity=4)
    await stage.command("block.generate_slots", {"block_id": block["id"], "capacity": 3})
    first, second = [slot["id"] for slot in (await stage.get("/v1/slots", eventId=stage.festival.event))["slots"]]
    for _ in range(3):
        await stage.reserve(first)
    slot_full = await stage.refused("reservation.reserve", {"slot_id": first, "reserved_name": "Ada"}, "SLOT_FULL")
    assert (await stage.slot(second))["remaining"] == 1, "the block leaves one, though the slot has three"
    await stage.reserve(second)
    full = await stage.refused("reservation.reserve", {"slot_id": second, "reserved_name": "Bo"}, "BLOCK_FULL")
    assert (full["block_id"], full["reserved"], full["capacity"]) == (block["id"], 4, 4)
    assert (slot_full["slot_id"], slot_full["reserved"], slot_full["capacity"]) == (first, 3, 3)
    assert await stage.counts(first) == (3, 3)
    assert await stage.counts(second) == (1, 1)


@pytest.mark.turned_off(limit_of("events"))
async def test_W19_an_event_without_a_capacity_takes_everybody(stage: Stage) -> None:
    async def slot_of(event: str, hour: int) -> str:
        block = await stage.create(
            "block", event_id=event, location_id=stage.festival.room, capacity=50,
            start_time=at(f"{hour}:00"), end_time=at(f"{hour + 1}:00"),
        )  # fmt: skip
        slots = (await stage.get("/v1/slots", eventId=event))["slots"]
        return next(str(slot["id"]) for slot in slots if slot["time_block_id"] == block)

    unlimited, limited = await stage.create("event", name="Open"), await stage.create("event", name="Two", capacity=2)
    assert "capacity" not in await stage.get(f"/v1/events/{unlimited}")
    wide, narrow = await slot_of(unlimited, 13), await slot_of(limited, 14)
    for _ in range(12):
        await stage.reserve(wide)
    for _ in range(2):
        await stage.reserve(narrow)
    full = await stage.refused("reservation.reserve", {"slot_id": narrow, "reserved_name": "Ada"}, "EVENT_FULL")
    assert (full["event_id"], full["capacity"]) == (limited, 2)
    assert (await stage.counts(wide), await stage.counts(narrow)) == ((12, 12), (2, 2))
