"""The conflict report: what is wrong with a whole programme, asked of the tables as they are at this moment.

One function for each kind gives its SELECT (in ``conflicts_of_people`` and ``conflicts_of_places``), ``report`` runs
them all. Each counts everything and shows the first few, so that a programme in ruins still answers in a screen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from server_sync.authority.queries import conflicts_of_people as people
from server_sync.authority.queries import conflicts_of_places as places
from server_sync.authority.queries.engine import Reads
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Programme
from server_sync.rules.clock_words import Clock
from server_sync.rules.conflict_words import Conflict, ConflictKind, Found, conflict

__all__ = ["KINDS", "Conflict", "ConflictKind", "Conflicts", "report", "usual_walk"]

WALK: Final = 5
LONGEST_WALK: Final = 240
"""Minutes between two buildings: usually, and at most."""


class Conflicts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything wrong that was looked for. ``counts`` counts all of each kind, ``conflicts`` shows the first of it."""

    checked_at: datetime
    walk_minutes: int
    counts: dict[str, int]
    conflicts: list[Conflict]


async def report(
    reads: Reads, programme: Programme, *, kinds: tuple[ConflictKind, ...], walk: int, limit: int
) -> Conflicts:
    """The conflicts of *kinds*; a walk between buildings takes *walk* minutes; at most *limit* of a kind are shown."""
    clock, checked_at = Clock(programme.time_zone), datetime.now(UTC)
    counts: dict[str, int] = {}
    shown: list[Conflict] = []
    for kind in kinds:
        found = KINDS[kind](programme.id, walk)
        rows = await reads.rows(found.limit(limit), Found)
        counts[kind] = len(rows) if len(rows) < limit else await _count(reads, found)
        shown += [conflict(kind, row, clock) for row in rows]
    return Conflicts(checked_at=checked_at, walk_minutes=walk, counts=counts, conflicts=shown)


async def _count(reads: Reads, found: sa.Select[Any]) -> int:
    """How many there are, without making what would be shown of them."""
    number: int = await reads.value(sa.select(sa.func.count()).select_from(found.order_by(None).subquery("found")))
    return number


def usual_walk(programme: Programme) -> int:
    """How long a walk between buildings takes: the programme's setting ``walk_minutes``, else five minutes."""
    said = (programme.settings or {}).get("walk_minutes")
    return said if type(said) is int and 0 <= said <= LONGEST_WALK else WALK


KINDS: Final[dict[ConflictKind, Callable[[Id, int], sa.Select[Any]]]] = {
    "person_double_booked": people.person_double_booked,
    "room_double_booked": places.room_double_booked,
    "slot_over_full": places.slot_over_full,
    "block_over_full": places.block_over_full,
    "event_over_full": places.event_over_full,
    "claim_on_closed": places.claim_on_closed,
    "room_gone": places.room_gone,
    "walk_too_short": people.walk_too_short,
    "hold_expired": places.hold_expired,
    "room_not_linked": places.room_not_linked,
    "room_too_small": places.room_too_small,
    "person_without_slot": people.person_without_slot,
    "group_without_slot": people.group_without_slot,
}
"""By kind, the worst first."""
