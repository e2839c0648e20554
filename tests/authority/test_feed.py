"""The feed's lines and cursors: what a desk gets, what it does not, and when it has to begin anew."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from server_sync.authority.connection import open_pool
from server_sync.authority.feed import Delta, Feed, Follower, Page
from server_sync.authority.feed.cursor import Cursor, PageToken, sign
from server_sync.authority.feed.rows import changes
from server_sync.authority.feed.shared import Shared
from server_sync.protocol.commands import Line, Rebootstrap
from server_sync.protocol.ids import new_id
from server_sync.protocol.records import SYNCED, TABLES, Participant, SlotReservation
from tests.authority.direct_sql import Day, insert_claim, make_day

_LINE = msgspec.json.Decoder(Line)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Any]:
    """The authority's kind of pool, on a database of the test's own."""
    made = await open_pool(database_url, 4)
    yield made
    await made.close()


@pytest.fixture
async def feed(pool: Any) -> AsyncIterator[Feed]:
    """A feed on that pool."""
    made = Feed(pool)
    yield made
    await made.close()


def lines(reply: Delta | Page | Rebootstrap) -> list[Line]:
    """The lines between the first and the last, checked against what the reply says of itself."""
    assert not isinstance(reply, Rebootstrap)
    read = [_LINE.decode(text) for text in reply.body().split(b"\n")[:-1]]
    assert read[0].begin is not None
    end = read[-1].end
    assert end is not None
    assert end.rows == len(read) - 2
    return read[1:-1]


def cursor_of(reply: Delta | Page | Rebootstrap) -> str:
    """The cursor to go on from."""
    assert not isinstance(reply, Rebootstrap)
    assert reply.end.cursor is not None
    return reply.end.cursor


async def enrol(pool: Any, day: Day, name: str = "Desk", ceiling: Any = "volunteer") -> Follower:
    """A desk of the day's programme."""
    id = new_id()
    await pool.execute(
        "INSERT INTO devices (id, programme_id, name, ceiling, enrolled_at) VALUES ($1, $2, $3, $4, now())",
        id, day.programme, name, ceiling,
    )  # fmt: skip
    return Follower(id, day.programme, ceiling)


async def record_command(pool: Any, follower: Follower, seq: int, details: str | None = None) -> str:
    """A verdict on a desk's command."""
    id = new_id()
    await pool.execute(
        "INSERT INTO commands (id, programme_id, principal, actor, device_id, incarnation, seq, kind, v, args, hash,"
        " status, details) VALUES ($1, $2, $3, 'Ann', $4, 1, $5, 'x', 1, '{}', decode(repeat('00', 16), 'hex'),"
        " 'applied', $6)",
        id, follower.programme_id, f"device:{follower.id}", follower.id, seq, details,
    )  # fmt: skip
    return id


async def whole(feed: Feed, follower: Follower) -> tuple[list[Line], str]:
    """Everything, page by page, and the cursor to pull from."""
    page = await feed.bootstrap(follower, None)
    found, cursor = lines(page), cursor_of(page)
    while not isinstance(page, Rebootstrap) and page.end.next_page is not None:
        page = await feed.bootstrap(follower, page.end.next_page)
        found += lines(page)
        assert cursor_of(page) == cursor
    return found, cursor


async def test_a_row_arrives_as_the_record_says_and_null_fields_are_left_out(pool: Any, feed: Feed) -> None:
    async with pool.acquire() as connection:
        day = await make_day(connection, people=1)
        await connection.execute(
            "UPDATE participants SET display_name = E'Zoë \\u2028 \"Q\"\\n\\\\', age = 9, contact = 'z@example.org',"
            ' metadata = \'{"kept": null, "list": [1, null]}\''
        )
        await insert_claim(connection, day, day.slots[0], person=day.people[0])
    desk, admin = await enrol(pool, day), await enrol(pool, day, ceiling="admin")
    for follower, contact in ((desk, None), (admin, "z@example.org")):
        found, _ = await whole(feed, follower)
        raw = {line.put[0]: bytes(line.put[1]) for line in found if line.put is not None}
        person = msgspec.json.decode(raw["participants"], type=Participant)
        assert person.display_name == 'Zoë \u2028 "Q"\n\\'
        assert person.metadata == {"kept": None, "list": [1, None]}
        assert person.contact == contact
        assert set(msgspec.json.decode(raw["participants"])) == {
            "id", "programme_id", "display_name", "age", "metadata", *(["contact"] if contact else []),
        }  # fmt: skip
        claim = msgspec.json.decode(raw["slot_reservations"], type=SlotReservation)
        assert (claim.participant_id, claim.spots, claim.claim) == (day.people[0], 1, "reserved")


async def test_every_table_is_read_back_equal_to_the_database(pool: Any, feed: Feed) -> None:
    async with pool.acquire() as connection:
        day = await make_day(connection, people=3, event_capacity=50, max_capacity=40)
        for slot, person in zip(day.slots, day.people, strict=False):
            await insert_claim(connection, day, slot, person=person)
    admin = await enrol(pool, day, ceiling="admin")
    found, _ = await whole(feed, admin)
    for record in SYNCED:
        names = ", ".join(record.__struct_fields__)
        text = await pool.fetchval(f"SELECT json_agg(x ORDER BY id)::text FROM (SELECT {names} FROM {record.TABLE}) x")
        truth = [] if text is None else msgspec.json.decode(text, type=list[record])  # type: ignore[valid-type]
        got = [msgspec.json.decode(line.put[1], type=TABLES[line.put[0]]) for line in found
               if line.put is not None and line.put[0] == record.TABLE]  # fmt: skip
        assert sorted(got, key=lambda row: row.id) == truth, record.TABLE


async def test_a_pull_brings_what_changed_deletions_and_own_verdicts_only(pool: Any, feed: Feed) -> None:
    async with pool.acquire() as connection:
        day, other = await make_day(connection), await make_day(connection)
    ours, theirs = await enrol(pool, day, "Ours"), await enrol(pool, day, "Theirs")
    _, cursor = await whole(feed, ours)
    first = await feed.pull(ours, cursor)
    assert lines(first) == []
    cursor = cursor_of(first)

    await pool.execute("UPDATE participants SET grade = '5' WHERE id = $1", day.people[0])
    await pool.execute("UPDATE participants SET deleted = true WHERE id = $1", day.people[1])
    await pool.execute("UPDATE participants SET grade = '6' WHERE programme_id = $1", other.programme)
    own = await record_command(pool, ours, 1, '{"a":\n "\\n"}')
    await record_command(pool, theirs, 1)

    delta = await feed.pull(ours, cursor)
    assert isinstance(delta, Delta)
    assert delta.begin.from_cursor == cursor
    found = lines(delta)
    assert [line.del_ for line in found if line.del_] == [("participants", day.people[1])]
    assert [msgspec.json.decode(line.put[1])["id"] for line in found if line.put] == [day.people[0]]
    results = [line.result for line in found if line.result]
    assert [(result.id, result.status, result.details) for result in results] == [(own, "applied", {"a": "\n"})]
    assert delta.end.desks is not None
    assert [desk.name for desk in delta.end.desks] == ["Theirs"]
    assert lines(await feed.pull(ours, cursor_of(delta))) == []
    assert lines(await feed.pull(ours, cursor)) == found  # asked again, answered again


async def test_a_bootstrap_in_pages_holds_everything_once_and_own_verdicts(pool: Any, feed: Feed) -> None:
    async with pool.acquire() as connection:
        day = await make_day(connection, people=4500)
    desk = await enrol(pool, day)
    commands = [await record_command(pool, desk, seq) for seq in (1, 2, 3)]
    page = await feed.bootstrap(desk, None)
    assert isinstance(page, Page)
    assert page.begin.total == 4500 + 1 + 1 + 1 + 1 + 3 + 1 + 3  # people, programme, event, room, block, slots, desk
    found, _ = await whole(feed, desk)
    keys = [(line.put[0], msgspec.json.decode(line.put[1])["id"]) for line in found if line.put]
    assert len(keys) == len(set(keys)) == page.begin.total - 3
    assert [line.result.id for line in found if line.result] == commands
    assert page.end.next_page is not None
    again = await feed.bootstrap(desk, page.end.next_page)
    assert lines(again) == lines(await feed.bootstrap(desk, page.end.next_page))


async def test_hostile_cursors_are_answered_and_change_nothing(pool: Any, feed: Feed) -> None:
    async with pool.acquire() as connection:
        day = await make_day(connection)
    desk = await enrol(pool, day)
    page = await feed.bootstrap(desk, None)
    assert isinstance(page, Page)
    cursor = cursor_of(page)
    raw = bytearray(base64.urlsafe_b64decode(cursor))
    raw[-1] ^= 1
    for text in ("", "x", "é", "=" * 8, "A" * 100_000, cursor[:-4], base64.urlsafe_b64encode(raw).decode(), "\x00"):
        assert await feed.pull(desk, text) == Rebootstrap("epoch"), text[:20]
        assert await feed.bootstrap(desk, text) == Rebootstrap("epoch"), text[:20]
    assert await feed.bootstrap(desk, cursor) == Rebootstrap("epoch")  # signed, but for another purpose


async def test_a_cursor_of_another_epoch_scope_or_schema_is_refused_by_name(pool: Any, feed: Feed) -> None:
    async with pool.acquire() as connection:
        day = await make_day(connection)
    desk, other = await enrol(pool, day), await enrol(pool, day)
    secret = await pool.fetchval("SELECT secret FROM server_settings")
    _, text = await whole(feed, desk)
    cursor = msgspec.json.decode(base64.urlsafe_b64decode(text)[16:], type=Cursor)
    promoted = Follower(desk.id, desk.programme_id, "admin")
    assert await feed.pull(promoted, text) == Rebootstrap("scope")
    assert await feed.pull(other, text) == Rebootstrap("scope")
    older = sign(Cursor(cursor.snapshot, cursor.epoch, cursor.scope, "older"), secret)
    assert await feed.pull(desk, older) == Rebootstrap("schema")
    ahead = sign(Cursor("9000000000:9000000000:", cursor.epoch, cursor.scope), secret)
    assert await feed.pull(desk, ahead) == Rebootstrap("epoch")
    token = sign(PageToken(Cursor("9000000000:9000000000:", cursor.epoch, cursor.scope), 3, None, 0), secret)
    assert await feed.bootstrap(desk, token) == Rebootstrap("epoch")
    await pool.execute("UPDATE server_settings SET restore_counter = restore_counter + 1")
    assert await feed.pull(desk, text) == Rebootstrap("epoch")


async def test_presence_rides_beside_the_feed_and_makes_no_delta(pool: Any, feed: Feed) -> None:
    async with pool.acquire() as connection:
        day = await make_day(connection)
    ann, ben = await enrol(pool, day, "Ann"), await enrol(pool, day, "Ben")
    _, cursor = await whole(feed, ann)
    _, bens = await whole(feed, ben)
    await feed.pull(ben, bens)
    delta = await feed.pull(ann, cursor)
    assert isinstance(delta, Delta)
    assert delta.end.desks is not None
    (seen,) = delta.end.desks
    assert seen.id == ben.id
    assert seen.last_seen is not None
    assert lines(delta) == []


async def test_a_long_open_transaction_holds_nothing_up_and_comes_when_it_commits(pool: Any, feed: Feed) -> None:
    async with pool.acquire() as connection, pool.acquire() as slow:
        day = await make_day(connection)
        desk = await enrol(pool, day)
        _, cursor = await whole(feed, desk)
        open_one = slow.transaction()
        await open_one.start()
        await slow.execute("UPDATE participants SET grade = 'slow' WHERE id = $1", day.people[0])
        await connection.execute("UPDATE participants SET grade = 'quick' WHERE id = $1", day.people[1])
        delta = await feed.pull(desk, cursor)
        assert [msgspec.json.decode(line.put[1])["grade"] for line in lines(delta) if line.put] == ["quick"]
        await open_one.commit()
        delta = await feed.pull(desk, cursor_of(delta))
        assert [msgspec.json.decode(line.put[1])["grade"] for line in lines(delta) if line.put] == ["slow"]


async def test_desks_at_one_cursor_share_a_read_that_began_after_they_asked() -> None:
    reads: list[str] = []
    gate = asyncio.Event()

    async def read(question: str, begin: Any) -> int:
        begin()
        reads.append(question)
        number = len(reads)
        await gate.wait()
        return number

    shared = Shared(read)
    first = asyncio.create_task(shared.ask("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert reads == ["a"]
    later = [asyncio.create_task(shared.ask("a")) for _ in range(50)]
    left = asyncio.create_task(shared.ask("a"))
    await asyncio.sleep(0)
    left.cancel()
    gate.set()
    assert await first == 1
    assert set(await asyncio.gather(*later)) == {2}
    assert reads == ["a", "a"]
    assert await shared.ask("a") == 3
    await shared.close()


async def test_a_read_that_fails_fails_those_who_asked_and_no_one_after() -> None:
    broken = True

    async def read(question: str, begin: Any) -> str:
        begin()
        if broken:
            raise OSError("gone")
        return question

    shared = Shared(read)
    asked = await asyncio.gather(shared.ask("a"), shared.ask("a"), return_exceptions=True)
    assert [type(answer) for answer in asked] == [OSError, OSError]
    broken = False
    assert await shared.ask("a") == "a"


async def test_a_pull_reads_only_what_changed_even_by_a_plan_that_knows_no_values(pool: Any) -> None:
    async with pool.acquire() as connection:
        day = await make_day(connection, people=20_000)
        await connection.execute("ANALYZE")
        async with connection.transaction():
            await connection.execute(
                f"PREPARE pull (text, pg_snapshot) AS {changes(False).replace('$1::uuid', '$1::text::uuid')}"
            )
            explained = await connection.fetch(f"EXPLAIN EXECUTE pull ('{day.programme}', '1:1:')")
    plan = "\n".join(row[0] for row in explained)
    assert "ix_participants_programme_id_last_xid" in plan
    assert "Seq Scan on participants" not in plan
