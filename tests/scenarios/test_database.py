"""What the database itself holds: the schema, its keys, its limits, and the indexes that answer what is asked often."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from server_sync.authority.load import _load_statement
from server_sync.authority.migrate import migrate, newest_revision
from server_sync.authority.tables import metadata
from server_sync.protocol.ids import new_id
from server_sync.protocol.records import TABLES, Attendance, EventSlot, ReservationMember, SlotReservation
from server_sync.rules.state import COMMITMENTS, INDEXES
from tests.authority.direct_sql import insert_claim, make_day
from tests.scenarios.contracts import Contracts
from tests.scenarios.full_day import full_day
from tests.scenarios.stage import Stage


@pytest.mark.turned_off("migration:v0001", "migration:v0002")
async def test_T21_migrations_build_everything_from_nothing(empty_database_url: str) -> None:
    try:
        assert await migrate(empty_database_url) == newest_revision()
    except asyncpg.PostgresError as error:
        pytest.fail(f"a step counts on what those before it did not build: {error}")
    connection = await asyncpg.connect(empty_database_url)
    try:
        for table in metadata.sorted_tables:
            columns = await connection.fetch(
                "SELECT column_name, is_nullable = 'YES' FROM information_schema.columns WHERE table_name = $1",
                table.name,
            )
            assert {tuple(row) for row in columns} == {(column.name, column.nullable) for column in table.c}, table.name
            names = await connection.fetch(
                "SELECT conname FROM pg_constraint WHERE conrelid = $1::text::regclass UNION ALL"
                " SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = $1::text::regclass",
                table.name,
            )
            parts: list[Any] = [*table.constraints, *table.indexes]
            wanted = {str(part.name) for part in parts if part.name and len(getattr(part, "columns", "x"))}
            assert wanted <= {row[0] for row in names}, table.name
        day = await make_day(connection, capacity=1)
        await insert_claim(connection, day, day.slots[0], person=day.people[0])
        assert await connection.fetchval("SELECT sum(reserved_count) FROM event_slots") == 1
    finally:
        await connection.close()
    assert await migrate(empty_database_url) == newest_revision(), "a second time there is nothing to do"


@pytest.mark.turned_off(
    "constraint:participants.fk_participants_group_id", "constraint:event_slots.fk_event_slots_time_block_id",
    "constraint:slot_seats.fk_slot_seats_reservation_id", "constraint:payments.fk_payments_reservation_id",
    "constraint:device_cursors.fk_device_cursors_device_id",
)  # fmt: skip
async def test_T19_keys_are_uuids_and_parents_are_known(stage: Stage) -> None:
    for table in metadata.sorted_tables:
        if "id" in table.c and table.name != "server_settings":
            kind = await stage.value(
                "SELECT data_type FROM information_schema.columns WHERE table_name = $1 AND column_name = 'id'",
                table.name,
            )
            assert kind == "uuid", table.name
    await _rows_everywhere(stage)
    tried = 0
    for table in metadata.sorted_tables:
        for key in table.foreign_key_constraints:
            (column,) = key.columns
            assert await _refusal_of_a_stranger(stage, table.name, column.name) == str(key.name)
            tried += 1
    assert tried > 50, "every foreign key of every table"
    stranger = stage.elsewhere()
    said = await stage.refused("participant.create", {"first_name": "Bo", "group_id": stranger}, "NOT_FOUND")
    assert said["group_id"] == stranger


async def _rows_everywhere(stage: Stage) -> None:
    """A row in every table; what no command writes yet by hand."""
    day = await full_day(stage)
    await stage.sql.execute(
        "INSERT INTO payments (id, programme_id, reservation_id, provider, status, amount, fee, currency)"
        " SELECT gen_random_uuid(), programme_id, id, 'any', 'paid', 0, 0, 'EUR' FROM slot_reservations WHERE id = $1",
        day.claim,
    )
    await stage.sql.execute(
        "INSERT INTO notifications (id, programme_id, command_id, channel, template, address, status, send_after)"
        " SELECT gen_random_uuid(), programme_id, id, 'email', 'any', 'ada@example.org', 'waiting', now()"
        " FROM commands WHERE kind = 'reservation.move' LIMIT 1"
    )
    for table in metadata.sorted_tables:
        if table.name != "search_words_left":
            assert await stage.value(f"SELECT count(*) FROM {table.name}"), table.name


async def _refusal_of_a_stranger(stage: Stage, table: str, column: str) -> str | None:
    """The constraint by which a row is refused that names an unknown parent; triggers would refuse some before it."""
    error = await stage.forbidden(
        f"ALTER TABLE {table} DISABLE TRIGGER USER;"
        f"UPDATE {table} SET {column} = gen_random_uuid() WHERE ctid = "
        f"(SELECT ctid FROM {table} ORDER BY {column} IS NULL LIMIT 1)"
    )
    name: str | None = getattr(error, "constraint_name", None)
    return name


@pytest.mark.turned_off(
    "trigger:participants.stamp_changed", "trigger:flags.stamp_changed", "trigger:participants.keep_identity",
    "trigger:slot_seats.keep_identity",
)  # fmt: skip
async def test_T19_a_row_keeps_when_it_was_made_and_says_when_it_changed(stage: Stage) -> None:
    await _rows_everywhere(stage)
    stamped = [table.name for table in metadata.sorted_tables if {"created_at", "updated_at"} <= set(table.c.keys())]
    assert set(stamped) > set(TABLES)
    for table in stamped:
        before = await stage.sql.fetchrow(f"SELECT id, created_at, updated_at FROM {table} LIMIT 1")
        await stage.sql.execute(
            f"UPDATE {table} SET updated_at = created_at - interval '1 day' WHERE id = $1", before["id"]
        )
        after = await stage.row(table, str(before["id"]))
        assert after["created_at"] == before["created_at"], table
        assert after["updated_at"] > before["updated_at"], table
        error = await stage.forbidden(f"UPDATE {table} SET created_at = created_at + interval '1 second'")
        assert "never change" in str(error), table


@pytest.mark.turned_off(
    "constraint:event_slots.ck_event_slots_within_capacity",
    "constraint:event_time_blocks.ck_event_time_blocks_within_capacity",
    "constraint:events.ck_events_within_capacity", "trigger:slot_reservations.count_new",
    "trigger:slot_reservations.count_changed",
)  # fmt: skip
async def test_R11_the_database_alone_rejects_overbooking(sql: Any) -> None:
    for limits, constraint in (
        ({"capacity": 2}, "ck_event_slots_within_capacity"),
        ({"capacity": 9, "max_capacity": 2}, "ck_event_time_blocks_within_capacity"),
        ({"capacity": 9, "event_capacity": 2}, "ck_events_within_capacity"),
    ):
        day = await make_day(sql, **limits)
        await insert_claim(sql, day, day.slots[0], spots=2)
        waiting = await insert_claim(sql, day, day.slots[0], claim="waitlisted")
        for overbooking in (
            insert_claim(sql, day, day.slots[0]),
            sql.execute("UPDATE slot_reservations SET claim = 'reserved' WHERE id = $1", waiting),
            sql.execute("UPDATE slot_reservations SET spots = 3 WHERE slot_id = $1 AND spots = 2", day.slots[0]),
        ):
            with pytest.raises(asyncpg.CheckViolationError) as refused:
                await overbooking
            assert refused.value.constraint_name == constraint
        taken = "SELECT sum(spots) FROM slot_reservations WHERE slot_id = $1 AND claim = 'reserved'"
        assert await sql.fetchval(taken, day.slots[0]) == 2


@pytest.mark.turned_off(
    "index:ix_search_people_tokens", "index:ix_event_slots_event_id_start_time",
    "index:ix_event_slots_location_id_start_time", "index:ix_slot_reservations_slot_id_claim",
    "index:ix_reservation_members_participant_id",
    "index:ix_event_time_blocks_event_id_location_id_start_time", "index:ix_events_programme_id_category",
    "index:ix_events_programme_id_is_active",
)  # fmt: skip
async def test_T20_lookups_use_their_indexes(stage: Stage) -> None:
    slot = await _crowd(stage)
    event, room = stage.festival.event, stage.festival.room
    for index, path, query in (
        ("ix_search_people_tokens", "/v1/participants/search", {"q": "okaf"}),
        ("ix_event_slots_event_id_start_time", "/v1/slots", {"eventId": event}),
        ("ix_event_slots_location_id_start_time", "/v1/slots", {"locationId": room}),
        ("ix_slot_reservations_slot_id_claim", "/v1/reservations", {"slotId": slot}),
        ("ix_reservation_members_participant_id", "/v1/reservations", {"participantId": stage.elsewhere()}),
        ("ix_event_time_blocks_event_id_location_id_start_time", f"/v1/events/{event}/timeblocks", {}),
        ("ix_events_programme_id_category", "/v1/events", {"category": "dance"}),
        ("ix_events_programme_id_is_active", "/v1/events", {"active": "false"}),
    ):
        plans = await stage.plans_of(path, **query)
        assert index in plans, f"{path} {query}:\n{plans}"


@pytest.mark.turned_off(
    "index:ix_slot_reservations_slot_id_claim", "index:ix_reservation_members_reservation_id",
    "index:ix_reservation_members_participant_id", "index:ix_attendance_reservation_id",
    "index:ix_event_slots_time_block_id",
)  # fmt: skip
async def test_R25_what_every_reservation_asks_is_answered_by_indexes(stage: Stage) -> None:
    await _crowd(stage)
    hot = [index for index in INDEXES if index.record in (SlotReservation, ReservationMember, Attendance, EventSlot)]
    assert COMMITMENTS in hot
    for index in hot:
        if index.column == "programme_id":
            continue  # a whole programme, for an import
        plan = await stage.plan(_load_statement((), (index,), False), [new_id()])
        assert "Index Scan" in plan, f"{index}:\n{plan}"
        assert "Seq Scan" not in plan, f"{index}:\n{plan}"
    for record in (EventSlot, SlotReservation, ReservationMember):
        assert f"pk_{record.TABLE}" in await stage.plan(_load_statement((record,), (), False), [new_id()])


@pytest.mark.turned_off(
    "index:ix_event_slots_event_id_start_time", "index:ix_event_slots_location_id_start_time",
    "index:ix_event_slots_programme_id_start_time", "index:ix_slot_reservations_slot_id_claim",
    "index:ix_slot_reservations_event_id_queued_at", "index:ix_event_slots_time_block_id",
    "index:ix_attendance_no_show", "index:ix_commands_programme_id_number",
)  # fmt: skip
async def test_R25_lists_and_counts_of_an_event_a_room_and_a_day_are_answered_by_indexes(stage: Stage) -> None:
    await _crowd(stage)
    event, room = stage.festival.event, stage.festival.room
    for index, path, query in (
        ("ix_event_slots_event_id_start_time", f"/v1/events/{event}/counts", {}),
        ("ix_slot_reservations_slot_id_claim", f"/v1/events/{event}/counts", {}),
        ("ix_event_slots_event_id_start_time", "/v1/reservations", {"eventId": event}),
        ("ix_event_slots_location_id_start_time", "/v1/reservations", {"locationId": room}),
        ("ix_event_slots_programme_id_start_time", "/v1/reservations", {"limit": "5"}),
        ("ix_attendance_no_show", "/v1/reservations", {"status": "no_show"}),
        ("ix_slot_reservations_event_id_queued_at", f"/v1/events/{event}/waitlist", {}),
        ("ix_event_slots_time_block_id", f"/v1/events/{event}", {}),
        ("ix_commands_programme_id_number", "/v1/audit", {}),
    ):
        plans = await stage.plans_of(path, **query)
        assert index in plans, f"{path} {query}:\n{plans}"
        for table in ("slot_reservations", "event_slots", "attendance", "commands"):
            assert f"Seq Scan on {table}" not in plans, f"{path} {query}:\n{plans}"


async def _crowd(stage: Stage) -> str:
    """A programme of thousands of rows, beside another with thousands of events; returns one of its slots."""
    slot, ada = await stage.festival.slot(capacity=9), await stage.festival.person("Ada Okafor")
    claim = await stage.reserve(slot, ada)
    other = await make_day(stage.sql, slots=1, people=1)
    event, room = stage.festival.event, stage.festival.room
    n, some = (
        "generate_series(1, 2000) n",
        "(SELECT id FROM {} WHERE programme_id = t.programme_id OFFSET n % 300 LIMIT 1)",
    )
    await _copy(stage, "events", other.event, n, "'name', 'Event ' || n")
    await _copy(stage, "events", event, "generate_series(1, 299) n", "'name', 'Event ' || n, 'ref', null")
    await _copy(stage, "locations", room, "generate_series(1, 299) n", "'name', 'Room ' || n, 'ref', null")
    block = (await stage.row("event_slots", slot))["time_block_id"]
    placed = f"'event_id', {some.format('events')}, 'location_id', {some.format('locations')}"
    await _copy(stage, "event_time_blocks", block, n, f"'waived', true, {placed}")
    later = "'start_time', t.start_time + n * interval '1 hour', 'end_time', t.end_time + n * interval '1 hour'"
    await _copy(stage, "event_slots", slot, n, f"'reserved_count', 0, {later}, {placed}")
    await _copy(stage, "participants", ada, n, "'display_name', md5(n::text), 'ref', null")
    await _copy(
        stage, "slot_reservations", claim, "event_slots n",
        "'slot_id', n.id, 'event_id', n.event_id, 'claim', 'cancelled', 'ref', null", "n.programme_id = t.programme_id",
    )  # fmt: skip
    await stage.sql.execute(
        "INSERT INTO reservation_members SELECT (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(),"
        " 'reservation_id', r.id, 'slot_id', r.slot_id, 'participant_id', p.id, 'live', false))).*"
        " FROM reservation_members m, (SELECT *, row_number() OVER () AS n FROM slot_reservations) r"
        " JOIN (SELECT id, row_number() OVER () AS n FROM participants) p ON p.n = r.n"
    )
    await stage.sql.execute(
        "INSERT INTO attendance (id, programme_id, reservation_id, kind, occurred_at, command_id, actor)"
        " SELECT gen_random_uuid(), programme_id, id, 'arrived', now(), (SELECT id FROM commands LIMIT 1), 'x'"
        " FROM slot_reservations"
    )
    asked = "programme_id, principal, actor, kind, v, args, hash, status"
    await stage.sql.execute(
        f"INSERT INTO commands (id, {asked}) SELECT gen_random_uuid(), {asked} FROM commands, generate_series(1, 300)"
    )
    await stage.sql.execute("ANALYZE")
    return slot


async def _copy(stage: Stage, table: str, id: Any, times: str, fields: str, where: str = "true") -> None:
    """One row again and again, each with an id of its own and other *fields*."""
    await stage.sql.execute(
        f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(),"
        f" {fields}))).* FROM {table} t, {times} WHERE t.id = $1::text::uuid AND {where}",
        str(id),
    )


@pytest.mark.turned_off(
    "contract:rules see the protocol", "contract:the authority sees rules and protocol",
    "contract:the API sees authority and protocol",
)  # fmt: skip
def test_W31_api_rules_and_data_access_are_apart(contracts: Contracts) -> None:
    assert contracts.broken() == {}
    plants = {
        "rules see the protocol": ("server_sync.rules.planted", "server_sync.authority"),
        "the authority sees rules and protocol": ("server_sync.authority.planted", "server_sync.api"),
        "the API sees authority and protocol": ("server_sync.api.planted", "server_sync.rules"),
    }
    for module, imported in plants.values():
        contracts.plant(module, imported)
    broken = contracts.broken()
    assert set(broken) == set(plants)
    for contract, (module, imported) in plants.items():
        assert f"{module} may not import {imported}" in broken[contract]
