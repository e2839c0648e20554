"""Claims on slots, who is in them, what happened, and what somebody should look at."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, Text, UniqueConstraint, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint

from server_sync.authority.tables.base import check, lookup, moment, one_of, reference, table, unique_ref
from server_sync.protocol.records import Claim, FactKind

slot_reservations = table(
    "slot_reservations",
    reference("slot_id", "event_slots"),
    Column("event_id", Uuid, nullable=False),  # the slot's, like the block and the programme: count_claims sees to it
    reference("location_id", "locations", at_commit=True),
    Column("time_block_id", Uuid, nullable=False),
    *one_of("claim", Claim),
    Column("spots", Integer, nullable=False),
    moment("reserved_at"),
    Column("placement_version", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("ref", Text),
    reference("participant_id", "participants", optional=True),
    reference("group_id", "groups", optional=True),
    Column("reserved_name", Text),
    Column("reserved_contact", Text),
    Column("guests", Integer),
    moment("confirmed_at", optional=True),
    moment("cancelled_at", optional=True),
    moment("expires_at", optional=True),
    moment("queued_at", optional=True),
    Column("any_slot", Boolean),
    Column("override_reason", Text),
    Column("special_requirements", Text),
    Column("metadata", JSONB),
    check("spots_positive", "spots >= 1"),
    check("guests_not_negative", "guests >= 0"),
    check("guests_within_spots", "guests < spots"),
    check("versions_positive", "version >= 1 AND placement_version BETWEEN 1 AND version"),
    check("name_not_empty", "reserved_name <> ''"),
    check("held_until_a_time", "claim <> 'held' OR expires_at IS NOT NULL"),
    unique_ref(),
    programme_checked=False,
)
lookup(slot_reservations, "slot_id", "claim")  # those of an event or room too, through their slots: one index less
lookup(slot_reservations, "participant_id", "claim", where="participant_id IS NOT NULL")
lookup(slot_reservations, "group_id", where="group_id IS NOT NULL")
lookup(slot_reservations, "expires_at", where="claim = 'held'")
lookup(slot_reservations, "event_id", "queued_at", where="claim = 'waitlisted'")
Index(
    "ix_slot_reservations_any_slot",
    slot_reservations.c.event_id,
    postgresql_where=text("claim = 'waitlisted' AND any_slot"),
)
Index("ix_slot_reservations_event_id_held", slot_reservations.c.event_id, postgresql_where=text("claim = 'held'"))

reservation_members = table(
    "reservation_members",
    reference("reservation_id", "slot_reservations"),
    reference("participant_id", "participants"),
    reference("slot_id", "event_slots"),
    moment("start_time"),
    moment("end_time"),
    Column("live", Boolean, nullable=False),
    Column("waived", Boolean, nullable=False),
    Column("waived_reason", Text),
    Column("waiting", Boolean),
    check("waiting_takes_no_time", "NOT (live AND waiting)"),
    check("ends_after_it_starts", "end_time > start_time"),
    ExcludeConstraint(
        ("participant_id", "="),
        (func.tstzrange(text("start_time"), text("end_time")), "&&"),
        name="ex_reservation_members_double_booked",
        where=text("live AND NOT waived AND deleted IS NOT TRUE"),
        deferrable=True,
        initially="DEFERRED",
    ),
    programme_checked=False,
)
lookup(reservation_members, "participant_id")
Index(
    "uq_reservation_members_waiting_once",
    reservation_members.c.participant_id,
    reservation_members.c.slot_id,
    unique=True,
    postgresql_where=text("waiting AND deleted IS NOT TRUE"),
)
lookup(reservation_members, "reservation_id")

attendance = table(
    "attendance",
    reference("reservation_id", "slot_reservations"),
    *one_of("kind", FactKind),
    moment("occurred_at"),
    reference("command_id", "commands", at_commit=True),
    Column("actor", Text, nullable=False),
    reference("participant_id", "participants", optional=True),
    reference("device_id", "devices", optional=True),
    reference("undoes", "commands", optional=True, at_commit=True),
    check("undone_names_a_command", "(kind = 'undone') = (undoes IS NOT NULL)"),
)
lookup(attendance, "reservation_id")
lookup(attendance, "command_id")
lookup(attendance, "participant_id", where="participant_id IS NOT NULL")
Index("ix_attendance_no_show", attendance.c.programme_id, postgresql_where=text("kind = 'no_show'"))

room_days = table(
    "room_days",
    reference("location_id", "locations"),
    Column("day", Date, nullable=False),
    Column("delay_minutes", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    reference("on_stage_id", "slot_reservations", optional=True, at_commit=True),
    moment("on_stage_since", optional=True),
    Column("called", ARRAY(Uuid)),
    Column("skipped", ARRAY(Uuid)),
    check("version_positive", "version >= 1"),
    UniqueConstraint("location_id", "day"),
)

flags = table(
    "flags",
    Column("audience", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    reference("command_id", "commands", at_commit=True),
    moment("raised_at"),
    Column("details", JSONB),
    moment("resolved_at", optional=True),
    Column("resolved_by", Text),
    Column("resolution", Text),
)
lookup(flags, "programme_id", "subject")
Index("ix_flags_open", flags.c.programme_id, flags.c.audience, postgresql_where=text("resolved_at IS NULL"))
