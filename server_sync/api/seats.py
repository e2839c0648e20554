"""``/v1/locations/…/seats`` and ``/v1/slots/…/seats``: maps of seats, and holding some for a few minutes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.api.programmes import programme_for
from server_sync.authority.queries import seats
from server_sync.authority.queries.kinds import body_of
from server_sync.authority.queries.seats import RoomSeat, SeatMap
from server_sync.protocol.errors import (
    ALREADY_EXISTS,
    ALREADY_RESERVED,
    DOUBLE_BOOKED,
    HAS_PEOPLE,
    LINE_AHEAD,
    NO_SEATS,
    NOT_FOUND,
    NOTHING_TO_DO,
    SEATS_NEEDED,
    SEATS_TAKEN,
    SLOT_FULL,
    Refusal,
)
from server_sync.protocol.ids import Id
from server_sync.protocol.records import ROLES

faces = Faces("seats")

NewSeats = body_of("seats.create", "NewSeats", leave=("location_id",))
OpenSeats = body_of("slot.open_seats", "OpenSeats", leave=("slot_id",))
NewHold = body_of("reservation.hold", "NewHold", leave=("slot_id", "event_id"))


class RoomSeats(msgspec.Struct, frozen=True, kw_only=True):
    """A room's seats from the front."""

    seats: list[RoomSeat]


class SeatsMade(msgspec.Struct, frozen=True, kw_only=True):
    """How many seats were made."""

    location_id: Id
    seats: int


class SeatsOpened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many seats the slot has, how many of them are new, and whoever waited and has one now."""

    slot_id: Id
    seats: int
    opened: int
    promoted: list[Id] | None = None


class SeatHeld(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One seat that is held."""

    seat_id: Id
    seat: str | None = None
    price: int | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A hold: it takes its places until ``expires_at``, and is confirmed as ``reservation_id``."""

    reservation_id: Id
    slot_id: Id
    spots: int
    claim: str
    expires_at: datetime
    seats: list[SeatHeld] = []
    ref: str | None = None


@faces.get("/locations/{location_id}/seats", RoomSeats)
async def room_seats(call: Call[Any]) -> RoomSeats | Refusal:
    """A room's map of seats."""
    location_id = call.ids["location_id"]
    found = await seats.of_room(call.services.reads, call.principal.programme_id, location_id)
    return Refusal(NOT_FOUND, {"location_id": location_id}) if found is None else RoomSeats(seats=found)


@faces.post(
    "/locations/{location_id}/seats", NewSeats, SeatsMade, role="admin", status=201, most="most_push",
    refusals=(ALREADY_EXISTS,), example='{"seats": [{"row": "A", "number": 1, "seat_type": "stalls"}]}',
)  # fmt: skip
async def create_seats(call: Call[Any]) -> Any:
    """Give a room more seats; each position there is once."""
    location_id = call.ids["location_id"]
    programme_id = await programme_for(call, "locations", location_id)
    if isinstance(programme_id, Refusal):
        return programme_id
    return await call.submit("seats.create", call.body | {"location_id": location_id}, programme_id)


@faces.get("/slots/{slot_id}/seats", SeatMap)
async def slot_seats(call: Call[Any]) -> SeatMap | Refusal:
    """The seats of a slot and which are to be had; staff see whose the others are."""
    slot_id, whose = call.ids["slot_id"], ROLES.index(call.principal.role) >= ROLES.index("volunteer")
    found = await seats.of_slot(call.services.reads, call.principal.programme_id, slot_id, whose=whose)
    return found or Refusal(NOT_FOUND, {"slot_id": slot_id})


@faces.post(
    "/slots/{slot_id}/seats", OpenSeats, SeatsOpened, role="admin", refusals=(NO_SEATS, HAS_PEOPLE, NOTHING_TO_DO),
    example="{}",
)  # fmt: skip
async def open_seats(call: Call[Any]) -> Any:
    """Make the seats of its room the places of a slot, priced as the event says."""
    slot_id = call.ids["slot_id"]
    programme_id = await programme_for(call, "event_slots", slot_id)
    if isinstance(programme_id, Refusal):
        return programme_id
    return await call.submit("slot.open_seats", call.body | {"slot_id": slot_id}, programme_id)


@faces.post(
    "/slots/{slot_id}/hold", NewHold, Held, status=201,
    refusals=(SEATS_TAKEN, SEATS_NEEDED, NO_SEATS, SLOT_FULL, LINE_AHEAD, ALREADY_RESERVED, DOUBLE_BOOKED),
    example='{"reservedName": "Ada Okafor", "seatIds": ["018f3f7e-6f0a-7cc1-9d3a-2f6f0a1b2c3d"]}',
)  # fmt: skip
async def hold(call: Call[Any]) -> Any:
    """Hold places for a few minutes: seats that are named, or the best together; all of them or none."""
    slot_id = call.ids["slot_id"]
    place = await call.services.slots.get(slot_id)
    if place is None:
        return Refusal(NOT_FOUND, {"slot_id": slot_id})
    programme_id = call.principal.programme_id or place.programme_id
    return await call.submit("reservation.hold", call.body | {"slot_id": slot_id}, programme_id)
