"""``/v1/conflicts``: who may ask, what may be asked, and that the answer is of one programme."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.festival import ROOT, Festival, made, open_festival


async def test_a_report_names_people_rooms_and_times(festival: Festival) -> None:
    await festival.reserve(await festival.slot(), await festival.person())
    ben = await festival.person("Ben")
    reply = await festival.client.get("/v1/conflicts", headers=festival.manager)
    assert reply.status_code == 200, reply.text
    report = reply.json()
    assert report["walk_minutes"] == 5
    assert {kind: number for kind, number in report["counts"].items() if number} == {"person_without_slot": 1}
    assert report["conflicts"] == [{
        "kind": "person_without_slot", "severity": "warning", "words": "Ben has no place and waits for none.",
        "participant": {"id": ben, "name": "Ben"},
    }]  # fmt: skip


async def test_a_walk_is_as_long_as_one_says(festival: Festival) -> None:
    body = {"name": "Room B", "building": "Annexe"}
    annexe = (await made(festival.client, "/v1/locations", body, festival.admin))["id"]
    body = {"name": "Room C", "building": "Town Hall"}
    hall = (await made(festival.client, "/v1/locations", body, festival.admin))["id"]
    ada = await festival.person()
    for room in (annexe, hall):
        block = await festival.block(location_id=room)
        page = (await festival.client.get("/v1/slots", params={"locationId": room})).json()
        await festival.reserve(next(slot["id"] for slot in page["slots"] if slot["time_block_id"] == block["id"]), ada)

    async def walks(**query: Any) -> int:
        reply = await festival.client.get("/v1/conflicts", params=query, headers=festival.admin)
        assert reply.status_code == 200, reply.text
        number: int = reply.json()["counts"]["walk_too_short"]
        return number

    assert await walks() == 1
    assert await walks(walk=1) == 1
    assert await walks(walk=0) == 0


async def test_one_kind_alone_and_a_few_of_many(festival: Festival) -> None:
    for number in range(3):
        await festival.person(f"Person {number}")
    query: dict[str, Any] = {"kind": "person_without_slot", "limit": 2}
    report = (await festival.client.get("/v1/conflicts", params=query, headers=festival.admin)).json()
    assert report["counts"] == {"person_without_slot": 3}
    assert [found["participant"]["name"] for found in report["conflicts"]] == ["Person 0", "Person 1"]


async def test_it_is_for_room_managers(festival: Festival) -> None:
    reply = await festival.client.get("/v1/conflicts", headers=festival.volunteer)
    assert (reply.status_code, reply.json()["details"]) == (403, {"needs": "room_manager", "has": "volunteer"})
    assert (await festival.client.get("/v1/conflicts")).status_code == 401


@pytest.mark.parametrize("query", ["walk=-1", "walk=241", "walk=x", "limit=0", "limit=501", "kind=trouble", "x=1"])
async def test_what_makes_no_sense_is_refused(festival: Festival, query: str) -> None:
    reply = await festival.client.get(f"/v1/conflicts?{query}", headers=festival.admin)
    assert (reply.status_code, reply.json()["error_code"]) == (422, "INVALID")


async def test_whoever_has_no_programme_names_one(festival: Festival) -> None:
    await festival.person()
    other = await open_festival(festival.client, "Another")

    async def asked(**query: str) -> Any:
        return await festival.client.get("/v1/conflicts", params=query, headers=ROOT)

    reply = await asked()
    assert (reply.status_code, reply.json()["details"]["field"]) == (422, "programme")
    assert (await asked(programme=festival.programme)).json()["counts"]["person_without_slot"] == 1
    assert (await asked(programme=other.programme)).json()["conflicts"] == []
    assert (await asked(programme=festival.room)).status_code == 404
    reply = await festival.client.get("/v1/conflicts", params={"programme": festival.programme}, headers=other.admin)
    assert reply.json()["conflicts"] == [], "a token is of one programme, whatever it names"
