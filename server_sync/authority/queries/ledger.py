"""Looking into the ledger."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.tables import metadata
from server_sync.protocol.ids import Id

_COMMANDS = metadata.tables["commands"]


class _Arguments(msgspec.Struct, frozen=True):
    args: dict[str, Any]


async def arguments(reads: Reads, principal: str, command_id: Id, kind: str) -> dict[str, Any] | None:
    """The arguments of a command that the principal gave before, if it is of that kind."""
    found = await reads.one(
        sa.select(_COMMANDS.c.args).where(
            _COMMANDS.c.id == uid(command_id), _COMMANDS.c.principal == principal, _COMMANDS.c.kind == kind
        ),
        _Arguments,
    )
    return None if found is None else found.args
