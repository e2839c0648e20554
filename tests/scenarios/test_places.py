"""Claims on places: taken, moved, given back, and never by one person twice."""

from __future__ import annotations

import asyncio

import pytest

from tests.scenarios.stage import Stage

CLASH = "part:server_sync.rules.placing:_clash_of"
DOUBLE_BOOKED = "constraint:reservation_members.ex_reservation_members_double_booked"
NO_LOCKS = "environment:CALLBOARD_TEST_PROTECTIONS=nolock"


@pytest.mark.turned_off(CLASH, f"{CLASH} + {DOUBLE_BOOKED}", DOUBLE_BOOKED)
async def test_T14_nobody_is_in_two_places_at_once(stage: Stage) -> None:
    ada = await stage.festival.person()
    slot = await stage.festival.slot(capacity=5)
    held = await stage.reserve(slot, ada)
    again = await stage.refused("reservation.reserve", {"slot_id": slot, "participant_ids": [ada]}, "ALREADY_RESERVED")
    assert (again["participant_id"], again["reservation_id"]) == (ada, held)
    times = await stage.slot(slot)
    event, room = await stage.create("event", name="Chess"), await stage.create("location", name="Room B")
    block = {"event_id": event, "location_id": room, "capacity": 5}
    await stage.create("block", **block, start_time=times["start_time"], end_time=times["end_time"])
    await stage.create("block", **block, start_time=times["end_time"], end_time="2083-03-14T23:00:00Z")
    meanwhile, after = [s["id"] for s in (await stage.get("/v1/slots", eventId=event))["slots"]]
    clash = await stage.refused(
        "reservation.reserve", {"slot_id": meanwhile, "participant_ids": [ada]}, "DOUBLE_BOOKED"
    )
    assert (clash["reservation_id"], clash["slot_id"]) == (held, slot)
    await stage.reserve(after, ada)
    error = await stage.forbidden("UPDATE reservation_members SET start_time = start_time - interval '1 hour'")
    assert getattr(error, "constraint_name", None) == "ex_reservation_members_double_booked"
    await stage.command("reservation.cancel", {"reservation_id": held})
    await stage.reserve(meanwhile, ada)


@pytest.mark.turned_off(CLASH)
async def test_R17_one_reservation_for_an_activity_and_a_user(stage: Stage) -> None:
    ada, slot = await stage.festival.person(), await stage.festival.slot(capacity=9)
    first = await stage.reserve(slot, ada, guests=2)
    body = {"participantId": ada, "guests": 1}
    reply = await stage.client.post(f"/v1/slots/{slot}/reserve", json=body)
    assert (reply.status_code, reply.json()["error_code"]) == (409, "ALREADY_RESERVED")
    assert reply.json()["details"] == {"participant_id": ada}, "the public is not told where somebody is"
    again = await stage.refused("reservation.reserve", {"slot_id": slot, "participant_ids": [ada]}, "ALREADY_RESERVED")
    assert again["reservation_id"] == first
    assert await stage.value("SELECT count(*) FROM slot_reservations") == 1
    assert await stage.counts(slot) == (3, 3)


@pytest.mark.turned_off(NO_LOCKS, "trigger:slot_reservations.count_new", "trigger:slot_reservations.count_changed")
async def test_T22_a_reservation_locks_its_slot_and_counts_in_one_transaction(stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=3)
    async with stage.holding(slot):
        task = asyncio.create_task(stage.reserve(slot, await stage.festival.person()))
        (statement,) = await stage.waiting()
        assert "event_slots" in statement
        assert "FOR NO KEY UPDATE" in statement, "it waits for the slot before it has looked at anything"
        assert await stage.value("SELECT count(*) FROM slot_reservations") == 0
    claim = await task
    wrote = await stage.sql.fetchrow(
        "SELECT r.xmin::text, m.xmin::text, s.xmin::text, k.xmin::text FROM slot_reservations r"
        " JOIN reservation_members m ON m.reservation_id = r.id JOIN event_slots s ON s.id = r.slot_id"
        " JOIN commands k ON k.id = r.id WHERE r.id = $1::text::uuid",
        claim,
    )
    assert len(set(wrote)) == 1, "claim, member, count and ledger are of one transaction"
    assert await stage.counts(slot) == (1, 1)
    other = await stage.reserve(slot, guests=1)
    assert await stage.counts(slot) == (3, 3)
    await stage.command("reservation.cancel", {"reservation_id": other})
    assert await stage.counts(slot) == (1, 1)


@pytest.mark.turned_off("command:reservation.move", "trigger:slot_reservations.count_changed")
async def test_T30_a_move_frees_one_place_and_takes_another_or_does_nothing(stage: Stage) -> None:
    ada = await stage.festival.person()
    here, there, full = [await stage.festival.slot() for _ in range(3)]
    await stage.reserve(full)
    claim = await stage.reserve(here, ada)
    before = await stage.reservation(claim)
    await stage.refused("reservation.move", {"reservation_id": claim, "slot_id": full}, "SLOT_FULL")
    assert await stage.reservation(claim) == before
    assert await stage.counts(here) == (1, 1)
    await stage.command("reservation.move", {"reservation_id": claim, "slot_id": there})
    assert (await stage.reservation(claim))["slot_id"] == there
    assert (await stage.counts(here), await stage.counts(there)) == ((0, 0), (1, 1))
    wrote = await stage.sql.fetchrow(
        "SELECT count(DISTINCT xmin::text), count(*) FROM event_slots WHERE id = ANY($1::uuid[])", [here, there]
    )
    assert tuple(wrote) == (1, 2), "both counts changed in one transaction"
    await stage.reserve(here)
    await stage.refused("reservation.reserve", {"slot_id": there, "reserved_name": "Bo"}, "SLOT_FULL")


@pytest.mark.turned_off("command:reservation.cancel", "trigger:slot_reservations.count_changed")
async def test_T31_a_cancelled_place_is_there_for_somebody_else(stage: Stage) -> None:
    ada, slot = await stage.festival.person(), await stage.festival.slot()
    claim = await stage.reserve(slot, ada)
    assert (await stage.slot(slot))["remaining"] == 0
    reply = await stage.festival.change(claim, action="cancel", reason="ill")
    assert reply.status_code == 200, reply.text
    assert (await stage.reservation(claim))["status"] == "cancelled"
    assert (await stage.slot(slot))["remaining"] == 1
    assert await stage.counts(slot) == (0, 0)
    await stage.refused("reservation.cancel", {"reservation_id": claim}, "NOT_LIVE")
    await stage.reserve(slot, ada)
    assert await stage.counts(slot) == (1, 1)
