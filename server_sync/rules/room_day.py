"""``room_day.delay``: say how late (or early) a room runs. Slots never shift; predicted times follow from this."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import structs

from server_sync.protocol.errors import NOT_FOUND, Refusal
from server_sync.protocol.ids import GivenId, Id, derived_id
from server_sync.protocol.records import EventSlot, Location, RoomDay
from server_sync.rules.command import Command, Rule
from server_sync.rules.state import Changes, Keys, State


class Args(msgspec.Struct, frozen=True, kw_only=True):
    """Which room, which day in the programme's time zone, and by how many minutes (negative: ahead)."""

    location_id: GivenId
    day: date
    delay_minutes: Annotated[int, msgspec.Meta(ge=-240, le=1440)]


def room_day_id(location_id: Id, day: date) -> Id:
    """The id of a room's day: the same wherever it is made first."""
    return derived_id(location_id, day.isoformat())


def predicted_start(slot: EventSlot, room: RoomDay | None) -> datetime:
    """When *slot* is likely to begin, given how its room runs that day; UTC."""
    return slot.start_time + timedelta(minutes=room.delay_minutes if room is not None else 0)


def needs(command: Command[Args], loaded: State) -> Keys:
    """The room, locked so that two first words on a day queue, and its day."""
    keys = Keys()
    keys.lock.add((Location, command.args.location_id))
    keys.lock.add((RoomDay, room_day_id(command.args.location_id, command.args.day)))
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """The room's day with its new delay. The last word counts: it is about now, not about what was."""
    args = command.args
    room = state.get(Location, args.location_id)
    if room is None or room.deleted or room.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"location_id": args.location_id})
    id = room_day_id(room.id, args.day)
    old = state.get(RoomDay, id)
    if old is not None:
        day = structs.replace(old, delay_minutes=args.delay_minutes, version=old.version + 1)
    else:
        day = RoomDay(
            id=id,
            programme_id=room.programme_id,
            location_id=room.id,
            day=args.day,
            delay_minutes=args.delay_minutes,
            version=1,
        )
    return Changes([day], {"room_day_id": id, "delay_minutes": args.delay_minutes})


RULE = Rule("room_day.delay", Args, "room_manager", needs, decide)
