"""What staff do with reservations, people, rooms and flags."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server_sync.protocol.records import Attendance, SlotReservation
from tests.api.festival import DAY, Festival, bearing, made


async def test_check_in_performed_and_undo(festival: Festival) -> None:
    slot, ada = await festival.slot(), await festival.person()
    reservation = (await festival.reserve(slot, ada))["reservation_id"]
    arrived = (await festival.change(reservation, action="check_in", version=1)).json()
    row = arrived["reservation"]
    assert (row["status"], row["version"], row["name"]) == ("checked_in", 2, "Ada Okafor")
    assert row["checked_in_at"] == row["attendance"][0]["occurred_at"]
    assert row["attendance"][0]["command_id"] == arrived["command_id"]
    assert (await festival.change(reservation, action="performed")).json()["reservation"]["status"] == "performed"
    undone = (await festival.change(reservation, action="undo")).json()["reservation"]
    assert undone["status"] == "checked_in", "without a name the latest goes"
    undone = (await festival.change(reservation, action="undo", command_id=arrived["command_id"])).json()["reservation"]
    assert (undone["status"], undone.get("checked_in_at")) == ("reserved", None)
    reply = await festival.change(reservation, action="undo")
    assert (reply.status_code, reply.json()["error_code"]) == (409, "NOTHING_TO_UNDO")


async def test_an_undo_names_a_command_of_that_reservation(festival: Festival) -> None:
    slot = await festival.slot(capacity=2)
    one, other = [(await festival.reserve(slot))["reservation_id"] for _ in range(2)]
    arrived = (await festival.change(one, action="check_in")).json()
    reply = await festival.change(other, action="undo", command_id=arrived["command_id"])
    assert (reply.status_code, reply.json()["error_code"]) == (409, "NOTHING_TO_UNDO")


async def test_an_arrival_keyed_in_later_has_its_own_time(festival: Festival) -> None:
    reservation = (await festival.reserve(await festival.slot()))["reservation_id"]
    last_week = f"{datetime.now(UTC) - timedelta(days=7):%Y-%m-%dT03:04:05Z}"
    reply = await festival.change(reservation, action="check_in", occurred_at=last_week)
    assert reply.json()["reservation"]["checked_in_at"] == last_week
    reply = await festival.change(reservation, action="check_in", occurred_at="2026-01-02T03:04:05")
    assert (reply.status_code, reply.json()["error_code"]) == (422, "INVALID")


async def test_move_and_cancel_free_the_place(festival: Festival) -> None:
    here, there = await festival.slot(), await festival.slot()
    reservation = (await festival.reserve(here))["reservation_id"]

    async def remaining() -> list[int]:
        return [(await festival.client.get(f"/v1/slots/{slot}")).json()["remaining"] for slot in (here, there)]

    assert await remaining() == [0, 1]
    moved = (await festival.change(reservation, action="move", slot_id=there, version=1)).json()["reservation"]
    assert (moved["slot_id"], moved["placement_version"], await remaining()) == (there, 2, [1, 0])
    assert (await festival.change(reservation, action="move", slot_id=there)).json()["error_code"] == "SAME_SLOT"
    gone = (await festival.change(reservation, action="cancel", reason="ill")).json()["reservation"]
    assert (gone["status"], await remaining()) == ("cancelled", [1, 1])
    assert (await festival.change(reservation, action="cancel")).json()["error_code"] == "NOT_LIVE"


async def test_a_stale_version_changes_nothing(festival: Festival) -> None:
    reservation = (await festival.reserve(await festival.slot()))["reservation_id"]
    await festival.change(reservation, action="check_in")
    for action in ("cancel", "performed", "undo"):
        reply = await festival.change(reservation, action=action, version=1)
        assert (reply.status_code, reply.json()["error_code"]) == (409, "STALE_VERSION")
        assert reply.json()["details"] == {"reservation_id": reservation, "seen": 1, "version": 2}
    reply = await festival.client.get(f"/v1/reservations/{reservation}", headers=festival.admin)
    assert reply.json()["status"] == "checked_in"


async def test_of_two_moves_from_the_same_sight_one_wins(festival: Festival) -> None:
    here, first, second = [await festival.slot() for _ in range(3)]
    reservation = (await festival.reserve(here))["reservation_id"]
    replies = await asyncio.gather(
        festival.change(reservation, action="move", slot_id=first, version=1),
        festival.change(reservation, action="move", slot_id=second, version=1),
    )
    assert sorted(reply.status_code for reply in replies) == [200, 409]
    refused = next(reply for reply in replies if reply.status_code == 409)
    assert refused.json()["error_code"] in ("MOVED", "STALE_VERSION")


@pytest.mark.parametrize(
    "body",
    [{}, {"action": "delete"}, {"action": "move"}, {"action": "cancel", "slot_id": "x"}, {"action": "check_in", "x": 1},
     {"action": "check_in", "version": "one"}, {"action": "cancel", "command_id": "7"}],
)  # fmt: skip
async def test_a_change_that_makes_no_sense(festival: Festival, body: dict[str, Any]) -> None:
    reservation = (await festival.reserve(await festival.slot()))["reservation_id"]
    reply = await festival.change(reservation, **body)
    assert (reply.status_code, reply.json()["error_code"]) == (422, "INVALID"), reply.text


async def test_the_filter_by_word_agrees_with_the_word_shown(festival: Festival) -> None:
    slot = await festival.slot(capacity=20)
    people = [await festival.person(f"Person {number}") for number in range(4)]
    histories: list[list[dict[str, Any]]] = [
        [], [{"action": "check_in"}], [{"action": "check_in"}, {"action": "undo"}], [{"action": "performed"}],
        [{"action": "no_show"}], [{"action": "no_show"}, {"action": "check_in"}],
        [{"action": "check_in"}, {"action": "no_show"}], [{"action": "cancel"}],
        [{"action": "check_in"}, {"action": "check_in"}, {"action": "undo"}],
        [{"action": "no_show"}, {"action": "check_in"}, {"action": "undo"}, {"action": "undo"}],
    ]  # fmt: skip
    for history in histories:
        reservation = (await festival.reserve(slot))["reservation_id"]
        for step in history:
            assert (await festival.change(reservation, **step)).status_code == 200
    party = (await festival.reserve(slot, *people))["reservation_id"]
    await festival.change(party, action="no_show", participant_ids=people[:1])
    await festival.change(party, action="check_in", participant_ids=people[1:2])

    async def listed(**query: Any) -> dict[str, str]:
        reply = await festival.client.get("/v1/reservations", params=query, headers=festival.volunteer)
        assert reply.status_code == 200, reply.text
        return {row["id"]: row["status"] for row in reply.json()["reservations"]}

    everything = await listed()
    assert len(everything) == len(histories) + 1
    words = "held waitlisted reserved confirmed checked_in performed no_show cancelled expired"
    by_word = {word: await listed(status=word) for word in words.split()}
    assert everything == {id: word for word, rows in by_word.items() for id in rows}
    assert all(word == shown for word, rows in by_word.items() for shown in rows.values())
    assert {word: len(rows) for word, rows in by_word.items() if rows} == {
        "reserved": 3, "checked_in": 4, "performed": 1, "no_show": 2, "cancelled": 1,
    }  # fmt: skip


async def test_reservations_are_filtered_and_paged(festival: Festival) -> None:
    slots, ada = [await festival.slot(capacity=2) for _ in range(2)], await festival.person()
    ids = [(await festival.reserve(slot, *people))["reservation_id"] for slot in slots for people in ([ada], [])]

    async def listed(**query: Any) -> list[str]:
        found: list[str] = []
        while True:
            reply = await festival.client.get("/v1/reservations", params=query, headers=festival.volunteer)
            assert reply.status_code == 200, reply.text
            found += [row["id"] for row in reply.json()["reservations"]]
            if "next" not in reply.json():
                return found
            query["after"] = reply.json()["next"]

    assert sorted(await listed(limit=1)) == sorted(ids)
    assert sorted(await listed(slotId=slots[1])) == sorted(ids[2:])
    assert sorted(await listed(participantId=ada)) == sorted([ids[0], ids[2]])
    assert await listed(eventId=festival.room) == []
    assert sorted(await listed(to=f"{DAY}T08:00:00Z")) == sorted(ids[:2])


async def test_only_admins_see_how_to_reach_somebody(festival: Festival) -> None:
    reservation = (await festival.reserve(await festival.slot(), contact="x@example.org"))["reservation_id"]
    path = f"/v1/reservations/{reservation}"
    seen = {
        role: (await festival.client.get(path, headers=headers)).json().get("reserved_contact")
        for role, headers in (("admin", festival.admin), ("manager", festival.manager), ("vol", festival.volunteer))
    }
    assert seen == {"admin": "x@example.org", "manager": None, "vol": None}
    reply = await festival.client.put(path, json={"action": "check_in"}, headers=festival.volunteer)
    assert "x@example.org" not in reply.text


async def test_a_rooms_delay_is_the_managers(festival: Festival) -> None:
    path, body = f"/v1/locations/{festival.room}/delay", {"day": DAY, "delay_minutes": 15}
    reply = await festival.client.post(path, json=body, headers=festival.volunteer)
    assert (reply.status_code, reply.json()["details"]) == (403, {"needs": "room_manager", "has": "volunteer"})
    assert (await made(festival.client, path, body, festival.manager))["delay_minutes"] == 15
    assert (await festival.client.post(path, json={"day": DAY}, headers=festival.manager)).status_code == 422


async def test_flags_are_listed_and_resolved_once(festival: Festival) -> None:
    reservation = (await festival.reserve(await festival.slot()))["reservation_id"]
    await festival.change(reservation, action="performed")  # of somebody who never arrived

    async def flags(**query: Any) -> list[dict[str, Any]]:
        reply = await festival.client.get("/v1/flags", params=query, headers=festival.volunteer)
        found: list[dict[str, Any]] = reply.json()["flags"]
        return found

    [flag] = await flags(open=True)
    assert (flag["reason"], flag["audience"]) == ("performed_without_arrival", "role:room_manager")
    assert await flags(audience="role:admin") == []
    path = f"/v1/flags/{flag['id']}/resolve"
    await made(festival.client, path, {"resolution": "she was there"}, festival.volunteer)
    reply = await festival.client.post(path, json={}, headers=festival.volunteer)
    assert (reply.status_code, reply.json()["error_code"]) == (409, "ALREADY_RESOLVED")
    assert reply.json()["details"]["by"] == "Vera"
    assert await flags(open=True) == []
    assert [flag["resolution"] for flag in await flags(open=False)] == ["she was there"]


async def test_any_command_can_be_given(festival: Festival) -> None:
    async def give(headers: dict[str, str], **body: Any) -> tuple[int, dict[str, Any]]:
        reply = await festival.client.post("/v1/commands", json=body, headers=headers)
        return reply.status_code, reply.json()

    status, result = await give(festival.admin, kind="location.create", args={"name": "Room B"})
    assert (status, result["status"]) == (200, "applied")
    assert (await give(festival.volunteer, kind="location.create", args={"name": "C"}))[0] == 403
    assert (await give({}, kind="location.create", args={"name": "C"}))[0] == 401
    status, body = await give(festival.admin, kind="location.paint", args={})
    assert (status, body["error_code"]) == (409, "UNKNOWN_KIND")
    assert (await give(festival.admin, kind="location.create", args={"name": 7}))[0] == 422
    assert (await give(festival.admin, kind="programme.create", args={"name": "Mine"}))[0] == 403
    assert (await give(festival.admin, kind="location.create", args={"name": "C"}, id="7"))[0] == 422


async def test_groups_staff_and_programmes_are_made_and_listed(festival: Festival) -> None:
    client = festival.client
    group = await made(client, "/v1/groups", {"name": "Choir"}, festival.admin)
    await festival.person("Ada", group_id=group["id"])
    [found] = (await client.get("/v1/participants/search", params={"q": "ada"})).json()["participants"]
    assert found["group_name"] == "Choir"
    names = [row["name"] for row in (await client.get("/v1/staff", headers=festival.admin)).json()["staff"]]
    assert names == ["Grace", "Max", "Vera"]
    rows = (await client.get("/v1/programmes", headers=festival.admin)).json()["programmes"]
    assert [row["id"] for row in rows] == [festival.programme]
    rooms = (await client.get("/v1/locations", headers=bearing("x"))).status_code
    assert rooms == 401, "a wrong token is not the public"
    assert (await client.get("/v1/locations")).json()["locations"][0]["name"] == "Room A"


def test_records_have_what_the_views_promise() -> None:
    """The views take fields over from the records by name; a renamed field must not vanish from them silently."""
    from server_sync.authority.queries.views import FactView, ReservationView

    assert set(FactView.__struct_fields__) <= set(Attendance.__struct_fields__)
    left = set(SlotReservation.__struct_fields__) - set(ReservationView.__struct_fields__)
    assert left == {"deleted"}
