"""What the conflict report says of every conflict: rows with their names, and places with their rooms and times."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.expression import FromClause

LIVE: Final = ("held", "reserved")
"""The claims that hold places."""


def name_of(id: sa.ColumnElement[Any], name: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A ``Named`` as JSON."""
    return sa.func.json_build_object("id", id, "name", name)


def place_of(event: FromClause, room: FromClause | None, start: Any, end: Any, **ids: Any) -> sa.ColumnElement[Any]:
    """A ``Place`` as JSON."""
    fields: dict[str, Any] = {"event_id": event.c.id, "event": event.c.name, **ids}
    if room is not None:
        fields |= {"location_id": room.c.id, "room": room.c.name, "building": room.c.building}
    if start is not None:
        fields |= {"start_time": start, "end_time": end}
    return sa.func.json_build_object(*(part for pair in fields.items() for part in pair))
