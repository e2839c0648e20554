"""Forgetting people in the ledger, within the transaction that erased their rows.

That a command was given, by whom, when, with which verdict and on which rows stays; so does its hash. Changed rows are
stamped as ever, so that desks hear of it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from server_sync.authority.connection import Connection
from server_sync.protocol.ids import Id
from server_sync.rules.redaction import Forgotten

_ONE_AT_A_TIME: Final = 25444
"""Two who forgot people at once would wait for each other's commands."""

_COLUMNS: Final = "id::text, kind, args::text, details::text, effects::text"

_ABOUT: Final = f"SELECT {_COLUMNS} FROM commands WHERE touched && $1::uuid[] ORDER BY id FOR NO KEY UPDATE"

_REFUSED: Final = f"""
SELECT {_COLUMNS} FROM commands
 WHERE programme_id IN (SELECT programme_id FROM participants WHERE id = ANY ($1::uuid[]))
   AND status = 'rejected' AND details::text LIKE ANY ($2::text[]) ORDER BY id FOR NO KEY UPDATE
"""
"""Refusals that name them, as that of a second creation under their external id: it touched nothing."""

_WRITE: Final = "UPDATE commands SET args = $2::json, details = $3::json, effects = $4::json WHERE id = $1::uuid"


async def erase(connection: Connection, ids: set[Id]) -> None:
    """Forget whoever *ids* (people, and claims of theirs alone) are."""
    who, rows, named = Forgotten(frozenset(ids)), sorted(ids), [f"%{id}%" for id in sorted(ids)]
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
    about = {row[0]: row for row in await connection.fetch(_ABOUT, rows)}
    refused = {row[0]: row for row in await connection.fetch(_REFUSED, rows, named)}
    for row in about.values():
        who.learn_effects(_json(row[4]) or ())
    for row in about.values():
        await _redact(connection, who, row, created=False)
    for id, row in refused.items():
        if id not in about:  # whoever would have been made anew, or given his external id, is he
            await _redact(connection, who, row, created=row[1].startswith("participant."))


async def _redact(connection: Connection, who: Forgotten, row: Any, created: bool) -> None:
    id, kind, args, details, effects = row[0], row[1], *(_json(text) for text in tuple(row)[2:])
    made = created or (effects is not None and who.created(effects))
    said = (
        _text(who.args(kind, id, args, made)),
        _text(who.text(details)),
        _text(None if effects is None else who.effects(effects)),
    )
    if said != (_text(args), _text(details), _text(effects)):
        await connection.execute(_WRITE, id, *said)


def _json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def _text(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
