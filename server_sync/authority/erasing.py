"""Forgetting people in the ledger and in flags, within the transaction that erased their rows.

That a command was given, by whom, when, with which verdict and on which rows stays; so does its hash. Changed rows are
stamped as ever, so that desks hear of it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from server_sync.authority.connection import Connection
from server_sync.protocol.ids import Id
from server_sync.rules.redaction import Forgotten

_COLUMNS: Final = "id::text, kind, args::text, details::text, effects::text"

_ABOUT: Final = f"SELECT {_COLUMNS} FROM commands WHERE touched && $1::uuid[] ORDER BY id FOR NO KEY UPDATE"

_REFUSED: Final = f"""
SELECT {_COLUMNS} FROM commands
 WHERE programme_id IN (SELECT programme_id FROM participants WHERE id = ANY ($1::uuid[]))
   AND status = 'rejected' AND details::text LIKE ANY ($2::text[]) ORDER BY id FOR NO KEY UPDATE
"""
"""Refusals that name them, as that of a second creation under their external id: it touched nothing."""

_WRITE: Final = "UPDATE commands SET args = $2::json, details = $3::json, effects = $4::json WHERE id = $1::uuid"

_LEFTOVERS: Final = """
UPDATE slot_reservations
   SET reserved_name = NULL, reserved_contact = NULL, special_requirements = NULL, metadata = NULL
 WHERE (id = ANY ($1::uuid[]) OR participant_id = ANY ($1::uuid[])) AND deleted
   AND num_nonnulls(reserved_name, reserved_contact, special_requirements, metadata) > 0
"""
"""Claims that had left before; a deleted row is out of sight for every rule."""

_PARTIES: Final = """
SELECT r.id::text, r.reserved_name, r.reserved_contact, r.special_requirements, r.override_reason, r.metadata::text
  FROM slot_reservations r JOIN reservation_members m ON m.reservation_id = r.id
 WHERE m.participant_id = ANY ($1::uuid[]) AND m.deleted ORDER BY r.id FOR NO KEY UPDATE OF r
"""
"""Parties that they had left before, which is out of sight as well."""

_WRITE_PARTY: Final = """
UPDATE slot_reservations
   SET reserved_name = $2, reserved_contact = $3, special_requirements = $4, override_reason = $5, metadata = $6::jsonb,
       version = version + 1
 WHERE id = $1::uuid
"""

_FLAGS: Final = """
SELECT id::text, details::text, resolution FROM flags
 WHERE (subject = ANY ($1::text[]) OR details::text LIKE ANY ($2::text[])) ORDER BY id FOR NO KEY UPDATE
"""


async def erase(connection: Connection, ids: set[Id]) -> None:
    """Forget whoever *ids* (people, and claims of theirs alone) are."""
    who, rows, named = Forgotten(frozenset(ids)), sorted(ids), [f"%{id}%" for id in sorted(ids)]
    about = {row[0]: row for row in await connection.fetch(_ABOUT, rows)}
    refused = {row[0]: row for row in await connection.fetch(_REFUSED, rows, named)}
    for row in about.values():
        who.learn_effects(_json(row[4]) or ())
    for row in about.values():
        await _redact(connection, who, row, created=False)
    for id, row in refused.items():
        if id not in about:  # whoever would have been made anew, or given his external id, is he
            await _redact(connection, who, row, created=row[1].startswith("participant."))
    await connection.execute(_LEFTOVERS, rows)
    for id, *said, metadata in await connection.fetch(_PARTIES, rows):
        redacted = (*who.text(said), _text(who.text(_json(metadata))))
        if redacted != (*said, _text(_json(metadata))):
            await connection.execute(_WRITE_PARTY, id, *redacted)
    subjects = [f"{table}/{id}" for id in rows for table in ("participants", "slot_reservations")]
    for id, details, resolution in await connection.fetch(_FLAGS, subjects, named):
        told = (_text(who.text(_json(details))), who.text(resolution))
        if told != (_text(_json(details)), resolution):
            statement = "UPDATE flags SET details = $2::jsonb, resolution = $3 WHERE id = $1::uuid"
            await connection.execute(statement, id, *told)


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
