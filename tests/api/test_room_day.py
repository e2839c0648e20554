"""A room's day over HTTP: what its manager says, and what everybody in the room is told."""

from __future__ import annotations

from typing import Any

import httpx

from tests.api.festival import DAY, Festival, open_festival


async def give(festival: Festival, kind: str, args: dict[str, Any], status: int = 200) -> dict[str, Any]:
    """The answer to a command of the room manager."""
    reply = await festival.client.post("/v1/commands", json={"kind": kind, "args": args}, headers=festival.manager)
    assert reply.status_code == status, reply.text
    body: dict[str, Any] = reply.json()
    return body


async def day_of(festival: Festival, status: int = 200, **query: Any) -> dict[str, Any]:
    """The room's day."""
    reply = await festival.client.get(
        f"/v1/rooms/{festival.room}/day", params={"day": DAY, **query}, headers=festival.volunteer
    )
    assert reply.status_code == status, reply.text
    body: dict[str, Any] = reply.json()
    return body


async def test_a_room_tells_who_is_on_stage_next_and_on_deck(festival: Festival) -> None:
    slots = [await festival.slot(capacity=2) for _ in range(4)]
    people = [await festival.person(name) for name in ("Ann", "Bea", "Cyd", "Dot")]
    ann, bea, cyd, dot = [
        (await festival.reserve(slot, person))["reservation_id"] for slot, person in zip(slots, people, strict=True)
    ]
    where = {"location_id": festival.room, "day": DAY}
    before = await day_of(festival)
    assert (before["next"], before["on_deck"], before["missing"]) == ([ann], [bea], [])
    assert [entry["name"] for entry in before["entries"]] == ["Ann", "Bea", "Cyd", "Dot"]
    assert [entry["predicted_start"][11:16] for entry in before["entries"]] == ["07:00", "08:00", "09:00", "10:00"]
    assert (before["location_name"], before["day"], before["time_zone"]) == ("Room A", DAY, "Europe/London")

    await give(festival, "room_day.on_stage", {**where, "reservation_id": ann})
    await give(festival, "room_day.call", {**where, "reservation_ids": [bea, dot]})
    await give(festival, "room_day.skip", {**where, "reservation_ids": [cyd]})
    await give(festival, "room_day.delay", {**where, "delay_minutes": 20})
    now = await day_of(festival)
    assert (now["on_stage"], now["next"], now["on_deck"], now["skipped"]) == (ann, [bea], [dot], [cyd])
    assert (now["called"], now["missing"], now["delay_minutes"]) == ([bea, dot], [bea, dot], 20)
    assert now["on_stage_since"]
    turns = {entry["name"]: entry["turn"] for entry in now["entries"]}
    assert turns == {"Ann": "on_stage", "Bea": "next", "Cyd": "skipped", "Dot": "on_deck"}
    predicted = {entry["name"]: entry.get("predicted_start") for entry in now["entries"]}
    assert predicted["Bea"] == f"{DAY}T08:20:00Z"
    assert predicted["Cyd"] is None

    await festival.client.post(
        "/v1/commands", json={"kind": "attendance.arrive", "args": {"reservation_id": bea}}, headers=festival.volunteer
    )
    await give(festival, "attendance.perform", {"reservation_id": ann})
    after = await day_of(festival)
    assert (after.get("on_stage"), after["missing"]) == (None, [dot])
    statuses = {entry["name"]: entry["status"] for entry in after["entries"]}
    assert statuses == {"Ann": "performed", "Bea": "checked_in", "Cyd": "reserved", "Dot": "reserved"}
    assert (await give(festival, "room_day.call", {**where, "reservation_ids": [bea]}, 409))["error_code"] == (
        "NOTHING_TO_DO"
    )


async def test_a_rooms_day_refused(festival: Festival, client: httpx.AsyncClient) -> None:
    assert (await day_of(festival, day="2083-02-30", status=422))["error_code"] == "INVALID"
    assert (await day_of(festival, day="3027-03-14", status=422))["error_code"] == "INVALID"
    empty = await day_of(festival, day="2083-03-20")
    assert (empty["entries"], empty["next"], empty["delay_minutes"]) == ([], [], 0)
    reply = await client.get(f"/v1/rooms/{festival.room}/day")
    assert reply.status_code == 401
    other = await open_festival(client, "Another")
    reply = await client.get(f"/v1/rooms/{festival.room}/day", headers=other.admin)
    assert (reply.status_code, reply.json()["error_code"]) == (404, "NOT_FOUND")
    reply = await client.get("/v1/rooms/nowhere/day", headers=festival.volunteer)
    assert reply.status_code == 404
    slot = await festival.slot()
    claim = (await festival.reserve(slot, await festival.person()))["reservation_id"]
    where = {"location_id": festival.room, "day": "2083-03-15", "reservation_id": claim}
    assert (await give(festival, "room_day.on_stage", where, 422))["error_code"] == "INVALID"
