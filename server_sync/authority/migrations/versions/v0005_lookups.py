"""Indexes to find events by category and activity, blocks by event, room and time, and flags by what they are about."""

from __future__ import annotations

from pathlib import Path

from server_sync.authority.migrations.script import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add them."""
    run_sql(Path(__file__).with_name("v0005"), "lookups.sql")
