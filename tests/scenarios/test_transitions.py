"""What may become of a reservation, and what may not: each state with everything that can be asked of it, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import pytest

from server_sync.protocol.ids import Id
from server_sync.protocol.records import Claim
from server_sync.rules.transitions import TRANSITIONS
from tests.scenarios.opera import run_out
from tests.scenarios.stage import Stage, refusal
from tests.unit.test_transitions import KINDS, REFUSED

ALLOWED = dict(TRANSITIONS)
NOTHING_REFUSED = "part:server_sync.rules.transitions:_REFUSED={} + part:server_sync.rules.transitions:after='reserved'"


@pytest.mark.turned_off(
    NOTHING_REFUSED, "part:server_sync.rules.attendance:word->tests.scenarios.standins:claims_own_word",
    "command:reservation.confirm", "command:reservation.cancel", "command:attendance.no_show",
)  # fmt: skip
async def test_T13_every_state_is_reached(stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=9)

    async def become(*steps: tuple[str, dict[str, Any]]) -> tuple[str, str]:
        id = await stage.reserve(slot, await stage.festival.person())
        for kind, more in steps:
            await stage.command(kind, {"reservation_id": id} | more)
        return id, (await stage.reservation(id))["status"]

    assert (await become())[1] == "reserved"
    confirmed, word = await become(("reservation.confirm", {}))
    assert word == "confirmed"
    assert (await become(("attendance.arrive", {})))[1] == "checked_in"
    assert (await become(("attendance.no_show", {})))[1] == "no_show"
    cancelled, word = await become(("reservation.cancel", {}))
    assert word == "cancelled"
    await stage.command("reservation.reinstate", {"reservation_id": cancelled})
    assert (await stage.reservation(cancelled))["status"] == "reserved"
    assert (await stage.reservation(confirmed))["status"] == "confirmed"


@dataclass
class Life:
    """Makes claims of every state, and takes each step from there: in a slot with room, and in one with a line."""

    stage: Stage
    here: Id
    there: Id
    full: Id

    async def made(self, claim: Claim) -> Id:
        """A claim in that state."""
        if claim == "waitlisted":
            wish = {"slot_id": self.full, "reserved_name": "Ada", "on_full": "waitlist"}
            return str((await self.stage.command("reservation.reserve", wish))["reservation_id"])
        if claim in ("held", "expired"):
            hold = {"slot_id": self.here, "reserved_name": "Ada"}
            id = str((await self.stage.command("reservation.hold", hold))["reservation_id"])
            if claim == "expired":
                await run_out(self.stage, id)
                await self.stage.command("hold.expire", {"reservation_ids": [id]})
            return id
        id = await self.stage.reserve(self.here)
        if claim == "cancelled":
            await self.stage.command("reservation.cancel", {"reservation_id": id})
        return id

    async def arguments(self, step: str, id: Id) -> dict[str, Any]:
        """What the command that takes the step is told."""
        if step == "swap":
            return {"reservation_id": id, "with_reservation_id": await self.stage.reserve(self.there)}
        if step == "promote":
            return {"reservation_ids": [id], "override_reason": "the room is full"}
        if step in ("expire", "remove"):
            return {"reservation_ids": [id]}
        more = {"move": {"slot_id": self.there}, "update": {"special_requirements": "ramp"}}
        return {"reservation_id": id} | more.get(step, {})


@pytest.mark.turned_off(NOTHING_REFUSED, "part:server_sync.rules.transitions:TRANSITIONS={}")
async def test_T13_nothing_else_can_be_done_to_a_claim(without_timer: None, stage: Stage) -> None:
    await stage.command("event.update", {"event_id": stage.festival.event, "waitlist_enabled": True})
    life = Life(stage, *[await stage.festival.slot(capacity) for capacity in (99, 99, 1)])
    await stage.reserve(life.full)
    for claim in get_args(Claim):
        for step, kind in KINDS.items():
            id = await life.made(claim)
            if step == "expire" and claim == "held":
                await run_out(stage, id)
            asked = await life.arguments(step, id)
            before = await stage.reservation(id)
            reply = await stage.give(kind, asked)
            case = f"{claim} {step}: {reply.text}"
            if (claim, step) in REFUSED:
                refusal(reply, REFUSED[claim, step])
                assert await stage.reservation(id) == before, case
            else:
                assert reply.status_code == 200, case
                assert (await stage.reservation(id))["claim"] == ALLOWED[claim, step], case
