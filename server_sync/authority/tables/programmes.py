"""The programme, and who may use it from where."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Boolean, Column, Date, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from server_sync.authority.tables.base import check, lookup, moment, one_of, reference, table, unique_ref
from server_sync.protocol.records import Role

programmes = table(
    "programmes",
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    *one_of("status", Literal["draft", "published", "archived"]),
    Column("practice", Boolean, nullable=False),
    Column("ref", Text),
    Column("starts_on", Date),
    Column("ends_on", Date),
    Column("settings", JSONB),
    check("own_programme", "programme_id = id"),
    check("starts_before_it_ends", "ends_on >= starts_on"),
    unique_ref(),
    programme_checked=False,
)

staff = table(
    "staff",
    Column("name", Text, nullable=False),
    *one_of("role", Role),
    Column("is_active", Boolean, nullable=False),
)

devices = table(
    "devices",
    Column("name", Text, nullable=False),
    *one_of("ceiling", Role),
    moment("enrolled_at"),
    moment("revoked_at", optional=True),
)

enrolments = table(
    "enrolments",
    Column("name", Text, nullable=False),
    *one_of("ceiling", Role),
    moment("expires_at"),
    moment("used_at", optional=True),
    reference("device_id", "devices", optional=True, at_commit=True),
)

credentials = table(
    "credentials",
    *one_of("holder", Literal["device", "staff"]),
    Column("holder_id", Uuid, nullable=False),  # of devices or of staff, so that no foreign key can hold it
    *one_of("role", Role),
    moment("revoked_at", optional=True),
)
lookup(credentials, "holder_id")
