"""Holds that ran out end by themselves: of all processes one looks every second, and commands what is due.

Whoever wants a place that ran out gets it without this; but who waits in line, and every screen, learns of it here.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from server_sync.authority.connection import Connection
from server_sync.authority.lanes import Overloaded, Unavailable
from server_sync.authority.leader import Leader
from server_sync.authority.principal import Principal
from server_sync.authority.session import Authority
from server_sync.authority.sweeping import sweep_words
from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.ids import Id, derived_id
from server_sync.rules.expire import MOST

log = logging.getLogger(__name__)

TIMER: Final = Principal("timer", "Callboard", "admin")
_SWEEP_EVERY: Final = 60
"""Looks from one sweep to the next; one that was given up is tried again at the next look."""

_NUMBER: Final = 1
_MOST_A_LOOK: Final = 1000
_OVERDUE: Final = f"""
SELECT programme_id::text, id::text, expires_at::text FROM slot_reservations
WHERE claim = 'held' AND expires_at <= now() AND deleted IS NOT TRUE ORDER BY expires_at, id LIMIT {_MOST_A_LOOK}
"""


class Expiry:
    """Ends the holds that ran out, if it leads. Made by ``open``, ended by ``close``."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._leader: Leader | None = None
        self._until_sweep = _SWEEP_EVERY
        self._refusals: dict[Id, str | None] = {}
        self._refused: dict[Id, str | None] = {}  # the refusals of looks before this one that still matter

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
        due: dict[Id, list[tuple[Id, str]]] = defaultdict(list)
        for programme_id, id, expires_at in await connection.fetch(_OVERDUE):
            due[programme_id].append((id, expires_at))
        self._remember({id for holds in due.values() for id, _ in holds})
        try:
            for programme_id, holds in due.items():
                for start in range(0, len(holds), MOST):
                    await self._end(programme_id, holds[start : start + MOST])
        except (Overloaded, Unavailable) as error:
            log.info("holds that ran out are left to the next look: %s", error)

    def _remember(self, overdue: set[Id]) -> None:
        """Keep the refusals of holds that are overdue still: who lost a race to a confirmation is not."""
        self._refusals = {id: code for id, code in self._refusals.items() if id in overdue}
        for id in self._refusals.keys() - self._refused.keys():
            log.warning("hold %s ran out and was not ended (%s): it is tried again", id, self._refusals[id])
        self._refused = dict(self._refusals)

    async def _end(self, programme_id: Id, holds: list[tuple[Id, str]]) -> None:
        """End these; if they can't be ended together, each by itself, so that one does not keep the others."""
        if await self._expire(programme_id, holds) or len(holds) == 1:
            return
        for hold in holds:
            await self._expire(programme_id, [hold])

    async def _expire(self, programme_id: Id, holds: list[tuple[Id, str]]) -> bool:
        """Whether the command was applied. Its id follows from what it ends: a leader's successor repeats nothing.

        What was refused and is still overdue is asked anew, once a minute: the refusal belongs to that id for ever.
        """
        name = " ".join(f"{id}@{expires_at}" for id, expires_at in sorted(holds))
        if any(id in self._refused for id, _ in holds):
            name += f" {datetime.now(UTC):%Y-%m-%dT%H:%M}"
        args: dict[str, Any] = {"reservation_ids": [id for id, _ in holds]}
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
        if isinstance(result, Result) and result.status == "rejected":
            self._refusals |= {id: result.code for id, _ in holds}
        return isinstance(result, Result) and result.status == "applied"
