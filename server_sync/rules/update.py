"""``programme.update``, ``event.update`` and ``location.update``: what is given changes, and what follows from it.

An event that takes more than before, or takes reservations again, serves its line in the same command.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType, structs

from server_sync.protocol.errors import IN_USE, INVALID, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import (
    Category,
    Event,
    EventLocation,
    EventRules,
    EventTimeBlock,
    EventType,
    Location,
    Programme,
)
from server_sync.rules.capacity import set_capacity
from server_sync.rules.changing import change, given, own, rename
from server_sync.rules.command import Command, Rule
from server_sync.rules.create import Count, Currency, Money, Name, Points, Position, RoomIds, SeatTypePrices, Text
from server_sync.rules.draft import Draft
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reserve import Reason
from server_sync.rules.state import (
    BLOCKS_OF_EVENT,
    EVENT_NAMED,
    LOCATION_NAMED,
    ROOMS_OF_EVENT,
    SLOTS_OF_EVENT,
    Keys,
)
from server_sync.rules.waitlist import promoted_answer, serve


class UpdateProgramme(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changes of the command's own programme. ``practice`` never does; it is read to say so."""

    name: Name | UnsetType = UNSET
    starts_on: date | UnsetType | None = UNSET
    ends_on: date | UnsetType | None = UNSET
    status: Literal["draft", "published", "archived"] | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType | None = UNSET
    practice: bool | UnsetType = UNSET


class UpdateEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changes. ``location_ids`` are the rooms that it uses from now on; lists and objects are replaced whole.

    ``override_reason`` lets ``capacity`` go below what is reserved.
    """

    event_id: GivenId
    name: Name | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    type: EventType | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    points_first: Points | UnsetType = UNSET
    points_second: Points | UnsetType = UNSET
    points_third: Points | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    capacity: Count | UnsetType | None = UNSET
    waitlist_enabled: bool | UnsetType = UNSET
    waitlist_order: Literal["strict", "best_fit"] | UnsetType = UNSET
    rules_id: GivenId | UnsetType | None = UNSET
    artists: list[Name] | UnsetType | None = UNSET
    tags: list[Name] | UnsetType | None = UNSET
    master_start: datetime | UnsetType | None = UNSET
    master_end: datetime | UnsetType | None = UNSET
    price: Money | UnsetType | None = UNSET
    fee: Money | UnsetType | None = UNSET
    currency: Currency | UnsetType | None = UNSET
    seat_type_prices: SeatTypePrices | UnsetType | None = UNSET
    location_ids: RoomIds | UnsetType = UNSET
    external_id: Name | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET
    override_reason: Reason | None = None


class UpdateLocation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changes of a room. Its capacity is what it says of itself: it limits nothing."""

    location_id: GivenId
    name: Name | UnsetType = UNSET
    building: Name | UnsetType | None = UNSET
    city: Name | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    capacity: Count | UnsetType | None = UNSET
    notes: Text | UnsetType | None = UNSET
    external_id: Name | UnsetType | None = UNSET
    position: Position | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET


def update_programme(
    draft: Draft, command: Command[UpdateProgramme], now: datetime | None, ask: Keys
) -> dict[str, Any] | Refusal:
    """The programme as it is now."""
    programme = own(draft, command, Programme, command.programme_id, "programme_id")
    if isinstance(programme, Refusal):
        return programme
    if command.args.practice not in (UNSET, programme.practice):
        return Refusal(INVALID, {"field": "practice", "problem": "a programme is for practice, or real, for ever"})
    changed = structs.replace(programme, **given(command.args, "practice"))
    if changed.starts_on is not None and changed.ends_on is not None and changed.ends_on < changed.starts_on:
        return Refusal(INVALID, {"field": "ends_on", "problem": "it ends before it starts"})
    change(draft, programme, given(command.args, "practice"))
    return {"id": programme.id}


def update_location(
    draft: Draft, command: Command[UpdateLocation], now: datetime | None, ask: Keys
) -> dict[str, Any] | Refusal:
    """The room as it is now."""
    room = own(draft, command, Location, command.args.location_id, "location_id")
    if isinstance(room, Refusal):
        return room
    taken = rename(draft, command, LOCATION_NAMED, room, ask)
    if taken is not None:
        return taken
    change(draft, room, given(command.args, "location_id"))
    return {"id": room.id}


def update_event(
    draft: Draft, command: Command[UpdateEvent], now: datetime | None, ask: Keys
) -> dict[str, Any] | Refusal:
    """The event as it is now, its rooms, and whoever has a place by that."""
    args = command.args
    event = own(draft, command, Event, args.event_id, "event_id")
    if isinstance(event, Refusal):
        return event
    problem = rename(draft, command, EVENT_NAMED, event, ask) or _problem(draft, command, event, ask)
    if problem is not None:
        return problem
    freed: set[Id] = set()
    if args.capacity is not UNSET:
        more = set_capacity(draft, event, args.capacity, args.override_reason, ask)
        if isinstance(more, Refusal):
            return more
        freed |= more
    before = draft.get(Event, event.id) or event
    after = change(draft, before, given(args, "event_id", "location_ids", "capacity", "override_reason"))
    if args.location_ids is not UNSET:
        refusal = _use_rooms(draft, command, event, args.location_ids, ask)
        if refusal is not None:
            return refusal
    if after.waitlist_enabled and not before.waitlist_enabled:
        _meet_who_brings_slots(draft, event, ask)
    if (after.is_active and not before.is_active) or _order_eased(before, after):
        freed |= {slot.id for slot in draft.find(SLOTS_OF_EVENT, event.id)}
    return {"id": event.id, **promoted_answer(serve(draft, freed, ask))}


def _order_eased(before: Event, after: Event) -> bool:
    """Whether somebody behind a party that is too big may go first now."""
    return before.waitlist_order == "strict" and after.waitlist_order == "best_fit"


def _meet_who_brings_slots(draft: Draft, event: Event, ask: Keys) -> None:
    """Lock what somebody holds who brings slots to the event, or back: he may not know of the line yet.

    Whoever frees a place in a slot holds that, as whoever joins the line does.
    """
    ask.lock.add((Programme, event.programme_id))  # an import does
    ask.lock |= {(EventTimeBlock, block.id) for block in draft.find(BLOCKS_OF_EVENT, event.id)}


def _problem(draft: Draft, command: Command[UpdateEvent], event: Event, ask: Keys) -> Refusal | None:
    args = command.args
    start = event.master_start if args.master_start is UNSET else args.master_start
    end = event.master_end if args.master_end is UNSET else args.master_end
    if start is not None and end is not None and end <= start:
        return Refusal(INVALID, {"field": "master_end", "problem": "it ends before it starts"})
    if args.rules_id is not UNSET and args.rules_id is not None:
        ask.lock.add((EventRules, args.rules_id))  # or they were retired meanwhile
        rules = own(draft, command, EventRules, args.rules_id, "rules_id")
        if isinstance(rules, Refusal):
            return rules
    return None


def _use_rooms(
    draft: Draft, command: Command[UpdateEvent], event: Event, location_ids: list[Id], ask: Keys
) -> Refusal | None:
    """Have the event use just these rooms; one in which it has a block stays."""
    uses: dict[Id, EventLocation] = {use.location_id: use for use in draft.find(ROOMS_OF_EVENT, event.id)}
    for location_id in dict.fromkeys(location_ids):
        if location_id in uses:
            continue
        ask.lock.add((Location, location_id))
        room = own(draft, command, Location, location_id, "location_id")
        if isinstance(room, Refusal):
            return room
        id, programme_id = command.derive(location_id), command.programme_id
        draft.write(EventLocation(id=id, programme_id=programme_id, event_id=event.id, location_id=location_id))
    leaving = [use for id, use in uses.items() if id not in location_ids]
    for use in leaving:
        ask.lock.add((Location, use.location_id))
        blocks = [b.id for b in draft.find(BLOCKS_OF_EVENT, event.id) if b.location_id == use.location_id]
        if blocks:
            return Refusal(IN_USE, {"location_id": use.location_id, "block_ids": blocks})
        draft.write(structs.replace(use, deleted=True))
    return None


RULES: list[Rule[Any]] = [
    rehearsed("programme.update", UpdateProgramme, update_programme),
    rehearsed("event.update", UpdateEvent, update_event),
    rehearsed("location.update", UpdateLocation, update_location),
]
