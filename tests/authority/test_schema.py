"""The schema alone: constraints that no writer gets past, stamps, and a fresh schema equal to a migrated one."""

from __future__ import annotations

import asyncio
import subprocess
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from server_sync.authority.tables import functions, metadata
from server_sync.embedded import EmbeddedPostgres, tool
from server_sync.protocol.ids import new_id
from server_sync.protocol.records import TABLES, columns
from tests.authority.direct_sql import insert_block, insert_claim, insert_member, make_day


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    """A connection to a database with the whole schema."""
    made = await asyncpg.connect(database_url)
    yield made
    await made.close()


def test_every_record_has_its_table_and_no_field_more_or_less() -> None:
    for name, record in TABLES.items():
        assert set(metadata.tables[name].c.keys()) == {*columns(record), "created_at", "updated_at", "last_xid"}, name


async def test_overbooking_a_slot_by_direct_sql_is_refused(connection: Any) -> None:
    day = await make_day(connection, capacity=2)
    await insert_claim(connection, day, day.slots[0], spots=2)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await insert_claim(connection, day, day.slots[0])
    assert refused.value.constraint_name == "ck_event_slots_within_capacity"
    assert refused.value.table_name == "event_slots"
    await insert_claim(connection, day, day.slots[0], claim="waitlisted")
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("UPDATE slot_reservations SET claim = 'reserved'")
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("UPDATE event_slots SET capacity = 1")


@pytest.mark.parametrize(
    ("limits", "constraint"),
    [
        ({"max_capacity": 3}, "ck_event_time_blocks_within_capacity"),
        ({"event_capacity": 3}, "ck_events_within_capacity"),
    ],
)
async def test_overbooking_a_block_or_event_by_direct_sql_is_refused(
    connection: Any, limits: dict[str, int], constraint: str
) -> None:
    day = await make_day(connection, capacity=2, **limits)
    await insert_claim(connection, day, day.slots[0], spots=2)
    await insert_claim(connection, day, day.slots[1])
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await insert_claim(connection, day, day.slots[2])
    assert refused.value.constraint_name == constraint


async def test_what_was_overbooked_on_purpose_is_given_back_and_not_taken_again(connection: Any) -> None:
    day = await make_day(connection, capacity=1)
    slot = day.slots[0]
    await connection.execute("UPDATE event_slots SET overbooked_count = 2 WHERE id = $1", slot)
    claims = [await insert_claim(connection, day, slot) for _ in range(3)]
    assert await _counts(connection, slot) == (3, 2)
    await connection.execute("UPDATE slot_reservations SET claim = 'cancelled' WHERE id = $1", claims[0])
    assert await _counts(connection, slot) == (2, 1)
    with pytest.raises(asyncpg.CheckViolationError):
        await insert_claim(connection, day, slot)
    await connection.execute("UPDATE slot_reservations SET deleted = true WHERE id = ANY ($1)", claims[1:])
    assert await _counts(connection, slot) == (0, 0)


async def _counts(connection: Any, slot: str) -> tuple[int, int]:
    row = await connection.fetchrow("SELECT reserved_count, overbooked_count FROM event_slots WHERE id = $1", slot)
    return row[0], row[1]


async def test_counts_cannot_be_written_from_outside(connection: Any) -> None:
    day = await make_day(connection, event_capacity=5, max_capacity=5)
    for table in ("event_slots", "event_time_blocks", "events"):
        with pytest.raises(asyncpg.RestrictViolationError, match="reserved_count follows from the claims"):
            await connection.execute(f"UPDATE {table} SET reserved_count = reserved_count + 1")
    await connection.execute(
        "INSERT INTO event_slots SELECT (jsonb_populate_record(s, jsonb_build_object('id', $1::text,"
        " 'reserved_count', 2))).* FROM event_slots s WHERE id = $2",
        fresh := new_id(), day.slots[0],
    )  # fmt: skip
    assert await _counts(connection, fresh) == (0, 0)


@pytest.mark.parametrize("claim", ["reserved", "waitlisted"])
@pytest.mark.parametrize("column", ["time_block_id", "event_id", "programme_id"])
async def test_a_claim_cannot_evade_a_limit_by_naming_another_block(connection: Any, claim: str, column: str) -> None:
    day, other = await make_day(connection), await make_day(connection)
    elsewhere = {"time_block_id": other.block, "event_id": other.event, "programme_id": other.programme}
    named = {"time_block_id": day.block, "event_id": day.event, "programme_id": day.programme}
    named[column] = elsewhere[column]
    insert = (
        "INSERT INTO slot_reservations (id, programme_id, slot_id, event_id, location_id, time_block_id, claim, spots,"
        " reserved_at, placement_version, version) VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6, 1, now(), 1, 1)"
    )
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="than its slot does") as refused:
        await connection.execute(
            insert, named["programme_id"], day.slots[0], named["event_id"], day.room, named["time_block_id"], claim
        )
    assert refused.value.constraint_name == "fk_slot_reservations_slot_id"
    await insert_claim(connection, day, day.slots[0], claim=claim)
    if column == "programme_id":
        return
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="than its slot does"):
        await connection.execute(f"UPDATE slot_reservations SET {column} = $1", elsewhere[column])


async def test_a_slot_stays_in_its_block_and_a_block_with_its_event(connection: Any) -> None:
    day = await make_day(connection)
    other = await make_day(connection)
    with pytest.raises(asyncpg.RestrictViolationError, match="never change"):
        await connection.execute("UPDATE event_slots SET time_block_id = $1", other.block)
    with pytest.raises(asyncpg.RestrictViolationError, match="never change"):
        await connection.execute("UPDATE event_time_blocks SET event_id = $1", day.event)


async def test_nobody_is_in_two_places_at_once_unless_waived(connection: Any) -> None:
    day = await make_day(connection, capacity=9)
    ann = day.people[0]
    await insert_claim(connection, day, day.slots[0], person=ann)
    await insert_claim(connection, day, day.slots[1], person=ann)
    again = await insert_claim(connection, day, day.slots[1])
    with pytest.raises(asyncpg.ExclusionViolationError) as refused:
        await insert_member(connection, again, ann)
    assert refused.value.constraint_name == "ex_reservation_members_double_booked"
    await insert_member(connection, again, ann, waived=True)


async def test_two_people_swap_within_one_transaction(connection: Any) -> None:
    day = await make_day(connection)
    members = []
    for number in (0, 1):
        claim = await insert_claim(connection, day, day.slots[number])
        members.append(await insert_member(connection, claim, day.people[0]))
    async with connection.transaction():
        times = [await connection.fetchrow("SELECT start_time, end_time FROM reservation_members WHERE id = $1", member)
                 for member in members]  # fmt: skip
        for member, (start, end) in zip(members, reversed(times), strict=True):
            await connection.execute(
                "UPDATE reservation_members SET start_time = $2, end_time = $3 WHERE id = $1", member, start, end
            )


async def test_a_room_hosts_one_block_at_a_time_unless_waived_or_cancelled(connection: Any) -> None:
    day = await make_day(connection)
    with pytest.raises(asyncpg.ExclusionViolationError) as refused:
        await insert_block(connection, day, new_id(), hours=9.5)
    assert refused.value.constraint_name == "ex_event_time_blocks_room_taken"
    await insert_block(connection, day, new_id(), hours=10)
    await insert_block(connection, day, new_id(), hours=9.5, waived=True)
    await connection.execute("UPDATE event_time_blocks SET status = 'cancelled' WHERE id = $1", day.block)
    await insert_block(connection, day, new_id(), hours=0)


async def test_an_external_id_is_free_again_once_its_row_left(connection: Any) -> None:
    day = await make_day(connection, people=2)
    await connection.execute("UPDATE participants SET external_id = 'A1' WHERE id = $1", day.people[0])
    with pytest.raises(asyncpg.UniqueViolationError) as refused:
        await connection.execute("UPDATE participants SET external_id = 'A1' WHERE id = $1", day.people[1])
    assert refused.value.constraint_name == "uq_participants_programme_id_external_id"
    await connection.execute("UPDATE participants SET deleted = true WHERE id = $1", day.people[0])
    await connection.execute("UPDATE participants SET external_id = 'A1' WHERE id = $1", day.people[1])


@pytest.mark.parametrize("table", [table.name for table in metadata.sorted_tables if table.foreign_keys])
def test_every_id_of_another_row_is_a_foreign_key(table: str) -> None:
    free = {  # each with its reason in the table's text
        "commands.programme_id", "credentials.holder_id", "slot_reservations.programme_id",
        "slot_reservations.event_id", "slot_reservations.time_block_id", "reservation_members.programme_id",
    }  # fmt: skip
    for column in metadata.tables[table].c:
        names_a_row = column.name.endswith("_id") and column.type.python_type.__name__ == "UUID"
        if names_a_row and f"{table}.{column.name}" not in free:
            assert column.foreign_keys, f"{table}.{column.name}"


async def test_stamps_follow_every_change_and_creation_stays(connection: Any) -> None:
    day = await make_day(connection, people=1)
    ask = "SELECT last_xid::text::bigint, updated_at, created_at FROM participants"
    first = await connection.fetchrow(ask)
    async with connection.transaction():
        own = await connection.fetchval("SELECT pg_current_xact_id()::text::bigint")
        await connection.execute("UPDATE participants SET grade = '5', last_xid = '3', updated_at = 'epoch'")
        second = await connection.fetchrow(ask)
        assert second[0] == own
        assert second[1] > first[1]
        assert second[2] == first[2]
    await connection.execute(
        "INSERT INTO participants (id, programme_id, display_name, last_xid) VALUES ($1, $2, 'Old', '3')",
        restored := new_id(), day.programme,
    )  # fmt: skip
    stamped = await connection.fetchval("SELECT last_xid::text::bigint FROM participants WHERE id = $1", restored)
    assert stamped > own
    for change in ("created_at = 'epoch'", "programme_id = gen_random_uuid()", "id = gen_random_uuid()"):
        with pytest.raises(asyncpg.RestrictViolationError, match="never change"):
            await connection.execute(f"UPDATE participants SET {change} WHERE id = $1", restored)


async def test_a_verdict_never_changes_and_no_command_is_lost(connection: Any) -> None:
    await connection.execute(
        "INSERT INTO commands (id, principal, actor, kind, v, args, hash, status)"
        " VALUES (gen_random_uuid(), 'root', 'root', 'x', 1, '{}', decode(repeat('00', 16), 'hex'), 'applied')"
    )
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute("UPDATE commands SET status = 'failed'")
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute("DELETE FROM commands")
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute("TRUNCATE commands CASCADE")
    for column in metadata.tables["commands"].c:
        if column.name not in ("args", "details", "effects", "updated_at", "last_xid"):
            other = {"number": "DEFAULT", "touched": "ARRAY[id]", "hash": "decode(repeat('11', 16), 'hex')"}
            value = other.get(column.name, _OTHER.get(column.type.python_type))
            with pytest.raises((asyncpg.RestrictViolationError, asyncpg.ForeignKeyViolationError)) as refused:
                await connection.execute(f"UPDATE commands SET {column.name} = {value}")
            assert "a verdict never changes" in str(refused.value), column.name
    await connection.execute("UPDATE commands SET args = '{\"erased\": true}', details = null, effects = null")


_OTHER = {str: "'failed'", int: "7", uuid.UUID: "gen_random_uuid()", datetime: "now() + interval '1 day'"}
"""Another value of a column, by its type."""


async def test_what_happened_never_changes(connection: Any) -> None:
    day = await make_day(connection)
    claim = await insert_claim(connection, day, day.slots[0], person=day.people[0])
    command = (
        "INSERT INTO commands (id, principal, actor, kind, v, args, hash, status) VALUES"
        " ($1, 'root', 'root', 'x', 1, '{}', decode(repeat('00', 16), 'hex'), 'applied')"
    )
    await connection.execute(command, said := new_id())
    await connection.execute(
        "INSERT INTO attendance (id, programme_id, reservation_id, kind, occurred_at, command_id, actor)"
        " VALUES (gen_random_uuid(), $1, $2, 'arrived', now(), $3, 'Bea')",
        day.programme, claim, said,
    )  # fmt: skip
    await connection.execute(command, other := new_id())
    for change in (
        "kind = 'performed'", "occurred_at = now() - interval '1 hour'", "actor = 'Cy'", "deleted = true",
        f"participant_id = '{day.people[0]}'", f"command_id = '{other}'",
    ):  # fmt: skip
        with pytest.raises(asyncpg.RestrictViolationError, match="a later fact undoes it"):
            await connection.execute(f"UPDATE attendance SET {change}")


async def test_a_hold_ends_at_a_time(connection: Any) -> None:
    day = await make_day(connection)
    claim = await insert_claim(connection, day, day.slots[0])
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await connection.execute("UPDATE slot_reservations SET claim = 'held' WHERE id = $1", claim)
    assert refused.value.constraint_name == "ck_slot_reservations_held_until_a_time"
    await connection.execute("UPDATE slot_reservations SET claim = 'held', expires_at = now() WHERE id = $1", claim)


async def test_names_are_found_by_an_index_with_accents_folded(connection: Any) -> None:
    day = await make_day(connection, people=1)
    await connection.execute(
        "INSERT INTO participants (id, programme_id, display_name) SELECT gen_random_uuid(), $1, 'Zoë Núñez ' || n"
        " FROM generate_series(1, 300) n",
        day.programme,
    )
    async with connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        for table, where, index, count in (
            ("search_people", "tokens @@ $$'nzo':* & 'nnunez'$$", "ix_search_people_tokens", 300),
            ("search_people", f"programme_id = '{day.programme}' AND key >= 'zoe' AND key < 'zof'",
             "ix_search_people_order", 300),
            ("search_words", "word LIKE '%une%'", "ix_search_words_trigrams", 1),
        ):  # fmt: skip
            plan = await connection.fetch(f"EXPLAIN SELECT id FROM (SELECT 1 AS id FROM {table} WHERE {where}) f")
            assert index in "\n".join(row[0] for row in plan)
            assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE {where}") == count


async def test_a_fresh_schema_dumps_like_a_migrated_one(
    postgres: EmbeddedPostgres, database_url: str, empty_database_url: str
) -> None:
    await _create_fresh(empty_database_url)
    fresh, migrated = await asyncio.gather(_dump(empty_database_url), _dump(database_url))
    assert fresh == migrated
    assert len(fresh) > 500


async def _create_fresh(url: str) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    connection = await asyncpg.connect(url)
    extensions = "".join(f"CREATE EXTENSION {name};" for name in functions.EXTENSIONS)
    await connection.execute(extensions + functions.SEARCH + functions.STAMP + functions.COUNT + functions.LIMIT)
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as making:
        await making.run_sync(metadata.create_all)
    await engine.dispose()
    await connection.execute(functions.triggers())
    await connection.close()


async def _dump(url: str) -> list[str]:
    command = [str(tool("pg_dump")), "--schema-only", "--exclude-table=alembic_version", url]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    # recent versions fence the dump with a random key
    fences = ("\\restrict", "\\unrestrict")
    lines = (line for line in output.decode().splitlines() if line and not line.startswith(fences))
    return sorted(line.rstrip(",") for line in lines)  # a column that a later migration added comes last in its table
