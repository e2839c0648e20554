"""Participants and the groups that they come in."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, Text, text
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

SEARCHED: Final = "folded(display_name)"
"""What a search looks at: the name without accents, in lower case. A query that says the same uses the indexes."""

Index(
    "ix_participants_names_words",
    text(f"to_tsvector('simple'::regconfig, {SEARCHED})"),
    postgresql_using="gin",
    _table=participants,
)
Index("ix_participants_names_trigrams", text(f"{SEARCHED} gin_trgm_ops"), postgresql_using="gin", _table=participants)
