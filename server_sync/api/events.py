"""``/v1/events``: classes, shows and activities, and the time blocks in which they happen."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from server_sync.api.answers import answer
from server_sync.api.faces import Call, Faces
from server_sync.api.programmes import programme_for
from server_sync.authority.queries import events
from server_sync.authority.queries.kinds import body_of
from server_sync.authority.queries.page import Limit
from server_sync.authority.queries.views import BlockView, EventView
from server_sync.protocol.errors import ALREADY_EXISTS, INVALID, NOT_FOUND, ROOM_TAKEN, Refusal
from server_sync.protocol.ids import GivenId
from server_sync.protocol.records import Category

faces = Faces("events")

_Points = Annotated[int, msgspec.Meta(ge=-1_000_000, le=1_000_000)]


class PointsBody(msgspec.Struct, frozen=True, kw_only=True):
    """What first, second and third place are worth."""

    first: _Points = 0
    second: _Points = 0
    third: _Points = 0


NewEvent = body_of(
    "event.create",
    "NewEvent",
    leave=("points_first", "points_second", "points_third"),
    more=(("points", PointsBody | None, None),),
)
NewTimeBlock = body_of("block.create", "NewTimeBlock", leave=("event_id",))


class EventQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Filters of the list of events."""

    category: Category | None = None
    active: bool | None = None
    location_id: GivenId | None = None
    limit: Limit = 100
    after: str | None = None


class EventPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Events by name. ``next`` goes into ``after`` for the next page; without it this was the last."""

    events: list[EventView]
    next: str | None = None


class TimeBlocks(msgspec.Struct, frozen=True, kw_only=True):
    """An event's time blocks by start."""

    timeblocks: list[BlockView]


@faces.get("/events", EventPage, query=EventQuery)
async def list_events(call: Call[EventQuery]) -> EventPage | Refusal:
    """List events, by category and whether they are active."""
    query = call.query
    page = await events.page(
        call.services.reads, call.named_programme(), query.category, query.active, query.location_id, query.limit,
        query.after,
    )  # fmt: skip
    return page if isinstance(page, Refusal) else EventPage(events=page.rows, next=page.next)


@faces.get("/events/{event_id}", EventView)
async def one_event(call: Call[Any]) -> EventView | Refusal:
    """One event."""
    found = await events.one(call.services.reads, call.principal.programme_id, call.ids["event_id"])
    return found or Refusal(NOT_FOUND, {"event_id": call.ids["event_id"]})


@faces.get("/events/{event_id}/timeblocks", TimeBlocks)
async def timeblocks(call: Call[Any]) -> TimeBlocks | Refusal:
    """List an event's time blocks, each with the sum of its slots."""
    reads, event_id = call.services.reads, call.ids["event_id"]
    if await events.one(reads, call.principal.programme_id, event_id) is None:
        return Refusal(NOT_FOUND, {"event_id": event_id})
    return TimeBlocks(timeblocks=await events.blocks(reads, event_id=event_id))


@faces.post(
    "/events", NewEvent, EventView, role="admin", status=201, refusals=(NOT_FOUND, ALREADY_EXISTS),
    example='{"name": "Piano solo, grade 5", "category": "music", "points": {"first": 10, "second": 6, "third": 3}}',
)  # fmt: skip
async def create_event(call: Call[Any]) -> EventView | Refusal:
    """Create an event."""
    args = call.body
    points = args.pop("points", None)
    if points is not None:
        try:
            given = msgspec.convert(points, PointsBody)
        except msgspec.ValidationError as error:
            return Refusal(INVALID, {"field": "points", "problem": str(error)})
        args |= {"points_first": given.first, "points_second": given.second, "points_third": given.third}
    done = await call.submit("event.create", args, call.named_programme())
    if isinstance(done, Refusal):
        return done
    found = await events.one(call.services.reads, call.principal.programme_id, done["id"])
    return found or Refusal(NOT_FOUND, {"event_id": done["id"]})


@faces.post(
    "/events/{event_id}/timeblocks", NewTimeBlock, BlockView, role="admin", status=201, refusals=(ROOM_TAKEN,),
    example='{"location_id": "018f3f7e-6f0a-7cc1-9d3a-2f6f0a1b2c3d", "start_time": "2027-03-14T09:00:00Z",'
    ' "end_time": "2027-03-14T11:00:00Z", "slot_duration_minutes": 10}',
)  # fmt: skip
async def create_timeblock(call: Call[Any]) -> Response | Refusal:
    """Create a time block: a stretch of time of the event in one room."""
    event_id = call.ids["event_id"]
    programme_id = await programme_for(call, "events", event_id)
    if isinstance(programme_id, Refusal):
        return programme_id
    done = await call.submit("block.create", call.body | {"event_id": event_id}, programme_id)
    if isinstance(done, Refusal):
        return done
    found = await events.blocks(call.services.reads, block_id=done["id"])
    return answer(found[0], 201) if found else Refusal(NOT_FOUND, {"block_id": done["id"]})
