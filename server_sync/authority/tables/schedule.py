"""What takes place, where and when: events, rooms, blocks of time and the slots that people reserve."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint

from server_sync.authority.tables.base import (
    NOT_DELETED,
    check,
    lookup,
    moment,
    one_of,
    reference,
    table,
    unique_external_id,
    unique_ref,
)
from server_sync.protocol.records import Category, EventType, Openness

event_rules = table(
    "event_rules",
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("configuration", JSONB),
)

events = table(
    "events",
    Column("name", Text, nullable=False),
    *one_of("category", Category),
    *one_of("type", EventType),
    Column("is_active", Boolean, nullable=False),
    Column("points_first", Integer, nullable=False),
    Column("points_second", Integer, nullable=False),
    Column("points_third", Integer, nullable=False),
    Column("waitlist_enabled", Boolean, nullable=False),
    *one_of("waitlist_order", Literal["strict", "best_fit"]),
    Column("reserved_count", Integer, nullable=False),
    Column("overbooked_count", Integer, nullable=False),
    Column("ref", Text),
    Column("description", Text),
    Column("artists", ARRAY(Text)),
    Column("tags", ARRAY(Text)),
    reference("rules_id", "event_rules", optional=True, at_commit=True),
    Column("capacity", Integer),
    moment("master_start", optional=True),
    moment("master_end", optional=True),
    Column("price", BigInteger),
    Column("fee", BigInteger),
    Column("currency", Text),
    Column("seat_type_prices", JSONB),
    Column("external_id", Text),
    Column("metadata", JSONB),
    check("places_positive", "capacity > 0"),
    check("reserved_not_negative", "reserved_count >= 0"),
    check("overbooked_not_negative", "overbooked_count >= 0"),
    check("within_capacity", "reserved_count <= capacity + overbooked_count"),
    check("ends_after_it_starts", "master_end > master_start"),
    check("money_not_negative", "price >= 0 AND fee >= 0"),
    unique_ref(),
    unique_external_id("events"),
)

lookup(events, "programme_id", "category")
lookup(events, "programme_id", "is_active")

locations = table(
    "locations",
    Column("name", Text, nullable=False),
    Column("ref", Text),
    Column("building", Text),
    Column("city", Text),
    Column("description", Text),
    Column("capacity", Integer),
    Column("notes", Text),
    Column("external_id", Text),
    Column("position", Integer),
    Column("metadata", JSONB),
    check("places_positive", "capacity > 0"),
    unique_ref(),
    unique_external_id("locations"),
)

event_locations = table(
    "event_locations",
    reference("event_id", "events"),
    reference("location_id", "locations"),
)
Index(
    "uq_event_locations_event_id_location_id",
    event_locations.c.event_id,
    event_locations.c.location_id,
    unique=True,
    postgresql_where=NOT_DELETED,
)
lookup(event_locations, "location_id")

event_time_blocks = table(
    "event_time_blocks",
    reference("event_id", "events"),
    reference("location_id", "locations", at_commit=True),
    moment("start_time"),
    moment("end_time"),
    Column("manual_slots", Boolean, nullable=False),
    *one_of("status", Openness),
    Column("waived", Boolean, nullable=False),
    Column("reserved_count", Integer, nullable=False),
    Column("overbooked_count", Integer, nullable=False),
    Column("slot_duration_minutes", Integer),
    Column("max_capacity", Integer),
    Column("status_reason", Text),
    Column("waived_reason", Text),
    Column("external_id", Text),
    Column("notes", Text),
    check("places_positive", "max_capacity > 0"),
    check("duration_positive", "slot_duration_minutes > 0"),
    check("ends_after_it_starts", "end_time > start_time"),
    check("reserved_not_negative", "reserved_count >= 0"),
    check("overbooked_not_negative", "overbooked_count >= 0"),
    check("within_capacity", "reserved_count <= max_capacity + overbooked_count"),
    ExcludeConstraint(
        ("location_id", "="),
        (func.tstzrange(text("start_time"), text("end_time")), "&&"),
        name="ex_event_time_blocks_room_taken",
        where=text("NOT waived AND status <> 'cancelled' AND deleted IS NOT TRUE"),
        deferrable=True,
        initially="DEFERRED",
    ),
)
lookup(event_time_blocks, "event_id", "location_id", "start_time")
lookup(event_time_blocks, "location_id")

event_slots = table(
    "event_slots",
    reference("time_block_id", "event_time_blocks"),
    reference("event_id", "events"),
    reference("location_id", "locations", at_commit=True),
    moment("start_time"),
    moment("end_time"),
    Column("slot_number", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("reserved_count", Integer, nullable=False),
    Column("overbooked_count", Integer, nullable=False),
    *one_of("status", Openness),
    Column("created_by_admin", Boolean, nullable=False),
    Column("status_reason", Text),
    Column("seated", Boolean),
    check("places_positive", "capacity > 0"),
    check("ends_after_it_starts", "end_time > start_time"),
    check("reserved_not_negative", "reserved_count >= 0"),
    check("overbooked_not_negative", "overbooked_count >= 0"),
    check("within_capacity", "reserved_count <= capacity + overbooked_count"),
)
lookup(event_slots, "time_block_id")
lookup(event_slots, "programme_id", "start_time")
lookup(event_slots, "event_id", "start_time")
lookup(event_slots, "location_id", "start_time")
