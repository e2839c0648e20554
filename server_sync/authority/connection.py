"""What the batch path uses of a database connection (asyncpg's, which ships no types)."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

import asyncpg

SESSION: Final = {
    "timezone": "UTC",  # so that JSON times end in +00:00 on every server
    "lock_timeout": "3s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "15s",
    "plan_cache_mode": "force_generic_plan",  # every statement here is an index look-up by array
    "enable_seqscan": "off",  # a plan is kept for hours, and made while a table is nearly empty it would read all of it
    "jit": "off",
}


class Connection(Protocol):
    """A connection, or a pool's proxy of one."""

    async def execute(self, query: str, *args: Any) -> str:
        """Run one statement; returns the command tag."""

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """Run one statement; returns its rows."""

    async def fetchrow(self, query: str, *args: Any) -> Any:
        """Run one statement; returns its first row or None."""

    async def fetchval(self, query: str, *args: Any) -> Any:
        """Run one statement; returns the first value of its first row or None."""

    def transaction(self, **options: Any) -> AbstractAsyncContextManager[Any]:
        """A transaction that commits at the end of the block, and rolls back on an exception."""


class Pool(Protocol):
    """A pool of connections."""

    def acquire(self) -> AbstractAsyncContextManager[Connection]:
        """Borrow a connection."""

    async def execute(self, query: str, *args: Any) -> str:
        """Run one statement on a borrowed connection."""

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """Run one query on a borrowed connection."""

    async def fetchval(self, query: str, *args: Any) -> Any:
        """Run one query on a borrowed connection; its first value."""

    async def close(self) -> None:
        """Wait for borrowed connections, then close all."""


async def _leave_clean(connection: Connection) -> None:
    """Every use is one transaction that ends; asyncpg's own reset would cost a round trip a batch."""


async def open_pool(url: str, size: int, **settings: str) -> Pool:
    """A pool of at most *size* connections, with *settings* beyond ``SESSION``.

    Raises OSError or asyncpg's errors if the server can't be reached.
    """
    pool: Pool = await asyncpg.create_pool(
        url, min_size=1, max_size=size, reset=_leave_clean, server_settings=SESSION | settings,
        statement_cache_size=500,
        max_inactive_connection_lifetime=0, timeout=10, command_timeout=70,  # a line that died silently ends here
    )  # fmt: skip
    return pool
