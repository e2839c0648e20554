"""What leaves a room's map needs: the slots in which a seat stands are found by the seat."""

from __future__ import annotations

from pathlib import Path

from server_sync.authority.migrations.script import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the index."""
    run_sql(Path(__file__).with_name("v0004"), "seats.sql")
