"""What a database error means for the command that met it."""

from __future__ import annotations

from typing import Final

import asyncpg
import sqlalchemy.exc

from server_sync.protocol.errors import (
    ALREADY_EXISTS,
    BLOCK_FULL,
    DOUBLE_BOOKED,
    EVENT_FULL,
    NOT_FOUND,
    ROOM_TAKEN,
    SLOT_FULL,
    Refusal,
)

TRANSIENT: Final = (
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
)
"""The same again may succeed."""

LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    OSError,
    TimeoutError,
)
"""The connection is gone, and whether the commit came through is unknown: ask again, the ledger knows."""

OVERLOADED: Final = (sqlalchemy.exc.TimeoutError,)
"""All connections of a pool are busy, and stayed so for as long as anybody should wait."""

MISCONFIGURED: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
"""What whoever runs the server can mend: a wrong password or name, or a right that is missing."""

_BY_CHECK: Final = {"event_slots": SLOT_FULL, "event_time_blocks": BLOCK_FULL, "events": EVENT_FULL}
_BY_EXCLUSION: Final = {"reservation_members": DOUBLE_BOOKED, "event_time_blocks": ROOM_TAKEN}


def caught_by_constraint(error: BaseException) -> Refusal | None:
    """The refusal that a violated constraint stands for; None if *error* is something else.

    The rules refuse first; this is the net beneath them.
    """
    if not isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return None
    table, name = error.table_name or "", error.constraint_name or ""
    details = {"constraint": name}
    if isinstance(error, asyncpg.UniqueViolationError):
        return Refusal(ALREADY_EXISTS, details)
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        return Refusal(NOT_FOUND, details)
    code = None
    if isinstance(error, asyncpg.CheckViolationError) and "capacity" in name:
        code = _BY_CHECK.get(table)
    elif isinstance(error, asyncpg.ExclusionViolationError):
        code = _BY_EXCLUSION.get(table)
    return None if code is None else Refusal(code, details)
