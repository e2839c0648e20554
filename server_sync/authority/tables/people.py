"""Participants and the groups that they come in."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB

from server_sync.authority.tables.base import check, lookup, reference, table, unique_external_id, unique_ref

groups = table(
    "groups",
    Column("name", Text, nullable=False),
    Column("ref", Text),
    Column("school", Text),
    Column("external_id", Text),
    Column("metadata", JSONB),
    unique_ref(),
    unique_external_id("groups"),
)

participants = table(
    "participants",
    Column("display_name", Text, nullable=False),
    Column("ref", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("external_id", Text),
    Column("school", Text),
    Column("grade", Text),
    Column("age", Integer),
    reference("group_id", "groups", optional=True, at_commit=True),
    Column("contact", Text),
    reference("merged_into", "participants", optional=True, at_commit=True),
    Column("erased", Boolean),
    Column("metadata", JSONB),
    check("age_not_negative", "age >= 0"),
    unique_ref(),
    unique_external_id("participants"),
)
lookup(participants, "group_id", where="group_id IS NOT NULL")
