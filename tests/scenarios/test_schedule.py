"""What an admin builds and changes: events, rules, rooms, blocks and slots, and what becomes of their people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from server_sync.protocol.ids import Id
from tests.scenarios.stage import Stage, at
from tests.scenarios.stage import refusal as refusal_of


@pytest.mark.turned_off("command:event.update", "part:server_sync.rules.update:given={}")
async def test_T01_points_change_only_to_what_is_said(stage: Stage) -> None:
    id = await stage.create("event", name="Duet", points_first=9, points_second=6, points_third=3)
    await stage.command("event.update", {"event_id": id, "points_second": -2})
    assert (await stage.get(f"/v1/events/{id}"))["points"] == {"first": 9, "second": -2, "third": 3}
    await stage.refused("event.update", {"event_id": id, "points_third": 1.5}, "INVALID")
    await stage.refused("event.update", {"event_id": id, "points_third": None}, "INVALID")
    assert (await stage.get(f"/v1/events/{id}"))["points"] == {"first": 9, "second": -2, "third": 3}


@pytest.mark.turned_off(
    "part:server_sync.rules.create:_fields->tests.scenarios.standins:required_only",
    "part:server_sync.authority.queries.events:page->tests.scenarios.standins:of_any_category",
    "part:server_sync.authority.queries.events:page->tests.scenarios.standins:active_or_not",
)  # fmt: skip
async def test_T02_an_event_keeps_what_it_is_and_is_listed_by_category_and_activity(stage: Stage) -> None:
    rules = await stage.create("event_rules", name="Solo")
    facts = {
        "name": "Piano solo", "category": "arts", "type": "team", "description": "From memory.", "rules_id": rules,
        "master_start": at("09:00"), "master_end": at("11:00"), "is_active": True,
    }  # fmt: skip
    full = await stage.create("event", **facts)
    bare = await stage.create("event", name="Choir", category="arts")
    other = await stage.create("event", name="Relay", category="sports")
    found = await stage.get(f"/v1/events/{full}")
    assert {name: found.get(name) for name in facts} == facts
    plain = await stage.get(f"/v1/events/{bare}")
    assert not {"description", "master_start", "master_end", "rules_id"} & plain.keys()
    await stage.command("event.update", {"event_id": bare, "is_active": False})

    async def listed(**query: Any) -> set[Id]:
        return {event["id"] for event in (await stage.get("/v1/events", **query))["events"]} & {full, bare, other}

    assert await listed() == {full, bare, other}
    assert await listed(category="arts") == {full, bare}
    assert await listed(category="arts", active="true") == {full}
    assert await listed(active="false") == {bare}
    await stage.refused("event.create", {**facts, "master_end": at("09:00")}, "INVALID")
    await stage.refused("event.update", {"event_id": full, "master_start": at("12:00")}, "INVALID")
    await stage.refused("event.update", {"event_id": full, "rules_id": stage.elsewhere()}, "NOT_FOUND")


@pytest.mark.turned_off(
    "command:slot.create", "part:server_sync.rules.slots:_does_not_fit", "part:server_sync.rules.slots:number"
)
async def test_T08_an_admin_makes_slots_one_by_one(stage: Stage) -> None:
    block = (await stage.festival.block(manual_slots=True))["id"]
    start = datetime.fromisoformat((await stage.row("event_time_blocks", block))["start_time"].isoformat())

    def time(minute: int) -> str:
        return start.replace(minute=minute).astimezone(UTC).isoformat()

    late = await stage.create("slot", block_id=block, start_time=time(30), end_time=time(45), capacity=2)
    early = await stage.create("slot", block_id=block, start_time=time(5), end_time=time(10))
    rows = [await stage.row("event_slots", id) for id in (early, late)]
    assert [(row["slot_number"], row["created_by_admin"], row["capacity"]) for row in rows] == [
        (1, True, 1), (2, True, 2),
    ]  # fmt: skip
    overlapping = {"block_id": block, "start_time": time(40), "end_time": time(50)}
    assert (await stage.refused("slot.create", overlapping, "SLOT_TAKEN"))["slot_id"] == late
    outside = {"block_id": block, "start_time": time(50), "end_time": at("23:00")}
    assert (await stage.refused("slot.create", outside, "INVALID"))["field"] == "end_time"
    apart = {**overlapping, "start_time": time(50), "end_time": time(55)}
    await stage.refused("slot.create", apart, "NOT_ALLOWED", by=stage.festival.manager)
    await stage.refused("block.generate_slots", {"block_id": block, "slot_duration_minutes": 5}, "MANUAL_SLOTS")
    split = (await stage.festival.block(slot_duration_minutes=10))["id"]
    await stage.refused("slot.create", {**apart, "block_id": split}, "MANUAL_SLOTS")
    await stage.reserve(late)


@pytest.mark.turned_off(
    "command:slot.update", "command:slot.cancel", "part:server_sync.rules.capacity:set_capacity=set()",
)  # fmt: skip
async def test_T09_only_an_open_slot_takes_reservations_and_its_capacity_is_kept(stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=3)
    for _ in range(3):
        await stage.reserve(slot)
    lower = {"slot_id": slot, "capacity": 2}
    details = await stage.refused("slot.update", lower, "BELOW_RESERVED")
    assert (details["reserved"], details["capacity"]) == (3, 2)
    await stage.command("slot.update", {**lower, "override_reason": "chairs"})
    row = await stage.row("event_slots", slot)
    assert (row["capacity"], row["reserved_count"], row["overbooked_count"]) == (2, 3, 1)
    await stage.command("slot.update", {"slot_id": slot, "capacity": 4})
    assert (await stage.row("event_slots", slot))["overbooked_count"] == 0
    await stage.reserve(slot)
    await stage.command("slot.cancel", {"slot_id": slot, "reason": "storm"})
    found = await stage.slot(slot)
    assert (found["status"], found["reserved_count"], found["remaining"]) == ("cancelled", 0, 0)
    await stage.refused("reservation.reserve", {"slot_id": slot, "reserved_name": "Ada"}, "SLOT_CANCELLED")


@pytest.mark.turned_off(
    "part:server_sync.rules.changing:given->tests.scenarios.standins:without_configuration",
    "part:server_sync.rules.create:_fields->tests.scenarios.standins:required_only",
    "command:event_rules.update", "command:event_rules.retire",
)  # fmt: skip
async def test_T17_rules_are_a_blob_that_an_event_may_name(stage: Stage) -> None:
    scoring = {"criteria": [{"name": "tone", "most": 10}, {"name": "élan", "most": 5}], "drop": None}
    rules = await stage.create("event_rules", name="Solo", description="Three judges.", configuration=scoring)
    row = await stage.value("SELECT configuration FROM event_rules WHERE id = $1::text::uuid", rules)
    assert await stage.value("SELECT $1::jsonb = $2::jsonb", row, '{"criteria": [{"name": "tone", "most": 10},'
                             ' {"name": "élan", "most": 5}], "drop": null}')  # fmt: skip
    assert (await stage.row("event_rules", rules))["description"] == "Three judges."
    event = await stage.create("event", name="Piano", rules_id=rules)
    assert (await stage.get(f"/v1/events/{event}")).get("rules_id") == rules
    assert "rules_id" not in await stage.get(f"/v1/events/{await stage.create('event', name='Free')}")
    await stage.command("event_rules.update", {"rules_id": rules, "configuration": {"judges": 5}})
    assert await stage.value("SELECT configuration->>'judges' FROM event_rules") == "5"
    assert (await stage.refused("event_rules.retire", {"rules_id": rules}, "IN_USE"))["event_ids"] == [event]
    await stage.command("event.update", {"event_id": event, "rules_id": None})
    await stage.command("event_rules.retire", {"rules_id": rules})
    await stage.refused("event.update", {"event_id": event, "rules_id": rules}, "NOT_FOUND")


@pytest.mark.turned_off("command:slot.block", "command:slot.unblock", "part:server_sync.rules.closing:_set")
async def test_T32_a_blocked_slot_refuses_until_it_is_unblocked(stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=2)
    inside = await stage.reserve(slot)
    await stage.refused("slot.block", {"slot_id": slot}, "INVALID")
    why = {"slot_id": slot, "reason": "the piano is out of tune"}
    await stage.refused("slot.block", why, "NOT_ALLOWED", by=stage.festival.manager)
    await stage.command("slot.block", why)
    found = await stage.slot(slot)
    assert (found["status"], found["status_reason"], found["remaining"]) == ("closed", why["reason"], 0)
    details = await stage.refused("reservation.reserve", {"slot_id": slot, "reserved_name": "Ada"}, "SLOT_CLOSED")
    assert details["reason"] == why["reason"]
    assert (await stage.reservation(inside))["claim"] == "reserved", "who is in stays"
    await stage.refused("slot.block", why, "NOTHING_TO_DO")
    await stage.command("slot.unblock", {"slot_id": slot})
    await stage.reserve(slot)
    assert await stage.counts(slot) == (2, 2)


@pytest.mark.turned_off(
    "part:server_sync.rules.create:_fields->tests.scenarios.standins:required_only",
    "part:server_sync.rules.update:given={}", "face:GET /v1/locations",
)  # fmt: skip
async def test_H01_a_venue_keeps_name_city_and_description(stage: Stage) -> None:
    facts = {"name": "Opera", "city": "Zürich", "description": "By the lake.\nBuilt in 1891."}
    id = await stage.create("location", **facts)

    async def found() -> dict[str, Any]:
        rooms = (await stage.get("/v1/locations"))["locations"]
        return next(room for room in rooms if room["id"] == id)

    assert {name: (await found()).get(name) for name in facts} == facts
    await stage.command("location.update", {"location_id": id, "city": "Bern", "description": None})
    room = await found()
    assert (room["city"], "description" in room, room["name"]) == ("Bern", False, "Opera")
    await stage.refused("location.create", {"city": "Bern"}, "INVALID")


@pytest.mark.turned_off(
    "part:server_sync.rules.create:_fields->tests.scenarios.standins:required_only",
    "part:server_sync.rules.create:create_event->tests.scenarios.standins:event_without_rooms",
    "part:server_sync.rules.update:given={}",
)  # fmt: skip
async def test_H03_an_event_keeps_its_venue_time_artists_and_prices(stage: Stage) -> None:
    venue = await stage.create("location", name="Opera")
    facts = {
        "name": "Gala", "artists": ["Ada", "Grace"], "tags": ["jazz"], "description": "One night.",
        "master_start": at("20:00"), "master_end": at("22:30"), "location_ids": [venue], "currency": "CHF",
        "seat_type_prices": {"stalls": 4500, "balcony": 3000},
    }  # fmt: skip
    id = await stage.create("event", **facts)
    found = await stage.get(f"/v1/events/{id}")
    assert {name: found.get(name) for name in facts} == facts
    lasts = datetime.fromisoformat(found["master_end"]) - datetime.fromisoformat(found["master_start"])
    assert lasts.total_seconds() == 150 * 60
    await stage.command("event.update", {"event_id": id, "seat_type_prices": {"stalls": 5000}, "artists": ["Edsger"]})
    found = await stage.get(f"/v1/events/{id}")
    assert (found["seat_type_prices"], found["artists"], found["tags"]) == ({"stalls": 5000}, ["Edsger"], ["jazz"])
    for prices in ({"stalls": -1}, {"stalls": 1.5}, {"": 1}, ["stalls"]):
        await stage.refused("event.update", {"event_id": id, "seat_type_prices": prices}, "INVALID")


@pytest.mark.turned_off(
    "command:event.retire", "part:server_sync.rules.retire:leave", "part:server_sync.rules.retire:_people_stay",
)  # fmt: skip
async def test_R23_deleting_an_activity_deletes_its_rsvps_and_waitlist_entries(stage: Stage) -> None:
    ada, grace = await stage.people(2)
    await stage.command("event.update", {"event_id": stage.festival.event, "waitlist_enabled": True})
    slot = await stage.festival.slot()
    mine = await stage.reserve(slot, ada)
    wish = {"slot_id": slot, "participant_ids": [grace], "on_full": "waitlist"}
    waiting = (await stage.command("reservation.reserve", wish))["reservation_id"]
    details = await stage.refused("event.retire", {"event_id": stage.festival.event}, "HAS_PEOPLE")
    assert (details["reservations"], details["waiting"]) == (1, 1)
    assert (await stage.reservation(mine))["claim"] == "reserved"
    args = {"event_id": stage.festival.event, "cancel_people": True}
    await stage.refused("event.retire", args, "REASON_NEEDED")
    answer = await stage.command("event.retire", {**args, "reason": "double entry"})
    assert {entry["reservation_id"] for entry in answer["cancelled"]} == {mine, waiting}
    for id in (mine, waiting):
        refusal_of(await stage.client.get(f"/v1/reservations/{id}", headers=stage.festival.admin), "NOT_FOUND")
    for table in ("slot_reservations", "reservation_members", "event_slots", "event_time_blocks", "events"):
        assert await stage.value(f"SELECT count(*) FROM {table} WHERE deleted IS NOT TRUE") == 0, table
    assert await stage.counts(slot) == (0, 0)


@pytest.mark.turned_off(
    "face:GET /v1/events/{event_id}", "part:server_sync.authority.queries.events:_free_in_slots=0",
    "part:server_sync.authority.queries.events:_has_slots=False",
)  # fmt: skip
async def test_W21_an_event_tells_how_many_spots_are_available_and_whether_it_is_full(stage: Stage) -> None:
    event = stage.festival.event

    async def status() -> tuple[int, bool]:
        found = await stage.get(f"/v1/events/{event}", by={})
        return found["available"], found["full"]

    assert await status() == (0, False), "nothing to reserve yet, which is not full"
    one, two = await stage.festival.slot(capacity=2), await stage.festival.slot(capacity=3)
    assert await status() == (5, False)
    await stage.reserve(one, guests=1)
    await stage.command("event.update", {"event_id": event, "capacity": 4})
    assert await status() == (2, False), "the event's own limit"
    await stage.reserve(two)
    await stage.command("slot.block", {"slot_id": two, "reason": "wet paint"})
    assert await status() == (0, True)
    await stage.command("slot.unblock", {"slot_id": two})
    claim = await stage.reserve(two)
    assert await status() == (0, True)
    await stage.command("reservation.cancel", {"reservation_id": claim})
    assert await status() == (1, False)
    listed = (await stage.get("/v1/events"))["events"]
    assert [(row["available"], row["full"]) for row in listed if row["id"] == event] == [(1, False)]
    await stage.command("event.close", {"event_id": event, "reason": "late"})
    assert await status() == (0, False), "closed, and not full"
