"""What a competitor does: look at events and slots, find themselves, reserve."""

from __future__ import annotations

import httpx
import pytest

from tests.api.festival import DAY, Festival, made, open_festival


async def test_events_are_listed_by_category_and_activity(festival: Festival) -> None:
    client = festival.client
    await made(client, "/v1/events", {"name": "Relay", "category": "sports", "is_active": False}, festival.admin)

    async def names(**query: str) -> list[str]:
        page = (await client.get("/v1/events", params=query)).json()
        return [event["name"] for event in page["events"]]

    assert await names() == ["Piano solo, grade 5", "Relay"]
    assert await names(category="music") == ["Piano solo, grade 5"]
    assert await names(active="false") == ["Relay"]
    assert await names(locationId=festival.room) == ["Piano solo, grade 5"]
    reply = await client.get("/v1/events", params={"category": "cooking"})
    assert (reply.status_code, reply.json()["error_code"]) == (422, "INVALID")


async def test_an_event_returns_its_points_unchanged(festival: Festival) -> None:
    body = {"name": "Duet", "points": {"first": 10, "second": 6, "third": -3}, "capacity": 8}
    event = await made(festival.client, "/v1/events", body, festival.admin)
    found = (await festival.client.get(f"/v1/events/{event['id']}")).json()
    assert found["points"] == {"first": 10, "second": 6, "third": -3}
    assert (found["capacity"], found["remaining"], found["location_ids"]) == (8, 8, [])
    assert found["ref"].startswith("EVT-")


async def test_timeblocks_sum_up_their_slots(festival: Festival) -> None:
    block = await festival.block(slot_duration_minutes=10)
    path = f"/v1/timeblocks/{block['id']}/generate_slots"
    generated = await made(festival.client, path, {"capacity": 2}, festival.admin)
    assert generated == {"block_id": block["id"], "slots": 6, "kept": 0}
    slots = (await festival.client.get("/v1/slots", params={"eventId": festival.event})).json()["slots"]
    await festival.reserve(slots[0]["id"])
    [found] = (await festival.client.get(f"/v1/events/{festival.event}/timeblocks")).json()["timeblocks"]
    sums = {name: found[name] for name in ("slots", "open_slots", "capacity", "reserved", "remaining", "location_name")}
    assert sums == {
        "slots": 6, "open_slots": 6, "capacity": 12, "reserved": 1, "remaining": 11, "location_name": "Room A",
    }  # fmt: skip


async def test_slots_are_filtered_and_paged(festival: Festival) -> None:
    first, second, third = [await festival.slot() for _ in range(3)]
    await festival.reserve(second)

    async def page(**query: object) -> tuple[list[str], str | None]:
        reply = await festival.client.get("/v1/slots", params={"eventId": festival.event, **query})  # type: ignore[dict-item]
        assert reply.status_code == 200, reply.text
        return [slot["id"] for slot in reply.json()["slots"]], reply.json().get("next")

    assert await page() == ([first, second, third], None)
    ids, cursor = await page(limit=2)
    assert ids == [first, second]
    assert await page(limit=2, after=cursor) == ([third], None)
    assert await page(available=True) == ([first, third], None)
    assert await page(**{"from": f"{DAY}T08:30:00Z", "to": f"{DAY}T09:00:00Z"}) == ([second], None)
    assert await page(locationId=festival.programme) == ([], None)


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "many"}, {"after": "nowhere"}, {"from": "tomorrow"}, {"from": "2027-03-14T09:00:00"},
     {"eventId": "7"}, {"eventid": "x"}, {"after": "WyJmb28iLCJiYXIiXQ"}],
)  # fmt: skip
async def test_a_query_that_makes_no_sense_is_refused(festival: Festival, query: dict[str, str]) -> None:
    reply = await festival.client.get("/v1/slots", params=query)
    assert (reply.status_code, reply.json()["error_code"]) == (422, "INVALID"), reply.text


async def test_reserving_answers_with_the_slot(festival: Festival) -> None:
    slot, ada = await festival.slot(capacity=3), await festival.person()
    body = {"participantId": ada, "contact": "ada@example.org", "metadata": {"piece": "Clair de lune"}}
    reply = await festival.client.post(f"/v1/slots/{slot}/reserve", json=body)
    assert reply.status_code == 201, reply.text
    reserved = reply.json()
    assert (reserved["success"], reserved["status"], reserved["spots"]) == (True, "reserved", 1)
    assert (reserved["slot"]["id"], reserved["slot"]["location_name"]) == (slot, "Room A")
    assert reserved["ref"].startswith("RSV-")
    row = (await festival.client.get(f"/v1/reservations/{reserved['reservation_id']}", headers=festival.admin)).json()
    assert (row["participant_id"], row["reserved_contact"], row["metadata"]) == (
        ada, "ada@example.org", {"piece": "Clair de lune"},
    )  # fmt: skip
    assert (await festival.client.get(f"/v1/slots/{slot}")).json()["remaining"] == 2


async def test_reserving_by_name_alone_or_for_several(festival: Festival) -> None:
    slot = await festival.slot(capacity=5)
    people = [await festival.person(name) for name in ("Ada", "Bo")]
    assert (await festival.reserve(slot, reserved_name="A stranger"))["spots"] == 1
    assert (await festival.reserve(slot, *people, guests=1))["spots"] == 3


async def test_refusals_of_reserving(festival: Festival) -> None:
    slot, ada = await festival.slot(), await festival.person()
    other = await festival.person("Bo")
    await festival.reserve(slot, ada)

    async def refusal(slot: str, body: dict[str, object]) -> tuple[int, str]:
        reply = await festival.client.post(f"/v1/slots/{slot}/reserve", json=body)
        assert set(reply.json()) == {"error", "error_code", "details"}
        return reply.status_code, reply.json()["error_code"]

    assert await refusal(slot, {"participant_id": ada}) == (409, "ALREADY_RESERVED")
    assert await refusal(slot, {"participant_id": other}) == (409, "SLOT_FULL")
    assert await refusal(festival.room, {"participant_id": other}) == (404, "NOT_FOUND")
    assert await refusal("seven", {"participant_id": other}) == (404, "NOT_FOUND")
    free = await festival.slot()
    assert await refusal(free, {"participant_id": festival.room}) == (404, "NOT_FOUND")
    assert await refusal(free, {"participant_id": "ada"}) == (422, "INVALID")
    assert await refusal(free, {"participant_ids": "ada"}) == (422, "INVALID")
    assert await refusal(free, {"participant_id": ada, "participant_ids": [other]}) == (422, "INVALID")
    assert await refusal(free, {}) == (422, "INVALID")
    assert await refusal(free, {"reserved_name": "x", "gests": 1}) == (422, "INVALID")


async def test_a_persons_name_is_found_in_part_and_with_a_slip(festival: Festival) -> None:
    details = {"school": "St Anne", "grade": "5", "age": 11, "contact": "a@example.org", "external_id": "K-7"}
    await festival.person("Amélie Dupont", **details)
    await festival.person("Ahmed Duval")

    async def found(q: str, headers: dict[str, str] | None = None) -> list[dict[str, object]]:
        reply = await festival.client.get("/v1/participants/search", params={"q": q}, headers=headers or {})
        assert reply.status_code == 200, reply.text
        people: list[dict[str, object]] = reply.json()["participants"]
        return people

    for typed in ("ame", "Dup amelie", "dupnot", "K-7"):
        people = await found(typed)
        assert people, typed
        assert people[0]["display_name"] == "Amélie Dupont", typed
    assert {person["display_name"] for person in await found("du")} == {"Amélie Dupont", "Ahmed Duval"}
    assert await found("zzz") == []
    [public] = await found("amelie")
    assert (public["school"], public["grade"], public["age"]) == ("St Anne", "5", 11)
    assert not {"contact", "external_id", "metadata"} & set(public)
    assert "contact" not in (await found("amelie", festival.volunteer))[0]
    assert (await found("amelie", festival.admin))[0]["contact"] == "a@example.org"


async def test_text_that_looks_like_sql_is_text(festival: Festival) -> None:
    hostile = "'; DROP TABLE participants; --"
    await festival.person(hostile)
    for q in (hostile, "%", "_", "':* & |", "\\", "a" * 200):
        reply = await festival.client.get("/v1/participants/search", params={"q": q})
        assert reply.status_code == 200, reply.text
    [person] = (await festival.client.get("/v1/participants/search", params={"q": "drop table"})).json()["participants"]
    assert person["display_name"] == hostile


async def test_programmes_stay_apart(client: httpx.AsyncClient, festival: Festival) -> None:
    other = await open_festival(client, "Autumn Festival")
    slot = await other.slot()
    rows = (await client.get("/v1/events", headers=festival.volunteer)).json()["events"]
    assert [row["id"] for row in rows] == [festival.event]
    assert (await client.get(f"/v1/events/{other.event}", headers=festival.admin)).status_code == 404
    named = (await client.get("/v1/events", params={"programme": other.programme})).json()["events"]
    assert [row["id"] for row in named] == [other.event]
    reply = await client.post(f"/v1/slots/{slot}/reserve", json={"reserved_name": "x"}, headers=festival.admin)
    assert reply.status_code == 404
    reply = await client.post(f"/v1/events/{other.event}/timeblocks", headers=festival.admin,
                              json={"location_id": festival.room, "start_time": f"{DAY}T20:00:00Z",
                                    "end_time": f"{DAY}T21:00:00Z"})  # fmt: skip
    assert reply.status_code == 404


async def test_the_public_is_not_told_where_somebody_is(festival: Festival) -> None:
    """Anybody may name anybody: the answer must not say where to find a child."""
    client = festival.client
    child, slot = await festival.person(), await festival.slot(capacity=3)
    claim = await festival.reserve(slot, child)
    block = (await client.get(f"/v1/slots/{slot}")).json()
    other_room = (await made(client, "/v1/locations", {"name": "Room B"}, festival.admin))["id"]
    times = {"location_id": other_room, "start_time": block["start_time"], "end_time": block["end_time"]}
    there = await festival.block(**times)
    page = (await client.get("/v1/slots", params={"eventId": festival.event})).json()["slots"]
    elsewhere = next(one["id"] for one in page if one["time_block_id"] == there["id"])

    async def told(path: str, code: str, **headers: str) -> dict[str, object]:
        reply = await client.post(path, json={"participant_ids": [child]}, headers=headers)
        assert (reply.status_code, reply.json()["error_code"]) == (409, code), reply.text
        details: dict[str, object] = reply.json()["details"]
        return details

    for face in ("reserve", "hold"):
        for at, code in ((slot, "ALREADY_RESERVED"), (elsewhere, "DOUBLE_BOOKED")):
            path = f"/v1/slots/{at}/{face}"
            key = {"Idempotency-Key": f"the one time {face} {code}"}
            for headers in ({}, key, key):
                assert await told(path, code, **headers) == {"participant_id": child}
            staff = await told(path, code, **festival.volunteer)
            assert (staff["participant_id"], staff["reservation_id"]) == (child, claim["reservation_id"])
            assert (staff["slot_id"], staff["start_time"]) == (slot, block["start_time"])


async def test_the_public_is_not_told_that_somebody_waits_elsewhere(festival: Festival) -> None:
    await made(
        festival.client, "/v1/commands",
        {"kind": "event.update", "args": {"event_id": festival.event, "waitlist_enabled": True}}, festival.admin,
    )  # fmt: skip
    child, slot = await festival.person(), await festival.slot()
    await festival.reserve(slot)
    path, body = f"/v1/slots/{slot}/reserve", {"participant_ids": [child], "on_full": "waitlist"}
    await made(festival.client, path, body, {})
    reply = await festival.client.post(path, json=body)
    assert (reply.json()["error_code"], reply.json()["details"]) == ("ALREADY_WAITING", {"participant_id": child})


async def test_the_public_gives_and_previews_no_plain_commands(festival: Festival) -> None:
    child, slot = await festival.person(), await festival.slot()
    await festival.reserve(slot, child)
    body = {"kind": "reservation.reserve", "args": {"slot_id": slot, "participant_ids": [child]}}
    for path in ("/v1/commands", "/v1/commands/preview"):
        reply = await festival.client.post(path, json=body)
        assert (reply.status_code, reply.json()["error_code"]) == (401, "NOT_SIGNED_IN")
        assert child not in reply.text
