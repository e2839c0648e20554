"""Seats that many want at once, what it costs, and that everybody sees at once what became of them."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from server_sync.authority import lanes, session
from tests.api.processes import serving
from tests.scenarios.opera import Opera, opera
from tests.scenarios.stage import Stage, refusal

NO_LOCKS = "environment:CALLBOARD_TEST_PROTECTIONS=nolock"


@pytest.mark.turned_off(NO_LOCKS)
async def test_H18_of_many_who_want_one_seat_exactly_one_gets_it(stage: Stage) -> None:
    house = await opera(stage)
    pairs = [house.seats("A-2", other) for other in ("A-1", "A-3", "B-1", "B-2")]
    who = {"slot_id": house.slot, "reserved_name": "Somebody", "guests": 1}
    asked = [
        stage.give(kind, who | {"seat_ids": seats})
        for seats in pairs
        for kind in ("reservation.hold", "reservation.reserve")
    ]
    replies = await stage.all_at_once([house.slot], *asked)
    assert len([reply for reply in replies if reply.is_success]) == 1, "two were promised the same seat"
    assert {reply.status_code for reply in replies} == {200, 409}
    assert {refusal(reply, "SEATS_TAKEN")["seat_ids"][0] for reply in replies if reply.is_error} <= set(
        house.ids.values()
    )
    assert len(await house.states()) == 2
    assert await stage.counts(house.slot) == (2, 2)


@pytest.fixture
def lock_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a lock for much longer than it takes to find a deadlock."""
    monkeypatch.setitem(session.BRIEF, "lock_timeout", "1500ms")
    monkeypatch.setattr(lanes, "PATIENCE_SECONDS", 2.0)


@pytest.mark.turned_off("part:server_sync.authority.lanes:MOST_FAILURES=1")
async def test_H19_a_conflict_ends_in_a_retry_or_in_a_conflict(stage: Stage) -> None:
    house = await opera(stage)
    await _deadlock(house)
    other: Any = await asyncpg.connect(stage.url)
    try:
        async with other.transaction():  # somebody holds the slot and does not let go
            await other.execute("SELECT 1 FROM event_slots WHERE id = $1::text::uuid FOR UPDATE", house.slot)
            reply = await house.ask("A-2")
        assert reply.status_code == 409, reply.text
        assert (reply.json()["error_code"], reply.headers["Retry-After"]) == ("BUSY", "1")
    finally:
        await other.close()
    await house.hold("A-2")


async def _deadlock(house: Opera) -> None:
    """A hold, and somebody past the authority, each wait for what the other has; the database ends the hold's."""
    other: Any = await asyncpg.connect(house.stage.url)
    try:
        async with other.transaction():
            await other.execute("SET LOCAL deadlock_timeout = '20s'")
            await other.execute("SELECT 1 FROM slot_seats WHERE seat_id = $1::text::uuid FOR UPDATE", house.ids["A-1"])
            holding = asyncio.create_task(house.ask("A-1"))
            await house.stage.waiting(1)
            await other.execute("SELECT 1 FROM event_slots WHERE id = $1::text::uuid FOR UPDATE", house.slot)
    finally:
        await other.close()
    reply = await holding
    assert reply.status_code == 201, reply.text
    seen, begun = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()", time.monotonic()
    while await house.stage.value(seen) == 0:
        assert time.monotonic() - begun < 10, "there was no deadlock"
        await asyncio.sleep(0.1)


@pytest.mark.turned_off(
    "part:server_sync.rules.seating:book",
    "part:server_sync.authority.queries.seats:of_slot->tests.scenarios.standins:seats_as_first_read",
)  # fmt: skip
async def test_H20_every_read_after_a_change_shows_it(stage: Stage) -> None:
    """In the process that made the change, and as soon in another."""
    house = await opera(stage)
    with serving(stage.url) as (url, _):
        async with httpx.AsyncClient(base_url=url, timeout=60) as elsewhere:

            async def read(client: httpx.AsyncClient) -> str:
                seats = (await client.get(f"/v1/slots/{house.slot}/seats")).json()["seats"]
                return next(str(seat["state"]) for seat in seats if seat["seat"] == "A-1")

            async def everywhere() -> set[str]:
                return set(await asyncio.gather(*(read(client) for client in [stage.client, elsewhere] * 4)))

            for _ in range(5):
                assert await everywhere() == {"available"}
                held = (await house.hold("A-1"))["reservation_id"]
                assert await everywhere() == {"held"}
                await stage.command("reservation.confirm", {"reservation_id": held})
                assert await everywhere() == {"booked"}
                await stage.command("reservation.cancel", {"reservation_id": held})


@pytest.mark.turned_off("part:server_sync.authority.store:_write->tests.scenarios.standins:row_by_row")
async def test_H21_many_seats_take_as_many_statements_as_one(stage: Stage, app: FastAPI) -> None:
    house = await opera(stage)
    rows = [{"row": "H", "number": n} for n in range(1, 101)]
    await stage.command("seats.create", {"location_id": house.room, "seats": rows[:50]})
    await stage.command("seats.create", {"location_id": house.room, "seats": rows[50:]})
    await stage.command("slot.open_seats", {"slot_id": house.slot})
    found = (await stage.get(f"/v1/locations/{house.room}/seats"))["seats"]
    house.ids |= {seat["seat"]: seat["seat_id"] for seat in found}
    sent: list[str] = []
    pool = app.state.services.authority._lanes.main._pool
    async with AsyncExitStack() as stack:
        for _ in range(pool.get_max_size()):
            (await stack.enter_async_context(pool.acquire())).add_query_logger(lambda record: sent.append(record.query))
    await house.hold("A-1")
    one = [query for query in sent if "pg_notify" not in query]
    sent.clear()
    await house.hold(*(f"H-{n}" for n in range(1, 101)))
    hundred = [query for query in sent if "pg_notify" not in query]
    assert len(await house.states()) == 101
    assert len(hundred) <= len(one) <= 10, (one, hundred)
