"""Reservations over HTTP against pgbench writing the same rows: 1, 16 and 64 clients, 10,000 slots and one slot."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg

from tests.bench import reference
from tests.bench.load import Measured, pgbench, wrk
from tests.bench.loading import fill, settle
from tests.bench.report import Row, compared
from tests.bench.rounds import ROUNDS, Supply, describe, interleaved, per_second, refuse_failures, rows_for
from tests.bench.servers import api, postgres

WORKERS: Final = 2
TARGETS: Final = {(64, 10_000): 1.3, (64, 1): 7.0, (1, 10_000): 0.4}
WARM: Final = 20_000
"""So many reservations later most of the 10,000 slots were seen once by each process."""

WARMING: Final = 70_000
"""So many people that takes, however fast it is."""

LUA: Final = Path(__file__).parent / "reserve.lua"


async def prepare(url: str, people: int) -> None:
    """The day, with *people* who hold nothing yet."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(reference.FUNCTION_SQL)
        await connection.execute(reference.SEED)
    finally:
        await connection.close()
    await fill(url, (reference.PEOPLE, (1, people)))
    await settle(url)


async def check(url: str) -> None:
    """What was measured must be right too: every count equals its claims, and every claim of ours has its verdict."""
    connection = await asyncpg.connect(url)
    try:
        wrong = await connection.fetchval(
            "SELECT count(*) FROM event_slots s LEFT JOIN (SELECT slot_id, sum(spots) AS held FROM slot_reservations"
            " WHERE claim = 'reserved' GROUP BY 1) r ON r.slot_id = s.id WHERE reserved_count <> coalesce(held, 0)"
        )
        members = await connection.fetchval("SELECT count(*) FROM reservation_members")
        claims = await connection.fetchval("SELECT count(*) FROM slot_reservations")
        applied = await connection.fetchval(
            "SELECT count(*) FROM commands WHERE status = 'applied' AND kind = 'reservation.reserve'"
        )
        loaded = await connection.fetchval(
            "SELECT count(*) FROM slot_reservations r WHERE ref IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM commands c WHERE c.id = r.id)"
        )
    finally:
        await connection.close()
    if wrong or members != claims or claims != applied + loaded:
        raise RuntimeError(f"{wrong} counts are wrong; {claims} claims, {members} members, {applied} commands")


def warm(base: str, people: Supply) -> None:
    """Have connections opened, plans made and most slots seen once; what is measured is the middle of a day."""
    first, seconds, done = people.take(WARMING), 4, 0
    while done < WARM:
        measured = wrk(base, LUA, 64, seconds, {"slots": 10_000, "first": first + done})
        done += round(measured.per_second * seconds) + 1_000


def measure(
    url: str, base: str, clients: int, slots: int, seconds: float, people: Supply, rounds: int = ROUNDS
) -> dict[str, list[Measured]]:
    """Ours and both references in turns."""
    count = rows_for(clients, seconds)

    def reserving(script: str | None) -> Measured:
        variables = {"slots": slots, "first": people.take(count), "i": 0, "share": count // clients}
        if script is None:
            return wrk(base, LUA, clients, seconds, {**variables})
        return pgbench(url, script, clients, seconds, variables)

    scripts = {"ours": None, "statements": reference.STATEMENTS, "one call": reference.FUNCTION}
    found = interleaved({name: partial(reserving, script) for name, script in scripts.items()}, rounds)
    case = f"reserve, {clients} clients, {slots:,} slots"
    print(describe(case, found), flush=True)
    refuse_failures(case, found)
    return found


def run(seconds: float) -> list[Row]:
    """The rows of this benchmark; the first reference is the one that the ratio and target are about."""
    rows: list[Row] = []
    cases = [(clients, slots) for slots in (10_000, 1) for clients in (1, 16, 64)]
    count = sum(3 * ROUNDS * rows_for(clients, seconds) for clients, _ in cases) + WARMING
    people = Supply(0, count)
    with postgres() as database:
        asyncio.run(prepare(database.dsn, count))
        with api(database.dsn, WORKERS) as base:
            warm(base, people)
            for clients, slots in cases:
                found = measure(database.dsn, base, clients, slots, seconds, people)
                case = f"{clients} clients, {'10,000 slots' if slots > 1 else 'one slot'}"
                rows += against(found, "reserve", case, TARGETS.get((clients, slots)))
        asyncio.run(check(database.dsn))
    return rows


def against(found: dict[str, list[Measured]], bench: str, case: str, target: float | None) -> list[Row]:
    """A row for each reference; the target is about the statements."""
    ours = per_second(found, "ours")
    return [
        compared(bench, f"{case}, to statements", ours, "/s", per_second(found, "statements"), target=target),
        compared(bench, f"{case}, to one call", ours, "/s", per_second(found, "one call")),
    ]
