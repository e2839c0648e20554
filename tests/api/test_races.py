"""Races as arithmetic, over HTTP, with two processes answering; each also with what protects it taken away.

So that it is a race each time, somebody holds rows in question until requests wait for them in both processes: before
they have looked at anything where they lock, and after, when they write, where they don't. What protects is the lock,
and beneath it the database's own constraints; the failing runs have neither.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

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
            "event_id": event, "location_id": room, "start_time": f"2027-03-14T{start}:00Z",
            "end_time": f"2027-03-14T{hour}:{int(minute) + 10}:00Z", "capacity": capacity,
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
                await self._both_wait()
            return list(await asyncio.gather(*tasks))
        finally:
            await holder.close()

    async def _both_wait(self) -> None:
        async with asyncio.timeout(20):
            while True:
                waiting = await self.sql.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND wait_event_type = 'Lock'"
                )
                if waiting >= 2:
                    await asyncio.sleep(0.1)
                    return
                await asyncio.sleep(0.01)

    async def claims(self, slot: str) -> Counter[str]:
        """The claims on a slot by their state."""
        rows = await self.sql.fetch("SELECT claim, count(*) FROM slot_reservations WHERE slot_id = $1 GROUP BY 1", slot)
        return Counter(dict(rows))

    async def count(self, slot: str) -> tuple[int, int, int]:
        """Capacity, reserved and overbooked count of a slot."""
        row = await self.sql.fetchrow(
            "SELECT capacity, reserved_count, overbooked_count FROM event_slots WHERE id = $1", slot
        )
        return row[0], row[1], row[2]


@asynccontextmanager
async def two(database_url: str, off: str = "", dropping: tuple[str, ...] = ()) -> AsyncIterator[Two]:
    """The two processes; *off* what they do without, *dropping* the constraints that the database does without."""
    async with AsyncExitStack() as stack:
        sql = await asyncpg.connect(database_url)
        stack.push_async_callback(sql.close)
        for name in dropping:
            table, _, constraint = name.partition(".")
            await sql.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        clients = []
        for _ in range(2):
            url, _process = stack.enter_context(serving(database_url, CALLBOARD_TEST_PROTECTIONS=off))
            clients.append(await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60)))
        yield Two(clients, await open_festival(clients[0]), sql, database_url)


CHECK = "event_slots.ck_event_slots_within_capacity"
TWICE = "reservation_members.ex_reservation_members_double_booked"


# --------------------------------------------------- a person into two slots


async def one_person_many_slots(t: Two) -> Counter[str]:
    """Somebody is reserved in ten slots at one time."""
    slots = [await t.slot(5) for _ in range(10)]
    (person,) = await t.people(1)
    asked: list[Asked] = [("reservation.reserve", {"slot_id": slot, "participant_ids": [person]}) for slot in slots]
    return Counter(await t.at_once([person, *slots], asked))


# ------------------------------------------ the same two people, crosswise


async def crosswise(t: Two) -> Counter[str]:
    """Pairs of people into two places at one time, named in either order."""
    here, there = await t.slot(100), await t.slot(100)
    people = await t.people(20)
    asked: list[Asked] = []
    for one, other in zip(people[::2], people[1::2], strict=True):
        asked += [
            ("reservation.reserve", {"slot_id": here, "participant_ids": [one, other]}),
            ("reservation.reserve", {"slot_id": there, "participant_ids": [other, one]}),
        ]
    return Counter(await t.at_once([here, there], asked))


# ------------------------------------------------------ cancel against promote


async def cancel_against_promote(t: Two) -> list[tuple[list[str], Counter[str]]]:
    """Each slot's one holder leaves while the first in line, who would follow, leaves too. A third waits behind."""
    slots = [await t.slot(1, waitlist=True) for _ in range(6)]
    asked: list[Asked] = []
    seconds: list[str] = []
    for slot in slots:
        claims = []
        for name in ("first", "second", "third"):
            args = {"slot_id": slot, "reserved_name": name, "on_full": "waitlist"}
            claims.append(await t.made("reservation.reserve", args))
        asked += [("reservation.cancel", {"reservation_id": claim}) for claim in claims[:2]]
        seconds.append(claims[1])
    said = await t.at_once([*slots, *seconds], asked)
    return [(said[2 * n : 2 * n + 2], await t.claims(slot)) for n, slot in enumerate(slots)]


def nothing_lost(outcome: tuple[list[str], Counter[str]]) -> bool:
    """Both left, and the third has the place."""
    said, claims = outcome
    return said == ["applied", "applied"] and claims == {"cancelled": 2, "reserved": 1}


# ------------------------------------------------------------ move against move


async def move_against_move(t: Two) -> list[list[str]]:
    """Each claim is moved to two other slots at once, by people who both saw it in the first."""
    start, left, right = await t.slot(20), await t.slot(20, start="11:00"), await t.slot(20, start="12:00")
    claims = [await t.made("reservation.reserve", {"slot_id": start, "reserved_name": str(n)}) for n in range(10)]
    holder = await asyncpg.connect(t.url)
    try:
        async with holder.transaction():
            await holder.execute("SELECT 1 FROM event_slots WHERE id = $1 FOR UPDATE", start)
            tasks = [
                asyncio.create_task(
                    t.ask("reservation.move", {"reservation_id": claim, "slot_id": to}, n,
                          seen={f"slot_reservations/{claim}": 1})
                )
                for claim in claims
                for n, to in enumerate((left, right))
            ]  # fmt: skip
            await t._both_wait()
        said = await asyncio.gather(*tasks)
    finally:
        await holder.close()
    return [sorted(said[2 * n : 2 * n + 2]) for n in range(len(claims))]


# ------------------------------------------------------ override against reserve


async def override_against_reserve(t: Two) -> tuple[Counter[str], tuple[int, int, int]]:
    """One place is left; an admin overrides while twenty people want it."""
    slot = await t.slot(3)
    for name in ("a", "b"):
        await t.made("reservation.reserve", {"slot_id": slot, "reserved_name": name})
    asked: list[Asked] = [("reservation.reserve", {"slot_id": slot, "reserved_name": str(n)}) for n in range(20)]
    override = {"slot_id": slot, "reserved_name": "the mayor", "override_reason": "the mayor"}
    asked.insert(9, ("reservation.override", override))
    said = await t.at_once([slot], asked)
    assert said.pop(9) == "applied", "an override is never refused for lack of room"
    return Counter(said), await t.count(slot)


# ------------------------------------------------ holds for crossing sets of seats


async def crossing_seats(t: Two) -> tuple[Counter[str], list[int]]:
    """Five seats; of ten parties each wants two that neighbours want too. Returns answers, and seats by holders."""
    slot = await t.slot(1)
    room = str(await t.sql.fetchval("SELECT location_id FROM event_slots WHERE id = $1", slot))
    seats = [{"row": "A", "number": n, "seat_type": "standard"} for n in range(1, 6)]
    assert await t.ask("seats.create", {"location_id": room, "seats": seats}) == "applied"
    assert await t.ask("slot.open_seats", {"slot_id": slot}) == "applied"
    rows = await t.sql.fetch("SELECT id FROM seats WHERE location_id = $1 ORDER BY number", room)
    ids = [str(row[0]) for row in rows]
    asked: list[Asked] = []
    for n in range(10):
        pair = [ids[n % 5], ids[(n + 1) % 5]]
        pair = pair if n % 2 else pair[::-1]
        asked.append(("reservation.hold", {"slot_id": slot, "reserved_name": str(n), "guests": 1, "seat_ids": pair}))
    said = Counter(await t.at_once([slot], asked))
    rows = await t.sql.fetch(
        "SELECT count(*) FROM slot_seats WHERE reservation_id IN"
        " (SELECT id FROM slot_reservations WHERE claim = 'held') GROUP BY reservation_id"
    )
    return said, [row[0] for row in rows]


# ---------------------------------------------------------- expiry against confirm


async def expiry_against_confirm(t: Two) -> list[tuple[list[str], str]]:
    """Holds run out while somebody confirms them; both wait for the slot as that happens."""
    slot = await t.slot(10)
    holds = [await t.made("reservation.hold", {"slot_id": slot, "reserved_name": str(n)}) for n in range(6)]
    await t.sql.execute("UPDATE slot_reservations SET expires_at = now() + interval '700 ms' WHERE claim = 'held'")
    holder = await asyncpg.connect(t.url)
    try:
        async with holder.transaction():
            await holder.execute("SELECT 1 FROM slot_reservations WHERE id = ANY($1::uuid[]) FOR UPDATE", holds)
            confirms = [asyncio.create_task(t.ask("reservation.confirm", {"reservation_id": id}, 0)) for id in holds]
            await asyncio.sleep(1.0)
            expiries = [asyncio.create_task(t.ask("hold.expire", {"reservation_ids": [id]}, 1)) for id in holds]
            await t._both_wait()
        confirmed, expired = await asyncio.gather(*confirms), await asyncio.gather(*expiries)
    finally:
        await holder.close()
    states = dict(await t.sql.fetch("SELECT id::text, claim FROM slot_reservations WHERE slot_id = $1", slot))
    return [([confirmed[n], expired[n]], states[id]) for n, id in enumerate(holds)]


# --------------------------------------------------------------------- the races

ALL: dict[str, tuple[Callable[[Two], Awaitable[Any]], Callable[[Any], bool], tuple[str, ...]]] = {
    "a person into two slots": (
        one_person_many_slots, lambda said: said == {"applied": 1, "DOUBLE_BOOKED": 9}, (TWICE,),
    ),
    "the same two people crosswise": (
        crosswise, lambda said: said == {"applied": 10, "DOUBLE_BOOKED": 10}, (TWICE,),
    ),
    "cancel against promote": (
        cancel_against_promote, lambda outcomes: all(nothing_lost(outcome) for outcome in outcomes), (CHECK,),
    ),
    "move against move": (
        move_against_move, lambda pairs: pairs == [["MOVED", "applied"]] * 10, (CHECK,),
    ),
    "override against reserve": (
        override_against_reserve,
        lambda outcome: outcome[1][1] == outcome[1][0] + outcome[1][2] and outcome[0]["applied"] == outcome[1][2] <= 1,
        (CHECK,),
    ),
    "holds for crossing sets of seats": (
        crossing_seats, lambda outcome: outcome[0] == {"applied": 2, "SEATS_TAKEN": 8} and outcome[1] == [2, 2],
        (CHECK,),
    ),
    "expiry against confirm": (
        expiry_against_confirm,
        lambda outcomes: all(
            (said[0] == "applied") == (state == "reserved") and said in (
                ["applied", "NOT_HELD"], ["HOLD_EXPIRED", "applied"], ["HOLD_EXPIRED", "NOT_HELD"]  # or the timer did
            )
            for said, state in outcomes
        ),
        (CHECK,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ALL)
async def test_race(database_url: str, name: str) -> None:
    run, holds, _ = ALL[name]
    async with two(database_url) as t:
        outcome = await run(t)
        assert holds(outcome), outcome


@pytest.mark.parametrize("name", ALL)
async def test_race_without_protection_is_lost(database_url: str, name: str) -> None:
    run, holds, dropping = ALL[name]
    async with two(database_url, UNLOCKED, dropping) as t:
        outcome = await run(t)
        assert not holds(outcome), f"the race was not lost: {outcome}"
