"""Taking words out of the search of which the last bearer left. A transaction of its own, which holds nothing else."""

from __future__ import annotations

from server_sync.authority.connection import Connection


async def sweep_words(connection: Connection) -> None:
    """Sweep, if somebody left since the last time."""
    if await connection.fetchval("SELECT EXISTS (SELECT 1 FROM search_words_left)"):
        await connection.execute("SELECT sweep_search_words()")
