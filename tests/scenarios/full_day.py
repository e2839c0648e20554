"""A day of all sorts of commands, after which every table that commands write has rows."""

from __future__ import annotations

from typing import NamedTuple

from server_sync.protocol.ids import Id, new_id
from tests.api.festival import DAY
from tests.scenarios.opera import opera
from tests.scenarios.stage import Stage


class FullDay(NamedTuple):
    """A claim that was moved, checked in and cancelled, and that was said to have performed; the slots it was in."""

    claim: Id
    here: Id
    there: Id


async def full_day(stage: Stage) -> FullDay:
    """Have it happen."""
    await _settings(stage)
    festival = stage.festival
    group = await stage.create("group", name="Chamber Choir")
    ada = await stage.create("participant", display_name="Ada Okafor", group_id=group)
    here, there = await festival.slot(), await festival.slot()
    claim = await stage.reserve(here, ada)
    await stage.command("reservation.move", {"reservation_id": claim, "slot_id": there}, by=festival.manager)
    await stage.command("attendance.arrive", {"reservation_id": claim}, by=festival.volunteer)
    await stage.command("reservation.cancel", {"reservation_id": claim})
    said = new_id()
    await stage.command("attendance.perform", {"reservation_id": claim}, id=said)  # which surprises: a flag
    (flag,) = (await stage.get("/v1/flags"))["flags"]
    await stage.command("flag.resolve", {"flag_id": flag["id"], "resolution": "seen"})
    await stage.command("attendance.undo", {"command_id": said})
    await stage.refused("reservation.move", {"reservation_id": claim, "slot_id": here}, "NOT_LIVE")
    await _desk(stage, here)
    return FullDay(claim, here, there)


async def _settings(stage: Stage) -> None:
    """What is set up before: rules, a map of seats and a seat that is booked, a delay."""
    await stage.create("event", name="Duet", rules_id=await stage.create("event_rules", name="Solo"))
    house = await opera(stage)
    await stage.reserve(house.slot, seat_ids=house.seats("A-1"))
    room_day = {"location_id": stage.festival.room, "day": DAY, "delay_minutes": 5}
    await stage.command("room_day.delay", room_day, by=stage.festival.manager)


async def _desk(stage: Stage, slot: Id) -> None:
    """A desk is enrolled, and sends what it has waiting."""
    desk = await stage.festival.desk()
    command = {
        "id": new_id(), "seq": 1, "kind": "reservation.walk_in", "actor": "Vera",
        "args": {"slot_id": slot, "first_name": "Bo", "last_name": "Lind"},
    }  # fmt: skip
    body = {"proto": 1, "device": desk["device"], "incarnation": 1, "commands": [command]}
    reply = await stage.client.post("/sync/push", json=body, headers=desk["headers"])
    assert reply.status_code == 200, reply.text
    assert [result["status"] for result in reply.json()["results"]] == ["applied"], reply.text
