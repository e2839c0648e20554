"""Reservations: what is kept of them, what becomes of them, and many made at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.scenarios.stage import Stage, refusal

NO_LOCKS = "environment:CALLBOARD_TEST_PROTECTIONS=nolock"
WITHIN = "constraint:event_slots.ck_event_slots_within_capacity"
GUESTS_WITHIN = "constraint:slot_reservations.ck_slot_reservations_guests_within_spots"
NO_ROOM_CHECK = "part:server_sync.rules.placing:room_for"


@pytest.mark.turned_off("part:server_sync.rules.reserve:whose={}", "face:GET /v1/reservations/{reservation_id}")
async def test_T12_a_reservation_keeps_what_it_is_about(stage: Stage) -> None:
    ada, slot = await stage.festival.person(), await stage.festival.slot(capacity=3)
    told = {"contact": "ada@example.org", "guests": 1}
    id = await stage.reserve(slot, ada, **told)
    kept, place = await stage.reservation(id), await stage.slot(slot)
    assert {name: kept.get(name) for name in ("slot_id", "event_id", "location_id", "participant_id")} == {
        "slot_id": slot, "event_id": place["event_id"], "location_id": place["location_id"], "participant_id": ada,
    }  # fmt: skip
    assert (kept["reserved_contact"], kept["guests"], kept["spots"], kept["version"]) == ("ada@example.org", 1, 2, 1)
    assert datetime.now(UTC) - timedelta(minutes=1) < datetime.fromisoformat(kept["reserved_at"]) < datetime.now(UTC)
    named = await stage.reservation(await stage.reserve(slot, reserved_name="Somebody's aunt"))
    assert (named["reserved_name"], named["members"]) == ("Somebody's aunt", [])
    hold_slot = await stage.festival.slot()
    hold = await stage.command("reservation.hold", {"slot_id": hold_slot, "participant_ids": [ada]})
    assert (await stage.reservation(hold["reservation_id"]))["expires_at"] == hold["expires_at"]
    await stage.command("attendance.arrive", {"reservation_id": id})
    arrived = await stage.reservation(id)
    assert (arrived["status"], arrived["version"]) == ("checked_in", 2)
    assert "checked_in_at" in arrived


@pytest.mark.turned_off(
    "part:server_sync.rules.reservations:guard", "part:server_sync.rules.update_reservation:guard",
    "part:server_sync.rules.cancel:guard + part:server_sync.rules.reservations:guard",
)  # fmt: skip
async def test_T15_R12_every_change_counts_and_a_stale_one_is_refused(stage: Stage) -> None:
    id = await stage.reserve(await stage.festival.slot(capacity=5), await stage.festival.person())
    elsewhere = await stage.festival.slot(capacity=5)
    other = await stage.reserve(await stage.festival.slot(capacity=5), await stage.festival.person())
    steps: list[dict[str, Any]] = [
        {"action": "update", "guests": 1}, {"action": "confirm"}, {"action": "move", "slot_id": elsewhere},
        {"action": "check_in"}, {"action": "swap", "with_reservation_id": other}, {"action": "cancel"},
        {"action": "reinstate"},
    ]  # fmt: skip
    for version, step in enumerate(steps, 1):
        before = await stage.reservation(id)
        assert before["version"] == version
        for stale in (version - 1, version + 1):
            said = refusal(await stage.festival.change(id, **step, version=stale), "STALE_VERSION")
            assert (said["seen"], said["version"]) == (stale, version)
        assert await stage.reservation(id) == before
        reply = await stage.festival.change(id, **step, version=version)
        assert reply.status_code == 200, reply.text
        assert reply.json()["reservation"]["version"] == version + 1


@pytest.mark.turned_off("part:server_sync.rules.reservations:guard", NO_LOCKS)
async def test_T15_of_two_who_saw_the_same_version_one_is_told_no(stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=9)
    id = await stage.reserve(slot, reserved_name="Zoë")
    replies = await stage.all_at_once(
        [slot], *(stage.festival.change(id, action="update", guests=n, version=1) for n in range(1, 9))
    )
    done = [reply for reply in replies if reply.status_code == 200]
    assert len(done) == 1, "two changed what they had seen, and one of them in vain"
    assert {reply.json().get("error_code") for reply in replies} == {None, "STALE_VERSION"}
    kept = await stage.reservation(id)
    assert kept["version"] == 2
    assert await stage.counts(slot) == (kept["spots"], kept["spots"])


@pytest.mark.turned_off("command:reservation.assign", f"{NO_ROOM_CHECK} + {WITHIN}")
async def test_T28_R09_a_coach_reserves_several_slots_for_a_group_at_once(stage: Stage) -> None:
    group = await stage.create("group", name="Chamber Choir")
    people = [await stage.create("participant", first_name=f"P{n}", group_id=group) for n in range(4)]
    whole, pair, small = [await stage.festival.slot(capacity=n) for n in (4, 2, 1)]
    wanted = [
        {"slot_id": whole, "group_id": group},
        {"slot_id": pair, "group_id": group, "participant_ids": people[:2]},
        {"slot_id": small, "group_id": group, "participant_ids": people[2:]},
    ]
    said = await stage.refused("reservation.assign", {"assignments": wanted}, "SLOT_FULL")
    assert (said["index"], said["slot_id"], said["spots"]) == (2, small, 2)
    assert await stage.value("SELECT count(*) FROM slot_reservations") == 0
    made = await stage.command("reservation.assign", {"assignments": wanted[:2]})
    for result, expected in zip(made["results"], (people, people[:2]), strict=True):
        kept = await stage.reservation(result["reservation_id"])
        assert sorted(member["participant_id"] for member in kept["members"]) == sorted(expected)
        assert (kept["name"], kept["spots"]) == ("Chamber Choir", len(expected))
    assert [await stage.counts(slot) for slot in (whole, pair, small)] == [(4, 4), (2, 2), (0, 0)]


@pytest.mark.turned_off("command:reservation.override", "part:server_sync.rules.placing:overbook")
async def test_T29_an_admin_puts_somebody_into_a_full_slot(stage: Stage) -> None:
    slot, ada = await stage.festival.slot(), await stage.festival.person()
    await stage.reserve(slot)
    args = {"slot_id": slot, "participant_ids": [ada]}
    await stage.refused("reservation.reserve", args, "SLOT_FULL")
    await stage.refused("reservation.override", args, "REASON_NEEDED")
    args |= {"override_reason": "the examiner asked for her"}
    for by in (stage.festival.volunteer, stage.festival.manager):
        await stage.refused("reservation.override", args, "NOT_ALLOWED", by=by)
        await stage.refused("reservation.reserve", args, "NOT_ALLOWED", by=by)
    reply = await stage.client.post(f"/v1/slots/{slot}/reserve", json={k: v for k, v in args.items() if k != "slot_id"})
    refusal(reply, "NOT_ALLOWED")
    id = (await stage.command("reservation.override", args))["reservation_id"]
    assert (await stage.reservation(id))["override_reason"] == "the examiner asked for her"
    assert await stage.counts(slot) == (2, 2)
    assert await stage.value("SELECT overbooked_count FROM event_slots WHERE id = $1::text::uuid", slot) == 1
    await stage.refused("reservation.reserve", {"slot_id": slot, "reserved_name": "x"}, "SLOT_FULL")
    await stage.command("reservation.cancel", {"reservation_id": id})
    assert await stage.value("SELECT overbooked_count FROM event_slots WHERE id = $1::text::uuid", slot) == 0


ROSTER = "id,first name,last name,group\n" + "".join(
    f"{100 + n},Singer {n},Núñez,{f'Trio {n // 3}' if n < 6 else ''}\n" for n in range(14)
)
"""Two trios, and eight who come alone."""


@pytest.mark.turned_off(
    "command:reservation.assign", f"{NO_ROOM_CHECK} + {WITHIN}", "command:import.apply",
    "part:server_sync.importers.csv_people:read->tests.scenarios.standins:nobody_in_the_list",
)  # fmt: skip
async def test_T33_a_roster_comes_in_and_is_assigned_over_slots_in_bulk(stage: Stage) -> None:
    reply = await stage.client.post(
        "/v1/import", content=ROSTER.encode(), params={"name": "roster.csv"}, headers=stage.festival.admin
    )
    assert reply.status_code == 200, reply.text
    assert reply.json()["tables"].get("participants", {}).get("added") == 14, reply.text
    alone = await stage.sql.fetch("SELECT id::text FROM participants WHERE group_id IS NULL ORDER BY external_id")
    named = await stage.sql.fetch("SELECT id::text FROM groups ORDER BY name")
    people, groups = [row[0] for row in alone], [row[0] for row in named]
    assert (len(people), len(groups)) == (8, 2)
    slots = [await stage.festival.slot(capacity=3) for _ in range(3)]
    spread = {"slot_ids": slots, "participant_ids": people, "per_slot": 3}
    made = await stage.command("reservation.assign", {"spread": spread})
    assert (made["made"], made["refused"]) == (8, 0)
    assert [await stage.counts(slot) for slot in slots] == [(3, 3), (3, 3), (2, 2)]
    later = [await stage.festival.slot(capacity=n) for n in (3, 2)]
    args = {"spread": {"slot_ids": later, "group_ids": groups}}
    said = await stage.refused("reservation.assign", args, "SLOT_FULL")
    assert (said["index"], said["slot_id"]) == (1, later[1])
    assert [await stage.counts(slot) for slot in later] == [(0, 0), (0, 0)], "all or nothing"
    report = await stage.command("reservation.assign", args | {"mode": "best"})
    assert [result.get("code", "made") for result in report["results"]] == ["made", "SLOT_FULL"]
    assert [await stage.counts(slot) for slot in later] == [(3, 3), (0, 0)]
    await stage.refused("reservation.assign", args, "NOT_ALLOWED", by=stage.festival.volunteer)


@pytest.mark.turned_off(f"{NO_ROOM_CHECK} + {WITHIN}")
async def test_R01_R09_a_group_is_taken_whole_and_nothing_is_overbooked(stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=7)
    wanted = [{"slot_id": slot, "reserved_name": f"N{n}", "guests": 1} for n in range(2)]
    replies = await stage.all_at_once(
        [slot],
        *(stage.give("reservation.assign", {"assignments": wanted}) for _ in range(2)),
        *(stage.give("reservation.reserve", {"slot_id": slot, "reserved_name": f"x{n}"}) for n in range(6)),
    )
    taken = sum({True: 4, False: 1}[n < 2] for n, reply in enumerate(replies) if reply.status_code == 200)
    assert taken <= 7, "overbooked"
    assert {reply.json().get("error_code") for reply in replies} <= {None, "SLOT_FULL"}
    assert await stage.counts(slot) == (taken, taken)
    assert await stage.value("SELECT count(*) FROM slot_reservations WHERE spots = 2") in (0, 2)


@pytest.mark.turned_off(NO_LOCKS)
async def test_R01_a_reservation_locks_its_activity(stage: Stage) -> None:
    event = await stage.create("event", name="Life drawing", capacity=3)
    slot = await slot_of(stage, event, 9)
    async with stage.holding(event, table="events"):
        task = asyncio.create_task(stage.reserve(slot, guests=2))
        (statement,) = await stage.waiting()
        assert "SELECT id FROM events" in statement
        assert "FOR NO KEY UPDATE" in statement, "it waits for the activity before it has looked at anything"
        assert await stage.value("SELECT count(*) FROM slot_reservations") == 0
    await task
    assert (await stage.row("events", event))["reserved_count"] == 3
    await stage.refused("reservation.reserve", {"slot_id": slot, "reserved_name": "x"}, "EVENT_FULL")


@pytest.mark.turned_off(
    f"part:server_sync.rules.reserve:spots_of=1 + {GUESTS_WITHIN}", f"{NO_ROOM_CHECK} + {WITHIN}",
)  # fmt: skip
async def test_R01_a_party_takes_one_and_its_guests(stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=4)
    first = await stage.reserve(slot, await stage.festival.person(), guests=2)
    assert (await stage.reservation(first))["spots"] == 3
    assert await stage.counts(slot) == (3, 3)
    said = await stage.refused("reservation.reserve", {"slot_id": slot, "reserved_name": "x", "guests": 1}, "SLOT_FULL")
    assert (said["spots"], said["reserved"], said["capacity"]) == (2, 3, 4)
    await stage.reserve(slot)
    assert await stage.counts(slot) == (4, 4)


@pytest.mark.turned_off("command:reservation.update", f"part:server_sync.rules.update_reservation:grow=() + {WITHIN}")
async def test_R07_guests_change_with_the_room_there_is(stage: Stage) -> None:
    event = await stage.create("event", name="Gala", waitlist_enabled=True)
    slot = await slot_of(stage, event, 4)
    first = await stage.reserve(slot, reserved_name="first", guests=3)
    waiting = (await stage.command(
        "reservation.reserve", {"slot_id": slot, "reserved_name": "waits", "guests": 1, "on_full": "waitlist"}
    ))["reservation_id"]  # fmt: skip
    more = refusal(await stage.festival.change(first, action="update", guests=4), "SLOT_FULL")
    assert more["spots"] == 1
    changed = await stage.command("reservation.update", {"reservation_id": first, "guests": 1})
    assert (changed["spots"], changed["promoted"]) == (2, [waiting])
    assert await stage.counts(slot) == (4, 4)
    assert (await stage.reservation(first))["guests"] == 1


@pytest.mark.turned_off("command:reservation.update", "part:server_sync.rules.update_reservation:_SAID={}")
async def test_R08_special_requirements_are_kept_and_updated(stage: Stage) -> None:
    id = await stage.reserve(await stage.festival.slot(), special_requirements="ramp")
    assert (await stage.reservation(id))["special_requirements"] == "ramp"
    reply = await stage.festival.change(id, action="update", special_requirements="ramp, no nuts", version=1)
    assert reply.status_code == 200, reply.text
    assert reply.json()["reservation"]["special_requirements"] == "ramp, no nuts"
    reply = await stage.festival.change(id, action="update", special_requirements=None)
    assert "special_requirements" not in reply.json()["reservation"]
    refusal(await stage.festival.change(id, action="update", special_requirements="x" * 2001), "INVALID")
    refusal(await stage.festival.change(id, action="update"), "NOTHING_TO_DO")


@pytest.mark.turned_off(
    "constraint:slot_reservations.ck_slot_reservations_claim",
    "constraint:slot_reservations.ck_slot_reservations_guests_not_negative",
    "constraint:slot_reservations.ck_slot_reservations_guests_within_spots",
)  # fmt: skip
async def test_R16_states_and_guests_are_what_they_may_be(stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=9)
    id = await stage.reserve(slot, await stage.festival.person(), guests=2)
    for wrong in (-1, 1.5, "two", 1001):
        reply = await stage.client.post(f"/v1/slots/{slot}/reserve", json={"reserved_name": "x", "guests": wrong})
        refusal(reply, "INVALID")
        refusal(await stage.festival.change(id, action="update", guests=wrong), "INVALID")
    for statement in ("guests = -1", "guests = 3", "claim = 'maybe'"):
        await stage.forbidden(f"UPDATE slot_reservations SET {statement}")
    for guests in (0, 4, None):
        await stage.command("reservation.update", {"reservation_id": id, "guests": guests})
        kept = await stage.reservation(id)
        assert kept["spots"] == 1 + kept.get("guests", 0) == 1 + (guests or 0)


@pytest.mark.turned_off("command:reservation.swap", f"part:server_sync.rules.swap:settle + {WITHIN}")
async def test_T30_two_swap_or_neither_does(stage: Stage) -> None:
    here, there = await stage.festival.slot(capacity=2), await stage.festival.slot()
    ada, bo = await stage.people(2)
    duo, solo = await stage.reserve(here, ada, guests=1), await stage.reserve(there, bo)
    args = {"reservation_id": duo, "with_reservation_id": solo}
    said = await stage.refused("reservation.swap", args, "SLOT_FULL")
    assert said["slot_id"] == there
    assert (await stage.reservation(duo))["slot_id"] == here
    await stage.command("reservation.update", {"reservation_id": duo, "guests": 0})
    await stage.command("reservation.swap", args)
    assert [(await stage.reservation(id))["slot_id"] for id in (duo, solo)] == [there, here]
    assert [await stage.counts(slot) for slot in (here, there)] == [(1, 1), (1, 1)]


@pytest.mark.turned_off("command:reservation.walk_in", f"{NO_ROOM_CHECK} + {WITHIN}")
async def test_T29_a_walk_in_has_a_place_and_a_name(stage: Stage) -> None:
    slot, by = await stage.festival.slot(), stage.festival.volunteer
    args = {"slot_id": slot, "first_name": "Ada", "last_name": "Lind", "school": "Hill"}
    made = await stage.command("reservation.walk_in", args, by=by)
    kept = await stage.reservation(made["reservation_id"])
    assert (kept["name"], kept["participant_id"]) == ("Ada Lind", made["participant_id"])
    await stage.command("attendance.arrive", {"reservation_id": made["reservation_id"]}, by=by)
    people = await stage.value("SELECT count(*) FROM participants")
    await stage.refused("reservation.walk_in", args | {"first_name": "Bo"}, "SLOT_FULL", by=by)
    assert await stage.value("SELECT count(*) FROM participants") == people


async def slot_of(stage: Stage, event: str, capacity: int) -> str:
    """The one slot of a new block of the event."""
    room = await stage.create("location", name=f"Room of {event}")
    times = {"start_time": "2083-03-14T10:00:00Z", "end_time": "2083-03-14T11:00:00Z"}
    await stage.create("block", event_id=event, location_id=room, capacity=capacity, **times)
    return str((await stage.get("/v1/slots", eventId=event))["slots"][-1]["id"])
