"""What waitlists, seats and the audit trail need: a few columns, and indexes to find queues, holds and histories by."""

from __future__ import annotations

from pathlib import Path

from server_sync.authority.migrations.script import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add them; what the ledger holds already is given its number and what it touched."""
    run_sql(Path(__file__).with_name("v0002"), "columns.sql", "ledger.sql")
