"""``seats.create``, ``seats.retire`` and ``slot.open_seats``: a room's map of seats, and putting it up in a slot."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import structs

from server_sync.protocol.errors import (
    ALREADY_EXISTS,
    HAS_PEOPLE,
    INVALID,
    NO_SEATS,
    NOT_FOUND,
    NOTHING_TO_DO,
    SEATS_TAKEN,
    SLOT_CANCELLED,
    Refusal,
)
from server_sync.protocol.ids import GivenId, Id, derived_id
from server_sync.protocol.records import Event, EventSlot, Location, Seat, SlotSeat
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.placing import needs_slot
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.seating import position
from server_sync.rules.state import (
    SEATS_OF_LOCATION,
    SEATS_OF_SLOT,
    SLOTS_OF_SEAT,
    Changes,
    Keys,
    State,
)
from server_sync.rules.waitlist import let_go, promoted_answer, serve

MOST: Final = 5000
"""How many seats one command may make or retire."""

Row = Annotated[str, msgspec.Meta(min_length=1, max_length=20, pattern=r"^\S(.*\S)?\Z")]
SeatNumber = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
SeatType = Annotated[str, msgspec.Meta(min_length=1, max_length=50, pattern=r"^\S(.*\S)?\Z")]


class NewSeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One seat: it is found as ``A-1``, and priced by its type."""

    row: Row
    number: SeatNumber
    seat_type: SeatType = "standard"


class CreateSeats(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Seats that a room has from now on, beside those that it has; slots show them once their seats are opened."""

    location_id: GivenId
    seats: Annotated[list[NewSeat], msgspec.Meta(min_length=1, max_length=MOST)]


class RetireSeats(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Seats that are no more: gone from their room's map and from every slot that is not over."""

    seat_ids: Annotated[list[GivenId], msgspec.Meta(min_length=1, max_length=MOST)]


class OpenSeats(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The slot whose places are its room's seats. Done again it adds the seats that the room got since."""

    slot_id: GivenId


# --------------------------------------------------------------------- create


def needs_create(command: Command[CreateSeats], loaded: State) -> Keys:
    """The room, locked: who else makes seats there waits and is then told of these."""
    location_id = command.args.location_id
    return Keys(lock={(Location, location_id)}, find={(SEATS_OF_LOCATION, location_id)})


def create(state: State, command: Command[CreateSeats], now: datetime) -> Changes | Refusal:
    """All of the seats, or none if one is there already."""
    args = command.args
    room = state.get(Location, args.location_id)
    if room is None or room.deleted or room.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"location_id": args.location_id})
    rows = [
        Seat(
            id=command.derive(f"{seat.row}-{seat.number}"),
            programme_id=command.programme_id,
            location_id=room.id,
            row=seat.row,
            number=seat.number,
            seat_type=seat.seat_type,
        )
        for seat in args.seats
    ]
    twice = [name for name, count in Counter(map(position, rows)).items() if count > 1]
    if twice:
        return Refusal(INVALID, {"field": "seats", "problem": "named more than once", "seats": twice})
    there = {position(seat) for seat in state.find(SEATS_OF_LOCATION, room.id)}
    again = [name for name in map(position, rows) if name in there]
    if again:
        return Refusal(ALREADY_EXISTS, {"location_id": room.id, "seats": again})
    return Changes([*rows], {"location_id": room.id, "seats": len(rows)})


# --------------------------------------------------------------------- retire


def retire(draft: Draft, command: Command[RetireSeats], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """The seats are gone, and slots to come have as many places less; refused if somebody has one of them there."""
    ids = list(dict.fromkeys(command.args.seat_ids))
    rows = [_seat(draft, ask, id) for id in ids]  # all of them first: they are looked up together
    for place in [place for id in ids for place in draft.find(SLOTS_OF_SEAT, id)]:
        needs_slot(ask, draft, place.slot_id)
    seats: list[Seat] = []
    for id, seat in zip(ids, rows, strict=True):
        if seat is None or seat.deleted or seat.programme_id != command.programme_id:
            return Refusal(NOT_FOUND, {"seat_id": id})
        seats.append(seat)
    coming = _to_come(draft, ids, now)
    freed: set[Id] = set()
    for event_id in sorted({slot.event_id for slot in coming.values()}):
        freed |= let_go(draft, event_id, ask)
    places: dict[Id, list[SlotSeat]] = defaultdict(list)
    for place in [place for id in ids for place in draft.find(SLOTS_OF_SEAT, id)]:
        places[place.slot_id].append(place)
    taken = [place for id in coming for place in places[id] if place.state != "available"]
    if taken:
        return Refusal(SEATS_TAKEN, _who_has(seats, taken))
    draft.write(*(structs.replace(seat, deleted=True) for seat in seats))
    for id in coming:
        slot = draft.get(EventSlot, id) or coming[id]
        if slot.capacity <= len(places[id]):
            return Refusal(NO_SEATS, {"slot_id": id, "problem": "no seat of this slot would be left"})
        draft.write(*(structs.replace(place, deleted=True) for place in places[id]))
        draft.write(structs.replace(slot, capacity=slot.capacity - len(places[id])))
    promoted = serve(draft, freed | coming.keys(), ask)  # a party that fits nowhere any more is in nobody's way
    return {"seats": len(seats), "slots": len(coming), **promoted_answer(promoted)}


def _seat(draft: Draft, ask: Keys, id: Id) -> Seat | None:
    ask.lock.add((Seat, id))
    seat = draft.get(Seat, id)
    if seat is not None:
        ask.lock.add((Location, seat.location_id))  # nobody opens a slot's seats meanwhile
    return seat


def _to_come(draft: Draft, seat_ids: list[Id], now: datetime | None) -> dict[Id, EventSlot]:
    """The slots that show one of these seats and are not over."""
    ids = {place.slot_id for id in seat_ids for place in draft.find(SLOTS_OF_SEAT, id)}
    slots = {id: draft.get(EventSlot, id) for id in sorted(ids)}
    return {id: slot for id, slot in slots.items() if slot is not None and (now is None or slot.end_time > now)}


def _who_has(seats: list[Seat], taken: list[SlotSeat]) -> dict[str, Any]:
    names = {seat.id: position(seat) for seat in seats}
    return {
        "seats": [
            {"seat_id": place.seat_id, "seat": names[place.seat_id], "slot_id": place.slot_id, "state": place.state}
            for place in taken
        ]
    }


# ----------------------------------------------------------------------- open


def open_seats(draft: Draft, command: Command[OpenSeats], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """One row for each seat of the room, available and priced; the slot has as many places as there are seats."""
    slot = needs_slot(ask, draft, command.args.slot_id)
    if slot is None or slot.deleted or slot.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"slot_id": command.args.slot_id})
    ask.lock.add((Location, slot.location_id))  # the map stays as it is
    if slot.status == "cancelled":
        return Refusal(SLOT_CANCELLED, {"slot_id": slot.id})
    freed = let_go(draft, slot.event_id, ask)
    slot = draft.get(EventSlot, slot.id) or slot
    if not slot.seated and slot.reserved_count > 0:
        return Refusal(HAS_PEOPLE, {"slot_id": slot.id, "reserved": slot.reserved_count})
    seats: list[Seat] = draft.find(SEATS_OF_LOCATION, slot.location_id)
    there = {place.seat_id for place in draft.find(SEATS_OF_SLOT, slot.id)}
    if not seats and not there:
        return Refusal(NO_SEATS, {"slot_id": slot.id, "location_id": slot.location_id})
    event = draft.get(Event, slot.event_id)
    rows = [_opened(slot, seat, event) for seat in seats if seat.id not in there]
    if not rows and slot.seated:
        return Refusal(NOTHING_TO_DO, {"slot_id": slot.id, "seats": len(there)})
    draft.write(structs.replace(slot, seated=True, capacity=len(there) + len(rows)), *rows)
    answer = {"slot_id": slot.id, "seats": len(there) + len(rows), "opened": len(rows)}
    return answer | promoted_answer(serve(draft, freed | {slot.id}, ask))


def _opened(slot: EventSlot, seat: Seat, event: Event | None) -> SlotSeat:
    """The seat in the slot, at what its type costs; its id follows from both, so that it is opened once."""
    prices = (event.seat_type_prices if event is not None else None) or {}
    return SlotSeat(
        id=derived_id(slot.id, seat.id),
        programme_id=slot.programme_id,
        slot_id=slot.id,
        seat_id=seat.id,
        state="available",
        price=prices.get(seat.seat_type, event.price if event is not None else None),
    )


RULES: list[Rule[Any]] = [
    Rule("seats.create", CreateSeats, "admin", needs_create, create, bulk=True),
    rehearsed("seats.retire", RetireSeats, retire, bulk=True),
    rehearsed("slot.open_seats", OpenSeats, open_seats, bulk=True),
]
