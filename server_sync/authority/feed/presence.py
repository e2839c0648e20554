"""When the centre last heard of each desk. Kept beside the feed, not in it: hearing of a desk changes no row."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from server_sync.authority.connection import Pool
from server_sync.protocol.ids import Id

SECONDS: Final = 10.0
"""How precise it is: a desk is noted once in this time by each process."""

_NOTE: Final = """
WITH free AS (SELECT device_id FROM device_cursors WHERE device_id = $1::uuid FOR NO KEY UPDATE SKIP LOCKED)
UPDATE device_cursors c SET last_seen = clock_timestamp() FROM free WHERE c.device_id = free.device_id
"""  # a push that holds the row notes the time itself
_MAKE: Final = "INSERT INTO device_cursors (device_id) VALUES ($1::uuid) ON CONFLICT DO NOTHING"


class Presence:
    """Notes that desks are there."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._noted: dict[Id, float] = {}

    async def heard_of(self, device_id: Id) -> None:
        """That a desk (enrolled) made itself heard just now."""
        now = self._clock()
        if self._noted.get(device_id, float("-inf")) > now - SECONDS:
            return
        self._noted[device_id] = now
        if await self._pool.execute(_NOTE, device_id) == "UPDATE 0":
            await self._pool.execute(_MAKE, device_id)
