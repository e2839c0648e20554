"""``/v1/rooms/{location_id}/day``: who is on stage, next and on deck, who is missing, and when each begins."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.authority.queries.room_day import RoomDayView, room_day
from server_sync.protocol.errors import NOT_FOUND, Refusal

faces = Faces("locations")


class DayQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which day, in the programme's time zone; today if left out."""

    day: date | None = None


@faces.get("/rooms/{location_id}/day", RoomDayView, query=DayQuery, role="volunteer")
async def day_of_room(call: Call[DayQuery]) -> RoomDayView | Refusal:
    """How a room's day goes: on stage, next, on deck, called, skipped, missing, and predicted starts."""
    location_id, now = call.ids["location_id"], datetime.now(UTC)
    found = await room_day(call.services.reads, call.named_programme(), location_id, call.query.day, now)
    return found if found is not None else Refusal(NOT_FOUND, {"location_id": location_id})
