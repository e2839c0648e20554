"""``/v1/events/…/waitlist`` and ``…/counts``: who waits, in order, and how many do what.

Joining a line is reserving with ``on_full``; leaving it is cancelling.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.authority.queries import events, reservations
from server_sync.authority.queries.page import Limit
from server_sync.authority.queries.reservations import EventCount
from server_sync.authority.queries.views import MemberView, ReservationView
from server_sync.authority.queries.waitlists import Place
from server_sync.protocol.errors import NOT_FOUND, Refusal
from server_sync.protocol.ids import GivenId, Id

faces = Faces("waitlists")


class WaitlistQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """With ``slotId`` only those who would take a place in that slot."""

    slot_id: GivenId | None = None
    limit: Limit = 100
    after: str | None = None


class WaitlistEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody who waits. ``position`` is in the whole line, ``place_in_line`` among those for the same place."""

    reservation_id: Id
    position: int
    place_in_line: int
    added_at: datetime
    name: str
    spots: int
    slot_id: Id
    members: list[MemberView]
    version: int
    placement_version: int
    any_slot: bool = False
    ref: str | None = None
    participant_id: Id | None = None
    group_id: Id | None = None
    special_requirements: str | None = None


class Waitlist(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The line of an event, first come first. ``next`` goes into ``after`` for the next page."""

    event_id: Id
    waitlist: list[WaitlistEntry]
    next: str | None = None


@faces.get("/events/{event_id}/waitlist", Waitlist, query=WaitlistQuery, role="volunteer")
async def waitlist(call: Call[WaitlistQuery]) -> Waitlist | Refusal:
    """List who waits for a place in an event, each with the place that the order gives them."""
    reads, event_id, query = call.services.reads, call.ids["event_id"], call.query
    if await events.one(reads, call.principal.programme_id, event_id) is None:
        return Refusal(NOT_FOUND, {"event_id": event_id})
    page = await reservations.in_line(reads, event_id, query.slot_id, query.limit, query.after)
    if isinstance(page, Refusal):
        return page
    return Waitlist(event_id=event_id, waitlist=[_entry(view, place) for view, place in page.rows], next=page.next)


class EventCounts(msgspec.Struct, frozen=True, kw_only=True):
    """An event's reservations by the word that people see for them; every word is there."""

    event_id: Id
    counts: list[EventCount]


@faces.get("/events/{event_id}/counts", EventCounts, role="volunteer")
async def event_counts(call: Call[Any]) -> EventCounts | Refusal:
    """Count an event's reservations and their places: held, waitlisted, reserved, confirmed, checked in and so on."""
    reads, event_id = call.services.reads, call.ids["event_id"]
    if await events.one(reads, call.principal.programme_id, event_id) is None:
        return Refusal(NOT_FOUND, {"event_id": event_id})
    return EventCounts(event_id=event_id, counts=list((await reservations.counts(reads, event_id)).values()))


def _entry(view: ReservationView, place: Place) -> WaitlistEntry:
    same: dict[str, Any] = {
        name: getattr(view, name)
        for name in (
            "name", "spots", "slot_id", "members", "version", "placement_version", "ref", "participant_id", "group_id",
            "special_requirements",
        )
    }  # fmt: skip
    return WaitlistEntry(
        reservation_id=view.id, position=place.position, place_in_line=place.place_in_line,
        added_at=view.queued_at or view.reserved_at, any_slot=bool(view.any_slot), **same,
    )  # fmt: skip
