"""What to lock for a batch, found before it is locked: from what is remembered, and by reading what is not.

Nothing here is believed: what is loaded under the lock decides, and asks for more where this was stale.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from server_sync.authority.connection import Connection
from server_sync.authority.load import Discovery, Loaded
from server_sync.authority.principal import Principal
from server_sync.authority.runs import Item, read_item
from server_sync.protocol.commands import Envelope
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, Record
from server_sync.rules.command import Rule
from server_sync.rules.registry import rule_for
from server_sync.rules.rehearsed import Stage
from server_sync.rules.state import Keys

T = TypeVar("T")

DISCOVERY_ROUNDS: Final = 24
"""How deep one thing may lead to the next (a claim, its slot, who waits for it, where else they are) before locking."""


class Hints:
    """Slots, blocks and events as last seen: enough to know what to lock without asking the database first."""

    MOST: Final = 50_000

    def __init__(self) -> None:
        self._rows: dict[type[Record], dict[Id, Any]] = {EventSlot: {}, EventTimeBlock: {}, Event: {}}
        self.ahead = timedelta()  # how far the database's clock is ahead of ours: holds run out by the former

    def discovery(self, thorough: bool) -> Discovery:
        """A discovery that starts with what is known, and adds what it fetches."""
        discovery = Discovery(thorough)
        discovery.now = datetime.now(UTC) + self.ahead
        discovery.rows.update(self._rows)
        return discovery

    def blank(self) -> Hints:
        """Nothing is remembered: whoever discovers by these reads all anew."""
        hints = Hints()
        hints.ahead = self.ahead
        return hints

    def learn(self, loaded: Loaded) -> None:
        """Take over what was read under the lock.

        Discoveries share what is known: one that is under way keeps what it began with when all is forgotten here.
        """
        for record, known in self._rows.items():
            if len(known) > self.MOST:
                known = self._rows[record] = {}
            known.update(loaded.rows.get(record, {}))


async def discover(connection: Connection, hints: Hints, items: Sequence[Item], thorough: bool) -> list[Keys]:
    """What each of *items* needs, as far as can be seen without locks; reads only what the hints lack."""
    discovery = hints.discovery(thorough)
    wants = [Keys() for _ in items]
    staged = len(items) > 1 and any(item.rule is not None and item.rule.staged for item in items)
    for _ in range(DISCOVERY_ROUNDS):
        stage = Stage(discovery) if staged else discovery
        for item, keys in zip(items, wants, strict=True):
            if item.rule is not None and item.command is not None:
                keys |= await ask(item.rule, item.rule.needs, item.command, stage)
        if not discovery.missing.read and not discovery.missing.find:
            break
        await discovery.fetch_missing(connection)
    return wants


async def ask(rule: Rule[Any] | None, function: Callable[..., T], *args: Any) -> T:
    """What *function* answers; what takes seconds, as bulk work does, is done on a thread: nobody else waits."""
    if rule is not None and rule.bulk:
        return await asyncio.to_thread(function, *args)
    return function(*args)


async def read(principal: Principal, envelope: Envelope, programme_id: Id | None) -> Item:
    """As ``read_item``, likewise: a file of many thousand rows is long to read, too."""
    return await ask(rule_for(envelope), read_item, principal, envelope, programme_id)
