"""What rows are called: a person by their name, a slot by its event, room and start, a reservation by its people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.expression import FromClause

from server_sync.authority.queries.engine import Reads
from server_sync.authority.tables import metadata
from server_sync.protocol.ids import Id
from server_sync.rules.history import Called

MOST: Final = 5_000
"""Ids that are looked up at once; what is beyond reads as unknown."""

_PLAIN: Final = {
    "programmes": "name", "events": "name", "locations": "name", "groups": "name", "participants": "display_name",
    "staff": "name", "devices": "name", "enrolments": "name", "event_rules": "name", "flags": "reason",
    "commands": "kind",
}  # fmt: skip
_EVENTS = metadata.tables["events"]
_ROOMS = metadata.tables["locations"]
_CLAIMS = metadata.tables["slot_reservations"]
_MEMBERS = metadata.tables["reservation_members"]
_PEOPLE = metadata.tables["participants"]
_GROUPS = metadata.tables["groups"]


async def called(reads: Reads, ids: Iterable[Id]) -> dict[Id, Called]:
    """What the rows with those *ids* are called now, whatever table each is in. Unknown ids are left out."""
    wanted = sorted(ids)[:MOST]
    if not wanted:
        return {}
    among = uids(wanted)
    selects = [_plain(table, column, among) for table, column in _PLAIN.items()]
    selects += [_place("event_slots", among), _place("event_time_blocks", among), _reservations(among)]
    rows = await reads.rows(sa.select(sa.union_all(*selects).subquery("named")), Called)
    rows.sort(key=lambda row: row.table != "commands")  # a row bears the id of the command that made it, and is meant
    return {row.id: row for row in rows}


def _row(
    table: str, id: Any, name: Any, room: Any = None, start: Any = None, people: Any = None
) -> tuple[sa.Label[Any], ...]:
    """The columns of a ``Called``, typed alike in every part of the union."""
    return (
        id.label("id"),
        sa.cast(sa.literal(table), sa.Text).label("table"),
        sa.cast(name, sa.Text).label("name"),
        sa.cast(sa.null() if room is None else room, sa.Text).label("room"),
        sa.cast(sa.null() if start is None else start, sa.DateTime(timezone=True)).label("start_time"),
        (uids([]) if people is None else people).label("people"),
    )


def _plain(table: str, column: str, among: Any) -> sa.Select[Any]:
    rows = metadata.tables[table]
    return sa.select(*_row(table, rows.c.id, rows.c[column])).where(rows.c.id == sa.any_(among))


def _place(table: str, among: Any) -> sa.Select[Any]:
    rows: FromClause = metadata.tables[table]
    return (
        sa.select(*_row(table, rows.c.id, _EVENTS.c.name, _ROOMS.c.name, rows.c.start_time))
        .join(_EVENTS, _EVENTS.c.id == rows.c.event_id)
        .join(_ROOMS, _ROOMS.c.id == rows.c.location_id)
        .where(rows.c.id == sa.any_(among))
    )


def _reservations(among: Any) -> sa.Select[Any]:
    by_name = sa.text("', ' ORDER BY participants.display_name")
    members = (
        sa.select(
            sa.func.string_agg(_PEOPLE.c.display_name, by_name).label("name"),
            sa.func.array_agg(_PEOPLE.c.id).label("people"),
        )
        .join(_MEMBERS, _MEMBERS.c.participant_id == _PEOPLE.c.id)
        .where(_MEMBERS.c.reservation_id == _CLAIMS.c.id, _MEMBERS.c.deleted.isnot(True))
        .correlate(_CLAIMS)
        .lateral("members")
    )
    whose = sa.func.coalesce(_CLAIMS.c.reserved_name, _GROUPS.c.name, members.c.name, "somebody")
    people = sa.func.coalesce(members.c.people, uids([]))
    return (
        sa.select(*_row("slot_reservations", _CLAIMS.c.id, whose, people=people))
        .outerjoin(_GROUPS, _GROUPS.c.id == _CLAIMS.c.group_id)
        .join(members, sa.true())
        .where(_CLAIMS.c.id == sa.any_(among))
    )


def uids(ids: list[Id]) -> sa.Cast[Any]:
    """*ids* as an array of the database."""
    return sa.cast(sa.literal(ids, ARRAY(sa.Text())), ARRAY(sa.Uuid()))
