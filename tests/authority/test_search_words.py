"""The words of a search, while others write names: nobody waits for them, and none is lost or found twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from server_sync.authority.expiry import Expiry
from server_sync.authority.queries import people
from server_sync.authority.queries.engine import Reads
from server_sync.authority.sweeping import sweep_words
from server_sync.protocol.ids import new_id
from tests.authority.centre import Centre, centre, code, ok

BRING = "INSERT INTO participants (id, programme_id, display_name) VALUES ($1, $2, $3)"
SOON = 5.0


@asynccontextmanager
async def writer(c: Centre, *names: str) -> AsyncIterator[Any]:
    """Somebody who has written people of these *names*, as an import does, and has not committed; their transaction."""
    connection: Any = await asyncpg.connect(c.url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        for name in names:
            await connection.execute(BRING, new_id(), c.programme, name)
        yield transaction
    finally:
        await connection.close()


async def words(c: Centre) -> list[str]:
    """All words that there are, in order, each as often as it is there."""
    return [row[0] for row in await c.sql.fetch("SELECT word FROM search_words ORDER BY word")]


async def test_a_name_that_an_import_is_just_bringing_holds_nobody_up(database_url: str) -> None:
    async with centre(database_url) as c:
        (slot,) = await c.slots()
        async with writer(c, "Kim Nguyen") as importing:
            walk_in = {"slot_id": slot, "display_name": "Lee Nguyen"}
            assert code(await asyncio.wait_for(c.submit("reservation.walk_in", walk_in), SOON)) == "applied"
            await importing.commit()
        assert await words(c) == ["kim", "lee", "nguyen", "nguyen"]
        reads = Reads.open(c.url)
        try:
            found = await people.search(reads, c.programme, "nguyne", 9, staff=True, contacts=False)
        finally:
            await reads.close()
        assert sorted(person.display_name for person in found) == ["Kim Nguyen", "Lee Nguyen"]
        assert await sweep_words(c.sql)
        assert await words(c) == ["kim", "lee", "nguyen"]


async def test_a_sweep_gives_up_while_names_are_written_and_keeps_nobody_waiting(database_url: str) -> None:
    async with centre(database_url) as c:
        gone = await c.create("participant", display_name="Zoë Quill")
        async with writer(c, "Ann Oak") as importing:
            erasing = c.submit("participant.erase", {"participant_id": gone, "reason": "asked"})
            assert code(await asyncio.wait_for(erasing, SOON)) == "applied"
            assert await asyncio.wait_for(sweep_words(c.sql), SOON) is False
            made = c.submit("participant.create", {"display_name": "Bea Oak"})
            assert code(await asyncio.wait_for(made, SOON)) == "applied"
            await importing.commit()
        assert "quill" in await words(c)
        assert await sweep_words(c.sql) is True
        assert await words(c) == ["ann", "bea", "oak"]


async def test_a_word_that_a_sweep_takes_is_brought_anew_by_who_waited_for_it(database_url: str) -> None:
    """Whoever bears the word again began before the sweep ended, and saw it as there still."""
    async with centre(database_url) as c:
        gone = await c.create("participant", display_name="Zoë Quill")
        await c.sql.execute("UPDATE participants SET deleted = true WHERE id = $1", gone)
        sweeping: Any = await asyncpg.connect(c.url)
        async with sweeping.transaction():
            assert await sweeping.fetchval("SELECT sweep_search_words()") is True
            bringing = asyncio.create_task(c.submit("participant.create", {"display_name": "Ann Quill"}))
            await c.waiting_backends()
        await sweeping.close()
        ok(await bringing)
        assert await words(c) == ["ann", "quill"]


async def test_the_timer_ends_holds_before_it_sweeps_and_tries_again_what_was_given_up(database_url: str) -> None:
    async with centre(database_url) as c:
        gone = await c.create("participant", display_name="Zoë Quill")
        await c.sql.execute("UPDATE participants SET deleted = true WHERE id = $1", gone)
        expiry = Expiry(c.authority)
        expiry._until_sweep = 1
        async with writer(c, "Ann Oak") as importing:
            await asyncio.wait_for(expiry.look(c.sql), SOON)
            assert "quill" in await words(c)
            await importing.rollback()
        await expiry.look(c.sql)
        assert await words(c) == []
        assert expiry._until_sweep > 1


async def test_a_sweep_over_a_lost_connection_raises_nothing(database_url: str) -> None:
    async with centre(database_url) as c:
        lost: Any = await asyncpg.connect(c.url)
        await lost.close()
        assert await sweep_words(lost) is False
