"""What scenarios do all the time: commands over HTTP, rows and plans in the database, and asking all at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event

from server_sync.protocol.ids import Id, new_id
from tests.api.festival import DAY, Festival

Headers = dict[str, str]


def at(time: str) -> str:
    """``HH:MM`` on the festival's day, in UTC, as the API reads it."""
    return f"{DAY}T{time}:00Z"


@dataclass
class Stage:
    """A festival with an admin, a manager and a volunteer; ``sql`` is a connection that goes past the authority."""

    festival: Festival
    sql: Any
    url: str
    app: FastAPI

    @property
    def client(self) -> httpx.AsyncClient:
        """Whoever speaks HTTP to the server."""
        return self.festival.client

    # ------------------------------------------------------------ commands

    async def give(
        self, kind: str, args: dict[str, Any], *, by: Headers | None = None, **envelope: Any
    ) -> httpx.Response:
        """The reply to a command of any kind; by an admin unless *by* says otherwise. *envelope*: id, seen, …"""
        body = {"kind": kind, "args": args} | envelope
        return await self.client.post("/v1/commands", json=body, headers=self.festival.admin if by is None else by)

    async def command(
        self, kind: str, args: dict[str, Any], *, by: Headers | None = None, **envelope: Any
    ) -> dict[str, Any]:
        """What an applied command answered."""
        reply = await self.give(kind, args, by=by, **envelope)
        assert reply.status_code == 200, f"{kind}: {reply.status_code} {reply.text}"
        details: dict[str, Any] = reply.json().get("details", {})
        return details

    async def refused(
        self, kind: str, args: dict[str, Any], code: str, *, by: Headers | None = None, **envelope: Any
    ) -> dict[str, Any]:
        """The details of the refusal with that code; anything else fails the test."""
        return refusal(await self.give(kind, args, by=by, **envelope), code)

    async def create(self, what: str, **args: Any) -> Id:
        """The id of a new row: ``create("event", name="…")``."""
        id: Id = (await self.command(f"{what}.create", args))["id"]
        return id

    async def reserve(self, slot: Id, *people: Id, **more: Any) -> Id:
        """The id of a reservation that holds: of *people*, or of a free-form name."""
        who: dict[str, Any] = {"participant_ids": list(people)} if people else {}
        if not people and "group_id" not in more:
            who = {"reserved_name": "Somebody"}
        id: Id = (await self.command("reservation.reserve", {"slot_id": slot} | who | more))["reservation_id"]
        return id

    # ------------------------------------------------------------- reading

    async def get(self, path: str, *, by: Headers | None = None, **query: Any) -> Any:
        """What a face that reads answers; to an admin unless *by* says otherwise."""
        reply = await self.client.get(path, params=query, headers=self.festival.admin if by is None else by)
        assert reply.status_code == 200, f"{path}: {reply.status_code} {reply.text}"
        return reply.json()

    async def reservation(self, id: Id) -> dict[str, Any]:
        """A reservation as staff see it."""
        found: dict[str, Any] = await self.get(f"/v1/reservations/{id}")
        return found

    async def slot(self, id: Id) -> dict[str, Any]:
        """A slot as everybody sees it."""
        found: dict[str, Any] = await self.get(f"/v1/slots/{id}")
        return found

    async def row(self, table: str, id: Id) -> dict[str, Any]:
        """A row as it is stored."""
        found = await self.sql.fetchrow(f"SELECT * FROM {table} WHERE id = $1::text::uuid", id)
        assert found is not None, f"{table}/{id} is not there"
        return dict(found)

    async def value(self, query: str, *args: Any) -> Any:
        """The one value that a query answers."""
        return await self.sql.fetchval(query, *args)

    async def counts(self, slot: Id) -> tuple[int, int]:
        """How many places of a slot are taken: by its own count, and by its live claims."""
        found = await self.sql.fetchrow(
            "SELECT s.reserved_count, coalesce(sum(r.spots), 0)::int FROM event_slots s LEFT JOIN slot_reservations r"
            " ON r.slot_id = s.id AND r.claim IN ('held', 'reserved') WHERE s.id = $1::text::uuid GROUP BY s.id",
            slot,
        )
        return found[0], found[1]

    async def plan(self, query: str, *args: Any) -> str:
        """How Postgres would answer *query*. Fill the tables and ``ANALYZE`` them first, or it reads them whole."""
        return "\n".join(row[0] for row in await self.sql.fetch(f"EXPLAIN {query}", *args))

    async def plans_of(self, path: str, **query: Any) -> str:
        """How Postgres would answer what a face that reads asks it, statement by statement."""
        asked: list[tuple[str, Any]] = []

        def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            asked.append((statement, parameters))

        engine = self.app.state.services.reads._engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            await self.get(path, **query)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        assert asked, f"{path} asked the database nothing"
        return "\n".join([await self.plan(statement, *parameters) for statement, parameters in asked])

    async def forbidden(self, statement: str, *args: Any) -> asyncpg.PostgresError:
        """What the database itself says to a statement that breaks a constraint; nothing of it stays."""
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as raised:
            await self._try(statement, *args)
        return raised.value

    async def _try(self, statement: str, *args: Any) -> None:
        async with self.sql.transaction():
            await self.sql.execute(statement, *args)
            await self.sql.execute("SET CONSTRAINTS ALL IMMEDIATE")

    # ---------------------------------------------------------- all at once

    async def all_at_once(self, slots: Sequence[Id], *asked: Awaitable[httpx.Response]) -> list[httpx.Response]:
        """The replies to requests that are let go together: somebody holds *slots* locked until both lanes wait.

        The first half is one batch, the other half another, so that the two decide at the same time if nothing stops
        them.
        """
        middle = len(asked) // 2
        async with self.holding(*slots):
            tasks = [asyncio.ensure_future(each) for each in asked[:middle]]
            await self.waiting(1)
            tasks += [asyncio.ensure_future(each) for each in asked[middle:]]
            await self.waiting(2)
        return list(await asyncio.gather(*tasks))

    @asynccontextmanager
    async def holding(self, *ids: Id, table: str = "event_slots") -> AsyncIterator[Any]:
        """Somebody else, whose connection this is, has these rows locked until the end of the block."""
        holder = await asyncpg.connect(self.url)
        try:
            async with holder.transaction():
                await holder.execute(f"SELECT 1 FROM {table} WHERE id = ANY($1::uuid[]) FOR UPDATE", list(ids))
                yield holder
        finally:
            await holder.close()

    async def waiting(self, count: int = 1) -> list[str]:
        """The statements of at least *count* transactions that wait for a lock; waits until there are."""
        query = "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        async with asyncio.timeout(20):
            while True:
                found = await self.sql.fetch(query)
                if len(found) >= count:
                    return [row[0] for row in found]
                await asyncio.sleep(0.01)

    # ------------------------------------------------------------- the rest

    async def people(self, count: int) -> list[Id]:
        """New participants."""
        return [await self.festival.person(f"Person {number:03}") for number in range(count)]

    def elsewhere(self) -> Id:
        """An id that no row bears."""
        return new_id()


def refusal(reply: httpx.Response, code: str) -> dict[str, Any]:
    """The details of a refusal, which must bear that code and the one shape that every error has."""
    body: dict[str, Any] = reply.json()
    assert reply.status_code >= 400, f"{code} expected, and it was done: {reply.text}"
    assert body.get("error_code") == code, f"{code} expected: {reply.status_code} {reply.text}"
    assert body["error"], "a refusal says in words what is wrong"
    details: dict[str, Any] = body["details"]
    return details
