"""Reservations over HTTP against pgbench writing the same rows: 1, 16 and 64 clients, 10,000 slots and one slot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import asyncpg

from tests.bench import reference
from tests.bench.load import Measured, pgbench, wrk
from tests.bench.report import Row, row
from tests.bench.servers import api, postgres

WORKERS: Final = 2
TARGETS: Final = {(64, 10_000): 1.2, (64, 1): 6.0}
RUN: Final = 64 * 800  # nobody is asked for twice: each run has people of its own, and each client of it
PEOPLE: Final = RUN * 20


async def _prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(reference.FUNCTION_SQL)
        await connection.execute(reference.SEED)
        await connection.execute(reference.PEOPLE, 1, PEOPLE)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")  # what the loading left to be written is not part of any case
    finally:
        await connection.close()


async def _check(url: str) -> None:
    """What was measured must be right too: every count equals its claims, and every claim of ours has its verdict."""
    connection = await asyncpg.connect(url)
    try:
        wrong = await connection.fetchval(
            "SELECT count(*) FROM event_slots s WHERE reserved_count <> (SELECT coalesce(sum(spots), 0)"
            " FROM slot_reservations r WHERE r.slot_id = s.id AND claim = 'reserved')"
        )
        members = await connection.fetchval("SELECT count(*) FROM reservation_members")
        claims = await connection.fetchval("SELECT count(*) FROM slot_reservations")
        applied = await connection.fetchval("SELECT count(*) FROM commands WHERE status = 'applied'")
    finally:
        await connection.close()
    if wrong or not members == claims == applied:
        raise RuntimeError(f"{wrong} counts are wrong; {claims} claims, {members} members, {applied} commands")


def run(seconds: float) -> list[Row]:
    """The rows of this benchmark; the first reference is the one that the ratio and target are about."""
    rows: list[Row] = []
    lua = Path(__file__).parent / "reserve.lua"
    first = 0
    with postgres() as database:
        asyncio.run(_prepare(database.dsn))
        with api(database.dsn, WORKERS) as base:
            wrk(base, lua, 16, 2, {"slots": 10_000, "first": PEOPLE - RUN})  # connections and plans are made
            for slots in (10_000, 1):
                for clients in (1, 16, 64):
                    case = f"{clients} clients, {'10,000 slots' if slots > 1 else 'one slot'}"
                    by_statement = pgbench(database.dsn, reference.STATEMENTS, clients, seconds, _people(slots, first))
                    by_function = pgbench(database.dsn, reference.FUNCTION, clients, seconds, _people(slots, first + 1))
                    ours = wrk(base, lua, clients, seconds, _people(slots, first + 2))
                    first += 3
                    rows += _rows(case, ours, by_statement, by_function, TARGETS.get((clients, slots)))
        asyncio.run(_check(database.dsn))
    return rows


def _people(slots: int, run: int) -> dict[str, int]:
    return {"slots": slots, "first": run * RUN, "i": 0}


def _rows(case: str, ours: Measured, statements: Measured, function: Measured, target: float | None) -> list[Row]:
    if ours.refused or ours.broken:
        raise RuntimeError(f"{case}: {ours.refused} answers were not 2xx, {ours.broken} broke off")
    print(
        f"reserve, {case}: ours {ours.per_second:.0f}/s (p50 {ours.p50:.1f} ms, p99 {ours.p99:.1f} ms); "
        f"statements {statements.per_second:.0f}/s (p99 {statements.p99:.1f} ms); "
        f"function {function.per_second:.0f}/s (p99 {function.p99:.1f} ms)",
        flush=True,
    )
    return [
        row("reserve", f"{case}, to statements", ours.per_second, "/s", reference=statements.per_second, target=target),
        row("reserve", f"{case}, to one call", ours.per_second, "/s", reference=function.per_second),
    ]
