"""Indexes for what is asked of an event, a room and the trail; and what must never change is kept by the database."""

from __future__ import annotations

from pathlib import Path

from server_sync.authority.migrations.script import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add them."""
    run_sql(Path(__file__).with_name("v0006"), "lookups.sql", "kept.sql")
