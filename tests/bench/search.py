"""Searching 100,000 people: in the database, over HTTP's reads, and on a desk of 20,000.

``in the database`` is the time on one warm connection from asking to the answer of every statement that one search
needs, round trips included; the statements are the server's own, and the queries a mix of all that people type. Each
is asked three times, never from a prepared plan, and the quickest counts: what others do on the machine is not meant.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from desktop.store.people_index import PeopleIndex
from server_sync.authority.queries import people
from server_sync.authority.queries.engine import Reads
from server_sync.protocol.ids import new_id
from server_sync.protocol.records import Participant
from server_sync.rules.alike import Words
from server_sync.rules.search import Answer, Ask, Entry, Resembling, find
from tests.authority.roll import SORTS, insert_programme, insert_roll, roll, typed
from tests.bench.report import Row, within
from tests.bench.servers import postgres

PEOPLE: Final = 100_000
AT_A_DESK: Final = 20_000
SHOWN: Final = 20
QUERIES: Final = 1_120
TIMES: Final = 3
MOST_MS: Final = 15.0
FRAME_MS: Final = 16.0
_DIALECT: Final = dialect()  # type: ignore[no-untyped-call]

Timed = dict[str, list[float]]


def run(seconds: float) -> list[Row]:
    """The rows; the length of a case is a number of queries, not *seconds*."""
    del seconds
    seed = random.SystemRandom().randrange(10**9)
    print(f"search: seed {seed}")
    chosen = random.Random(seed)
    with postgres() as server:
        return asyncio.run(_centre(server.dsn, chosen)) + _desk(chosen)


async def _centre(url: str, chosen: random.Random) -> list[Row]:
    programme = new_id()
    everybody = roll(PEOPLE, programme, chosen)
    connection = await insert_programme(url, programme)
    began = time.perf_counter()
    await insert_roll(connection, everybody)
    rows = [Row("search", f"putting {PEOPLE:,} people in", time.perf_counter() - began, "s")]
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()
    connection = await asyncpg.connect(url, statement_cache_size=0)
    asked = _queries(everybody, chosen)
    for _, text in asked[:200]:
        await _in_database(connection, programme, text)
    inside: Timed = {}
    for sort, text in asked:
        inside.setdefault(sort, []).append(min([await _in_database(connection, programme, text) for _ in range(TIMES)]))
    await connection.close()
    reads, whole = Reads.open(url), Timed()
    for sort, text in asked:
        began = time.perf_counter()
        await people.search(reads, programme, text, SHOWN, staff=True, contacts=False)
        whole.setdefault(sort, []).append((time.perf_counter() - began) * 1000)
    await reads.close()
    rows += _rows("in the database", inside, MOST_MS)
    rows += _rows("the server's whole work", whole, None)[-2:]
    return rows


async def _in_database(connection: Any, programme: str, text: str) -> float:
    """Milliseconds that the statements of one search take."""
    took = 0.0
    search = find(text, SHOWN)
    try:
        asked = next(search)
        while True:
            rows, spent = await _fetch(connection, programme, asked)
            took += spent
            asked = search.send(rows)
    except StopIteration:
        return took * 1000


async def _fetch(connection: asyncpg.Connection[Any], programme: str, asked: Ask) -> tuple[Answer, float]:
    select = people.words(programme, asked) if isinstance(asked, Resembling) else people.candidates(programme, asked)
    text = str(select.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})).replace("%%", "%")
    began = time.perf_counter()
    rows = await connection.fetch(text)
    spent = time.perf_counter() - began
    if isinstance(asked, Resembling):
        return [Words(r["words"].split(" ")) for r in sorted(rows, key=itemgetter("number"))], spent
    found: list[list[Entry]] = [[] for _ in asked]
    for r in rows:
        entry = Entry(str(r["id"]), r["display_name"], r["school"], r["external_id"], r["ref"])
        found[r["stage"]].append(entry)
    return found, spent


def _desk(chosen: random.Random) -> list[Row]:
    everybody = roll(AT_A_DESK, new_id(), chosen)
    began = time.perf_counter()
    index = PeopleIndex(Entry(p.id, p.display_name, p.school, p.external_id, p.ref) for p in everybody)
    rows = [Row("search", f"a desk takes in {AT_A_DESK:,} people", time.perf_counter() - began, "s")]
    keys: Timed = {}
    for sort, text in _queries(everybody, chosen):
        keys.setdefault(sort, []).append(min(_key(index, text) for _ in range(TIMES)))
    return rows + _rows(f"a key at a desk of {AT_A_DESK:,}", keys, FRAME_MS)


def _key(index: PeopleIndex, text: str) -> float:
    """Milliseconds from a key to the answer."""
    began = time.perf_counter()
    index.search(text, SHOWN)
    return (time.perf_counter() - began) * 1000


def _queries(everybody: Sequence[Participant], chosen: random.Random) -> list[tuple[str, str]]:
    sorts = [SORTS[number % len(SORTS)] for number in range(QUERIES)]
    return [(sort, typed(sort, chosen.choice(everybody), chosen)) for sort in sorts]


def _rows(where: str, timed: Timed, most: float | None) -> list[Row]:
    """The median and the 99th percentile of all, after the worst of each sort."""
    every = sorted(value for values in timed.values() for value in values)
    rows = [Row("search", f"{where}: {sort}, slowest", max(values), "ms") for sort, values in timed.items()]
    rows.append(Row("search", f"{where}: p50", every[len(every) // 2], "ms"))
    p99 = every[int(len(every) * 0.99)]
    name = f"{where}: p99"
    rows.append(Row("search", name, p99, "ms") if most is None else within("search", name, p99, "ms", most))
    return rows
