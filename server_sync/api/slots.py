"""``/v1/slots``: what can be reserved, and reserving it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.api.programmes import programme_for
from server_sync.authority.queries import slots
from server_sync.authority.queries.kinds import body_of
from server_sync.authority.queries.page import Limit
from server_sync.authority.queries.views import SlotPlace, SlotView
from server_sync.protocol.errors import (
    ALREADY_RESERVED,
    BLOCK_FULL,
    DOUBLE_BOOKED,
    EVENT_FULL,
    EVENT_INACTIVE,
    INVALID,
    MANUAL_SLOTS,
    NOT_FOUND,
    SLOT_CANCELLED,
    SLOT_CLOSED,
    SLOT_FULL,
    Refusal,
)
from server_sync.protocol.ids import GivenId, Id

faces = Faces("slots")

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class SlotQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Filters of the list of slots; ``available`` keeps those that take reservations and have room."""

    event_id: GivenId | None = None
    location_id: GivenId | None = None
    from_: Instant | None = msgspec.field(default=None, name="from")
    to: Instant | None = None
    available: bool = False
    limit: Limit = 100
    after: str | None = None


class SlotPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Slots by start. ``next`` goes into ``after`` for the next page; without it this was the last."""

    slots: list[SlotView]
    next: str | None = None


NewReservation = body_of(
    "reservation.reserve",
    "NewReservation",
    leave=("slot_id",),
    more=(("participant_id", GivenId | None, None),),
)
GenerateSlots = body_of("block.generate_slots", "GenerateSlots", leave=("block_id",))


class Reserved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A reservation that was made. ``success`` is always true; a refusal is an error with a code."""

    success: bool
    reservation_id: Id
    status: str
    spots: int
    slot: SlotPlace
    ref: str | None = None


class GeneratedSlots(msgspec.Struct, frozen=True, kw_only=True):
    """How many slots the block has now, and how many of them people had claimed, which stayed as they were."""

    block_id: Id
    slots: int
    kept: int


@faces.post(
    "/slots/{slot_id}/reserve", NewReservation, Reserved, status=201,
    refusals=(SLOT_FULL, SLOT_CLOSED, SLOT_CANCELLED, BLOCK_FULL, EVENT_FULL, EVENT_INACTIVE, ALREADY_RESERVED,
              DOUBLE_BOOKED),
    example='{"participantId": "018f3f7e-6f0a-7cc1-9d3a-2f6f0a1b2c3d", "contact": "ada@example.org"}',
)  # fmt: skip
async def reserve(call: Call[Any]) -> Reserved | Refusal:
    """Reserve a place in a slot for a participant, several, a group, or a free-form name."""
    slot_id = call.ids["slot_id"]
    place = await call.services.slots.get(slot_id)
    if place is None:
        return Refusal(NOT_FOUND, {"slot_id": slot_id})
    args = call.body
    person = args.pop("participant_id", None)
    if person is not None:
        if args.get("participant_ids"):
            return Refusal(INVALID, {"field": "participant_id", "problem": "name one or several, not both"})
        args["participant_ids"] = [person]
    args["slot_id"] = slot_id
    done = await call.submit("reservation.reserve", args, call.principal.programme_id or place.programme_id)
    if isinstance(done, Refusal):
        return done
    return Reserved(
        success=True, reservation_id=done["reservation_id"], status=done.get("claim", "reserved"),
        spots=done["spots"], slot=place,
        ref=done.get("ref"),
    )  # fmt: skip


@faces.get("/slots", SlotPage, query=SlotQuery)
async def list_slots(call: Call[SlotQuery]) -> SlotPage | Refusal:
    """List slots with their rooms, times and remaining places."""
    query = call.query
    page = await slots.page(
        call.services.reads, call.named_programme(), event_id=query.event_id, location_id=query.location_id,
        begins=query.from_, ends=query.to, available=query.available, limit=query.limit, after=query.after,
    )  # fmt: skip
    return page if isinstance(page, Refusal) else SlotPage(slots=page.rows, next=page.next)


@faces.get("/slots/{slot_id}", SlotView)
async def one_slot(call: Call[Any]) -> SlotView | Refusal:
    """One slot."""
    found = await slots.one(call.services.reads, call.principal.programme_id, call.ids["slot_id"])
    return found or Refusal(NOT_FOUND, {"slot_id": call.ids["slot_id"]})


@faces.post(
    "/timeblocks/{block_id}/generate_slots", GenerateSlots, GeneratedSlots, role="admin",
    refusals=(MANUAL_SLOTS,), example='{"slot_duration_minutes": 10, "capacity": 1}',
)  # fmt: skip
async def generate_slots(call: Call[Any]) -> Any:
    """Split a time block into slots; what people have claimed stays as it is."""
    block_id = call.ids["block_id"]
    programme_id = await programme_for(call, "event_time_blocks", block_id)
    if isinstance(programme_id, Refusal):
        return programme_id
    return await call.submit("block.generate_slots", call.body | {"block_id": block_id}, programme_id)
