"""One process of many does what must be done once: who holds an advisory lock of the database leads.

The lock belongs to a connection of its own. When the leader ends, however it ends, the database lets go of the lock,
and one of the others has it a second later; of a machine that vanished the database learns in some seconds more.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self

import asyncpg

from server_sync.authority.connection import SESSION, Connection
from server_sync.authority.faults import LOST

log = logging.getLogger(__name__)

SECONDS: Final = 1.0
"""How often a leader works, and the others ask whether they lead now."""

LONGEST_WAIT: Final = 5.0
_LOCKS: Final = 25443
_TRY: Final = "SELECT pg_try_advisory_lock($1::int, $2::int)"
_KEEPALIVES: Final = {"tcp_keepalives_idle": "4", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}


class Leader:
    """Does *work* every second while it leads. Made by ``open``, ended by ``close``.

    *work* gets the connection that holds the lock, for short reads and for statements that wait for nobody's
    lock: while it waited it would still lead, and do nothing.
    """

    def __init__(self, url: str, number: int, work: Callable[[Connection], Awaitable[None]]) -> None:
        self._url = url
        self._number = number
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self.leads = False

    @classmethod
    def open(cls, url: str, number: int, work: Callable[[Connection], Awaitable[None]]) -> Self:
        """Stand by to lead what has that *number*, until closed."""
        leader = cls(url, number, work)
        leader._task = asyncio.create_task(leader._stand(), name=f"leader-{number}")
        return leader

    async def close(self) -> None:
        """Lead no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _stand(self) -> None:
        """Stand by, and after every loss of the connection again, waiting longer as long as it fails."""
        failures = 0
        while True:
            try:
                await self._lead()
            except (*LOST, asyncpg.PostgresError) as error:
                failures = 0 if self.leads else failures + 1
                log.info("the database can't be reached: %s", error)
            except Exception:
                failures += 1
                log.exception("what the leader does failed")
            finally:
                self.leads = False
            await asyncio.sleep(random.uniform(0.1, min(LONGEST_WAIT, 0.2 * 2 ** min(failures, 10))))

    async def _lead(self) -> None:
        """One connection's life: raises when it ended."""
        connection: Any = await asyncpg.connect(self._url, timeout=10, server_settings=SESSION | _KEEPALIVES)
        try:
            while True:
                if not self.leads:
                    self.leads = await connection.fetchval(_TRY, _LOCKS, self._number, timeout=10)
                if self.leads:
                    await self._work(connection)
                await asyncio.sleep(SECONDS)
        finally:
            connection.terminate()
