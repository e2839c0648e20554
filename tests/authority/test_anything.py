"""Any commands in any order through the real authority, by several processes at once: no constraint ever fires."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from server_sync.embedded import EmbeddedPostgres
from server_sync.protocol.commands import Envelope
from server_sync.protocol.ids import Id, derived_id
from tests.anything.choosing import Seeded
from tests.anything.commands import Anything, weighted_kinds
from tests.anything.ground import NOBODY
from tests.anything.invariants import broken
from tests.anything.machine import LENGTH
from tests.anything.rows import differences, replayed, tables
from tests.anything.shares import LONG, Shares
from tests.anything.worker import START, Report, Turn
from tests.authority.centre import Centre, centre, envelope
from tests.authority.fresh import fresh_programme

SEED: Final = os.environ.get("CALLBOARD_SEED", "20261121")
TURNS: Final = max(1, int(os.environ.get("CALLBOARD_STEPS", "1200")) // LENGTH)
PROCESSES, TASKS = 2, 5
BOTH: Final = 10
"""So many commands of a turn are given by both processes."""

ROOT_FOLDER: Final = Path(__file__).resolve().parents[2]


async def test_any_commands_by_two_processes_at_once(database_url: str, postgres: EmbeddedPostgres) -> None:
    print(f"seed {SEED}, {TURNS} turns of {LENGTH} commands (CALLBOARD_SEED, CALLBOARD_STEPS)")
    shares, watch, busy = Shares(), Watch(), Counter[str]()
    async with AsyncExitStack() as stack:
        c = await stack.enter_async_context(centre(database_url))
        workers = [await _worker(stack, database_url, number) for number in range(PROCESSES)]
        gate, eyes = [await _connection(stack, database_url) for _ in range(2)]
        for turn in range(TURNS):
            seed = f"{SEED}/{turn}"
            await fresh_programme(c, seed, hold_seconds=1, paid_hold_seconds=2)
            both = await _for_both(c, seed)
            await gate.execute("SELECT pg_advisory_lock($1)", START)
            for number, worker in enumerate(workers):
                told = Turn(c.programme, f"{seed}/{number}", LENGTH // PROCESSES // TASKS, both)
                assert worker.stdin is not None
                worker.stdin.write(msgspec.json.encode(told) + b"\n")
            await _all_ready(gate)
            watching = asyncio.create_task(watch.run(eyes, c))
            await gate.execute("SELECT pg_advisory_unlock($1)", START)
            reports = [await _report(worker) for worker in workers]
            watch.over = True
            await watching
            _check(seed, reports, both, shares, postgres)
            busy.update(kind for report in reports for kind in report.busy)
            await _check_tables(c, seed)
            watch.over = False
    print(f"{watch}\ntold to come again: {dict(busy)}\n{shares}")
    assert busy.total() <= 2 + TURNS * LENGTH // 100_000
    assert all(watch.waits[f"worker {number}"] for number in range(PROCESSES)), "they did not get in each other's way"
    assert watch.looks > TURNS, "hardly anybody looked while they were at it"
    assert sum(map(shares.tried, {kind for kind, _ in shares.refused} | shares.applied.keys())) == TURNS * LENGTH
    if TURNS * LENGTH >= LONG:
        assert shares.scarce(least=20, percent=10) == {}  # holds that ran out are mostly ended by others


class Watch:
    """Looks at the tables, and at who waits for whose locks, until it is ``over``."""

    def __init__(self) -> None:
        self.waits: Counter[str] = Counter()
        self.looks = 0
        self.over = False

    def __str__(self) -> str:
        return f"seen waiting for locks: {dict(self.waits)}; {self.looks} looks at the tables meanwhile"

    async def run(self, sql: Any, c: Centre) -> None:
        """What must never be false is true at every moment, not only at the end."""
        while not self.over:
            for _ in range(20):
                waiting = await sql.fetch(
                    "SELECT application_name FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND NOT EXISTS"
                    " (SELECT FROM pg_locks l WHERE l.pid = pg_stat_activity.pid AND NOT l.granted AND l.objid = $1)",
                    START,
                )
                self.waits.update(name for (name,) in waiting)
                await asyncio.sleep(0.002)
            problems = broken(await tables(sql, c.programme), datetime.now(UTC))
            assert not problems, problems
            self.looks += 1


async def _worker(stack: AsyncExitStack, url: str, number: int) -> Process:
    named = f"{url}{'&' if '?' in url else '?'}application_name=worker%20{number}"
    command = (sys.executable, "-m", "tests.anything.worker", named, str(TASKS))
    worker = await asyncio.create_subprocess_exec(*command, cwd=ROOT_FOLDER, stdin=PIPE, stdout=PIPE, limit=2**26)
    stack.push_async_callback(_ended, worker)
    return worker


async def _ended(worker: Process) -> None:
    assert worker.stdin is not None
    worker.stdin.close()
    try:
        await asyncio.wait_for(worker.wait(), 20)
    except TimeoutError:
        worker.kill()
        await worker.wait()


async def _connection(stack: AsyncExitStack, url: str) -> Any:
    connection = await asyncpg.connect(url)
    stack.push_async_callback(connection.close)
    return connection


async def _for_both(c: Centre, seed: str) -> list[Envelope]:
    """Commands about the festival as it begins."""
    state, choose = await tables(c.sql, c.programme), Seeded(f"{seed}/both")
    made = []
    for number in range(BOTH):
        given = Anything(choose, state, datetime.now(UTC), []).command(weighted_kinds())
        made.append(envelope(given.kind, given.args, id=derived_id(NOBODY, f"{seed}/both {number}"), **given.how))
    return made


async def _all_ready(gate: Any) -> None:
    """Wait until every process stands at the gate."""
    async with asyncio.timeout(60):
        while True:
            ready = await gate.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted AND objid = $1", START)
            if ready == PROCESSES:
                return
            await asyncio.sleep(0.005)


async def _report(worker: Process) -> Report:
    assert worker.stdout is not None
    line = await worker.stdout.readline()
    assert line, f"the worker ended with {await worker.wait()}"
    return msgspec.json.decode(line, type=Report)


def _check(seed: str, reports: list[Report], both: list[Envelope], shares: Shares, postgres: EmbeddedPostgres) -> None:
    for report in reports:
        assert report.errors == []
        if report.raised:
            log = postgres._folder.log.read_text(errors="replace").splitlines()
            said = [line[:2000] for line in log if " ERROR: " in line or " DETAIL: " in line or " STATEMENT: " in line]
            raise AssertionError("\n".join([f"seed {seed}: the rules should have known:", *report.raised, *said[-6:]]))
        for kind, code in report.said:
            shares.count(kind, code)
    assert reports[0].both.keys() == {asked.id for asked in both}
    for report in reports[1:]:
        assert report.both == reports[0].both, f"seed {seed}: one command had two verdicts"


async def _check_tables(c: Centre, seed: str) -> None:
    state = await tables(c.sql, c.programme)
    problems = broken(state, datetime.now(UTC))
    assert not problems, f"seed {seed}: {problems}"
    apart = differences(await replayed(c.sql, c.programme), state)
    assert not apart, f"seed {seed}: " + "\n".join([*apart[:3], *await _told_of(c, apart[0].split()[1].strip(":"))])


async def _told_of(c: Centre, id: Id) -> list[str]:
    """What the ledger says of one row."""
    told = await c.sql.fetch(
        "SELECT number, last_xid, kind, e FROM commands, jsonb_array_elements(effects::jsonb) e"
        " WHERE programme_id = $1 AND e->>1 = $2 ORDER BY number",
        c.programme,
        id,
    )
    return [" ".join(map(str, row)) for row in told]
