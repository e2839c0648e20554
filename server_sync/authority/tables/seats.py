"""Seat maps, money and messages."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import BigInteger, Column, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from server_sync.authority.tables.base import NOT_DELETED, check, lookup, moment, one_of, reference, table
from server_sync.protocol.records import SeatState

seats = table(
    "seats",
    reference("location_id", "locations"),
    Column("row", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("seat_type", Text, nullable=False),
    check("row_named", "\"row\" <> ''"),
    check("number_positive", "number > 0"),
)
Index("uq_seats_position", seats.c.location_id, seats.c.row, seats.c.number, unique=True, postgresql_where=NOT_DELETED)

slot_seats = table(
    "slot_seats",
    reference("slot_id", "event_slots"),
    reference("seat_id", "seats"),
    *one_of("state", SeatState),
    Column("price", BigInteger),
    reference("reservation_id", "slot_reservations", optional=True, at_commit=True),  # the hold or the booking
    moment("held_until", optional=True),
    check("taken_by_a_reservation", "(state = 'available') = (reservation_id IS NULL)"),
    check("held_until_a_time", "(state = 'held') = (held_until IS NOT NULL)"),
    check("price_not_negative", "price >= 0"),
    UniqueConstraint("slot_id", "seat_id"),
)
lookup(slot_seats, "reservation_id", where="reservation_id IS NOT NULL")
lookup(slot_seats, "seat_id")

payments = table(
    "payments",
    reference("reservation_id", "slot_reservations"),
    Column("provider", Text, nullable=False),
    Column("provider_id", Text),  # what the provider calls it; a repeated delivery names it again
    *one_of("status", Literal["pending", "paid", "failed", "refunded"]),
    Column("amount", BigInteger, nullable=False),
    Column("fee", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    moment("paid_at", optional=True),
    Column("details", JSONB),
    check("amount_not_negative", "amount >= 0 AND fee >= 0"),
    UniqueConstraint("provider", "provider_id"),
)
lookup(payments, "reservation_id")

notifications = table(
    "notifications",
    reference("command_id", "commands", at_commit=True),
    reference("reservation_id", "slot_reservations", optional=True),
    reference("participant_id", "participants", optional=True),
    *one_of("channel", Literal["email", "sms", "webhook", "live"]),
    Column("template", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("details", JSONB),
    *one_of("status", Literal["waiting", "sent", "failed", "dropped"]),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    moment("send_after"),
    moment("sent_at", optional=True),
    Column("problem", Text),
    check("attempts_not_negative", "attempts >= 0"),
)
lookup(notifications, "send_after", where="status = 'waiting'")
lookup(notifications, "reservation_id", where="reservation_id IS NOT NULL")
