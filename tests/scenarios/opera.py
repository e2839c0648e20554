"""An opera house with seats, made over HTTP, for the scenarios of seats and holds."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from server_sync.authority import expiry, leader
from server_sync.protocol.ids import Id
from tests.scenarios.stage import Stage, at, refusal

MAP = {"A": ("stalls", 4), "B": ("circle", 4)}
_HOURS = itertools.count()


@dataclass
class Opera:
    """A room of two rows, an event there, and a slot whose places are its seats. ``ids`` go by ``A-1``."""

    stage: Stage
    room: Id
    event: Id
    slot: Id
    ids: dict[str, Id] = field(default_factory=dict)

    def seats(self, *names: str) -> list[Id]:
        """The ids of these seats."""
        return [self.ids[name] for name in names]

    async def ask(self, *names: str, **body: Any) -> httpx.Response:
        """The reply to somebody from the public who wants to hold seats."""
        asked = {"seat_ids": self.seats(*names), "reserved_name": "Ada"} | body
        return await self.stage.client.post(f"/v1/slots/{self.slot}/hold", json=asked)

    async def hold(self, *names: str, **body: Any) -> dict[str, Any]:
        """A hold that was made."""
        reply = await self.ask(*names, **body)
        assert reply.status_code == 201, reply.text
        held: dict[str, Any] = reply.json()
        return held

    async def cannot_hold(self, code: str, *names: str, **body: Any) -> dict[str, Any]:
        """The details of the refusal of a hold."""
        return refusal(await self.ask(*names, **body), code)

    async def map(self, **how: Any) -> dict[str, dict[str, Any]]:
        """The seats of the slot as a read answers them, by name; to an admin unless *how* says otherwise."""
        seats = (await self.stage.get(f"/v1/slots/{self.slot}/seats", **how))["seats"]
        return {seat["seat"]: seat for seat in seats}

    async def states(self) -> dict[str, str]:
        """The state of every seat that is not available, as everybody sees it."""
        seats = await self.map(by={})
        return {name: seat["state"] for name, seat in seats.items() if seat["state"] != "available"}

    async def stored(self) -> list[dict[str, Any]]:
        """The slot's seats and claims as they are stored: for "nothing changed"."""
        rows = await self.stage.sql.fetch(
            "SELECT * FROM slot_seats WHERE slot_id = $1::text::uuid ORDER BY id", self.slot
        )
        claims = await self.stage.sql.fetch(
            "SELECT * FROM slot_reservations WHERE slot_id = $1::text::uuid ORDER BY id", self.slot
        )
        return [dict(row) for row in (*rows, *claims)]

    async def run_out(self, reservation: Id) -> None:
        """Its time is over, a second ago."""
        await run_out(self.stage, reservation)


async def run_out(stage: Stage, reservation: Id) -> None:
    """The time of a hold is over, a second ago."""
    await stage.sql.execute(
        "WITH over AS (UPDATE slot_reservations SET expires_at = now() - interval '1 second' WHERE id = $1::text::uuid)"
        " UPDATE slot_seats SET held_until = now() - interval '1 second' WHERE reservation_id = $1::text::uuid",
        reservation,
    )


async def opera(stage: Stage, **event: Any) -> Opera:
    """A new one; *event* as ``event.create`` takes it."""
    room = await stage.create("location", name="Opera House", city="Paris")
    rows = [{"row": r, "number": n, "seat_type": t} for r, (t, count) in MAP.items() for n in range(1, count + 1)]
    admin = stage.festival.admin
    reply = await stage.client.post(f"/v1/locations/{room}/seats", json={"seats": rows}, headers=admin)
    assert reply.status_code == 201, reply.text
    prices = {"seat_type_prices": {"stalls": 2500}, "currency": "EUR"}
    made = await stage.create("event", name="Tosca", location_ids=[room], **(prices | event))
    start = at(f"{10 + next(_HOURS) % 10}:00")
    end = start.replace(":00:00Z", ":30:00Z")
    await stage.create("block", event_id=made, location_id=room, start_time=start, end_time=end, capacity=1)
    (slot,) = (await stage.get("/v1/slots", eventId=made))["slots"]
    reply = await stage.client.post(f"/v1/slots/{slot['id']}/seats", json={}, headers=admin)
    assert reply.status_code == 200, reply.text
    found = (await stage.get(f"/v1/locations/{room}/seats"))["seats"]
    return Opera(stage, room, made, slot["id"], {seat["seat"]: seat["seat_id"] for seat in found})


@asynccontextmanager
async def no_timer(url: str) -> AsyncIterator[None]:
    """Nobody ends holds by the clock meanwhile: somebody else leads, and does nothing."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1, $2)", leader._LOCKS, expiry._NUMBER)
        yield
    finally:
        await connection.close()
