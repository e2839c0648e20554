"""What a search for people reads: folded names in order, their words, and the triggers that keep both."""

from __future__ import annotations

from pathlib import Path

from server_sync.authority.migrations.script import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make it, and fill it with everybody who is there."""
    run_sql(Path(__file__).with_name("v0003"), "search.sql")
