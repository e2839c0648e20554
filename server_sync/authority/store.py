"""Writing what a batch decided: whole tables at once, as JSON, in as few statements as the counts allow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

import msgspec

from server_sync.authority.connection import Connection
from server_sync.authority.load import LOCK_ORDER
from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    Attendance,
    Event,
    EventSlot,
    EventTimeBlock,
    Flag,
    Record,
    ReservationMember,
    SlotReservation,
    columns,
)
from server_sync.rules.state import Effect, RowKey

DATABASE_OWNED: Final[frozenset[str]] = frozenset({"reserved_count"})
"""Columns that only the database's own trigger changes."""

_LIMITS: Final[tuple[type[Record], ...]] = (Event, EventTimeBlock, EventSlot)
_CLAIMS: Final[tuple[type[Record], ...]] = (SlotReservation, ReservationMember, Attendance, Flag)
_RANK: Final = {record: rank for rank, record in enumerate(LOCK_ORDER)}
_ENCODER: Final = msgspec.json.Encoder()

LEDGER_COLUMNS: Final = (
    "id", "programme_id", "principal", "actor", "device_id", "incarnation", "seq", "kind", "v", "args", "hash",
    "status", "code", "details", "effects", "touched", "occurred_at",
)  # fmt: skip


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One command as the ledger keeps it; ``hash`` in Postgres' hex notation, JSON columns already encoded."""

    id: Id
    principal: str
    actor: str
    kind: str
    v: int
    args: msgspec.Raw
    hash: str
    status: str
    programme_id: Id | None = None
    device_id: Id | None = None
    incarnation: int | None = None
    seq: int | None = None
    code: str | None = None
    details: msgspec.Raw | None = None
    effects: msgspec.Raw | None = None
    touched: list[Id] | None = None
    occurred_at: str | None = None


@cache
def _insert(record: type[Record], number: int) -> str:
    names = columns(record)
    values = ("0" if name in DATABASE_OWNED else name for name in names)  # its claims, written with it, are counted
    return (
        f"INSERT INTO {record.TABLE} ({', '.join(names)})"
        f" SELECT {', '.join(values)} FROM json_populate_recordset(NULL::{record.TABLE}, ${number}::json)"
    )


@cache
def _update(record: type[Record], number: int) -> str:
    names = [name for name in columns(record) if name not in DATABASE_OWNED and name not in ("id", "programme_id")]
    return (
        f"UPDATE {record.TABLE} t SET ({', '.join(names)}) = ({', '.join('r.' + name for name in names)})"
        f" FROM json_populate_recordset(NULL::{record.TABLE}, ${number}::json) r WHERE t.id = r.id"
    )


_LEDGER_NAMES: Final = ", ".join(LEDGER_COLUMNS)


@cache
def _statement(updates: tuple[type[Record], ...], inserts: tuple[type[Record], ...], ledger: bool) -> str:
    """One statement that writes several tables; triggers and constraints run at its end."""
    parts = [_update(record, number) for number, record in enumerate(updates, 1)]
    parts += [_insert(record, number) for number, record in enumerate(inserts, len(updates) + 1)]
    if ledger:
        number = len(parts) + 1
        parts.append(
            f"INSERT INTO commands ({_LEDGER_NAMES})"
            f" SELECT {_LEDGER_NAMES} FROM json_populate_recordset(NULL::commands, ${number}::json)"
        )
    *first, last = parts
    common = ", ".join(f"w{number} AS ({part})" for number, part in enumerate(first))
    return f"WITH {common} {last}" if common else last


def _lines(rows: Iterable[bytes]) -> str:
    return (b"[" + b",".join(rows) + b"]").decode()


async def store(
    connection: Connection, effects: dict[RowKey, Effect], encoded: dict[RowKey, bytes], ledger: Sequence[LedgerRow]
) -> None:
    """Write the last state of every row that changed, and the ledger.

    The database counts after each statement, and every count must hold within its limit. So releases and moves
    (updates) go before new claims, and a slot is there before a claim moves into it; where nothing is both released and
    made, one statement does it all. A limit that the batch itself set (a raised capacity, an override) is opened wide
    before each statement that takes places, and closed to what was decided at the end. An external id, or a person's
    one place in a line, is given up before another row takes it over.
    """
    updates: dict[type[Record], list[bytes]] = defaultdict(list)
    inserts: dict[type[Record], list[bytes]] = defaultdict(list)
    first: dict[type[Record], list[bytes]] = defaultdict(list)
    taken_over = _taken_over(effects.values())
    for key, effect in effects.items():
        gives_up = _gives_up_name(effect) or _place_in_line(effect.before) in taken_over
        rows = inserts if effect.before is None else first if gives_up else updates
        rows[key[0]].append(encoded[key])
    await _write(connection, first, {}, [])
    log = [_ENCODER.encode(row) for row in ledger]
    limits = {record: updates.pop(record) for record in _LIMITS if record in updates}
    changed, new = updates.get(SlotReservation), inserts.get(SlotReservation)
    if not limits and not (new and updates):
        await _write(connection, updates, inserts, log)
        return
    if not changed and not new:
        await _write(connection, {**limits, **updates}, inserts, log)
        return
    places: dict[type[Record], list[bytes]] = {
        record: rows for record, rows in inserts.items() if record not in _CLAIMS
    }
    made: dict[type[Record], list[bytes]] = {record: rows for record, rows in inserts.items() if record in _CLAIMS}
    open_wide = {record: [_opened(row) for row in rows] for record, rows in limits.items()}
    await _write(connection, open_wide, places, [])
    await _write(connection, updates, {}, [])
    if limits and changed and new:  # what was given back has lowered them
        await _write(connection, open_wide, {}, [])
    await _write(connection, {}, made, log)
    await _write(connection, limits, {}, [])


def _gives_up_name(effect: Effect) -> bool:
    """Whether a row no longer bears its external id: within one statement, who takes it over might come first."""
    if type(effect.after) in _LIMITS:  # their counts go by the order of the claims
        return False
    name = getattr(effect.before, "external_id", None)
    return name is not None and getattr(effect.after, "external_id", None) != name


def _place_in_line(member: Record | None) -> tuple[Id, Id] | None:
    """The person and the slot of whoever waits: there is one such row."""
    if not isinstance(member, ReservationMember) or not member.waiting or member.deleted:
        return None
    return member.participant_id, member.slot_id


def _taken_over(effects: Iterable[Effect]) -> set[tuple[Id, Id] | None]:
    """The places in lines that rows come to which were elsewhere: whoever has one now must give it up before."""
    return {
        place
        for effect in effects
        if (place := _place_in_line(effect.after)) is not None and place != _place_in_line(effect.before)
    }


_WIDE: Final = 1_000_000_000


def _opened(row: bytes) -> bytes:
    """A slot, block or event as JSON, with room for anything."""
    fields = msgspec.json.decode(row)
    fields["overbooked_count"] = _WIDE
    return _ENCODER.encode(fields)


async def _write(
    connection: Connection,
    updates: dict[type[Record], list[bytes]],
    inserts: dict[type[Record], list[bytes]],
    log: list[bytes],
) -> None:
    if not updates and not inserts and not log:
        return
    changed = tuple(sorted(updates, key=_RANK.__getitem__))
    new = tuple(sorted(inserts, key=_RANK.__getitem__))
    arguments = [*(_lines(updates[record]) for record in changed), *(_lines(inserts[record]) for record in new)]
    if log:
        arguments.append(_lines(log))
    await connection.execute(_statement(changed, new, bool(log)), *arguments)
