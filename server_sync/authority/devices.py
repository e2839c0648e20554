"""How far each desk's queue has come: its incarnation and last sequence number, locked with the commands they guard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server_sync.authority.connection import Connection
from server_sync.protocol.ids import Id

_MAKE = (
    "INSERT INTO device_cursors (device_id, incarnation, last_seq) SELECT id, 1, 0 FROM unnest($1::uuid[]) id"
    " ON CONFLICT DO NOTHING"
)
_LOCK = (
    "SELECT device_id::text, incarnation, last_seq FROM device_cursors WHERE device_id = ANY($1::uuid[])"
    " ORDER BY device_id FOR NO KEY UPDATE"
)
_SAVE = (
    "UPDATE device_cursors c SET incarnation = n.incarnation, last_seq = n.last_seq, last_seen = clock_timestamp()"
    " FROM unnest($1::uuid[], $2::int[], $3::bigint[]) n(device_id, incarnation, last_seq)"
    " WHERE c.device_id = n.device_id"
)


@dataclass(slots=True)
class DeviceCursor:
    """The last command of a device that has a verdict. ``last_seq`` counts from 1 within an incarnation."""

    device_id: Id
    incarnation: int
    last_seq: int


async def lock_cursors(connection: Connection, device_ids: Iterable[Id]) -> dict[Id, DeviceCursor]:
    """Lock and read the cursors of the devices that push, making those that are new. Last in the order of locks."""
    wanted = sorted(set(device_ids))
    if not wanted:
        return {}
    rows = await connection.fetch(_LOCK, wanted)
    if len(rows) < len(wanted):
        await connection.execute(_MAKE, wanted)
        rows = await connection.fetch(_LOCK, wanted)
    return {row[0]: DeviceCursor(row[0], row[1], row[2]) for row in rows}


async def save_cursors(connection: Connection, cursors: Iterable[DeviceCursor]) -> None:
    """Write them back, in the transaction that decided."""
    rows = list(cursors)
    if rows:
        await connection.execute(
            _SAVE, [row.device_id for row in rows], [row.incarnation for row in rows], [row.last_seq for row in rows]
        )
