"""What a command would do: the same ``decide`` over the rows as they are, and nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from server_sync.authority.batch import DISCOVERY_ROUNDS
from server_sync.authority.connection import Pool
from server_sync.authority.load import Discovery
from server_sync.authority.principal import Principal
from server_sync.authority.runs import read_item
from server_sync.protocol.commands import Envelope
from server_sync.protocol.errors import BUSY, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Record


async def preview(
    pool: Pool, principal: Principal, envelope: Envelope, programme_id: Id | None, rows: Sequence[Record] = ()
) -> dict[str, Any] | Refusal:
    """The answer that the command would get; *rows* are taken to be there already (a programme not yet made)."""
    item = read_item(principal, envelope, programme_id)
    if item.refused is not None:
        return item.refused
    assert item.rule is not None
    assert item.command is not None
    state = Discovery()
    for row in rows:
        state.put(row)
        state.known_rows.add((type(row), row.id))
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        now = state.now = await connection.fetchval("SELECT clock_timestamp()")
        for _ in range(DISCOVERY_ROUNDS):
            keys = item.rule.needs(item.command, state)
            state.missing.read |= (keys.lock | keys.read) - state.known_rows
            state.missing.find |= keys.find - state.known_finds
            if not state.missing.read and not state.missing.find:
                changes = item.rule.decide(state, item.command, now)
                return changes if isinstance(changes, Refusal) else changes.answer
            await state.fetch_missing(connection)
    return Refusal(BUSY)
