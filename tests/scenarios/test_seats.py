"""Maps of seats: rooms that have them, and slots that put them up."""

from __future__ import annotations

import pytest

from tests.scenarios.opera import MAP, opera
from tests.scenarios.stage import Stage, refusal


@pytest.mark.turned_off(
    "command:seats.create", "face:GET /v1/locations/{location_id}/seats", "index:uq_seats_position",
    "part:server_sync.rules.seating:position->tests.scenarios.standins:nowhere + index:uq_seats_position",
)  # fmt: skip
async def test_H02_a_seat_has_a_row_a_number_and_a_type_and_a_position_of_its_own(stage: Stage) -> None:
    room, other = await stage.create("location", name="Opera House"), await stage.create("location", name="Studio")
    rows = [{"row": "A", "number": 1, "seat_type": "stalls"}, {"row": "B", "number": 15, "seat_type": "circle"}]
    await stage.command("seats.create", {"location_id": room, "seats": rows})
    await stage.command("seats.create", {"location_id": other, "seats": rows})
    seats = (await stage.get(f"/v1/locations/{room}/seats", by={}))["seats"]
    assert [(seat["seat"], seat["row"], seat["number"], seat["seat_type"]) for seat in seats] == [
        ("A-1", "A", 1, "stalls"),
        ("B-15", "B", 15, "circle"),
    ]
    again = {"location_id": room, "seats": [{"row": "C", "number": 1}, rows[1]]}
    assert (await stage.refused("seats.create", again, "ALREADY_EXISTS")).get("seats") == ["B-15"]
    assert len((await stage.get(f"/v1/locations/{room}/seats"))["seats"]) == 2
    said = await stage.forbidden(
        "INSERT INTO seats (id, programme_id, location_id, row, number, seat_type)"
        " SELECT gen_random_uuid(), programme_id, location_id, row, number, seat_type FROM seats"
    )
    assert said.constraint_name == "uq_seats_position"


@pytest.mark.turned_off(
    "command:slot.open_seats", "part:server_sync.rules.seats:_opened->tests.scenarios.standins:unpriced"
)
async def test_H06_opening_copies_every_seat_of_the_room(stage: Stage) -> None:
    house = await opera(stage, price=900)
    seats = await house.map()
    assert set(seats) == {f"{row}-{n}" for row, (_, count) in MAP.items() for n in range(1, count + 1)}
    for name, seat in seats.items():
        assert seat["seat_id"] == house.ids[name]
        assert seat.get("price") == (2500 if name.startswith("A") else 900)
        assert (seat["state"], seat.get("reservation_id"), seat.get("held_until")) == ("available", None, None)
    slot = await stage.slot(house.slot)
    assert (slot["capacity"], slot["remaining"]) == (8, 8)
    row = await stage.row("event_slots", house.slot)
    assert row["seated"] is True
    await stage.refused("slot.open_seats", {"slot_id": house.slot}, "NOTHING_TO_DO")
    bare = await stage.festival.slot()
    await stage.refused("slot.open_seats", {"slot_id": bare}, "NO_SEATS")
    added = await stage.create("event", name="Turandot", location_ids=[house.room])
    block = await stage.create(
        "block", event_id=added, location_id=house.room, capacity=3,
        start_time="2083-03-15T10:00:00Z", end_time="2083-03-15T12:00:00Z",
    )  # fmt: skip
    later = await stage.value("SELECT id::text FROM event_slots WHERE time_block_id = $1::text::uuid", block)
    await stage.command("slot.open_seats", {"slot_id": later})
    assert (await stage.get(f"/v1/slots/{later}/seats"))["available"] == 8


@pytest.mark.turned_off("face:GET /v1/slots/{slot_id}/seats", "part:server_sync.rules.seating:take")
async def test_H04_a_seat_in_a_slot_has_its_state_its_holder_its_time_and_its_price(stage: Stage) -> None:
    house = await opera(stage)
    held, booked = await house.hold("A-1"), await stage.reserve(house.slot, seat_ids=house.seats("B-2"))
    seats = await house.map()
    assert seats["A-1"] == {
        "seat_id": house.ids["A-1"], "seat": "A-1", "row": "A", "number": 1, "seat_type": "stalls", "state": "held",
        "price": 2500, "reservation_id": held["reservation_id"], "held_until": seats["A-1"].get("held_until"),
    }  # fmt: skip
    assert held["expires_at"][:19] == seats["A-1"]["held_until"][:19]
    assert seats["B-2"] == {
        "seat_id": house.ids["B-2"], "seat": "B-2", "row": "B", "number": 2, "seat_type": "circle", "state": "booked",
        "reservation_id": booked,
    }  # fmt: skip
    public = await house.map(by={})
    assert {name: seat["state"] for name, seat in public.items() if seat["state"] != "available"} == {
        "A-1": "held",
        "B-2": "booked",
    }
    assert not any("reservation_id" in seat or "held_until" in seat for seat in public.values()), "nobody's business"
    said = await stage.forbidden("UPDATE slot_seats SET state = 'booked' WHERE reservation_id IS NULL")
    assert said.constraint_name == "ck_slot_seats_taken_by_a_reservation"


@pytest.mark.turned_off(
    "command:reservation.confirm", "part:server_sync.authority.queries.seats:of_claims={}",
    "part:server_sync.rules.seating:take",
)  # fmt: skip
async def test_H05_a_booking_has_its_person_event_seats_date_and_state(stage: Stage) -> None:
    house = await opera(stage)
    ada = await stage.festival.person()
    held = await house.hold("A-2", "A-3", participant_ids=[ada], guests=1)
    await stage.command("reservation.confirm", {"reservation_id": held["reservation_id"]})
    booking = await stage.reservation(held["reservation_id"])
    assert [member["participant_id"] for member in booking["members"]] == [ada]
    assert (booking["participant_id"], booking["event_id"], booking["spots"]) == (ada, house.event, 2)
    assert [(seat["seat"], seat["price"]) for seat in booking.get("seats", ())] == [("A-2", 2500), ("A-3", 2500)]
    assert booking["reserved_at"] <= booking["confirmed_at"]
    assert booking["claim"] == "reserved"
    await stage.command("reservation.cancel", {"reservation_id": booking["id"]})
    cancelled = await stage.reservation(booking["id"])
    assert (cancelled["claim"], cancelled.get("seats")) == ("cancelled", None)


@pytest.mark.turned_off(
    "part:server_sync.protocol.ids:make_ref->tests.scenarios.standins:long_ref",
    "part:server_sync.authority.refs:Refs.name->tests.scenarios.standins:nameless",
)  # fmt: skip
async def test_H23_what_people_speak_of_has_a_short_ref(stage: Stage) -> None:
    house = await opera(stage)
    ada = await stage.festival.person("Ada")
    held = await house.hold("A-1", participant_ids=[ada])
    booked = await stage.reserve(house.slot)
    refs = {
        "RSV": [held.get("ref"), (await stage.reservation(booked)).get("ref")],
        "PPL": [(await stage.row("participants", ada))["ref"]],
        "LOC": [(await stage.row("locations", house.room))["ref"]],
        "EVT": [(await stage.get(f"/v1/events/{house.event}")).get("ref")],
    }
    for prefix, found in refs.items():
        for ref in found:
            assert str(ref).startswith(f"{prefix}-"), ref
            assert len(str(ref)) <= 12
    assert len({ref for found in refs.values() for ref in found}) == 5


@pytest.mark.turned_off("command:seats.retire")
async def test_a_seat_that_is_no_more_leaves_map_and_slots(stage: Stage) -> None:
    house = await opera(stage)
    await house.hold("A-1")
    said = await stage.refused("seats.retire", {"seat_ids": house.seats("A-1", "A-2")}, "SEATS_TAKEN")
    assert [(seat["seat"], seat["state"]) for seat in said["seats"]] == [("A-1", "held")]
    await stage.command("seats.retire", {"seat_ids": house.seats("A-2")})
    assert len(await house.map()) == (await stage.slot(house.slot))["capacity"] == 7
    await house.cannot_hold("NOT_FOUND", "A-2")


@pytest.mark.turned_off("face:POST /v1/locations/{location_id}/seats")
async def test_who_may_make_seats(stage: Stage) -> None:
    body = {"seats": [{"row": "A", "number": 1}]}
    path = f"/v1/locations/{stage.festival.room}/seats"
    refusal(await stage.client.post(path, json=body), "NOT_SIGNED_IN")
    refusal(await stage.client.post(path, json=body, headers=stage.festival.volunteer), "NOT_ALLOWED")
    refusal(await stage.client.post(path, json={"seats": []}, headers=stage.festival.admin), "INVALID")
    nowhere = f"/v1/locations/{stage.elsewhere()}/seats"
    refusal(await stage.client.post(nowhere, json=body, headers=stage.festival.admin), "NOT_FOUND")
    many = {"seats": [{"row": f"R{n // 100}", "number": n % 100 + 1, "seat_type": "stalls"} for n in range(5000)]}
    reply = await stage.client.post(path, json=many, headers=stage.festival.admin)
    assert reply.status_code == 201, reply.text
    assert reply.json()["seats"] == 5000
