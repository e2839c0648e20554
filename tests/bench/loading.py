"""Filling tables fast: what a benchmark starts from, and does not measure."""

from __future__ import annotations

from typing import Any

import asyncpg


async def fill(url: str, *steps: tuple[str, tuple[Any, ...]]) -> None:
    """Run *steps* (a statement and its arguments each) without triggers or foreign keys: they must be right already.

    Counts are the statement's own business then, and people loaded so are not found by a search.
    """
    connection = await asyncpg.connect(
        url, command_timeout=1800, server_settings={"session_replication_role": "replica"}
    )
    try:
        for statement, arguments in steps:
            await connection.execute(statement, *arguments)
    finally:
        await connection.close()


async def settle(url: str) -> None:
    """Leave the tables as after a quiet night: statistics taken, nothing to be written any more."""
    connection = await asyncpg.connect(url, command_timeout=1800)
    try:
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
