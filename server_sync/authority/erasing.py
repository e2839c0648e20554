"""Forgetting people in the ledger, within the transaction that erased their rows.

That a command was given, by whom, when, with which verdict and on which rows stays; so does its hash. Changed rows are
stamped as ever, so that desks hear of it. Three kinds of command tell of somebody: those that touched his rows, those
that touched another row which says something of him (an event's artists), and those that touched nothing of his and
yet call him by name: what was refused, and a file that came in again with him as he was.

A file of many thousand rows is long to read: commands are read some at a time, and on a thread.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import msgspec

from server_sync.authority.connection import Connection
from server_sync.protocol.ids import Id
from server_sync.rules.redaction import Forgotten

_ONE_AT_A_TIME: Final = 25444
"""Two who forgot people at once would wait for each other's commands."""

_PAGE: Final = 250_000
"""Bytes, as the database keeps them, of the commands that are read at a time; a longer one is read by itself."""

_FOUND: Final = """
SELECT id::text, coalesce(pg_column_size(args), 0) + coalesce(pg_column_size(details), 0)
       + coalesce(pg_column_size(effects), 0) FROM commands
"""
_TOUCHED: Final = f"{_FOUND} WHERE touched && $1::uuid[] ORDER BY id FOR NO KEY UPDATE"

_NAMED: Final = f"""
{_FOUND}
 WHERE programme_id IN (SELECT programme_id FROM participants WHERE id = ANY ($1::uuid[]))
   AND (status = 'rejected' OR kind = 'import.apply')
   AND (args::text ILIKE ANY ($2::text[]) OR details::text ILIKE ANY ($2::text[])) ORDER BY id FOR NO KEY UPDATE
"""
"""More than name them: which do is told by the text itself."""

_READ: Final = """
SELECT id::text, kind, status, args::text, details::text, effects::text FROM commands WHERE id = ANY ($1::uuid[])
"""
_WRITE: Final = "UPDATE commands SET args = $2::json, details = $3::json, effects = $4::json WHERE id = $1::uuid"


class _Row(msgspec.Struct, frozen=True):
    """One command as the ledger holds it, its JSON read."""

    id: Id
    kind: str
    status: str
    args: Any
    details: Any
    effects: list[Any] | None


_Texts = tuple[Id, str, str, str | None, str | None, str | None]
"""A row as it comes from the database."""


async def erase(connection: Connection, erased: Forgotten) -> None:
    """Forget somebody, by whatever the ledger says that he was ever called."""
    who, ids = erased.remembering(), sorted(erased.ids)
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
    his = await _found(connection, _TOUCHED, ids)
    async for page in _pages(connection, his):
        await asyncio.to_thread(_learn, who, page)
    mentioned: set[Id] = set()
    async for page in _pages(connection, his):
        mentioned |= await asyncio.to_thread(_mentioned, who, page)
    found = his | await _found(connection, _TOUCHED, sorted(mentioned))
    found |= await _found(connection, _NAMED, ids, sorted(_patterns(who)))
    async for page in _pages(connection, found):
        for written in await asyncio.to_thread(_redacted, who, page):
            await connection.execute(_WRITE, *written)


async def _found(connection: Connection, select: str, *arguments: list[str]) -> dict[Id, int]:
    """Which commands, and how long they are."""
    return dict(await connection.fetch(select, *arguments))


async def _pages(connection: Connection, sizes: Mapping[Id, int]) -> AsyncIterator[list[_Texts]]:
    """These commands, no more of them in memory at once than is needed."""
    page: list[Id] = []
    length = 0
    for id, size in sizes.items():
        if page and length + size > _PAGE:
            yield await _texts(connection, page)
            page, length = [], 0
        page.append(id)
        length += size
    if page:
        yield await _texts(connection, page)


async def _texts(connection: Connection, ids: list[Id]) -> list[_Texts]:
    return [tuple(row) for row in await connection.fetch(_READ, ids)]


def _row(texts: _Texts) -> _Row:
    id, kind, status, *rest = texts
    return _Row(id, kind, status, *map(_json, rest))


def _learn(who: Forgotten, page: list[_Texts]) -> None:
    for texts in page:
        who.learn_effects(_row(texts).effects or ())


def _mentioned(who: Forgotten, page: list[_Texts]) -> set[Id]:
    return {id for texts in page for id in who.mentioned_in(_row(texts).effects or ())}


def _redacted(who: Forgotten, page: list[_Texts]) -> list[tuple[Id, str | None, str | None, str | None]]:
    """Those of a page that tell of him, without it."""
    return [(row.id, *said) for row in map(_row, page) if (said := _redact(who, row)) is not None]


def _patterns(who: Forgotten) -> set[str]:
    """For LIKE, whatever names him as JSON may write it: plainly, or each letter beyond ASCII by its number."""
    wanted = [*who.ids, *who.texts]
    spelt = {json.dumps(text, ensure_ascii=plain)[1:-1] for text in wanted for plain in (True, False)}
    spelt |= {json.dumps(code, ensure_ascii=plain) for code in who.codes for plain in (True, False)}
    return {f"%{_literal(text)}%" for text in spelt}


def _literal(text: str) -> str:
    return "".join(f"\\{character}" if character in "\\%_" else character for character in text)


def _redact(who: Forgotten, row: _Row) -> tuple[str | None, str | None, str | None] | None:
    """Arguments, details and effects of a command without him; None if they don't tell of him."""
    made = who.called(row.args) if row.status == "rejected" else who.created(row.effects or ())
    said = (
        _text(who.args(row.kind, row.id, row.args, made)),
        _text(who.text(row.details)),
        _text(None if row.effects is None else who.effects(row.effects)),
    )
    return None if said == (_text(row.args), _text(row.details), _text(row.effects)) else said


def _json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def _text(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
