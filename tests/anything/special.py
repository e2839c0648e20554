"""Arguments of commands of which types say too little: what belongs together, and what there is to be done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from server_sync.protocol.ids import Id, derived_id
from server_sync.protocol.records import (
    Attendance,
    Enrolment,
    Event,
    EventSlot,
    EventTimeBlock,
    Location,
    RoomDay,
    Seat,
    SlotReservation,
    SlotSeat,
)
from server_sync.rules.registry import RULES
from tests.anything import places
from tests.anything.documents import any_document
from tests.anything.ground import NOBODY, NOON
from tests.anything.picture import Picture

if TYPE_CHECKING:
    from tests.anything.commands import Anything

Maker = Callable[["Anything"], dict[str, Any]]


def _fresh(any: Anything, name: str) -> Id:
    return derived_id(NOBODY, f"{name}/{any.choose.number(0, 10**9)}")


def _block(any: Anything) -> dict[str, Any]:
    start = any.moment()
    args = any.struct(RULES["block.create"].args)
    args |= {"start_time": start, "end_time": start + timedelta(minutes=5 * any.choose.number(1, 6))}
    if args.get("slot_duration_minutes"):
        args["slot_duration_minutes"] = any.choose.pick([5, 10])
        args.pop("manual_slots", None)
    return args


def _block_update(any: Anything) -> dict[str, Any]:
    """One thing of a block: how many it takes, its notes, or its time."""
    args = any.struct(RULES["block.update"].args)
    block = any.row(EventTimeBlock, args["block_id"])
    if block is None or any.choose.chance(20):
        return args
    how = any.choose.number(0, 3)
    said: dict[str, Any] = {"block_id": block.id}
    if how < 2:
        said["max_capacity"] = any.choose.pick([None, 2, 3, 4, 5, 6])
    elif how == 2:
        said["notes"] = any.choose.pick(["one", "another", "a third"])
    else:
        by = timedelta(minutes=5 * any.choose.number(1, 6))
        said |= {"start_time": block.start_time + by, "end_time": block.end_time + by}
    return said | {name: args[name] for name in ("override_reason", "waive_reason") if name in args}


def _slot(any: Anything) -> dict[str, Any]:
    """A slot of a block that has them made by hand, mostly where there is none yet."""
    args = any.struct(RULES["slot.create"].args)
    by_hand = sorted(block.id for block in any.picture.all(EventTimeBlock) if _made_by_hand(block))
    if by_hand and any.choose.chance(90):
        args["block_id"] = any.choose.pick(by_hand)
    block = any.row(EventTimeBlock, args["block_id"])
    begin = block.start_time if block is not None else NOON
    start = begin + timedelta(minutes=5 * any.choose.number(0, 5))
    return args | {"start_time": start, "end_time": start + timedelta(minutes=5)}


def _made_by_hand(block: EventTimeBlock) -> bool:
    return block.manual_slots and block.status != "cancelled"


def _slot_update(any: Anything) -> dict[str, Any]:
    """How many a slot takes, or when it is: a seated one's places are its seats."""
    args = any.struct(RULES["slot.update"].args)
    slot = any.row(EventSlot, args["slot_id"])
    if slot is None or any.choose.chance(15):
        return args
    said: dict[str, Any] = {"slot_id": slot.id}
    if any.choose.chance(80) and not slot.seated:
        said["capacity"] = max(1, slot.capacity + any.choose.pick([-1, 1, 2]))
    else:
        said |= {"end_time": slot.end_time - timedelta(minutes=1)}
    return said | ({"override_reason": places.REASON} if any.choose.chance(30) else {})


def _invite(any: Anything) -> dict[str, Any]:
    until = any.now + timedelta(seconds=any.choose.number(300, 3600))
    return {"name": "Desk", "ceiling": "volunteer", "code_id": _fresh(any, "code"), "expires_at": until}


def _enrol(any: Anything) -> dict[str, Any]:
    """With a code that nobody used yet, mostly."""
    ids = {f"{name}_id": _fresh(any, name) for name in ("device", "token", "proof")}
    unused = sorted(code.id for code in any.picture.all(Enrolment) if code.used_at is None)
    code = any.choose.pick(unused) if unused and any.choose.chance(90) else any.one(Enrolment)
    return ids | {"code_id": code}


def _staff(any: Anything) -> dict[str, Any]:
    return {"name": "Bea", "role": "volunteer", "token_id": _fresh(any, "token")}


def _undo(any: Anything) -> dict[str, Any]:
    facts = sorted({fact.command_id for fact in any.picture.all(Attendance) if fact.kind != "undone"})
    return {"command_id": any.choose.pick(facts) if facts else NOBODY}


def _seats(any: Anything) -> dict[str, Any]:
    """Seats that the room has not, mostly."""
    args = any.struct(RULES["seats.create"].args)
    numbers = range(any.choose.number(1, 2))
    row = any.choose.pick("CDEFGH")
    return args | {"seats": [{"row": row, "number": any.choose.number(1, 9) + 10 * n} for n in numbers]}


def _open_seats(any: Anything) -> dict[str, Any]:
    """A slot in which nobody is yet, or whose room got some more seats, mostly."""
    ids = sorted(slot.id for slot in any.picture.all(EventSlot) if _to_open(any.picture, slot))
    return {"slot_id": any.choose.pick(ids) if ids and any.choose.chance(90) else any.one(EventSlot)}


def _to_open(now: Picture, slot: EventSlot) -> bool:
    seats = [seat for seat in now.all(Seat) if seat.location_id == slot.location_id]
    more = len(seats) > len(now.seats(slot))
    return slot.status != "cancelled" and more and bool(slot.seated or not slot.reserved_count)


def _retire_seats(any: Anything) -> dict[str, Any]:
    """Mostly a seat that nobody has anywhere."""
    taken = {place.seat_id for place in any.picture.all(SlotSeat) if place.state != "available"}
    ids = sorted(seat.id for seat in any.picture.all(Seat) if seat.id not in taken)
    args = any.struct(RULES["seats.retire"].args)
    return {"seat_ids": [any.choose.pick(ids)]} if ids and any.choose.chance(75) else args


def _reopen_event(any: Anything) -> dict[str, Any]:
    """Mostly one that was closed, not cancelled."""
    ids = sorted(event.id for event in any.picture.all(Event) if _to_reopen(any.picture, event))
    return {"event_id": any.choose.pick(ids) if ids and any.choose.chance(85) else any.one(Event)}


def _to_reopen(now: Picture, event: Event) -> bool:
    blocks = [block.status for block in now.all(EventTimeBlock) if block.event_id == event.id]
    return not event.is_active and (not blocks or set(blocks) != {"cancelled"})


def _retire_room(any: Anything) -> dict[str, Any]:
    """Mostly a room in which nothing is planned."""
    args = any.struct(RULES["location.retire"].args)
    used = {block.location_id for block in any.picture.all(EventTimeBlock)}
    ids = sorted(room.id for room in any.picture.all(Location) if room.id not in used)
    return args | {"location_id": any.choose.pick(ids)} if ids and any.choose.chance(60) else args


def _postpone(kind: str) -> Maker:
    """Later by some minutes."""

    def make(any: Anything) -> dict[str, Any]:
        args = any.struct(RULES[kind].args)
        said = {name: value for name, value in args.items() if name.endswith("_id") or "reason" in name}
        return said | {"minutes": 5 * any.choose.number(1, 6)}

    return make


def _reopen_room(any: Anything) -> dict[str, Any]:
    """A room in which something is closed."""
    args = any.struct(RULES["location.reopen"].args)
    shut = sorted({block.location_id for block in any.picture.all(EventTimeBlock) if block.status == "closed"})
    return {"location_id": any.choose.pick(shut)} if shut and any.choose.chance(90) else args


def _on_the_claims_day(kind: str) -> Maker:
    """Arguments about a claim, and mostly about the room and the day that it has."""

    def make(any: Anything) -> dict[str, Any]:
        args = any.struct(RULES[kind].args)
        named = args.get("reservation_id") or next(iter(args.get("reservation_ids") or ()), None)
        claim = any.row(SlotReservation, named) if named else None
        if claim is not None and any.choose.chance(90):
            args["location_id"] = claim.location_id
            if "reservation_ids" in args:
                args["reservation_ids"] = [claim.id]
        return args

    return make


def _unskip(any: Anything) -> dict[str, Any]:
    """Who was skipped, mostly."""
    args = any.struct(RULES["room_day.unskip"].args)
    days = sorted((day for day in any.picture.all(RoomDay) if day.skipped), key=lambda day: day.id)
    if not days or any.choose.chance(10):
        return args
    day = any.choose.pick(days)
    return {"location_id": day.location_id, "day": day.day, "reservation_ids": [any.choose.pick(day.skipped or [""])]}


SPECIAL: Final[dict[str, Maker]] = {
    "block.create": _block,
    "block.update": _block_update,
    "slot.create": _slot,
    "slot.update": _slot_update,
    "seats.create": _seats,
    "slot.open_seats": _open_seats,
    "seats.retire": _retire_seats,
    "event.reopen": _reopen_event,
    "location.retire": _retire_room,
    "location.reopen": _reopen_room,
    "device.invite": _invite,
    "device.enrol": _enrol,
    "staff.create": _staff,
    "attendance.undo": _undo,
    "import.apply": any_document,
    "reservation.assign": places.assign,
    "reservation.walk_in": places.walk_in,
    "reservation.cancel": places.cancel,
    "reservation.reinstate": places.reinstate,
    "reservation.move": places.move,
    "reservation.swap": places.swap,
    "reservation.update": places.update,
    "waitlist.promote": places.promote,
    "hold.expire": places.expire,
    "room_day.unskip": _unskip,
    **{kind: places.party(kind) for kind in ("reservation.reserve", "reservation.override", "reservation.hold")},
    **{kind: _postpone(kind) for kind in ("event.postpone", "block.postpone", "location.postpone")},
    **{f"room_day.{word}": _on_the_claims_day(f"room_day.{word}") for word in ("on_stage", "call", "skip")},
}

THERE: Final[dict[str, Callable[[Picture], bool]]] = {
    "attendance.undo": lambda now: any(fact.kind != "undone" for fact in now.all(Attendance)),
    "device.enrol": lambda now: any(code.used_at is None for code in now.all(Enrolment)),
    "location.reopen": lambda now: any(block.status == "closed" for block in now.all(EventTimeBlock)),
    "slot.open_seats": lambda now: any(_to_open(now, slot) for slot in now.all(EventSlot)),
    "event.reopen": lambda now: any(_to_reopen(now, event) for event in now.all(Event)),
    "reservation.hold": lambda now: any(places.has_room(now, slot) for slot in now.all(EventSlot)),
    "slot.create": lambda now: any(_made_by_hand(block) for block in now.all(EventTimeBlock)),
    "hold.expire": lambda now: any(now.overdue(claim) for claim in now.all(SlotReservation)),
    "room_day.unskip": lambda now: any(day.skipped for day in now.all(RoomDay)),
}
"""Whether there is anything for a kind to be about, where that is more than a row that it names."""
