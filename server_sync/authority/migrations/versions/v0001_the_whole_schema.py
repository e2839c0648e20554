"""The whole schema: tables, constraints, indexes, functions, triggers, and the server's own settings."""

from __future__ import annotations

from pathlib import Path

from server_sync.authority.migrations.script import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything."""
    run_sql(Path(__file__).with_name("v0001"), "functions.sql", "tables.sql", "triggers.sql", "seed.sql")
