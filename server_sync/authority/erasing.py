"""Forgetting people in the ledger, within the transaction that erased their rows.

That a command was given, by whom, when, with which verdict and on which rows stays; so does its hash. Changed rows are
stamped as ever, so that desks hear of it. Three kinds of command tell of somebody: those that touched his rows, those
that touched another row which says something of him (an event's artists), and those that touched nothing of his and
yet call him by name: what was refused, and a file that came in again with him as he was.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from server_sync.authority.connection import Connection
from server_sync.protocol.ids import Id
from server_sync.rules.redaction import Forgotten

_ONE_AT_A_TIME: Final = 25444
"""Two who forgot people at once would wait for each other's commands."""

_COLUMNS: Final = "id::text, kind, status, args::text, details::text, effects::text"

_TOUCHED: Final = f"SELECT {_COLUMNS} FROM commands WHERE touched && $1::uuid[] ORDER BY id FOR NO KEY UPDATE"

_NAMED: Final = f"""
SELECT {_COLUMNS} FROM commands
 WHERE programme_id IN (SELECT programme_id FROM participants WHERE id = ANY ($1::uuid[]))
   AND (status = 'rejected' OR kind = 'import.apply')
   AND (args::text ILIKE ANY ($2::text[]) OR details::text ILIKE ANY ($2::text[])) ORDER BY id FOR NO KEY UPDATE
"""
"""More than name them: which do is told by the text itself."""

_WRITE: Final = "UPDATE commands SET args = $2::json, details = $3::json, effects = $4::json WHERE id = $1::uuid"


class _Row(msgspec.Struct, frozen=True):
    """One command as the ledger holds it, its JSON read."""

    id: Id
    kind: str
    status: str
    args: Any
    details: Any
    effects: list[Any] | None


async def erase(connection: Connection, ids: set[Id]) -> None:
    """Forget whoever *ids* (people, and claims of theirs alone) are."""
    who = Forgotten(frozenset(ids))
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
    found = await _rows(connection, _TOUCHED, sorted(ids))
    for row in found.values():
        who.learn_effects(row.effects or ())
    mentioned = {id for row in found.values() for id in who.mentioned_in(row.effects or ())}
    found |= await _rows(connection, _TOUCHED, sorted(mentioned))
    found |= await _rows(connection, _NAMED, sorted(ids), sorted(_patterns(who)))
    for row in found.values():
        await _redact(connection, who, row)


async def _rows(connection: Connection, select: str, *arguments: list[str]) -> dict[Id, _Row]:
    rows = (_Row(*tuple(row)[:3], *map(_json, tuple(row)[3:])) for row in await connection.fetch(select, *arguments))
    return {row.id: row for row in rows}


def _patterns(who: Forgotten) -> set[str]:
    """For LIKE, whatever names him as JSON may write it: plainly, or each letter beyond ASCII by its number."""
    wanted = [*who.ids, *who.texts]
    spelt = {json.dumps(text, ensure_ascii=plain)[1:-1] for text in wanted for plain in (True, False)}
    spelt |= {json.dumps(code, ensure_ascii=plain) for code in who.codes for plain in (True, False)}
    return {f"%{_literal(text)}%" for text in spelt}


def _literal(text: str) -> str:
    return "".join(f"\\{character}" if character in "\\%_" else character for character in text)


async def _redact(connection: Connection, who: Forgotten, row: _Row) -> None:
    made = who.called(row.args) if row.status == "rejected" else who.created(row.effects or ())
    said = (
        _text(who.args(row.kind, row.id, row.args, made)),
        _text(who.text(row.details)),
        _text(None if row.effects is None else who.effects(row.effects)),
    )
    if said != (_text(row.args), _text(row.details), _text(row.effects)):
        await connection.execute(_WRITE, row.id, *said)


def _json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def _text(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
