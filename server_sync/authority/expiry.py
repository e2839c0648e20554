"""Holds that ran out end by themselves: of all processes one looks every second, and commands what is due.

Whoever wants a place that ran out gets it without this; but who waits in line, and every screen, learns of it here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from server_sync.authority.connection import Connection
from server_sync.authority.lanes import Overloaded, Unavailable
from server_sync.authority.leader import Leader
from server_sync.authority.principal import Principal
from server_sync.authority.session import Authority
from server_sync.authority.sweeping import sweep_words
from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.errors import BUSY, Refusal
from server_sync.protocol.ids import Id, derived_id
from server_sync.rules.expire import MOST

log = logging.getLogger(__name__)

TIMER: Final = Principal("timer", "Callboard", "admin")
_SWEEP_EVERY: Final = 60
"""Looks from one sweep to the next; one that was given up is tried again at the next look."""

_NUMBER: Final = 1
_AT_ONCE: Final = 16
"""Events whose holds are ended at the same time. Somebody may keep the rows of some of them."""

_SETTLES: Final = 2.0
"""Seconds that a look waits for what it began; what takes longer goes on beside the looks that follow."""

_MOST_A_LOOK: Final = 1000
_OVERDUE: Final = f"""
SELECT programme_id::text, event_id::text, id::text, expires_at::text FROM slot_reservations
WHERE claim = 'held' AND expires_at <= now() AND deleted IS NOT TRUE AND event_id <> ALL ($1::uuid[])
ORDER BY expires_at, id LIMIT {_MOST_A_LOOK}
"""


class Due(NamedTuple):
    """A hold that ran out."""

    programme_id: Id
    id: Id
    expires_at: str


class _Kept(Exception):
    """Somebody else keeps what these holds need: they are not at fault, and none of them would end by itself."""


class Expiry:
    """Ends the holds that ran out, if it leads. Made by ``open``, ended by ``close``.

    Each event's by themselves: whoever keeps rows of one event delays no other.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._leader: Leader | None = None
        self._until_sweep = _SWEEP_EVERY
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._under_way: dict[Id, asyncio.Task[None]] = {}  # by event
        self._refusals: dict[Id, dict[Id, str | None]] = {}  # by event, the codes of holds
        self._refused: set[Id] = set()  # who was refused at a look before this one, and is overdue still

    @classmethod
    def open(cls, url: str, authority: Authority) -> Expiry:
        """Look after the database at *url* with commands to *authority*, until closed."""
        expiry = cls(authority)
        expiry._leader = Leader.open(url, _NUMBER, expiry.look)
        return expiry

    async def close(self) -> None:
        """Leave it to others."""
        if self._leader is not None:
            await self._leader.close()
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    @property
    def leads(self) -> bool:
        """Whether this process is the one that looks."""
        return self._leader is not None and self._leader.leads

    async def look(self, connection: Connection) -> None:
        """End everything that ran out by now; now and then sweep what is left of people who are gone."""
        await self._end_overdue(connection)
        self._until_sweep -= 1
        if self._until_sweep <= 0 and await sweep_words(connection):
            self._until_sweep = _SWEEP_EVERY

    async def _end_overdue(self, connection: Connection) -> None:
        due: dict[Id, list[Due]] = defaultdict(list)
        passed_over = set(self._under_way)
        for programme_id, event_id, id, expires_at in await connection.fetch(_OVERDUE, sorted(passed_over)):
            due[event_id].append(Due(programme_id, id, expires_at))
        self._remember({hold.id for holds in due.values() for hold in holds}, passed_over)
        begun = [self._begin(event_id, holds) for event_id, holds in due.items()]
        if begun:
            done, _ = await asyncio.wait(begun, timeout=_SETTLES)
            for task in done:
                task.result()

    def _remember(self, overdue: set[Id], passed_over: set[Id]) -> None:
        """Keep the refusals of holds that are overdue still: who lost a race to a confirmation is not.

        Of the events that this look *passed_over* it knows nothing new.
        """
        for event_id in self._refusals.keys() - passed_over:
            still = {id: code for id, code in self._refusals.pop(event_id).items() if id in overdue}
            if still:
                self._refusals[event_id] = still
            for id in still.keys() - self._refused:
                log.warning("hold %s ran out and was not ended (%s): it is tried again", id, still[id])
        self._refused = {
            id
            for event_id, refusals in self._refusals.items()
            for id in refusals
            if event_id not in passed_over or id in self._refused
        }

    def _begin(self, event_id: Id, holds: list[Due]) -> asyncio.Task[None]:
        """Have these ended; no look begins with that event again before."""
        task = asyncio.create_task(self._end_in_turn(event_id, holds), name=f"expiry-{event_id}")
        self._under_way[event_id] = task
        task.add_done_callback(lambda _: self._under_way.pop(event_id))
        return task

    async def _end_in_turn(self, event_id: Id, holds: list[Due]) -> None:
        """End an event's holds; who was kept from it queues again behind all others."""
        async with self._turns:
            try:
                for start in range(0, len(holds), MOST):
                    await self._end(event_id, holds[start : start + MOST])
            except (_Kept, Overloaded, Unavailable) as error:
                log.info("holds that ran out are left to a later look: %s", error)

    async def _end(self, event_id: Id, holds: list[Due]) -> None:
        """End these; if something is wrong with them together, each by itself, so that one does not keep the others."""
        if await self._expire(event_id, holds) or len(holds) == 1:
            return
        for hold in holds:
            await self._expire(event_id, [hold])

    async def _expire(self, event_id: Id, holds: list[Due]) -> bool:
        """Whether the command was applied. Its id follows from what it ends: a leader's successor repeats nothing.

        What was refused and is still overdue is asked anew, once a minute: the refusal belongs to that id for ever.
        """
        name = " ".join(f"{hold.id}@{hold.expires_at}" for hold in sorted(holds))
        if any(hold.id in self._refused for hold in holds):
            name += f" {datetime.now(UTC):%Y-%m-%dT%H:%M}"
        args: dict[str, Any] = {"reservation_ids": [hold.id for hold in holds]}
        programme_id = holds[0].programme_id
        envelope = Envelope(
            id=derived_id(programme_id, f"hold.expire {name}"),
            kind="hold.expire",
            args=msgspec.Raw(msgspec.json.encode(args)),
        )
        try:
            result = await self._authority.submit(TIMER, envelope, programme_id)
        except (Overloaded, Unavailable):
            raise
        except Exception:  # the lanes have said what; other holds, and other programmes, must not wait for it
            return False
        if isinstance(result, Refusal) and result.code == BUSY:
            raise _Kept(f"somebody keeps what those of event {event_id} need")
        if isinstance(result, Result) and result.status == "rejected":
            self._refusals.setdefault(event_id, {}).update({hold.id: result.code for hold in holds})
        return isinstance(result, Result) and result.status == "applied"
