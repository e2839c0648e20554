"""A centre to try things on: authorities over one database, and a small day that their commands build."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import asyncpg
import msgspec

from server_sync.authority import session
from server_sync.authority.principal import Principal
from server_sync.authority.session import Authority, Protections
from server_sync.protocol.commands import Envelope, PushReply, PushRequest, Result
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id, derived_id, new_id

ROOT = Principal("root", "root", "admin")
NOON = datetime(2082, 5, 2, 12, 0, tzinfo=UTC)


def envelope(kind: str, args: dict[str, Any], **how: Any) -> Envelope:
    """A command with an id of its own unless given."""
    return Envelope(**{"id": new_id(), **how}, kind=kind, args=msgspec.Raw(msgspec.json.encode(args)))


def ok(result: Result | Refusal) -> dict[str, Any]:
    """The answer of an applied command, or a failed test that says why not."""
    assert isinstance(result, Result), result
    assert result.status == "applied", result
    return result.details or {}


def code(result: Result | Refusal) -> str:
    """``applied``, or the code of the refusal."""
    if isinstance(result, Result):
        assert (result.status == "applied") == (result.code is None)
        return result.code or "applied"
    return result.code


@dataclass
class Centre:
    """``authorities`` share the database at ``url``; ``sql`` is a connection that goes past all of them."""

    url: str
    authorities: list[Authority]
    sql: Any
    programme: Id

    @property
    def authority(self) -> Authority:
        """The first one."""
        return self.authorities[0]

    async def submit(self, kind: str, args: dict[str, Any], *, at: int = 0, **how: Any) -> Result | Refusal:
        """One command to the authority number *at*, by root unless a principal is given."""
        principal = how.pop("principal", ROOT)
        return await self.authorities[at].submit(principal, envelope(kind, args, **how), self.programme)

    async def create(self, kind: str, **args: Any) -> Id:
        """The id of a new row."""
        id: Id = ok(await self.submit(f"{kind}.create", args))["id"]
        return id

    async def people(self, count: int) -> list[Id]:
        """New participants."""
        return list(
            await asyncio.gather(*(self.create("participant", display_name=f"Person {n}") for n in range(count)))
        )

    async def slots(self, count: int = 1, *, capacity: int = 1, start: datetime = NOON, **block: Any) -> list[Id]:
        """The slots of a new block, ten minutes each, in a new room."""
        event = block.pop("event", None) or await self.create("event", name="Piano solo")
        room = await self.create("location", name="Great Hall")
        times = {"start_time": start, "end_time": start + timedelta(minutes=10 * count), "slot_duration_minutes": 10}
        id = await self.create("block", event_id=event, location_id=room, **times, **block)
        made = envelope("block.generate_slots", {"block_id": id, "capacity": capacity})
        ok(await self.authority.submit(ROOT, made, self.programme))
        return [derived_id(made.id, number) for number in range(1, count + 1)]

    async def reserve(self, slot: Id, *people: Id, **how: Any) -> Result | Refusal:
        """Ask for places."""
        return await self.submit("reservation.reserve", {"slot_id": slot, "participant_ids": people}, **how)

    async def desk(self, name: str = "Desk") -> Desk:
        """A new device, enrolled."""
        ids = {"code_id": new_id(), "device_id": new_id(), "token_id": new_id(), "proof_id": new_id()}
        expires = datetime.now(UTC) + timedelta(minutes=15)
        invitation = {"name": name, "ceiling": "admin", "code_id": ids["code_id"], "expires_at": expires}
        ok(await self.submit("device.invite", invitation))
        ok(await self.submit("device.enrol", ids))
        device = ids["device_id"]
        return Desk(self, Principal(f"device:{device}", name, "admin", self.programme, device))

    async def counts(self, slot: Id) -> tuple[int, int]:
        """What the slot's row counts, and what its claims hold."""
        row = await self.sql.fetchrow(
            "SELECT s.reserved_count, coalesce(sum(r.spots), 0)::int FROM event_slots s LEFT JOIN slot_reservations r"
            " ON r.slot_id = s.id AND r.claim IN ('held', 'reserved') WHERE s.id = $1 GROUP BY s.id",
            slot,
        )
        return row[0], row[1]

    async def waiting_backends(self, count: int = 1) -> list[int]:
        """The process ids of at least *count* backends that wait for a lock; waits until there are."""
        async with asyncio.timeout(10):
            while True:
                rows = await self.sql.fetch(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
                if len(rows) >= count:
                    return [row[0] for row in rows]
                await asyncio.sleep(0.01)

    async def waiting_authorities(self) -> None:
        """Wait until all authorities wait for locks, with all that was given to them."""
        waiting: list[str] = []
        same = 0
        async with asyncio.timeout(10):
            while len(set(waiting)) < len(self.authorities) or same < 5:
                rows = await self.sql.fetch(
                    "SELECT application_name FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock' ORDER BY 1"
                )
                before, waiting = waiting, [row[0] for row in rows]
                same = same + 1 if waiting == before else 0
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def held(self, *slots: Id) -> AsyncIterator[Any]:
        """Somebody who goes past the authority holds these rows until the end of the block; their connection."""
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction():
                await connection.execute("SELECT 1 FROM event_slots WHERE id = ANY($1::uuid[]) FOR UPDATE", slots)
                yield connection
        finally:
            await connection.close()


@dataclass
class Desk:
    """A device that numbers its commands."""

    centre: Centre
    principal: Principal
    incarnation: int = 1
    seq: int = 0

    def queue(self, kind: str, args: dict[str, Any], **how: Any) -> Envelope:
        """The next command of its queue."""
        self.seq += 1
        return envelope(kind, args, **{"seq": self.seq, "occurred_at": NOON, **how})

    async def push(self, *commands: Envelope, at: int = 0, incarnation: int | None = None) -> PushReply:
        """Send a run."""
        assert self.principal.device_id is not None
        request = PushRequest(
            proto=1,
            device=self.principal.device_id,
            incarnation=incarnation or self.incarnation,
            commands=list(commands),
        )
        reply = await self.centre.authorities[at].push(self.principal, request)
        assert isinstance(reply, PushReply), reply
        return reply


def codes(reply: PushReply) -> list[str]:
    """``applied`` or the refusal's code, of each result."""
    return [code(result) for result in reply.results]


async def raced(
    c: Centre, table: str, first: Coroutine[Any, Any, Any], second: Coroutine[Any, Any, Any], waits: bool = True
) -> tuple[str, str]:
    """What both were told: *second* came as *first* was about to write *table*, and *waits* for it."""
    holder: Any = await asyncpg.connect(c.url)
    try:
        async with holder.transaction():
            await holder.execute(f"LOCK TABLE {table} IN SHARE MODE")  # rows may be locked, none written
            writes = asyncio.create_task(first)
            await c.waiting_backends()
            comes = asyncio.create_task(second)
            both_wait = asyncio.create_task(c.waiting_backends(2))
            await asyncio.wait({comes, both_wait}, return_when=asyncio.FIRST_COMPLETED)
            overtook = comes.done()
            both_wait.cancel()
            await asyncio.wait({both_wait})
        said = code(await writes), code(await comes)
        assert overtook != waits, f"the second {'did not wait' if waits else 'waited'} for what the first saw: {said}"
        return said
    finally:
        await holder.close()


@asynccontextmanager
async def centre(url: str, count: int = 1, *, lanes: int = 1, locking: bool = True) -> AsyncIterator[Centre]:
    """*count* authorities on the database at *url*, and a programme."""
    async with AsyncExitStack() as stack:
        sql = await asyncpg.connect(url)
        stack.push_async_callback(sql.close)
        authorities = []
        for number in range(count):
            named = f"{url}{'&' if '?' in url else '?'}application_name=authority%20{number}"
            patience = {} if locking else {"lock_timeout": "8s"}  # none steps aside until all have looked
            with patch.dict(session.BRIEF, patience):
                opened = await Authority.open(named, lanes=lanes, protections=Protections(locking=locking))
            authorities.append(opened)
            stack.push_async_callback(authorities[-1].close)
        made = envelope("programme.create", {"name": "A day"})
        ok(await authorities[0].submit(ROOT, made))
        yield Centre(url, authorities, sql, made.id)
