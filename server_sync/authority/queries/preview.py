"""What a command would do: the same ``decide`` over the rows as they are, and nothing written."""

from __future__ import annotations

from collections.abc import Sequence

from server_sync.authority.connection import Pool
from server_sync.authority.discover import DISCOVERY_ROUNDS, ask, read
from server_sync.authority.ledger import applied, replayed, same_command, taken
from server_sync.authority.load import Discovery, load
from server_sync.authority.principal import Principal
from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.errors import BUSY, KEY_REUSED, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Record
from server_sync.rules.state import Keys


async def preview(
    pool: Pool, principal: Principal, envelope: Envelope, programme_id: Id | None, rows: Sequence[Record] = ()
) -> Result | Refusal:
    """What ``Authority.submit`` would answer; *rows* are taken to be there already (a programme not yet made)."""
    item = await read(principal, envelope, programme_id)
    if item.refused is not None:
        return item.refused
    assert item.rule is not None
    assert item.command is not None
    state = Discovery()
    for row in rows:
        state.put(row)
        state.known_rows.add((type(row), row.id))
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        known = (await load(connection, Keys(), state, [envelope.id])).get(envelope.id)
        if known is not None:
            again = same_command(known, principal, item.hash)
            return replayed(known) if again else Refusal(KEY_REUSED, {"id": envelope.id})
        now = state.now = await connection.fetchval("SELECT clock_timestamp()")
        for _ in range(DISCOVERY_ROUNDS):
            keys = await ask(item.rule, item.rule.needs, item.command, state)
            state.missing.read |= (keys.lock | keys.read) - state.known_rows
            state.missing.find |= keys.find - state.known_finds
            if not state.missing.read and not state.missing.find:
                if (used := taken(state, envelope.id)) is not None:
                    return used
                decided = await ask(item.rule, item.rule.decide, state, item.command, now)
                return decided if isinstance(decided, Refusal) else applied(envelope.id, decided.answer)
            await state.fetch_missing(connection)
    return Refusal(BUSY)
