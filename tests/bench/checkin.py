"""Check-ins over HTTP (the generic endpoint, as an enrolled desk) against pgbench writing the same rows."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg

from tests.bench import reference, reference_checkin
from tests.bench.desks import ROOT_TOKEN, enrol
from tests.bench.load import Measured, pgbench, wrk
from tests.bench.loading import fill, settle
from tests.bench.report import Row
from tests.bench.reserve import WORKERS, against
from tests.bench.rounds import ROUNDS, Supply, describe, interleaved, refuse_failures, rows_for
from tests.bench.servers import api, postgres

TARGETS: Final = {64: 1.3}
WARMING: Final = 20_000
LUA: Final = Path(__file__).parent / "arrive.lua"


async def prepare(url: str, claims: int, *, seed: bool = True) -> None:
    """The day with *claims* reservations of one person each, numbered from 1."""
    connection = await asyncpg.connect(url)
    try:
        if seed:
            await connection.execute(reference.SEED)
        await connection.execute(reference_checkin.FUNCTION_SQL)
    finally:
        await connection.close()
    loaded = (1, claims)
    await fill(url, *((statement, loaded) for statement in reference_checkin.CLAIMS), (reference.RECOUNT, ()))
    await settle(url)


async def check(url: str) -> None:
    """What was measured must be right too: one fact a claim and a verdict each, nobody flagged."""
    connection = await asyncpg.connect(url)
    try:
        arrived, claims = await connection.fetchrow("SELECT count(*), count(DISTINCT reservation_id) FROM attendance")
        touched = await connection.fetchval("SELECT count(*) FROM slot_reservations WHERE version = 2")
        applied = await connection.fetchval(
            "SELECT count(*) FROM commands WHERE status = 'applied' AND kind = 'attendance.arrive'"
        )
        flags = await connection.fetchval("SELECT count(*) FROM flags")
    finally:
        await connection.close()
    if flags or not arrived == claims == touched == applied:
        raise RuntimeError(
            f"{arrived} facts about {claims} claims; {touched} touched, {applied} commands, {flags} flags"
        )


def warm(base: str, token: str, claims: Supply) -> None:
    """Have connections opened and plans made."""
    wrk(base, LUA, 16, 2, {"first": claims.take(WARMING), "token": token})


def measure(
    url: str, base: str, token: str, clients: int, seconds: float, claims: Supply, rounds: int = ROUNDS
) -> dict[str, list[Measured]]:
    """Ours and both references in turns."""
    count = rows_for(clients, seconds)

    def arriving(script: str | None) -> Measured:
        variables = {"first": claims.take(count), "i": 0, "share": count // clients}
        if script is None:
            return wrk(base, LUA, clients, seconds, {**variables, "token": token})
        return pgbench(url, script, clients, seconds, variables)

    scripts = {"ours": None, "statements": reference_checkin.STATEMENTS, "one call": reference_checkin.FUNCTION}
    found = interleaved({name: partial(arriving, script) for name, script in scripts.items()}, rounds)
    case = f"checkin, {clients} clients"
    print(describe(case, found), flush=True)
    refuse_failures(case, found)
    return found


def run(seconds: float) -> list[Row]:
    """The rows of this benchmark."""
    rows: list[Row] = []
    count = sum(3 * ROUNDS * rows_for(clients, seconds) for clients in (1, 64)) + WARMING
    claims = Supply(0, count)
    with postgres() as database:
        asyncio.run(prepare(database.dsn, count))
        with api(database.dsn, WORKERS, {"CALLBOARD_ROOT_TOKEN": ROOT_TOKEN}) as base:
            token = enrol(base, "Desk").token
            warm(base, token, claims)
            for clients in (1, 64):
                found = measure(database.dsn, base, token, clients, seconds, claims)
                rows += against(found, "checkin", f"{clients} clients", TARGETS.get(clients))
        asyncio.run(check(database.dsn))
    return rows
