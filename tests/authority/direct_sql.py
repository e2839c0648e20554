"""Rows written by plain SQL, as somebody would who goes past the authority."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from server_sync.protocol.ids import Id, new_id

START = "2026-03-14 09:00:00+00"


@dataclass(slots=True)
class Day:
    """One programme with an event, a room, a block, slots and people, by their ids."""

    programme: Id
    event: Id
    room: Id
    block: Id
    slots: list[Id] = field(default_factory=list)
    people: list[Id] = field(default_factory=list)


async def make_day(
    connection: Any,
    *,
    slots: int = 3,
    people: int = 5,
    capacity: int = 2,
    max_capacity: int | None = None,
    event_capacity: int | None = None,
) -> Day:
    """Insert a day whose slots follow each other, ten minutes each, in one block."""
    day = Day(new_id(), new_id(), new_id(), new_id())
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO programmes (id, programme_id, name, time_zone, status, practice)"
            " VALUES ($1, $1, 'Day', 'UTC', 'published', false)",
            day.programme,
        )
        await connection.execute(
            "INSERT INTO events (id, programme_id, name, category, type, is_active, points_first, points_second,"
            " points_third, waitlist_enabled, waitlist_order, reserved_count, overbooked_count, capacity)"
            " VALUES ($1, $2, 'Piano', 'music', 'individual', true, 3, 2, 1, false, 'strict', 0, 0, $3)",
            day.event, day.programme, event_capacity,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO locations (id, programme_id, name) VALUES ($1, $2, 'Hall')", day.room, day.programme
        )
        await insert_block(connection, day, day.block, max_capacity=max_capacity)
        day.slots = [await insert_slot(connection, day, number, capacity) for number in range(slots)]
        day.people = [new_id() for _ in range(people)]
        await connection.executemany(
            "INSERT INTO participants (id, programme_id, display_name) VALUES ($1, $2, $3)",
            [(person, day.programme, f"Person {number}") for number, person in enumerate(day.people)],
        )
    return day


async def insert_block(
    connection: Any, day: Day, id: Id, *, max_capacity: int | None = None, hours: float = 0, waived: bool = False
) -> None:
    """A block of ten hours in the day's room, *hours* after its start."""
    await connection.execute(
        "INSERT INTO event_time_blocks (id, programme_id, event_id, location_id, start_time, end_time, manual_slots,"
        " status, waived, reserved_count, overbooked_count, max_capacity)"
        " VALUES ($1, $2, $3, $4, $6::text::timestamptz + $5 * interval '1 hour',"
        " $6::text::timestamptz + ($5 + 10) * interval '1 hour', false, 'open', $7, 0, 0, $8)",
        id, day.programme, day.event, day.room, hours, START, waived, max_capacity,
    )  # fmt: skip


async def insert_slot(connection: Any, day: Day, number: int, capacity: int) -> Id:
    """A slot of the day's block; *number* counts from 0."""
    id = new_id()
    await connection.execute(
        "INSERT INTO event_slots (id, programme_id, time_block_id, event_id, location_id, start_time, end_time,"
        " slot_number, capacity, reserved_count, overbooked_count, status, created_by_admin)"
        " VALUES ($1, $2, $3, $4, $5, $6::text::timestamptz + $7 * interval '10 minutes',"
        " $6::text::timestamptz + ($7 + 1) * interval '10 minutes', $7 + 1, $8, 0, 0, 'open', false)",
        id, day.programme, day.block, day.event, day.room, START, number, capacity,
    )  # fmt: skip
    return id


async def insert_claim(
    connection: Any, day: Day, slot: Id, *, spots: int = 1, claim: str = "reserved", person: Id | None = None
) -> Id:
    """A claim on *slot*, and its member if *person* is given."""
    id = new_id()
    await connection.execute(
        "INSERT INTO slot_reservations (id, programme_id, slot_id, event_id, location_id, time_block_id, claim, spots,"
        " reserved_at, placement_version, version, participant_id, reserved_name)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now(), 1, 1, $9::uuid,"
        " CASE WHEN $9::uuid IS NULL THEN 'Somebody' END)",
        id, day.programme, slot, day.event, day.room, day.block, claim, spots, person,
    )  # fmt: skip
    if person is not None:
        await insert_member(connection, id, person)
    return id


async def insert_member(connection: Any, reservation: Id, person: Id, *, waived: bool = False) -> Id:
    """*person* as a live member of a reservation, at its slot's time."""
    id = str(uuid.uuid4())
    await connection.execute(
        "INSERT INTO reservation_members (id, programme_id, reservation_id, participant_id, slot_id, start_time,"
        " end_time, live, waived) SELECT $1, r.programme_id, r.id, $3, r.slot_id, s.start_time, s.end_time, true, $4"
        " FROM slot_reservations r JOIN event_slots s ON s.id = r.slot_id WHERE r.id = $2",
        id, reservation, person, waived,
    )  # fmt: skip
    return id
