"""Does the feed stay right while transactions commit out of order? ``python -m tests.authority.feed_stress --help``

Eight writers (rollbacks, savepoints, deletions) and at times one long transaction; desks that follow by pulls, and one
that fetches everything anew, in pages of moments of their own, again and again. After every pull a desk's rows and
verdicts are compared with the tables, read by other SQL in the very transaction that answered the pull.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import random
import shutil
import tempfile
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from server_sync.authority.connection import open_pool
from server_sync.authority.feed import Delta, Feed, Follower, Page
from server_sync.authority.feed.cursor import Cursor
from server_sync.authority.migrate import migrate
from server_sync.embedded import EmbeddedPostgres
from server_sync.protocol.commands import Line, Rebootstrap
from server_sync.protocol.ids import new_id
from server_sync.protocol.records import SYNCED
from tests.authority.direct_sql import Day, insert_claim, make_day

WRITERS = 8
KEPT = 400  # claims: when there are more, none are added

Rows = dict[tuple[str, str], dict[str, Any]]
_LINE = msgspec.json.Decoder(Line)


@dataclass(slots=True)
class Score:
    """What was done and seen; ``wrong`` counts pulls after which a desk was not equal to the database."""

    commits: int = 0
    rollbacks: int = 0
    pulls: int = 0
    bootstraps: int = 0
    pages: int = 0
    rows: int = 0
    wrong: int = 0
    longest_cursor: int = 0
    examples: list[str] = field(default_factory=list)


# ------------------------------------------------------------ what is true


class WatchedPool:
    """A pool whose every borrower's transaction also reads the truth, which is kept by its snapshot."""

    def __init__(self, pool: Any, programme_id: str) -> None:
        self._pool = pool
        self._programme_id = programme_id
        self.truths: OrderedDict[str, tuple[Rows, dict[str, set[str]]]] = OrderedDict()

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """Lend a connection that is in a transaction already, and look around before that ends."""
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            yield _WithinTransaction(connection)
            snapshot = await connection.fetchval("SELECT pg_current_snapshot()::text")
            self.truths[snapshot] = await read_truth(connection, self._programme_id)
            while len(self.truths) > 200:
                self.truths.popitem(last=False)

    async def execute(self, query: str, *args: Any) -> str:
        """As the pool's."""
        status: str = await self._pool.execute(query, *args)
        return status

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """As the pool's."""
        return list(await self._pool.fetch(query, *args))

    async def fetchval(self, query: str, *args: Any) -> Any:
        """As the pool's."""
        return await self._pool.fetchval(query, *args)

    async def close(self) -> None:
        """As the pool's."""
        await self._pool.close()


class _WithinTransaction:
    """A connection whose transactions are the one that is open already."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    @contextlib.asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[None]:
        assert options["isolation"] == "repeatable_read"
        yield


_TRUTH = " UNION ALL ".join(
    f"SELECT '{record.TABLE}', json_agg(x)::text FROM (SELECT {', '.join(record.__struct_fields__)}"
    f" FROM {record.TABLE} WHERE programme_id = $1::uuid AND deleted IS NOT TRUE) x"
    for record in SYNCED
)


async def read_truth(connection: Any, programme_id: str) -> tuple[Rows, dict[str, set[str]]]:
    """The programme's rows as they are, and each device's verdicts."""
    rows: Rows = {}
    for table, text in await connection.fetch(_TRUTH, programme_id):
        for row in msgspec.json.decode(text) if text else ():
            rows[table, row["id"]] = {name: value for name, value in row.items() if value is not None}
    results: dict[str, set[str]] = {}
    for device, command in await connection.fetch("SELECT device_id::text, id::text FROM commands"):
        results.setdefault(device, set()).add(command)
    return rows, results


# ------------------------------------------------------------- who follows


class FollowingDesk:
    """A desk's replica: nothing but what the feed said."""

    def __init__(self, feed: Feed, pool: WatchedPool, follower: Follower, score: Score) -> None:
        self._feed, self._pool, self._follower, self._score = feed, pool, follower, score
        self._rows: Rows = {}
        self._results: set[str] = set()
        self._cursor = ""

    async def fetch_all(self, draw: random.Random) -> None:
        """Everything anew, page by page, with time passing between."""
        self._rows, self._results = {}, set()
        page_token = None
        while True:
            page = await self._feed.bootstrap(self._follower, page_token)
            self._take(page)
            self._score.pages += 1
            assert isinstance(page, Page)
            page_token = page.end.next_page
            if page_token is None:
                break
            await asyncio.sleep(draw.random() * 0.01)
        self._score.bootstraps += 1

    async def pull(self) -> None:
        """One pull, then a look at whether all is as it is."""
        delta = await self._feed.pull(self._follower, self._cursor)
        self._take(delta)
        snapshot = msgspec.json.decode(base64.urlsafe_b64decode(self._cursor)[16:], type=Cursor).snapshot
        rows, results = self._pool.truths[snapshot]
        score = self._score
        score.pulls += 1
        score.longest_cursor = max(score.longest_cursor, len(self._cursor))
        if self._rows != rows or self._results != results.get(self._follower.id, set()):
            score.wrong += 1
            if len(score.examples) < 3:
                wrong = [key for key in rows.keys() | self._rows.keys() if rows.get(key) != self._rows.get(key)]
                score.examples.append(f"{snapshot}: {wrong[:3]}")
            self._rows, self._results = dict(rows), set(results.get(self._follower.id, set()))

    def _take(self, reply: Delta | Page | Rebootstrap) -> None:
        assert not isinstance(reply, Rebootstrap), reply
        lines = [_LINE.decode(text) for text in reply.body().split(b"\n")[:-1]]
        assert reply.end.rows == len(lines) - 2
        self._score.rows += reply.end.rows
        for line in lines:
            if line.put is not None:
                row = msgspec.json.decode(line.put[1])
                self._rows[line.put[0], row["id"]] = row
            elif line.del_ is not None:
                self._rows.pop(line.del_, None)
            elif line.result is not None:
                self._results.add(line.result.id)
        assert reply.end.cursor is not None
        self._cursor = reply.end.cursor


# -------------------------------------------------------------- who writes


async def write(pool: Any, day: Day, devices: list[str], number: int, seed: int, ends_at: float, score: Score) -> None:
    """Random transactions until *ends_at*."""
    draw = random.Random(seed * 100 + number)
    async with pool.acquire() as connection:
        await connection.execute("SET deadlock_timeout = '20ms'")
        seqs = dict.fromkeys(devices, number * 10**9)
        while time.monotonic() < ends_at:
            try:
                async with connection.transaction():
                    await _one_transaction(connection, day, draw, seqs)
                score.commits += 1
            except (_RolledBack, asyncpg.DeadlockDetectedError, asyncpg.CheckViolationError):
                score.rollbacks += 1


class _RolledBack(Exception):
    """The writer changed its mind."""


async def _one_transaction(connection: Any, day: Day, draw: random.Random, seqs: dict[str, int]) -> None:
    if draw.random() < 0.4:
        await _verdict(connection, draw, seqs)
    if draw.random() < 0.5:
        await asyncio.sleep(draw.random() * 0.01)
    for person in sorted(draw.sample(day.people, draw.randint(1, 3))):
        kept = draw.random() >= 0.3
        with contextlib.suppress(_RolledBack):
            async with connection.transaction():  # a savepoint
                await _touch(connection, day, draw, person)
                if not kept and draw.random() < 0.5:
                    raise _RolledBack
    if draw.random() < 0.5:
        await asyncio.sleep(draw.random() * 0.01)
    if draw.random() < 0.15:
        raise _RolledBack


async def _verdict(connection: Any, draw: random.Random, seqs: dict[str, int]) -> None:
    device = draw.choice(list(seqs))
    seqs[device] += 1
    await connection.execute(
        "INSERT INTO commands (id, principal, actor, device_id, incarnation, seq, kind, v, args, hash, status)"
        " VALUES ($1, 'x', 'x', $2, 1, $3, 'x', 1, '{}', decode(repeat('00', 16), 'hex'), 'applied')",
        new_id(), device, seqs[device] + 1,
    )  # fmt: skip


async def _touch(connection: Any, day: Day, draw: random.Random, person: str) -> None:
    """Change a person, or a claim and so its slot."""
    what = draw.random()
    some = f"id = (SELECT id FROM slot_reservations ORDER BY md5(id::text || '{draw.random()}') LIMIT 1)"
    if what < 0.35:
        await connection.execute("UPDATE participants SET grade = $2 WHERE id = $1", person, str(draw.random()))
    elif what < 0.5:
        await connection.execute(
            "UPDATE participants SET deleted = CASE WHEN deleted THEN NULL ELSE true END WHERE id = $1", person
        )
    elif what < 0.7:
        if await connection.fetchval("SELECT count(*) FROM slot_reservations") < KEPT:
            await insert_claim(connection, day, draw.choice(day.slots))
    elif what < 0.8:
        await connection.execute(
            f"UPDATE slot_reservations SET claim = 'cancelled', version = version + 1 WHERE {some}"
        )
    elif what < 0.9:
        await connection.execute(
            f"UPDATE slot_reservations SET deleted = CASE WHEN deleted THEN NULL ELSE true END WHERE {some}"
        )
    else:
        await connection.execute(
            f"UPDATE slot_reservations SET slot_id = $1, claim = 'reserved' WHERE {some}", draw.choice(day.slots)
        )


async def hold_open(pool: Any, day: Day, person: str, ends_at: float) -> None:
    """A transaction that changed something and stays open for most of the run, then commits."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await connection.execute("UPDATE participants SET grade = 'late' WHERE id = $1", person)
        await asyncio.sleep(max(0.0, (ends_at - time.monotonic()) * 0.7))


# ------------------------------------------------------------------ a run


async def run(url: str, seed: int, seconds: float, long_transaction: bool = False) -> Score:
    """The stress on a migrated, empty database; the desks must have been equal to it after every pull."""
    score = Score()
    pool = await open_pool(url, WRITERS + 12)
    await pool.execute("SELECT 1")
    try:
        async with pool.acquire() as connection:
            day = await make_day(connection, slots=12, people=80, capacity=10**6)
        followers = [await _enrol(pool, day) for _ in range(3)]
        watched = WatchedPool(pool, day.programme)
        feed = Feed(watched, page_rows=40)
        ends_at = time.monotonic() + seconds
        late = day.people.pop()
        tasks = [
            write(pool, day, [follower.id for follower in followers], number, seed, ends_at, score)
            for number in range(WRITERS)
        ]
        tasks += [_follow(FollowingDesk(feed, watched, follower, score), seed, ends_at) for follower in followers[:2]]
        tasks.append(_begin_anew(FollowingDesk(feed, watched, followers[2], score), seed, ends_at))
        if long_transaction:
            tasks.append(hold_open(pool, day, late, ends_at))
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
        await feed.close()
    finally:
        await pool.close()
    return score


async def _enrol(pool: Any, day: Day) -> Follower:
    id = new_id()
    await pool.execute(
        "INSERT INTO devices (id, programme_id, name, ceiling, enrolled_at) VALUES ($1, $2, 'Desk', 'admin', now())",
        id, day.programme,
    )  # fmt: skip
    return Follower(id, day.programme, "admin")


async def _follow(desk: FollowingDesk, seed: int, ends_at: float) -> None:
    draw = random.Random(seed)
    await desk.fetch_all(draw)
    while time.monotonic() < ends_at:
        await desk.pull()
        await asyncio.sleep(draw.random() * 0.005)
    await desk.pull()


async def _begin_anew(desk: FollowingDesk, seed: int, ends_at: float) -> None:
    draw = random.Random(seed + 1)
    while time.monotonic() < ends_at:
        await desk.fetch_all(draw)
        for _ in range(draw.randint(1, 15)):
            await desk.pull()
            await asyncio.sleep(0.003)


def main() -> int:
    """Run it on a Postgres of its own; exit 1 if a desk was ever wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--long", action="store_true", help="keep one transaction open for most of the time")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="callboard-stress-"))
    try:
        with EmbeddedPostgres(folder, settings={"fsync": "off", "synchronous_commit": "off"}) as server:
            asyncio.run(migrate(server.dsn))
            score = asyncio.run(run(server.dsn, asked.seed, asked.seconds, asked.long))
    finally:
        shutil.rmtree(folder)
    print(f"seed {asked.seed}: {score}")
    return 1 if score.wrong or not score.pulls else 0


if __name__ == "__main__":
    raise SystemExit(main())
