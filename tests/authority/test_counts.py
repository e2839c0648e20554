"""The counts that the database keeps: against a recount under load, against the rules' own, and against a race."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import pytest
from msgspec import structs

from server_sync.authority.connection import open_pool
from server_sync.protocol.ids import new_id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, Record, SlotReservation
from server_sync.rules.state import State
from tests.authority.direct_sql import Day, insert_claim, make_day

QUICK = "SET deadlock_timeout = '5ms'"  # writers that lock in no order meet deadlocks all the time
SECONDS = float(os.environ.get("CALLBOARD_STRESS_SECONDS", "4"))

RECOUNT = """
SELECT 'slot' AS what, s.id, s.reserved_count, s.overbooked_count, s.capacity AS places,
       coalesce(sum(r.spots), 0) AS true
  FROM event_slots s LEFT JOIN slot_reservations r
    ON r.slot_id = s.id AND r.claim IN ('held', 'reserved') AND r.deleted IS NOT TRUE GROUP BY s.id
UNION ALL
SELECT 'block', b.id, b.reserved_count, b.overbooked_count, b.max_capacity, coalesce(sum(r.spots), 0)
  FROM event_time_blocks b LEFT JOIN slot_reservations r
    ON r.time_block_id = b.id AND r.claim IN ('held', 'reserved') AND r.deleted IS NOT TRUE
 WHERE b.max_capacity IS NOT NULL GROUP BY b.id
UNION ALL
SELECT 'event', e.id, e.reserved_count, e.overbooked_count, e.capacity, coalesce(sum(r.spots), 0)
  FROM events e LEFT JOIN slot_reservations r
    ON r.event_id = e.id AND r.claim IN ('held', 'reserved') AND r.deleted IS NOT TRUE
 WHERE e.capacity IS NOT NULL GROUP BY e.id
"""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Any]:
    """Connections to a database of the test's own."""
    made = await open_pool(database_url, 12)
    yield made
    await made.close()


async def check_counts(pool: Any) -> None:
    """Every count kept equals the claims, and is within its limit."""
    for row in await pool.fetch(RECOUNT):
        assert row["reserved_count"] == row["true"], dict(row)
        assert row["reserved_count"] <= row["places"] + row["overbooked_count"], dict(row)


@pytest.mark.parametrize("limits", [{}, {"max_capacity": 30, "event_capacity": 25}])
async def test_counts_equal_a_recount_after_random_direct_sql_from_eight_writers(
    pool: Any, limits: dict[str, int]
) -> None:
    seed = int(os.environ.get("CALLBOARD_SEED", random.randrange(10**6)))
    print(f"CALLBOARD_SEED={seed}")
    async with pool.acquire() as connection:
        day = await make_day(connection, slots=8, capacity=6, **limits)
    ends_at = time.monotonic() + SECONDS / 2
    done = await asyncio.gather(*(_write(pool, day, random.Random(seed + k), ends_at) for k in range(8)))
    await check_counts(pool)
    commits, refusals = (sum(counts) for counts in zip(*done, strict=True))
    assert commits > 50
    assert refusals > 0
    print(f"{commits} commits, {refusals} refused by a constraint or for a deadlock")


async def _write(pool: Any, day: Day, draw: random.Random, ends_at: float) -> tuple[int, int]:
    """Take, give back, move, change and delete claims at random, some of it rolled back."""
    commits = refusals = 0
    async with pool.acquire() as connection:
        await connection.execute(QUICK)
        while time.monotonic() < ends_at:
            try:
                async with connection.transaction():
                    for _ in range(draw.randint(1, 4)):
                        await _one_change(connection, day, draw)
                    if draw.random() < 0.15:
                        raise _RolledBack
                commits += 1
            except (asyncpg.CheckViolationError, asyncpg.DeadlockDetectedError):
                refusals += 1
            except _RolledBack:
                pass
    return commits, refusals


class _RolledBack(Exception):
    """The writer changed its mind."""


async def _one_change(connection: Any, day: Day, draw: random.Random) -> None:
    slot, spots, some = draw.choice(day.slots), draw.randint(1, 3), draw.randint(1, 4)
    few = f"id IN (SELECT id FROM slot_reservations ORDER BY md5(id::text || '{draw.random()}') LIMIT {some})"
    change = draw.choice([*["insert"] * 3, "cancel", "reinstate", "move", "spots", "delete", "flag", "over"])
    if change == "insert":
        try:
            async with connection.transaction():  # a savepoint
                claim = draw.choice(["held", "reserved", "waitlisted"])
                await insert_claim(connection, day, slot, spots=spots, claim=claim)
        except asyncpg.CheckViolationError:
            pass
    elif change == "cancel":
        await connection.execute(f"UPDATE slot_reservations SET claim = 'cancelled' WHERE {few}")
    elif change == "reinstate":
        await connection.execute(f"UPDATE slot_reservations SET claim = 'reserved', deleted = NULL WHERE {few}")
    elif change == "move":
        await connection.execute(f"UPDATE slot_reservations SET slot_id = $1 WHERE {few}", slot)
    elif change == "spots":
        await connection.execute(f"UPDATE slot_reservations SET spots = $1 WHERE {few}", spots)
    elif change == "delete":
        await connection.execute(f"DELETE FROM slot_reservations WHERE {few}")
    elif change == "flag":
        await connection.execute(f"UPDATE slot_reservations SET deleted = true WHERE {few}")
    else:
        await connection.execute("UPDATE event_slots SET overbooked_count = overbooked_count + 1 WHERE id = $1", slot)


async def test_the_trigger_counts_as_the_rules_do(pool: Any) -> None:
    seed = int(os.environ.get("CALLBOARD_SEED", random.randrange(10**6)))
    print(f"CALLBOARD_SEED={seed}")
    draw = random.Random(seed)
    async with pool.acquire() as connection:
        day = await make_day(connection, slots=3, capacity=4, max_capacity=9, event_capacity=8)
        state = State()
        for record in (Event, EventTimeBlock, EventSlot):
            for row in await _read(connection, record):
                state.put(row)
        for _ in range(250):
            before = {key: dict(rows) for key, rows in state.rows.items()}
            try:
                await _step(connection, state, day, draw)
            except asyncpg.CheckViolationError:  # the rules refuse that before; here it is as if it had not been tried
                kept = State()
                for rows in before.values():
                    for row in rows.values():
                        kept.put(row)
                state = kept
            for record in (Event, EventTimeBlock, EventSlot):
                assert await _read(connection, record) == sorted(state.rows[record].values(), key=lambda row: row.id)


async def _read(connection: Any, record: type[Record]) -> list[Any]:
    names = ", ".join(record.__struct_fields__)
    rows = f"SELECT {names} FROM {record.TABLE}"
    text = await connection.fetchval(f"SELECT json_agg(x ORDER BY id)::text FROM ({rows}) x")
    return list(msgspec.json.decode(text, type=list[record]))  # type: ignore[valid-type]


async def _step(connection: Any, state: State, day: Day, draw: random.Random) -> None:
    """The same random change to the state and to the database."""
    claims = list(state.rows[SlotReservation].values())
    choice = draw.random()
    if choice < 0.15:
        slot = state.get(EventSlot, draw.choice(day.slots))
        assert slot is not None
        raised = slot.overbooked_count + draw.randint(1, 2)
        state.put(structs.replace(slot, overbooked_count=raised))
        await connection.execute("UPDATE event_slots SET overbooked_count = $2 WHERE id = $1", slot.id, raised)
    elif choice < 0.55 or not claims:
        id = await insert_claim(connection, day, draw.choice(day.slots), spots=draw.randint(1, 3))
        (made,) = [row for row in await _read(connection, SlotReservation) if row.id == id]
        state.apply([made])
    else:
        claim = structs.replace(
            draw.choice(claims), claim=draw.choice(["held", "reserved", "cancelled", "waitlisted"]),
            slot_id=draw.choice(day.slots), spots=draw.randint(1, 3), deleted=draw.choice([None, None, True]),
        )  # fmt: skip
        state.apply([claim])
        await connection.execute(
            "UPDATE slot_reservations SET claim = $2, slot_id = $3, spots = $4, deleted = $5 WHERE id = $1",
            claim.id, claim.claim, claim.slot_id, claim.spots, claim.deleted,
        )  # fmt: skip


@pytest.mark.parametrize(("table", "limit"), [("event_time_blocks", "max_capacity"), ("events", "capacity")])
async def test_a_limit_set_while_claims_are_in_flight_counts_them_all(pool: Any, table: str, limit: str) -> None:
    """The claimer has counted itself nowhere and has not committed; whoever sets the limit has to wait for it."""
    async with pool.acquire() as connection:
        day = await make_day(connection, capacity=9)
    set_limit = f"UPDATE {table} SET {limit} = 5"
    async with pool.acquire() as claimer, pool.acquire() as limiter:
        claiming = claimer.transaction()
        await claiming.start()
        await insert_claim(claimer, day, day.slots[0], spots=2)
        setting = asyncio.create_task(limiter.execute(set_limit))
        await asyncio.sleep(0.2)
        assert not setting.done()
        await claiming.commit()
        await setting
        assert await pool.fetchval(f"SELECT reserved_count FROM {table}") == 2

        await pool.execute(f"UPDATE {table} SET {limit} = NULL")
        limiting = limiter.transaction()
        await limiting.start()
        await limiter.execute(set_limit)
        claim = asyncio.create_task(insert_claim(claimer, day, day.slots[1], spots=3))
        await asyncio.sleep(0.2)
        assert not claim.done()
        await limiting.commit()
        await claim
    await check_counts(pool)
    assert await pool.fetchval(f"SELECT reserved_count FROM {table}") == 5
    with pytest.raises(asyncpg.CheckViolationError):
        async with pool.acquire() as connection:
            await insert_claim(connection, day, day.slots[2])


async def test_limits_come_and_go_under_load_and_no_count_is_wrong(pool: Any) -> None:
    async with pool.acquire() as connection:
        day = await make_day(connection, slots=6, capacity=10_000)
    ends_at = time.monotonic() + SECONDS / 2

    async def claim(number: int) -> int:
        draw, claims = random.Random(number), 0
        async with pool.acquire() as connection:
            await connection.execute(QUICK)
            while time.monotonic() < ends_at:
                with contextlib.suppress(asyncpg.DeadlockDetectedError):  # a limit gone and set again meanwhile
                    await insert_claim(connection, day, draw.choice(day.slots))
                    claims += 1
        return claims

    async def limit() -> int:
        changes = 0
        while time.monotonic() < ends_at:
            for value in ("1000000", "NULL"):
                for table, column in (("event_time_blocks", "max_capacity"), ("events", "capacity")):
                    with contextlib.suppress(asyncpg.DeadlockDetectedError):
                        await pool.execute(f"UPDATE {table} SET {column} = {value}")
                        changes += 1
                    await check_counts(pool)
        return changes

    changes, claims = await asyncio.gather(limit(), asyncio.gather(*(claim(number) for number in range(6))))
    assert changes > 20
    assert sum(claims) > 100


async def test_claims_and_limits_are_only_written_where_each_sees_the_other(pool: Any) -> None:
    async with pool.acquire() as connection:
        day = await make_day(connection)
        with pytest.raises(asyncpg.RestrictViolationError, match="READ COMMITTED"):
            async with connection.transaction(isolation="repeatable_read"):
                await connection.execute("UPDATE events SET capacity = 3")
        with pytest.raises(asyncpg.RestrictViolationError, match="READ COMMITTED"):
            async with connection.transaction(isolation="repeatable_read"):
                await insert_claim(connection, day, day.slots[0])


async def test_a_claim_on_a_slot_that_is_made_only_afterwards_is_refused_not_miscounted(pool: Any) -> None:
    async with pool.acquire() as connection:
        day = await make_day(connection)
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await insert_claim(connection, day, new_id())
