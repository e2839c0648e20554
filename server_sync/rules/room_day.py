"""``room_day.delay``, ``.on_stage``, ``.call``, ``.skip`` and ``.unskip``: how one room's day goes. Slots never shift.

All of it is about now, so the last word counts, whoever looked at what when he said it; predicted times follow from it
(room_times.py). Who performed is another matter: a fact, said with ``attendance.perform``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import structs

from server_sync.protocol.errors import INVALID, NOT_FOUND, NOT_LIVE, NOTHING_TO_DO, Refusal
from server_sync.protocol.ids import GivenId, Id, derived_id
from server_sync.protocol.records import EventSlot, Location, Programme, RoomDay, SlotReservation
from server_sync.rules.command import Command, Rule
from server_sync.rules.reservations import reservation
from server_sync.rules.state import Changes, Keys, State

Some = Annotated[list[GivenId], msgspec.Meta(min_length=1, max_length=200)]


class Args(msgspec.Struct, frozen=True, kw_only=True):
    """Which room, which day in the programme's time zone, and by how many minutes (negative: ahead)."""

    location_id: GivenId
    day: date
    delay_minutes: Annotated[int, msgspec.Meta(ge=-240, le=1440)]


class OnStage(msgspec.Struct, frozen=True, kw_only=True):
    """Who is on stage from now on; null: nobody. Who was there before has left it."""

    location_id: GivenId
    day: date
    reservation_id: GivenId | None


class Several(msgspec.Struct, frozen=True, kw_only=True):
    """Reservations of one room's day."""

    location_id: GivenId
    day: date
    reservation_ids: Some


def room_day_id(location_id: Id, day: date) -> Id:
    """The id of a room's day: the same wherever it is made first."""
    return derived_id(location_id, day.isoformat())


def predicted_start(slot: EventSlot, room: RoomDay | None) -> datetime:
    """When *slot* is likely to begin if all that is known is the room's delay that day; UTC. See room_times.py."""
    return slot.start_time + timedelta(minutes=room.delay_minutes if room is not None else 0)


def local_day(time: datetime, programme: Programme) -> date:
    """The day of *time* for people at the programme."""
    return time.astimezone(ZoneInfo(programme.time_zone)).date()


def needs(command: Command[Any], loaded: State) -> Keys:
    """The room, locked so that two first words on a day queue, its day, and the reservations with their times."""
    args, keys = command.args, Keys()
    keys.lock.add((Location, args.location_id))
    keys.lock.add((RoomDay, room_day_id(args.location_id, args.day)))
    for id in _named(args):
        keys.read.add((Programme, command.programme_id))
        keys.lock.add((SlotReservation, id))  # or it were cancelled or moved away meanwhile
        claim = loaded.get(SlotReservation, id)
        if claim is not None:
            keys.read.add((EventSlot, claim.slot_id))
    return keys


def _named(args: Args | OnStage | Several) -> list[Id]:
    if isinstance(args, Several):
        return list(dict.fromkeys(args.reservation_ids))
    return [args.reservation_id] if isinstance(args, OnStage) and args.reservation_id is not None else []


def delay(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """The room's day with its new delay."""
    day = _day(state, command)
    if isinstance(day, Refusal):
        return day
    changed = structs.replace(day, delay_minutes=command.args.delay_minutes, version=day.version + 1)
    return Changes([changed], {"room_day_id": day.id, "delay_minutes": changed.delay_minutes})


def on_stage(state: State, command: Command[OnStage], now: datetime) -> Changes | Refusal:
    """Somebody on stage, since it was said. He needs no calling, and was not skipped after all."""
    day, id = _day_of_all(state, command), command.args.reservation_id
    if isinstance(day, Refusal):
        return day
    if day.on_stage_id == id:
        return Refusal(NOTHING_TO_DO, {"room_day_id": day.id, "on_stage_id": id})
    ids = [] if id is None else [id]
    since = None if id is None else command.happened(now)
    called, skipped = _without(day.called, ids), _without(day.skipped, ids)
    return _changed(day, on_stage_id=id, on_stage_since=since, called=called, skipped=skipped)


def call(state: State, command: Command[Several], now: datetime) -> Changes | Refusal:
    """They were called to the room."""
    day = _day_of_all(state, command)
    return day if isinstance(day, Refusal) else _changed(day, called=_with(day.called, _named(command.args)))


def skip(state: State, command: Command[Several], now: datetime) -> Changes | Refusal:
    """The room goes on without them for now."""
    day, ids = _day_of_all(state, command), _named(command.args)
    if isinstance(day, Refusal):
        return day
    if day.on_stage_id in ids:
        return Refusal(INVALID, {"reservation_id": day.on_stage_id, "problem": "who is on stage can't be skipped"})
    return _changed(day, skipped=_with(day.skipped, ids))


def unskip(state: State, command: Command[Several], now: datetime) -> Changes | Refusal:
    """They are in their place of the order again."""
    day = _day(state, command)
    return day if isinstance(day, Refusal) else _changed(day, skipped=_without(day.skipped, _named(command.args)))


def _day(state: State, command: Command[Any]) -> RoomDay | Refusal:
    """The room's day as it is, or as it is before anything was said of it (version 0)."""
    args = command.args
    room = state.get(Location, args.location_id)
    if room is None or room.deleted or room.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"location_id": args.location_id})
    id = room_day_id(room.id, args.day)
    return state.get(RoomDay, id) or RoomDay(
        id=id, programme_id=room.programme_id, location_id=room.id, day=args.day, delay_minutes=0, version=0
    )


def _day_of_all(state: State, command: Command[Any]) -> RoomDay | Refusal:
    """The room's day, if all who are named hold a place in this room on that day."""
    day = _day(state, command)
    if isinstance(day, Refusal):
        return day
    for id in _named(command.args):
        problem = _elsewhere(state, command, day, id)
        if problem is not None:
            return problem
    return day


def _elsewhere(state: State, command: Command[Any], day: RoomDay, reservation_id: Id) -> Refusal | None:
    claim = reservation(state, command, reservation_id)
    if isinstance(claim, Refusal):
        return claim
    if claim.claim != "reserved":
        return Refusal(NOT_LIVE, {"reservation_id": claim.id, "claim": claim.claim})
    slot, programme = state.get(EventSlot, claim.slot_id), state.get(Programme, claim.programme_id)
    its_day = local_day(slot.start_time, programme) if slot is not None and programme is not None else None
    if claim.location_id == day.location_id and its_day == day.day:
        return None
    where = {"reservation_id": claim.id, "location_id": claim.location_id, "day": its_day}
    return Refusal(INVALID, {"problem": "the reservation is not in this room on this day", **where})


def _changed(day: RoomDay, **fields: Any) -> Changes | Refusal:
    changed = structs.replace(day, **fields)
    if changed == day:
        return Refusal(NOTHING_TO_DO, {"room_day_id": day.id})
    changed = structs.replace(changed, version=day.version + 1)
    said = {"on_stage_id": changed.on_stage_id, "called": changed.called or [], "skipped": changed.skipped or []}
    return Changes([changed], {"room_day_id": day.id, **said})


def _with(ids: list[Id] | None, more: Iterable[Id]) -> list[Id] | None:
    return list(dict.fromkeys([*(ids or ()), *more])) or None


def _without(ids: list[Id] | None, gone: Iterable[Id]) -> list[Id] | None:
    gone = set(gone)
    return [id for id in ids or () if id not in gone] or None


RULE = Rule("room_day.delay", Args, "room_manager", needs, delay)
RULES: list[Rule[Any]] = [
    RULE,
    Rule("room_day.on_stage", OnStage, "room_manager", needs, on_stage),
    Rule("room_day.call", Several, "room_manager", needs, call),
    Rule("room_day.skip", Several, "room_manager", needs, skip),
    Rule("room_day.unskip", Several, "room_manager", needs, unskip),
]
