"""``/v1/locations``: rooms, and how late each runs."""

from __future__ import annotations

from typing import Any

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.api.people import Created
from server_sync.api.programmes import programme_for
from server_sync.authority.queries import rooms
from server_sync.authority.queries.kinds import ARGUMENTS, body_of
from server_sync.protocol.errors import ALREADY_EXISTS, NOT_FOUND, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Location

faces = Faces("locations")

Delay = body_of("room_day.delay", "Delay", leave=("location_id",))


class Locations(msgspec.Struct, frozen=True, kw_only=True):
    """Rooms in the order of the board."""

    locations: list[Location]


class DelaySet(msgspec.Struct, frozen=True, kw_only=True):
    """The room's day as it is known now."""

    room_day_id: Id
    delay_minutes: int


@faces.get("/locations", Locations)
async def list_locations(call: Call[Any]) -> Locations:
    """List rooms."""
    return Locations(locations=await rooms.all_of(call.services.reads, call.named_programme()))


@faces.post(
    "/locations", ARGUMENTS["location.create"], Created, role="admin", status=201, refusals=(ALREADY_EXISTS, NOT_FOUND),
    example='{"name": "Room A", "building": "Town Hall", "capacity": 80}',
)  # fmt: skip
async def create_location(call: Call[Any]) -> Any:
    """Create a room."""
    return await call.submit("location.create", call.body, call.named_programme())


@faces.post(
    "/locations/{location_id}/delay", Delay, DelaySet, role="room_manager",
    example='{"day": "2027-03-14", "delay_minutes": 15}',
)  # fmt: skip
async def delay(call: Call[Any]) -> Any:
    """Say how many minutes late (or, negative, early) a room runs on a day."""
    location_id = call.ids["location_id"]
    programme_id = await programme_for(call, "locations", location_id)
    if isinstance(programme_id, Refusal):
        return programme_id
    return await call.submit("room_day.delay", call.body | {"location_id": location_id}, programme_id)
