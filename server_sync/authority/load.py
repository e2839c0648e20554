"""Locking and loading what a batch of commands needs: one statement each, in one fixed order.

Rows come back as JSON, decoded straight into records: the same text that a desk receives and caches.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec

from server_sync.authority.connection import Connection
from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    Attendance,
    Credential,
    Device,
    Enrolment,
    Event,
    EventLocation,
    EventRules,
    EventSlot,
    EventTimeBlock,
    Flag,
    Group,
    Location,
    Participant,
    Programme,
    Record,
    ReservationMember,
    RoomDay,
    Seat,
    SlotReservation,
    SlotSeat,
    Staff,
    columns,
)
from server_sync.rules.state import Index, IndexKey, Keys, RowKey, State

LOCK_ORDER: Final[tuple[type[Record], ...]] = (
    Programme, EventRules, Event, EventTimeBlock, Location, Seat, EventLocation, EventSlot, SlotSeat, Group,
    Participant, SlotReservation, ReservationMember, Attendance, RoomDay, Flag, Staff, Enrolment, Credential, Device,
)  # fmt: skip
"""Every transaction locks rows table by table in this order, and by id within a table, so that none waits in a ring."""

_RANK: Final = {record: rank for rank, record in enumerate(LOCK_ORDER)}
_DECODERS: Final = {record: msgspec.json.Decoder(list[record]) for record in LOCK_ORDER}  # type: ignore[valid-type]


class NotLoaded(LookupError):
    """A rule looked at something that its ``needs`` did not ask for: a bug in the rule."""


class Loaded(State):
    """What one batch locked and read. Looking at anything else is a bug, and loud."""

    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self.keys = keys

    def get(self, record: type[Any], id: Id | None) -> Any:
        """As ``State.get``; ``NotLoaded`` if nobody asked for that row."""
        row = self.rows[record].get(id) if id is not None else None
        if row is None and id is not None:
            key = (record, id)
            if key not in self.keys.lock and key not in self.keys.read:
                raise NotLoaded(f"{record.TABLE}/{id}")
        return row

    def find(self, index: Index, key: str) -> list[Any]:
        """As ``State.find``; ``NotLoaded`` if nobody asked for that entry."""
        if (index, key) not in self.keys.find:
            raise NotLoaded(f"{index.record.TABLE} by {index.column} {key}")
        return super().find(index, key)


class Discovery(State):
    """What is known before locking: hints only. It notes what it was asked and didn't have."""

    tentative = True

    def __init__(self, thorough: bool = True) -> None:
        super().__init__()
        self.thorough = thorough
        self.known_rows: set[RowKey] = set()
        self.known_finds: set[IndexKey] = set()
        self.missing = Keys()

    def get(self, record: type[Any], id: Id | None) -> Any:
        """The row if known, else None and a note."""
        row = self.rows[record].get(id) if id is not None else None
        if row is None and id is not None and (record, id) not in self.known_rows:
            self.missing.read.add((record, id))
        return row

    def find(self, index: Index, key: str) -> list[Any]:
        """The rows if known, else nothing and a note."""
        if (index, key) not in self.known_finds:
            self.missing.find.add((index, key))
            return []
        return super().find(index, key)

    def guess(self, index: Index, key: str) -> list[Any]:
        """What is known already: mostly there is nothing, and if there is, it shows under the lock, and is asked for
        in the next attempt."""
        return self.find(index, key) if self.thorough else super().find(index, key)

    async def fetch_missing(self, connection: Connection) -> None:
        """Read what was missing, unlocked."""
        asked, self.missing = self.missing, Keys()
        await load(connection, asked, self)
        self.known_rows |= asked.read
        self.known_finds |= asked.find


@cache
def _lock_statement(records: tuple[type[Record], ...]) -> str:
    """Lock rows of each of *records* in turn; each table waits for the one before: SQL promises no order by itself."""
    parts = []
    for number, record in enumerate(records, 1):
        after = f" AND (SELECT count(*) FROM l{number - 1}) >= 0" if number > 1 else ""
        parts.append(
            f"l{number} AS MATERIALIZED (SELECT id FROM {record.TABLE} WHERE id = ANY(${number}::uuid[]){after}"
            " ORDER BY id FOR NO KEY UPDATE)"
        )
    return f"WITH {', '.join(parts)} SELECT (SELECT count(*) FROM l{len(records)}), clock_timestamp()"


async def lock(connection: Connection, keys: Iterable[RowKey]) -> datetime:
    """Lock the rows of *keys* in ``LOCK_ORDER``; returns the database's time once all are held."""
    wanted = _by_table(keys)
    records = tuple(sorted(wanted, key=_RANK.__getitem__))
    if not records:
        now: datetime = await connection.fetchval("SELECT clock_timestamp()")
        return now
    row = await connection.fetchrow(_lock_statement(records), *(sorted(wanted[record]) for record in records))
    assert row is not None
    locked_at: datetime = row[1]
    return locked_at


@cache
def _kept_statement(records: tuple[type[Record], ...]) -> str:
    """Which rows are there and can't be locked at once. Waits for nobody."""
    locked, rest = [], []
    for number, record in enumerate(records, 1):
        wanted = f"FROM {record.TABLE} WHERE id = ANY(${number}::uuid[])"
        locked.append(f"l{number} AS MATERIALIZED (SELECT id {wanted} FOR NO KEY UPDATE SKIP LOCKED)")
        rest.append(f"SELECT {number}, id::text {wanted} AND id NOT IN (SELECT id FROM l{number})")
    return f"WITH {', '.join(locked)} {' UNION ALL '.join(rest)}"


async def kept_by_others(connection: Connection, keys: Iterable[RowKey]) -> set[RowKey]:
    """Those rows of *keys* that another transaction has locked just now."""
    wanted = _by_table(keys)
    records = tuple(sorted(wanted, key=_RANK.__getitem__))
    if not records:
        return set()
    rows = await connection.fetch(_kept_statement(records), *(wanted[record] for record in records))
    return {(records[number - 1], id) for number, id in rows}


def _by_table(keys: Iterable[RowKey]) -> dict[type[Record], list[Id]]:
    wanted: dict[type[Record], list[Id]] = defaultdict(list)
    for record, id in keys:
        wanted[record].append(id)
    return wanted


@cache
def _load_statement(records: tuple[type[Record], ...], indexes: tuple[Index, ...], ledger: bool) -> str:
    """One read of everything asked for: a list of rows as JSON text for each table, each index, and the ledger."""
    parts, number = [], 0
    for record in records:
        number += 1
        parts.append(_part(number, record, f"id = ANY(${number}::uuid[])"))
    for index in indexes:
        number += 1
        where = f" AND {index.where}" if index.where else ""
        found = f"{index.column} = ANY(${number}::uuid[])"
        if index.named:
            found = (
                f"(programme_id, {index.column}) IN"
                f" (SELECT left(key, 36)::uuid, substr(key, 38) FROM unnest(${number}::text[]) AS u (key))"
            )
        there = "" if index.gone else " AND deleted IS NOT TRUE"
        parts.append(_part(number, index.record, f"{found}{where}{there}"))
    if ledger:
        number += 1
        parts.append(
            f"SELECT {number}, json_agg(x)::text FROM (SELECT id, principal, encode(hash, 'hex') AS hash, status, code,"
            f" details FROM commands WHERE id = ANY(${number}::uuid[])) x"
        )
    return " UNION ALL ".join(parts)


def _part(number: int, record: type[Record], where: str) -> str:
    names = ", ".join(columns(record))
    return f"SELECT {number}, json_agg(x)::text FROM (SELECT {names} FROM {record.TABLE} WHERE {where}) x"


class Known(msgspec.Struct, frozen=True):
    """A command that the ledger already holds."""

    id: Id
    principal: str
    hash: str
    status: str
    code: str | None = None
    details: dict[str, Any] | None = None


_KNOWN: Final = msgspec.json.Decoder(list[Known])


async def load(connection: Connection, keys: Keys, into: State, command_ids: Sequence[Id] = ()) -> dict[Id, Known]:
    """Read *keys* into a state in one statement (so at one moment); returns which of *command_ids* are known."""
    rows = _by_table(itertools.chain(keys.lock, keys.read - keys.lock))
    finds: dict[Index, list[str]] = defaultdict(list)
    for index, key in keys.find:
        finds[index].append(key)
    if not rows and not finds and not command_ids:
        return {}
    records = tuple(sorted(rows, key=_RANK.__getitem__))
    indexes = tuple(sorted(finds, key=lambda index: (index.record.TABLE, index.column, index.where or "", index.gone)))
    statement = _load_statement(records, indexes, bool(command_ids))
    arguments: list[Sequence[str]] = [*(rows[r] for r in records), *(finds[i] for i in indexes)]
    if command_ids:
        arguments.append(command_ids)
    known: dict[Id, Known] = {}
    sources = [*records, *(index.record for index in indexes)]
    for number, text in await connection.fetch(statement, *arguments):
        if text is None:
            continue
        if number > len(sources):
            known = {entry.id: entry for entry in _KNOWN.decode(text)}
            continue
        for row in _DECODERS[sources[number - 1]].decode(text):
            into.put(row)
    return known
