"""The authority as its callers know it: hand in a command, await its verdict."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, NamedTuple, Self, TypeVar

from server_sync.authority.batch import Batch
from server_sync.authority.connection import Pool, open_pool
from server_sync.authority.discover import Hints, read
from server_sync.authority.lanes import Aside, Lane
from server_sync.authority.ledger import rejected
from server_sync.authority.principal import Principal
from server_sync.authority.refs import Refs
from server_sync.authority.runs import Run, read_item, unreadable
from server_sync.protocol.commands import MAX_RUN, PROTO, Envelope, PushReply, PushRequest, Result
from server_sync.protocol.errors import NOT_ALLOWED, Refusal
from server_sync.protocol.ids import Id

log = logging.getLogger(__name__)

CHANNEL: Final = "callboard"
L = TypeVar("L")

POKE_SECONDS: Final = 0.05
"""A process notifies at most twenty times a second, whatever it commits."""


@dataclass(frozen=True, slots=True)
class Protections:
    """What the tests of races turn off to see the race. ``CALLBOARD_TEST_PROTECTIONS=nolock`` is for them alone."""

    locking: bool = True

    @classmethod
    def from_environment(cls) -> Protections:
        """As the environment says; everything on unless it names what is off."""
        off = os.environ.get("CALLBOARD_TEST_PROTECTIONS", "")
        if off:
            log.warning("CALLBOARD_TEST_PROTECTIONS=%s: this server decides without locks, for tests alone", off)
        return cls(locking="nolock" not in off)


OTHERS: Final = 4
"""Connections for whatever is no batch: previews, tokens, what slots have free."""

BRIEF: Final = {"lock_timeout": "200ms"}
"""A batch whose rows somebody else keeps for longer goes on without those who want them."""

LONG: Final = {"idle_in_transaction_session_timeout": "10min"}
"""What a long file means is decided between two statements."""


class Lanes(NamedTuple, Generic[L]):
    """One for what is asked all day, one for long work, and one where all wait whose rows somebody else keeps."""

    main: L
    bulk: L
    aside: L


class Authority:
    """Decides. One a process; any number of processes on one database."""

    def __init__(self, pool: Pool, lanes: Lanes[Pool], workers: int, protections: Protections) -> None:
        self.pool = pool
        batch = Batch(Refs(), Hints(), protections.locking)
        self._dirty: set[Id] = set()
        self._poke = asyncio.Event()
        aside = Aside(lanes.aside, batch, self._changed)
        main = Lane(lanes.main, batch, workers, self._changed, aside)
        self._lanes = Lanes(main, Lane(lanes.bulk, batch, 1, self._changed), aside)
        self._poker = asyncio.create_task(self._notify(), name="authority-poker")

    @classmethod
    async def open(cls, url: str, *, lanes: int = 1, protections: Protections | None = None) -> Self:
        """Connect to the database at *url* (migrated already). Raises what asyncpg raises if it can't be reached."""
        async with AsyncExitStack() as stack:
            pools = []
            for size, settings in ((OTHERS, {}), (lanes, BRIEF), (1, LONG), (1, BRIEF)):
                pools.append(await open_pool(url, size, **settings))
                stack.push_async_callback(pools[-1].close)
            stack.pop_all()
        return cls(pools[0], Lanes(*pools[1:]), lanes, protections or Protections.from_environment())

    async def close(self) -> None:
        """Stop the lanes (what they had not committed is rolled back, and told so), say what changed, disconnect."""
        for lane in self._lanes:
            await lane.close()
        self._poker.cancel()
        await asyncio.gather(self._poker, return_exceptions=True)
        await self._tell()
        await self.pool.close()

    async def submit(
        self, principal: Principal, envelope: Envelope, programme_id: Id | None = None
    ) -> Result | Refusal:
        """The verdict on one command, stored; or a ``Refusal`` that is none: busy, a reused id.

        Raises ``Overloaded``, ``Unavailable`` (ask again with the same id), or the bug that it met.
        """
        item = await read(principal, envelope, programme_id or principal.programme_id)
        if unreadable(item):
            assert item.refused is not None
            return rejected(envelope.id, item.refused)
        run = Run(principal, [item])
        await self._carry_out(run)
        if run.error is not None:
            raise run.error
        if run.refusal is not None:
            return run.refusal
        return run.results[0]

    async def push(self, principal: Principal, request: PushRequest) -> PushReply | Refusal:
        """The verdicts on a device's run of commands, as far as they could be decided.

        The device must be the principal's; more than ``MAX_RUN`` commands are cut, and come with the next push.
        """
        if principal.device_id is None or principal.device_id != request.device:
            return Refusal(NOT_ALLOWED, {"problem": "this token belongs to another device"})
        if request.proto != PROTO:
            return PushReply(results=[], next_seq=0, server_time=datetime.now(UTC), stop="upgrade")
        items = [read_item(principal, envelope, principal.programme_id) for envelope in request.commands[:MAX_RUN]]
        first = next((envelope.seq for envelope in request.commands if envelope.seq), 0)
        run = Run(principal, items, incarnation=request.incarnation, next_seq=first)
        if items:
            await self._carry_out(run)
        stop = "retry" if run.error is not None else run.stop
        return PushReply(results=run.results, next_seq=run.next_seq, server_time=datetime.now(UTC), stop=stop)

    async def _carry_out(self, run: Run) -> None:
        await (self._lanes.bulk if run.bulk else self._lanes.main).submit(run)

    def _changed(self, programmes: set[Id]) -> None:
        if programmes:
            self._dirty |= programmes
            self._poke.set()

    async def _notify(self) -> None:
        """Tell every process what changed, after the commit and not in it: NOTIFY would make commits queue."""
        while True:
            await self._poke.wait()
            self._poke.clear()
            await self._tell()
            await asyncio.sleep(POKE_SECONDS)

    async def _tell(self) -> None:
        programmes, self._dirty = self._dirty, set()
        if not programmes:
            return
        try:
            await self.pool.fetch("SELECT pg_notify($1, p) FROM unnest($2::text[]) p", CHANNEL, sorted(programmes))
        except Exception:  # desks pull every 20 s anyway; the next commit pokes again
            self._dirty |= programmes
        except asyncio.CancelledError:
            self._dirty |= programmes
            raise
