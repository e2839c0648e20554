"""The rows of a programme as the tables hold them, as the ledger tells them, and the difference."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.records import TABLES, Event, EventSlot, EventTimeBlock, Record, columns
from server_sync.rules.state import Effect, State

_RECORDS: list[type[Record]] = list(TABLES.values())
_lists: dict[type[Record], Any] = {record: list[record] for record in _RECORDS}  # type: ignore[valid-type]


def _all_tables(condition: str) -> str:
    """A statement for the rows of each table under its number, as JSON."""
    parts = (
        f"SELECT {number}, json_agg(x)::text FROM (SELECT {', '.join(columns(record))} FROM {record.TABLE}"
        f" WHERE {condition}) x"
        for number, record in enumerate(_RECORDS)
    )
    return " UNION ALL ".join(parts)


_WHOLE = _all_tables("programme_id = $1::uuid")
_WRITTEN = _all_tables("last_xid = $1::text::xid8")


async def tables(sql: Any, programme: Id) -> State:
    """Every row of the programme, all as of one moment: one statement sees one snapshot."""
    state = State()
    for number, text in await sql.fetch(_WHOLE, programme):
        for row in msgspec.json.decode(text or "[]", type=_lists[_RECORDS[number]]):
            state.put(row)
    return state


async def written_by(sql: Any, command_id: Id) -> list[Record]:
    """The rows that bear the transaction in which the command was decided."""
    xid = await sql.fetchval("SELECT last_xid::text FROM commands WHERE id = $1", command_id)
    found: list[Record] = []
    for number, text in await sql.fetch(_WRITTEN, xid):
        found += msgspec.json.decode(text or "[]", type=_lists[_RECORDS[number]])
    return found


async def replayed(sql: Any, programme: Id) -> State:
    """What the ledger alone says: the effects of every command in the order of their numbers, counts derived."""
    state = State()
    told = await sql.fetch(
        "SELECT effects FROM commands WHERE programme_id = $1 AND status = 'applied' ORDER BY number", programme
    )
    for (effects,) in told:
        _repeat(state, msgspec.json.decode(effects or "[]"))
    return state


COUNTS = ("reserved_count", "overbooked_count")


def _repeat(state: State, effects: list[Any]) -> None:
    """One command's effects: its rows, from which counts follow; those that it wrote itself are as it left them."""
    rows, counts = [], []
    for table, id, _, after in effects:
        record = TABLES[table]
        old = state.rows[record].get(id)
        fields = {} if old is None else msgspec.to_builtins(old)
        said = after if old is None else {name: value for name, value in after.items() if name not in COUNTS}
        rows.append(_row(record, fields | said))
        counts.append((record, id, {name: value for name, value in after.items() if name in COUNTS}))
    for effect in state.apply(rows):
        _as_many_as_before(state, effect)
    for record, id, counted in counts:
        if counted:
            state.put(_row(record, msgspec.to_builtins(state.rows[record][id]) | counted))


def _as_many_as_before(state: State, effect: Effect) -> None:
    """Where as many came as left, nothing was given back: so the database counts, which sees them at once."""
    before, after = effect
    if not isinstance(after, EventSlot | EventTimeBlock | Event) or not isinstance(before, type(after)):
        return
    if before.reserved_count == after.reserved_count:
        state.put(structs.replace(after, overbooked_count=before.overbooked_count))


def _row(record: type[Record], fields: dict[str, Any]) -> Record:
    return msgspec.convert({name: value for name, value in fields.items() if value is not None}, record)


def differences(one: State, other: State) -> list[str]:
    """Where two states differ, row by row; counts of rows without a limit aside."""
    problems = []
    for record in TABLES.values():
        mine = {id: _counted(row) for id, row in one.rows[record].items()}
        theirs = {id: _counted(row) for id, row in other.rows[record].items()}
        problems += [
            f"{record.TABLE} {id}: {_apart(mine.get(id), theirs.get(id))}"
            for id in sorted(mine.keys() | theirs.keys())
            if mine.get(id) != theirs.get(id)
        ]
    return problems


def _apart(one: Record | None, other: Record | None) -> dict[str, Any]:
    """The fields in which two rows differ."""
    if one is None or other is None:
        return {"row": (one, other)}
    pairs = {name: (getattr(one, name), getattr(other, name)) for name in one.__struct_fields__}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _counted(row: Record) -> Record:
    """*row*; what nothing limits is counted by nobody, so that what it counted last says nothing."""
    limit = {"events": "capacity", "event_time_blocks": "max_capacity"}.get(type(row).TABLE)
    return row if limit is None or getattr(row, limit) is not None else structs.replace(row, reserved_count=0)
