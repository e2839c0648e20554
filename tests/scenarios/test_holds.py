"""Holds: some minutes in which places are somebody's, before they are confirmed or free again."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.scenarios.opera import Opera, opera, run_out
from tests.scenarios.stage import Stage, refusal
from tests.unit.hall import SEAT_CHANGES

NO_LOCKS = "environment:CALLBOARD_TEST_PROTECTIONS=nolock"
NOTHING_RUNS_OUT = "part:server_sync.rules.waitlist:ran_out=False"
TIMER = "part:server_sync.authority.expiry:Expiry._end"
UNSEEN = "part:server_sync.rules.overdue:holders=()"


def seconds(held: dict[str, Any]) -> float:
    """How long a reservation may be held."""
    begin, end = datetime.fromisoformat(held["reserved_at"]), datetime.fromisoformat(held["expires_at"])
    return (end - begin).total_seconds()


async def paid_slot(stage: Stage, capacity: int = 1) -> str:
    """A slot of an event that costs something."""
    slot = await stage.festival.slot(capacity)
    await stage.command("event.update", {"event_id": stage.festival.event, "price": 1500, "currency": "EUR"})
    return slot


# ------------------------------------------------------------- plain places


@pytest.mark.turned_off(NOTHING_RUNS_OUT)
async def test_T16_beyond_its_time_a_hold_no_longer_has_its_place(without_timer: None, stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=1)
    held = (await stage.command("reservation.hold", {"slot_id": slot, "reserved_name": "Ada"}))["reservation_id"]
    await stage.refused("reservation.reserve", {"slot_id": slot, "reserved_name": "Bea"}, "SLOT_FULL")
    await run_out(stage, held)
    await stage.reserve(slot, reserved_name="Bea")
    assert (await stage.reservation(held))["claim"] == "expired"
    assert await stage.counts(slot) == (1, 1)


@pytest.mark.turned_off(
    "command:reservation.hold", "part:server_sync.rules.hold:PAID_HOLD_SECONDS=180",
    "part:server_sync.rules.state:takes_places=False + trigger:slot_reservations.count_new",
)  # fmt: skip
async def test_S03_who_is_about_to_pay_has_the_place_for_five_minutes(stage: Stage) -> None:
    slot = await paid_slot(stage)
    held = (await stage.command("reservation.hold", {"slot_id": slot, "reserved_name": "Ada"}))["reservation_id"]
    assert seconds(await stage.reservation(held)) == 300
    assert await stage.counts(slot) == (1, 1)
    await stage.refused("reservation.hold", {"slot_id": slot, "reserved_name": "Bea"}, "SLOT_FULL")


@pytest.mark.turned_off("part:server_sync.rules.waitlist:ran_out=True")
async def test_S04_nobody_else_gets_a_place_that_is_held(stage: Stage) -> None:
    slot = await paid_slot(stage)
    held = (await stage.command("reservation.hold", {"slot_id": slot, "reserved_name": "Ada"}))["reservation_id"]
    for kind in ("reservation.reserve", "reservation.hold"):
        asked = [stage.give(kind, {"slot_id": slot, "reserved_name": f"Somebody {n}"}) for n in range(10)]
        assert {reply.json().get("error_code") for reply in await asyncio.gather(*asked)} == {"SLOT_FULL"}
    await stage.refused("hold.expire", {"reservation_ids": [held]}, "NOT_EXPIRED")
    await asyncio.sleep(1.5)  # the timer has looked
    assert (await stage.reservation(held))["claim"] == "held"
    await stage.command("reservation.confirm", {"reservation_id": held})
    assert (await stage.reservation(held))["claim"] == "reserved"
    assert await stage.counts(slot) == (1, 1)


@pytest.mark.turned_off(TIMER, f"{TIMER} + {NOTHING_RUNS_OUT}")
async def test_S05_what_is_not_paid_in_time_can_be_booked_again(stage: Stage) -> None:
    slot = await paid_slot(stage)
    held = (await stage.command("reservation.hold", {"slot_id": slot, "reserved_name": "Ada"}))["reservation_id"]
    assert (await stage.slot(slot))["remaining"] == 0
    await run_out(stage, held)
    begun = time.monotonic()
    while (await stage.slot(slot))["remaining"] == 0:
        assert time.monotonic() - begun < 5, "nobody noticed that its time is over"
        await asyncio.sleep(0.05)
    assert (await stage.reservation(held))["claim"] == "expired"
    await stage.refused("reservation.confirm", {"reservation_id": held}, "HOLD_EXPIRED")
    await stage.reserve(slot, reserved_name="Bea")
    assert await stage.counts(slot) == (1, 1)


# --------------------------------------------------------------- the hold


@pytest.mark.turned_off("face:POST /v1/slots/{slot_id}/hold", "part:server_sync.rules.seating:take")
async def test_H07_H17_a_hold_has_all_its_seats_until_its_time(stage: Stage) -> None:
    house = await opera(stage)
    held = await house.hold("A-1", "B-4")
    seats = await house.map()
    for name in ("A-1", "B-4"):
        assert seats[name]["state"] == "held"
        assert seats[name]["reservation_id"] == held["reservation_id"]
        assert datetime.fromisoformat(seats[name]["held_until"]) == datetime.fromisoformat(held["expires_at"])
    assert await house.states() == {"A-1": "held", "B-4": "held"}
    record = await stage.reservation(held["reservation_id"])
    assert (record["claim"], record["spots"], record["name"]) == ("held", 2, "Ada")
    assert [seat["seat"] for seat in record["seats"]] == ["A-1", "B-4"]
    assert datetime.fromisoformat(record["expires_at"]) == datetime.fromisoformat(held["expires_at"])


@pytest.mark.turned_off("part:server_sync.rules.seating:unavailable")
async def test_H08_one_seat_that_is_taken_stops_all_and_is_named(stage: Stage) -> None:
    house = await opera(stage)
    await house.hold("A-2")
    await stage.reserve(house.slot, seat_ids=house.seats("A-3"))
    before = await house.stored()
    details = await house.cannot_hold("SEATS_TAKEN", "A-1", "A-2", "A-3", "A-4")
    assert details["seat_ids"] == house.seats("A-2", "A-3")
    assert [(seat["seat"], seat["state"]) for seat in details["seats"]] == [("A-2", "held"), ("A-3", "booked")]
    assert await house.stored() == before


@pytest.mark.turned_off("part:server_sync.rules.seating:unavailable")
async def test_H09_a_seat_that_is_held_stays_with_its_holder(stage: Stage) -> None:
    house = await opera(stage)
    await house.hold("A-1", "A-2")
    before = await house.stored()
    details = await house.cannot_hold("SEATS_TAKEN", "A-1")
    assert [seat["why"] for seat in details["seats"]] == ["seat is held"]
    assert await house.stored() == before
    for code in ("NOT_FOUND", "NO_SEATS"):
        slot = stage.elsewhere() if code == "NOT_FOUND" else await stage.festival.slot()
        asked = {"slot_id": slot, "seat_ids": house.seats("A-1"), "reserved_name": "Eve"}
        await stage.refused("reservation.hold", asked, code)


@pytest.mark.turned_off(UNSEEN, NOTHING_RUNS_OUT)
async def test_H10_a_hold_that_ran_out_gives_way_at_once(without_timer: None, stage: Stage) -> None:
    house = await opera(stage)
    first = await house.hold("A-1", "A-2")
    await house.run_out(first["reservation_id"])
    assert await house.states() == {}, "everybody sees that they are to be had"
    second = await house.hold("A-1", "A-2")
    assert second["reservation_id"] != first["reservation_id"]
    assert second["expires_at"] > first["expires_at"]
    assert {seat["reservation_id"] for seat in (await house.map()).values() if "reservation_id" in seat} == {
        second["reservation_id"]
    }
    assert (await stage.reservation(first["reservation_id"]))["claim"] == "expired"
    assert await stage.value("SELECT count(*) FROM commands WHERE kind = 'hold.expire'") == 0, "no clean-up job helped"


@pytest.mark.turned_off("part:server_sync.rules.hold:HOLD_SECONDS=300", "part:server_sync.rules.hold:_seconds=1")
async def test_H15_a_hold_lasts_three_minutes_unless_somebody_says_otherwise(stage: Stage) -> None:
    house = await opera(stage)
    held = await house.hold("A-1")
    assert seconds(await stage.reservation(held["reservation_id"])) == 180
    await stage.sql.execute("""UPDATE programmes SET settings = '{"hold_seconds": 45}'""")
    assert seconds(await stage.reservation((await house.hold("A-2"))["reservation_id"])) == 45
    asked = {"slot_id": house.slot, "reserved_name": "Ada", "ttl_seconds": 7}
    longer = await stage.command("reservation.hold", asked)
    assert seconds(await stage.reservation(longer["reservation_id"])) == 7
    await stage.refused("reservation.hold", asked, "NOT_ALLOWED", by=stage.festival.manager)
    await house.cannot_hold("NOT_ALLOWED", "A-4", ttl_seconds=7)


@pytest.mark.turned_off(UNSEEN, NOTHING_RUNS_OUT)
async def test_H16_seats_that_are_free_and_seats_that_ran_out_in_one(without_timer: None, stage: Stage) -> None:
    house = await opera(stage)
    over, more = await house.hold("A-1", "A-2"), await house.hold("B-1")
    going = await house.hold("B-2")
    for held in (over, more):
        await house.run_out(held["reservation_id"])
    before = await house.stored()
    assert (await house.cannot_hold("SEATS_TAKEN", "A-1", "B-1", "B-2"))["seat_ids"] == house.seats("B-2")
    assert await house.stored() == before, "not even what ran out has ended"
    held = await house.hold("A-1", "A-3", "B-1")
    assert await house.states() == {"A-1": "held", "A-3": "held", "B-1": "held", "B-2": "held"}
    stamps = await stage.sql.fetch(
        "SELECT DISTINCT last_xid::text FROM slot_seats WHERE reservation_id = $1 UNION"
        " SELECT last_xid::text FROM slot_reservations WHERE id = ANY($2::uuid[])",
        held["reservation_id"], [held["reservation_id"], over["reservation_id"], more["reservation_id"]],
    )  # fmt: skip
    assert len(stamps) == 1, "one transaction"
    assert (await stage.reservation(going["reservation_id"]))["claim"] == "held"


# ---------------------------------------------------- confirmed, cancelled


@pytest.mark.turned_off("command:reservation.confirm", "part:server_sync.rules.seating:book")
async def test_H11_confirming_books_the_seats(stage: Stage) -> None:
    house = await opera(stage)
    held = await house.hold("A-1", "A-2")
    answer = await stage.command("reservation.confirm", {"reservation_id": held["reservation_id"]})
    assert answer["reservation_id"] == held["reservation_id"]
    assert answer["confirmed_at"]
    seats = await house.map()
    for name in ("A-1", "A-2"):
        assert (seats[name]["state"], seats[name]["reservation_id"]) == ("booked", held["reservation_id"])
        assert "held_until" not in seats[name]
    assert (await stage.reservation(held["reservation_id"]))["claim"] == "reserved"


@pytest.mark.turned_off(NOTHING_RUNS_OUT)
async def test_H12_what_is_unknown_or_over_is_not_confirmed(without_timer: None, stage: Stage) -> None:
    house = await opera(stage)
    held = (await house.hold("A-1"))["reservation_id"]
    await house.run_out(held)
    before = await house.stored()
    await stage.refused("reservation.confirm", {"reservation_id": stage.elsewhere()}, "NOT_FOUND")
    await stage.refused("reservation.confirm", {"reservation_id": held}, "HOLD_EXPIRED")
    assert await house.stored() == before
    await house.hold("A-1")
    await stage.refused("reservation.confirm", {"reservation_id": held}, "HOLD_EXPIRED")
    assert await house.states() == {"A-1": "held"}


@pytest.mark.turned_off("command:reservation.cancel", "part:server_sync.rules.seating:free")
async def test_H13_cancelling_gives_the_seats_back(stage: Stage) -> None:
    house = await opera(stage)
    booked = await stage.reserve(house.slot, seat_ids=house.seats("A-1"))
    held = (await house.hold("A-2"))["reservation_id"]
    for id in (booked, held):
        assert (await stage.command("reservation.cancel", {"reservation_id": id}))["reservation_id"] == id
        assert (await stage.reservation(id))["claim"] == "cancelled"
    assert await house.states() == {}
    assert not any("reservation_id" in seat for seat in (await house.map()).values())
    await house.hold("A-1", "A-2")


@pytest.mark.turned_off("part:server_sync.rules.transitions:after='cancelled'")
async def test_H14_what_is_unknown_is_not_cancelled(stage: Stage) -> None:
    house = await opera(stage)
    booked = await stage.reserve(house.slot, seat_ids=house.seats("A-1"))
    await stage.command("reservation.cancel", {"reservation_id": booked})
    await house.hold("A-1")
    before = await house.stored()
    await stage.refused("reservation.cancel", {"reservation_id": stage.elsewhere()}, "NOT_FOUND")
    await stage.refused("reservation.cancel", {"reservation_id": booked}, "NOT_LIVE")
    assert await house.stored() == before


# ------------------------------------------------- every change of one seat


class Changes:
    """Does to a seat, over HTTP, what the table of changes says."""

    def __init__(self, house: Opera) -> None:
        self.house = house
        self.stage = house.stage

    async def put(self, name: str, state: str) -> str:
        """Have the seat in that state; the claim that has it (or had it, or never was)."""
        house = self.house
        if state == "available":
            return self.stage.elsewhere()
        if state == "booked":
            return await self.stage.reserve(house.slot, seat_ids=house.seats(name))
        id: str = (await house.hold(name))["reservation_id"]
        if state == "released":
            await self.stage.command("reservation.cancel", {"reservation_id": id})
        if state == "overdue":
            await house.run_out(id)
        return id

    async def act(self, name: str, act: str, id: str) -> httpx.Response:
        """The reply to what is done."""
        if act in ("hold", "reserve"):
            asked = {"slot_id": self.house.slot, "seat_ids": self.house.seats(name), "reserved_name": "Eve"}
            return await self.stage.give(f"reservation.{act}", asked)
        if act == "expire":
            return await self.stage.give("hold.expire", {"reservation_ids": [id]})
        return await self.stage.give(f"reservation.{act}", {"reservation_id": id})


@pytest.mark.turned_off(
    "part:server_sync.rules.seating:book", "part:server_sync.rules.seating:free", "part:server_sync.rules.seating:take",
    "part:server_sync.rules.seating:unavailable", UNSEEN, "command:hold.expire",
)  # fmt: skip
async def test_H22_every_change_that_a_seat_may_and_may_not_undergo(without_timer: None, stage: Stage) -> None:
    for state, act, becomes in SEAT_CHANGES:
        house = await opera(stage)
        changes = Changes(house)
        id = await changes.put("A-1", state)
        before = await house.stored()
        reply = await changes.act("A-1", act, id)
        case = f"{state} {act}: {reply.text}"
        if becomes.isupper():
            refusal(reply, becomes)
            assert await house.stored() == before, case
        else:
            assert reply.status_code == 200, case
            assert (await house.states()).get("A-1", "available") == becomes, case
