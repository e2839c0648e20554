"""Participants: what is kept of them, how they are found, and how they come without being known."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.stage import Stage

ADA = {
    "first_name": "Ada", "last_name": "Okafor", "external_id": "S-104", "age": 11, "grade": "6", "school": "St Anne",
    "metadata": {"diet": ["no nuts"], "chair": 2},
}  # fmt: skip


@pytest.mark.turned_off(
    "command:participant.create", "part:server_sync.rules.create:display_name='Nobody'",
    "index:uq_participants_programme_id_external_id",
)  # fmt: skip
async def test_T11_a_participant_keeps_all_that_is_told_of_them(stage: Stage) -> None:
    group = await stage.create("group", name="Chamber Choir")
    id = await stage.create("participant", **ADA, group_id=group)
    stored = await stage.row("participants", id)
    stored["metadata"] = json.loads(stored["metadata"])
    assert {name: stored[name] for name in ADA} == ADA
    assert (stored["display_name"], str(stored["group_id"])) == ("Ada Okafor", group)
    only_last = await stage.create("participant", last_name="Núñez")
    assert (await stage.row("participants", only_last))["display_name"] == "Núñez"
    await stage.refused("participant.create", {"school": "St Anne"}, "INVALID")
    taken = await stage.refused("participant.create", {"first_name": "Bo", "external_id": "S-104"}, "ALREADY_EXISTS")
    assert taken["id"] == id
    await stage.forbidden("UPDATE participants SET external_id = 'S-104'")


@pytest.mark.turned_off(
    "part:server_sync.rules.create:display_name='Nobody'", "trigger:participants.keep_identity",
    "part:server_sync.authority.ledger:touched=[]",
)  # fmt: skip
async def test_W06_a_user_has_an_id_a_name_and_a_time_of_creation(stage: Stage) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    for name in ("A", "Ñ" * 200):
        id = await stage.create("participant", display_name=name)
        row = await stage.row("participants", id)
        assert (str(row["id"]), row["display_name"]) == (id, name)
        assert before < row["created_at"] < datetime.now(UTC) + timedelta(seconds=5)
        entries = (await stage.get("/v1/audit", row=id))["entries"]  # where the time is served
        assert [(entry["kind"], entry["status"]) for entry in entries] == [("participant.create", "applied")]
        made = entries[0]
        assert made["received_at"].endswith(("Z", "+00:00"))
        assert datetime.fromisoformat(made["received_at"]) == row["created_at"]
    for wrong in ("", "x" * 201, None, 7):
        said = await stage.refused("participant.create", {"display_name": wrong}, "INVALID")
        assert "name" in str(said)
    await stage.forbidden("UPDATE participants SET created_at = now() + interval '1 day'")


@pytest.mark.turned_off(
    "face:GET /v1/participants/search", "part:server_sync.authority.queries.people:search=[]",
)  # fmt: skip
async def test_T26_a_search_tells_namesakes_apart(stage: Stage) -> None:
    one = await stage.create("participant", **ADA)
    other = await stage.create("participant", first_name="Ada", last_name="Okafor", school="Hill", grade="9", age=14)
    await stage.create("participant", first_name="Bo", last_name="Lind")

    async def found(typed: str) -> list[str]:
        return [person["id"] for person in (await stage.get("/v1/participants/search", q=typed))["participants"]]

    assert await found("S-104") == [one], "by external id"
    ref = (await stage.row("participants", other))["ref"]
    assert await found(ref) == [other], "by the ref that is printed on the badge"
    for typed in ("Ada", "oka", "okafor ada", "Okafro", "Adda Okafor"):
        assert sorted(await found(typed)) == sorted([one, other]), typed
    people = (await stage.get("/v1/participants/search", q="ada"))["participants"]
    assert {(person["school"], person["grade"], person["age"]) for person in people} == {
        ("St Anne", "6", 11), ("Hill", "9", 14),
    }  # fmt: skip
    assert await found("Zebedee") == []


@pytest.mark.turned_off(
    "part:server_sync.rules.reserve:what_is_missing->tests.scenarios.standins:people_alone",
    "face:POST /v1/slots/{slot_id}/reserve",
)  # fmt: skip
async def test_T27_somebody_unknown_reserves_by_name_alone(stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=2)
    people = await stage.value("SELECT count(*) FROM participants")
    reply = await stage.client.post(f"/v1/slots/{slot}/reserve", json={"reserved_name": "A friend of Ada's"})
    assert reply.status_code == 201, reply.text
    made = await stage.reservation(reply.json()["reservation_id"])
    assert (made["name"], made["members"], made["spots"]) == ("A friend of Ada's", [], 1)
    assert "participant_id" not in made
    assert await stage.value("SELECT count(*) FROM participants") == people
    assert await stage.counts(slot) == (1, 1)
    reply = await stage.client.post(f"/v1/slots/{slot}/reserve", json={"reserved_name": ""})
    assert (reply.status_code, reply.json()["error_code"]) == (422, "INVALID")


@pytest.mark.turned_off("part:server_sync.rules.reserve:members_of=()", "command:reservation.reserve")
async def test_T28_a_group_reserves_several_slots_with_all_its_people(stage: Stage) -> None:
    group = await stage.create("group", name="Chamber Choir")
    people = [await stage.create("participant", first_name=f"P{n}", group_id=group) for n in range(3)]
    choir, trio = await stage.festival.slot(capacity=5), await stage.festival.slot(capacity=2)
    whole = await stage.reserve(choir, group_id=group)
    part = await stage.reserve(trio, *people[:2], group_id=group)
    for id, slot, expected in ((whole, choir, people), (part, trio, people[:2])):
        made = await stage.reservation(id)
        assert sorted(member["participant_id"] for member in made["members"]) == sorted(expected)
        assert (made["group_id"], made["spots"], made["name"]) == (group, len(expected), "Chamber Choir")
        assert await stage.counts(slot) == (len(expected), len(expected))
    full = await stage.refused(
        "reservation.reserve", {"slot_id": choir, "reserved_name": "x", "guests": 2}, "SLOT_FULL"
    )
    assert (full["spots"], full["reserved"]) == (3, 3)
