"""Which database this is, and what a transaction in it sees: the first thing that every read of the feed asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from server_sync.authority.connection import Connection

_ASK: Final = """
SELECT pg_current_snapshot()::text, clock_timestamp(),
       concat_ws(':', (SELECT system_identifier FROM pg_control_system()),
                 left(pg_walfile_name(pg_current_wal_lsn()), 8), restore_counter, epoch)
FROM server_settings
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """``epoch`` names the line of history: system identifier, timeline, restores; it differs after a failover."""

    snapshot: str
    server_time: datetime
    epoch: str

    def follows(self, snapshot: str, epoch: str) -> bool:
        """Whether what a desk saw then is part of this database's past."""
        return epoch == self.epoch and _xmax(snapshot) <= _xmax(self.snapshot)


def _xmax(snapshot: str) -> int:
    return int(snapshot.split(":")[1])


async def standing(connection: Connection) -> Standing:
    """What the transaction of *connection* sees; REPEATABLE READ, so that all it reads then is of one moment."""
    row = await connection.fetchrow(_ASK)
    return Standing(row[0], row[1], row[2])
