"""Two server processes over one database, and races between what is asked of them at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from server_sync.protocol.ids import new_id
from tests.api.festival import Festival, open_festival
from tests.api.processes import serving

UNLOCKED = "nolock"
Asked = tuple[str, dict[str, Any]]


@dataclass
class Two:
    """Two server processes over one database, a festival, and a connection that goes past both."""

    clients: list[httpx.AsyncClient]
    festival: Festival
    sql: Any
    url: str

    async def ask(self, kind: str, args: dict[str, Any], at: int = 0, **more: Any) -> str:
        """``applied``, or the code of the refusal."""
        reply = await self.clients[at % 2].post(
            "/v1/commands", json={"kind": kind, "args": args, **more}, headers=self.festival.admin
        )
        assert reply.status_code < 500, reply.text
        return "applied" if reply.status_code == 200 else str(reply.json()["error_code"])

    async def made(self, kind: str, args: dict[str, Any]) -> str:
        """The id of what the command made."""
        id = new_id()
        assert await self.ask(kind, args, id=id) == "applied", kind
        return id

    async def slot(self, capacity: int, waitlist: bool = False, start: str = "10:00") -> str:
        """A new slot of ten minutes, in a room and an event of its own."""
        room = await self.made("location.create", {"name": "Hall"})
        event = await self.made("event.create", {"name": "Piano", "waitlist_enabled": waitlist})
        hour, minute = start.split(":")
        block = await self.made("block.create", {
            "event_id": event, "location_id": room, "start_time": f"2083-03-14T{start}:00Z",
            "end_time": f"2083-03-14T{hour}:{int(minute) + 10}:00Z", "capacity": capacity,
        })  # fmt: skip
        return str(await self.sql.fetchval("SELECT id FROM event_slots WHERE time_block_id = $1", block))

    async def people(self, count: int) -> list[str]:
        """New participants."""
        return [await self.made("participant.create", {"display_name": f"Person {n}"}) for n in range(count)]

    async def at_once(self, held: list[str], asked: list[Asked]) -> list[str]:
        """The answers to all of *asked*, every other by the other process, let go together."""
        holder = await asyncpg.connect(self.url)
        try:
            async with holder.transaction():
                for table in ("event_slots", "slot_reservations", "participants"):
                    await holder.execute(f"SELECT 1 FROM {table} WHERE id = ANY($1::uuid[]) FOR UPDATE", held)
                tasks = [asyncio.create_task(self.ask(kind, args, n)) for n, (kind, args) in enumerate(asked)]
                await self.both_wait()
            return list(await asyncio.gather(*tasks))
        finally:
            await holder.close()

    async def both_wait(self) -> None:
        await self.waiting(2)
        await asyncio.sleep(0.1)

    async def waiting(self, count: int) -> None:
        """Until so many transactions wait for a lock."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        async with asyncio.timeout(20):
            while await self.sql.fetchval(query) < count:  # noqa: ASYNC110  a database tells nobody
                await asyncio.sleep(0.01)

    async def claims(self, slot: str) -> Counter[str]:
        """The claims on a slot by their state."""
        rows = await self.sql.fetch("SELECT claim, count(*) FROM slot_reservations WHERE slot_id = $1 GROUP BY 1", slot)
        return Counter(dict(rows))

    async def claim(self, id: str) -> str:
        """The state of one claim."""
        return str(await self.sql.fetchval("SELECT claim FROM slot_reservations WHERE id = $1", id))

    async def taken(self, slot: str) -> int:
        """How many places of a slot its claims take, whatever its own count says."""
        return int(await self.sql.fetchval(
            "SELECT coalesce(sum(spots), 0) FROM slot_reservations"
            " WHERE slot_id = $1 AND claim IN ('held', 'reserved')",
            slot,
        ))  # fmt: skip

    async def most_at_once(self, people: list[str]) -> int:
        """How many places at most one of *people* is in at one time."""
        return int(await self.sql.fetchval(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM reservation_members a JOIN reservation_members b"
            " USING (participant_id) WHERE a.participant_id = ANY($1::uuid[]) AND a.live AND b.live"
            " AND tstzrange(a.start_time, a.end_time) && tstzrange(b.start_time, b.end_time) GROUP BY a.id) c",
            people,
        ))  # fmt: skip

    async def count(self, slot: str) -> tuple[int, int, int]:
        """Capacity, reserved and overbooked count of a slot."""
        row = await self.sql.fetchrow(
            "SELECT capacity, reserved_count, overbooked_count FROM event_slots WHERE id = $1", slot
        )
        return row[0], row[1], row[2]


PATIENT = """
CREATE FUNCTION be_patient() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('lock_timeout', '8s', false);
END $$;
CREATE EVENT TRIGGER patient ON login EXECUTE FUNCTION be_patient();
"""
"""Has whoever decided without locks wait to write it: else he would decide again soon, on what is there by then."""


@asynccontextmanager
async def two(database_url: str, off: str = "", dropping: tuple[str, ...] = ()) -> AsyncIterator[Two]:
    """The two processes; *off* what they do without, *dropping* the constraints that the database does without."""
    async with AsyncExitStack() as stack:
        sql = await asyncpg.connect(database_url)
        stack.push_async_callback(sql.close)
        for name in dropping:
            table, _, constraint = name.partition(".")
            await sql.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        if off:
            await sql.execute(PATIENT)
        clients = []
        for _ in range(2):
            url, _process = stack.enter_context(serving(database_url, CALLBOARD_TEST_PROTECTIONS=off))
            clients.append(await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60)))
        yield Two(clients, await open_festival(clients[0]), sql, database_url)
