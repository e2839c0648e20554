"""Search at the centre and on a desk: one order, whatever is typed; who leaves is not found; nothing typed is an error.

The same people in Postgres and in a desk's own store, read as the screens read them.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from desktop.day.day import Day
from desktop.store.cache import Delta
from desktop.store.desk_store import Store
from desktop.store.worker import InlineWorker
from server_sync.authority.queries import people
from server_sync.authority.queries.engine import Reads
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import Participant
from server_sync.rules.folding import fold, spellings
from server_sync.rules.search import KEY_LENGTH, find, tokens
from server_sync.rules.search import Entry as Somebody
from tests.authority.roll import SORTS, insert_programme, insert_roll, roll, typed
from tests.store.identity import identity

MANY = 6_000
ASKED = 560
SHOWN = 20
_DIALECT = dialect()  # type: ignore[no-untyped-call]
HOSTILE = [
    "'", "''", '"', '""', '"anna', "anna*", "*", "anna NEAR bob", "NEAR(anna bob, 2)", "anna AND", "OR", "NOT anna",
    "tokens:anna", "{tokens}: anna", "^anna", "anna & | ! bob", "anna <-> bob", "!anna", "anna:*A", "(", ")", "((((",
    "%", "_", "100%", "\\", "\\'", "'; DROP TABLE participants; --", "a" * 10_000, "anna " * 3_000, "é" * 10_000,
    " ", "\t\n", "🎻🎺", "🎻 anna", "-", "--", "—", "…", "\u202e\u200b", "\ud7ff", "\U0010ffff", "ﷺ", "½",
    "a\u0301" * 90, "x" * 41, "ß" * 300, "K", "İ", "Σς", "1e309", "NULL", "nan", ":name", "%s", "%(x)s",
    "${x}", "{0}", "<b>",
]  # fmt: skip


@dataclass
class Both:
    """The centre and a desk, with the same people."""

    sql: Any
    reads: Reads
    programme: Id
    day: Day

    async def centre(self, text: str, limit: int = SHOWN, *, staff: bool = True) -> list[Id]:
        """Whom the centre finds, in its order."""
        found = await people.search(self.reads, self.programme, text, limit, staff=staff, contacts=False)
        return [person.id for person in found]

    def desk(self, text: str, limit: int = SHOWN) -> list[Id]:
        """Whom the desk finds, in its order."""
        return [match.id for match in self.day.search(text, limit)]


@asynccontextmanager
async def both_with(rows: list[Participant], programme: Id, url: str, folder: Path) -> AsyncIterator[Both]:
    """Put *rows* on both sides."""
    sql = await insert_programme(url, programme)
    await insert_roll(sql, rows)
    now = datetime(2026, 5, 2, 12, tzinfo=UTC)
    store = await Store.open(folder / "outbox.db", folder / "cache.db", InlineWorker(), lambda: now)
    assert isinstance(store, Store)
    own = identity(programme)
    await store.enrol(own)
    await store.begin_filling(anew=False)
    puts = [(type(row).TABLE, msgspec.Raw(msgspec.json.encode(row))) for row in rows]
    await store.fill(Delta(cursor="c1", puts=puts), None, len(rows))
    day = Day(own, store.server_now, lambda: store.fresh_at)
    store.subscribe(day.take)
    assert await store.reveal(now) is None
    reads = Reads.open(url)
    try:
        yield Both(sql, reads, programme, day)
    finally:
        await store.close()
        await reads.close()
        await sql.close()


@pytest.fixture
async def both(database_url: str, tmp_path: Path) -> AsyncIterator[Both]:
    """A few people whom the tests change."""
    programme = new_id()
    names = ["Ada Lind", "Zoë Ångström", "Bob Stone", "Robert Stone", "Anna Lind", "Sam O’Brien", "Ann Oakes"]
    rows = [
        Participant(
            id=new_id(), programme_id=programme, display_name=name, school="Oakridge High", external_id=f"E{n}7"
        )
        for n, name in enumerate(names)
    ]
    async with both_with(rows, programme, database_url, tmp_path) as made:
        yield made


async def test_the_centre_and_a_desk_find_the_same_people_in_the_same_order(database_url: str, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    chosen, programme = random.Random(seed), new_id()
    rows = roll(MANY, programme, chosen)
    async with both_with(rows, programme, database_url, tmp_path) as both:
        empty = 0
        for number in range(ASKED):
            sort, person = SORTS[number % len(SORTS)], chosen.choice(rows)
            text = typed(sort, person, chosen)
            centre, desk = await both.centre(text), both.desk(text)
            assert centre == desk, f"seed {seed}: {sort} {text!r}"
            empty += not desk
            if sort in ("a full name", "turned round", "an id"):
                assert person.id in both.desk(text, 200), f"seed {seed}: {sort} {text!r} does not find its own person"
        assert empty < ASKED / 10
        for text in HOSTILE:
            assert await both.centre(text) == both.desk(text), text[:50]


async def test_the_database_folds_as_python_does(both: Both) -> None:
    """Every letter of the first plane, between two others, and what hostile texts become."""
    texts = [f"x{chr(at)}Y" for at in range(1, 0x10000) if not 0xD800 <= at < 0xE000]
    texts = [text for text in texts if unicodedata.category(text[1]) != "Cn"] + HOSTILE
    ask = "SELECT search_key(t), search_spellings(t) FROM unnest($1::text[]) WITH ORDINALITY u (t, n) ORDER BY n"
    for text, (key, words) in zip(texts, await both.sql.fetch(ask, texts), strict=True):
        assert key == fold(text), repr(text[:9])
        assert set(words or ()) == spellings(text), repr(text[:9])
    person = await both.sql.fetchrow("SELECT key, tsvector_to_array(tokens) FROM search_people WHERE key LIKE 'zoe%'")
    assert person[0] == fold("Zoë Ångström")[:KEY_LENGTH]
    assert set(person[1]) == tokens(Somebody("1", "Zoë Ångström", "Oakridge High", "E17"))


@pytest.mark.parametrize("change", ["deleted = true", "erased = true", "merged_into = id"])
async def test_whoever_leaves_is_found_no_more_and_leaves_no_word(both: Both, change: str) -> None:
    assert len(await both.centre("zoe")) == len(await both.centre("angstrom")) == len(await both.centre("E17")) == 1
    await both.sql.execute(f"UPDATE participants SET {change} WHERE external_id = 'E17'")
    for text in ("zoe", "zoë ångström", "aangstroem", "angstrim", "E17", "e17", "zoe oak"):
        assert await both.centre(text) == [], text
    await both.sql.execute("SELECT sweep_search_words()")
    words = {row[0] for row in await both.sql.fetch("SELECT word FROM search_words")}
    assert not words & {"zoe", "angstrom", "aangstroem"}
    assert {"lind", "anna", "stone"} <= words
    kept = await both.sql.fetchval("SELECT count(*) FROM search_people WHERE key LIKE 'zoe%'")
    assert kept == 0


async def test_a_new_name_is_found_and_the_old_one_is_not(both: Both) -> None:
    await both.sql.execute("UPDATE participants SET display_name = 'Ada Bergström' WHERE display_name = 'Ada Lind'")
    [ada] = await both.centre("bergstrom")
    assert ada in await both.centre("bregstrom")
    assert ada not in await both.centre("lind")
    assert "lind" in {row[0] for row in await both.sql.fetch("SELECT word FROM search_words")}  # Anna bears it still
    await both.sql.execute("DELETE FROM participants WHERE id = $1", ada)
    assert await both.centre("bergstrom") == []


async def test_another_programme_is_not_searched(both: Both) -> None:
    other = new_id()
    mine = both.programme
    both.programme = other
    for text in ("a", "anna", "anna lind", "anan", "oakridge", "E17", "bob"):
        assert await both.centre(text) == [], text
        both.programme = mine
        assert await both.centre(text), text
        both.programme = other


async def test_the_public_finds_nobody_by_a_part_of_an_external_id(both: Both) -> None:
    assert await both.centre("e1") == both.desk("e1") != []
    assert await both.centre("e1", staff=False) == []
    [person] = await people.search(both.reads, both.programme, "E17", 5, staff=False, contacts=False)
    assert person.external_id is None
    assert person.contact is None


async def test_short_forms_slips_and_schools(both: Both) -> None:
    names = {person.id: person.display_name for person in both.day.state.rows[Participant].values()}
    for text, first in [
        ("bob stone", ["Bob Stone", "Robert Stone"]), ("robert stone", ["Robert Stone", "Bob Stone"]),
        ("ann", ["Ann Oakes", "Anna Lind"]), ("lind anna", ["Anna Lind"]), ("stnoe bob", ["Bob Stone"]),
        ("anna oakridge", ["Anna Lind"]), ("obrien", ["Sam O’Brien"]), ("aangstroem", ["Zoë Ångström"]),
    ]:  # fmt: skip
        found = await both.centre(text)
        assert [names[id] for id in found][: len(first)] == first, text
        assert found == both.desk(text), text


async def looked_for(both: Both, text: str) -> list[int]:
    """The stages, of those asked for at once, for which the centre went through anybody."""
    asked = next(find(text, SHOWN))
    assert isinstance(asked, tuple)
    select = people.candidates(both.programme, asked)
    query = str(select.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})).replace("%%", "%")
    plan = "\n".join(row[0] for row in await both.sql.fetch(f"EXPLAIN (ANALYZE, TIMING OFF) {query}"))
    assert f"CTE stage_{len(asked) - 1}\n" in plan
    parts = re.split(r"CTE (?:stage|some)_(\d+)\n", plan.partition("CTE found")[0])
    went = zip(parts[1::2], parts[2::2], strict=True)
    return sorted({int(number) for number, part in went if re.search(r"Scan .*search_people.*\(actual", part)})


async def test_none_is_looked_for_once_there_are_enough(database_url: str, tmp_path: Path) -> None:
    programme = new_id()
    rows = roll(1_000, programme, random.Random(3))
    async with both_with(rows, programme, database_url, tmp_path) as both:
        everything = await looked_for(both, "anna nobody")
        assert everything == [1, 2, 3, 4], "nobody bears it as a code"
        assert max(await looked_for(both, "ma")) < 4
        code = rows[5].external_id
        assert code is not None
        assert await looked_for(both, code) == [0]
