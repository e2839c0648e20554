"""Nobody is in two places at once, whichever way they come: each is tried into a slot while they are in another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest

from server_sync.protocol.ids import Id
from tests.scenarios.stage import Stage, at, refusal

CLASH = "part:server_sync.rules.placing:_clash_of"
DOUBLE_BOOKED = "constraint:reservation_members.ex_reservation_members_double_booked"


@dataclass
class Scene:
    """Ada, who is ``here`` or will be; another slot ``meanwhile``, one that is ``full`` then too, and one ``later``."""

    stage: Stage
    ada: Id
    here: Id
    meanwhile: Id
    full: Id
    blocker: Id
    later: Id

    async def give(self, kind: str, slot: Id, **more: object) -> httpx.Response:
        """The reply to what is asked for Ada."""
        return await self.stage.give(kind, {"slot_id": slot, "participant_ids": [self.ada]} | more)


async def scene(stage: Stage) -> Scene:
    """A new one: each slot in a room of its own, of an event that keeps a line."""
    event = await stage.create("event", name="Chess", waitlist_enabled=True)
    slots: list[Id] = []
    for start, capacity in (("10:00", 9), ("10:30", 9), ("10:30", 1), ("12:00", 9)):
        room = await stage.create("location", name=f"Room {len(slots)}")
        times = {"start_time": at(start), "end_time": at(f"{int(start[:2]) + 1}{start[2:]}")}
        block = await stage.create("block", event_id=event, location_id=room, capacity=capacity, **times)
        slots.append(str(await stage.value("SELECT id FROM event_slots WHERE time_block_id = $1", block)))
    here, meanwhile, full, later = slots
    return Scene(stage, await stage.festival.person(), here, meanwhile, full, await stage.reserve(full), later)


async def _reserved(s: Scene) -> httpx.Response:
    await s.stage.reserve(s.here, s.ada)
    return await s.give("reservation.reserve", s.meanwhile)


async def _overridden(s: Scene) -> httpx.Response:
    await s.stage.reserve(s.here, s.ada)
    return await s.give("reservation.override", s.meanwhile, override_reason="the examiner asked for her")


async def _held(s: Scene) -> httpx.Response:
    await s.stage.reserve(s.here, s.ada)
    return await s.give("reservation.hold", s.meanwhile)


async def _while_held(s: Scene) -> httpx.Response:
    await s.stage.command("reservation.hold", {"slot_id": s.here, "participant_ids": [s.ada]})
    return await s.give("reservation.reserve", s.meanwhile)


async def _walked_in(s: Scene) -> httpx.Response:
    await s.stage.reserve(s.here, s.ada)
    return await s.stage.give("reservation.walk_in", {"slot_id": s.meanwhile, "participant_id": s.ada})


async def _assigned(s: Scene) -> httpx.Response:
    await s.stage.reserve(s.here, s.ada)
    wanted = [{"slot_id": s.meanwhile, "participant_ids": [s.ada]}]
    return await s.stage.give("reservation.assign", {"assignments": wanted})


async def _moved(s: Scene) -> httpx.Response:
    await s.stage.reserve(s.here, s.ada)
    claim = await s.stage.reserve(s.later, s.ada)
    return await s.stage.give("reservation.move", {"reservation_id": claim, "slot_id": s.meanwhile})


async def _swapped(s: Scene) -> httpx.Response:
    await s.stage.reserve(s.here, s.ada)
    claim, other = await s.stage.reserve(s.later, s.ada), await s.stage.reserve(s.meanwhile)
    return await s.stage.give("reservation.swap", {"reservation_id": claim, "with_reservation_id": other})


async def _reinstated(s: Scene) -> httpx.Response:
    claim = await s.stage.reserve(s.meanwhile, s.ada)
    await s.stage.command("reservation.cancel", {"reservation_id": claim})
    await s.stage.reserve(s.here, s.ada)
    return await s.stage.give("reservation.reinstate", {"reservation_id": claim})


async def _waiting(s: Scene) -> Id:
    """Ada waits for what is full, and has a place at that time by now."""
    claim = (await s.give("reservation.reserve", s.full, on_full="waitlist")).json()["details"]["reservation_id"]
    await s.stage.reserve(s.here, s.ada)
    return str(claim)


async def _promoted_by_hand(s: Scene) -> httpx.Response:
    claim = await _waiting(s)
    return await s.stage.give("waitlist.promote", {"reservation_ids": [claim], "override_reason": "she was first"})


async def _beside_a_waived_one(s: Scene) -> httpx.Response:
    """Whoever was put into two places knowingly, and left the one, is in the other: the constraint does not see it."""
    first = await s.stage.reserve(s.here, s.ada)
    waived = {"override_reason": "she plays in both", "waive_reason": "she plays in both"}
    assert (await s.give("reservation.override", s.meanwhile, **waived)).status_code == 200
    await s.stage.command("reservation.cancel", {"reservation_id": first})
    assert await s.stage.value("SELECT count(*) FROM reservation_members WHERE live AND waived") == 1
    return await s.give("reservation.reserve", s.here)


Way = Callable[[Scene], Awaitable[httpx.Response]]
WAYS: list[Way] = [
    _reserved, _overridden, _held, _while_held, _walked_in, _assigned, _moved, _swapped, _reinstated,
    _promoted_by_hand, _beside_a_waived_one,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.turned_off(f"{CLASH} + {DOUBLE_BOOKED}")
async def test_T14_no_way_leads_into_two_places(stage: Stage, way: Way) -> None:
    s = await scene(stage)
    said = refusal(await way(s), "DOUBLE_BOOKED")
    assert said["participant_id"] == s.ada
    overlapping = await stage.value(
        "SELECT count(*) FROM reservation_members a JOIN reservation_members b USING (participant_id) WHERE a.id < b.id"
        " AND a.live AND b.live AND tstzrange(a.start_time, a.end_time) && tstzrange(b.start_time, b.end_time)"
    )
    assert overlapping == 0


@pytest.mark.turned_off(f"{CLASH} + {DOUBLE_BOOKED}")
async def test_T14_who_is_elsewhere_is_not_promoted(stage: Stage) -> None:
    s = await scene(stage)
    claim, behind = await _waiting(s), {"slot_id": s.full, "reserved_name": "Bo", "on_full": "waitlist"}
    other = (await stage.command("reservation.reserve", behind))["reservation_id"]
    freed = await stage.command("reservation.cancel", {"reservation_id": s.blocker})
    assert freed.get("promoted") == [other], "she keeps her place in line, and the next one comes"
    assert (await stage.reservation(claim))["status"] == "waitlisted"
