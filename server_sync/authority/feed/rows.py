"""Rows as lines of the feed, made by Postgres: JSON of exactly the record's fields, those that are NULL left out.

``concat`` skips what is NULL, and ``text || NULL`` is NULL: so a field vanishes with its name, while a null within
``metadata`` stays. Times come out as the session's zone says, which is UTC.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from sqlalchemy import BigInteger, Boolean, Integer, Uuid

from server_sync.authority.tables import metadata
from server_sync.protocol.records import ADMIN_ONLY, SYNCED, Record, columns

_PLAIN: Final = (Integer, BigInteger, Boolean)

RESULT: Final = (
    'concat(\'{"result":{"id":"\', c.id, \'","status":"\', c.status, \'"\','
    " ',\"code\":'::text || to_json(c.code), ',\"details\":'::text || replace(c.details::text, E'\\n', ' '), '}}')"
)
"""A ledger row ``c`` as a line."""


def _field(record: type[Record], name: str) -> str:
    kind = metadata.tables[record.TABLE].c[name].type
    if isinstance(kind, Uuid):
        return f"',\"{name}\":\"'::text || {name} || '\"'"
    if isinstance(kind, _PLAIN):
        return f"',\"{name}\":'::text || {name}"
    return f"',\"{name}\":'::text || to_json({name})"


@cache
def put(record: type[Record], sees_all: bool) -> str:
    """The SQL of the line that puts a row of *record* that is not deleted."""
    hidden = () if sees_all else ADMIN_ONLY.get(record.TABLE, ())
    fields = [_field(record, name) for name in columns(record) if name not in ("id", "deleted", *hidden)]
    return f'concat(\'{{"put":["{record.TABLE}",{{"id":"\', id, \'"\', {", ".join(fields)}, \'}}]}}\')'


@cache
def put_or_delete(record: type[Record], sees_all: bool) -> str:
    """The SQL of the line for a row of *record* that changed."""
    gone = f'concat(\'{{"del":["{record.TABLE}","\', id, \'"]}}\')'
    return f"CASE WHEN deleted IS TRUE THEN {gone} ELSE {put(record, sees_all)} END"


@cache
def changes(sees_all: bool) -> str:
    """One read of everything that a programme's desks lack.

    $1 is the programme, $2 the snapshot up to which they have everything. Answers (part, key, lines, text): a part for
    each table of ``SYNCED`` in its order, then one for each device's results, then one for each device's presence (as
    JSON). The upper bound excludes nothing; it tells the planner that the range is narrow.
    """
    new = (
        "last_xid >= pg_snapshot_xmin($2::pg_snapshot) AND last_xid < pg_snapshot_xmax(pg_current_snapshot())"
        " AND NOT pg_visible_in_snapshot(last_xid, $2::pg_snapshot)"
    )
    parts = [
        f"SELECT {number} AS part, NULL AS key, count(*), string_agg({put_or_delete(record, sees_all)}, E'\\n')"
        f" FROM {record.TABLE} WHERE programme_id = $1::uuid AND {new}"
        for number, record in enumerate(SYNCED)
    ]
    parts.append(
        f"SELECT {RESULTS}, d.id::text, c.count, c.lines FROM devices d CROSS JOIN LATERAL (SELECT count(*),"
        f" string_agg({RESULT}, E'\\n' ORDER BY incarnation, seq) AS lines FROM commands c"
        f" WHERE c.device_id = d.id AND c.seq IS NOT NULL AND {new}) c"
        " WHERE d.programme_id = $1::uuid AND c.count > 0"
    )
    parts.append(
        f"SELECT {PRESENCE}, d.id::text, 0, json_build_object('id', d.id, 'name', d.name, 'last_seen', c.last_seen,"
        " 'waiting', c.waiting)::text FROM devices d LEFT JOIN device_cursors c ON c.device_id = d.id"
        " WHERE d.programme_id = $1::uuid AND d.deleted IS NOT TRUE AND d.revoked_at IS NULL"
    )
    return " UNION ALL ".join(parts)


RESULTS: Final = len(SYNCED)
PRESENCE: Final = len(SYNCED) + 1
