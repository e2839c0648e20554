"""May these people take these places? One answer for whoever reserves, holds, moves, swaps, returns or is promoted."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from msgspec import structs

from server_sync.protocol.errors import (
    ALREADY_RESERVED,
    ALREADY_WAITING,
    BLOCK_FULL,
    DOUBLE_BOOKED,
    EVENT_FULL,
    EVENT_INACTIVE,
    NOT_ALLOWED,
    NOT_FOUND,
    SLOT_CANCELLED,
    SLOT_CLOSED,
    SLOT_FULL,
    Refusal,
)
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, Participant, ReservationMember
from server_sync.rules.command import Command
from server_sync.rules.draft import Draft
from server_sync.rules.state import COMMITMENTS, SEATS_OF_LOCATION, SEATS_OF_SLOT, SLOTS_OF_EVENT, Keys, State


class Waivers(NamedTuple):
    """What an admin takes upon himself, each with its reason: more people than there are places, or one in two."""

    overbook: str | None = None
    double_book: str | None = None


NONE_WAIVED = Waivers()


def waivers(command: Command[Any], overbook: str | None, double_book: str | None) -> Waivers | Refusal:
    """The waivers that a command's arguments name; only an admin has them."""
    if (overbook or double_book) and command.role != "admin":
        return Refusal(NOT_ALLOWED, {"needs": "admin", "has": command.role})
    return Waivers(overbook or None, double_book or None)


def needs_slot(keys: Keys, loaded: State, slot_id: Id) -> EventSlot | None:
    """Ask for a slot that gets fuller or emptier, for the block and event that may limit it, and for its seats."""
    keys.lock.add((EventSlot, slot_id))
    slot = loaded.get(EventSlot, slot_id)
    if slot is None:
        return None
    _needs_limit(keys, loaded, EventTimeBlock, slot.time_block_id)
    _needs_limit(keys, loaded, Event, slot.event_id)
    if slot.seated:
        keys.find |= {(SEATS_OF_SLOT, slot.id), (SEATS_OF_LOCATION, slot.location_id)}
    return slot


def _needs_limit(keys: Keys, loaded: State, record: type[EventTimeBlock] | type[Event], id: Id) -> None:
    """A row that limits is locked with its slots; one that doesn't is only read."""
    row = loaded.get(record, id)
    limit = None if row is None else row.max_capacity if isinstance(row, EventTimeBlock) else row.capacity
    (keys.read if limit is None else keys.lock).add((record, id))


def needs_people(keys: Keys, participant_ids: Iterable[Id]) -> None:
    """Ask for people whose time is claimed: locked, or two batches could each give them half of a clash."""
    for participant_id in participant_ids:
        keys.lock.add((Participant, participant_id))
        keys.find.add((COMMITMENTS, participant_id))


def open_slot(state: State, programme_id: Id, slot_id: Id, closed_too: bool = False) -> EventSlot | Refusal:
    """The slot if it takes reservations at all; *closed_too* for whoever may reserve in what is closed to others."""
    slot = state.get(EventSlot, slot_id)
    if slot is None or slot.deleted or slot.programme_id != programme_id:
        return Refusal(NOT_FOUND, {"slot_id": slot_id})
    block = state.get(EventTimeBlock, slot.time_block_id)
    event = state.get(Event, slot.event_id)
    if slot.status == "cancelled" or (block is not None and (block.status == "cancelled" or block.deleted)):
        return Refusal(SLOT_CANCELLED, {"slot_id": slot_id})
    if closed_too:
        return slot
    if slot.status == "closed" or (block is not None and block.status == "closed"):
        reason = slot.status_reason or (block.status_reason if block is not None else None)
        return Refusal(SLOT_CLOSED, {"slot_id": slot_id, "reason": reason})
    if event is None or event.deleted or not event.is_active:
        return Refusal(EVENT_INACTIVE, {"event_id": slot.event_id})
    return slot


def over(state: State, slot: EventSlot) -> bool:
    """Whether the time of *slot* has passed, where the time is known: nobody is sent there who did not name it."""
    return state.now is not None and slot.end_time <= state.now


def slots_to_come(state: State, event_id: Id) -> list[EventSlot]:
    """The slots of an event that are not over, earliest first: where there may be room for whoever names none."""
    slots: list[EventSlot] = state.find(SLOTS_OF_EVENT, event_id)
    return sorted((slot for slot in slots if not over(state, slot)), key=lambda slot: (slot.start_time, slot.id))


def room_for(state: State, slot: EventSlot, spots: int, leaving: EventSlot | None = None) -> Refusal | None:
    """Refuse if *slot*, its block or its event lacks *spots* places; who is *leaving* within one takes no more."""
    if slot.reserved_count + spots > slot.capacity:  # what an override added beyond the capacity is not for others
        return Refusal(SLOT_FULL, _fullness("slot_id", slot.id, slot.reserved_count, slot.capacity, spots))
    block = state.get(EventTimeBlock, slot.time_block_id)
    if block is not None and block.max_capacity is not None:
        own = spots if leaving is not None and leaving.time_block_id == block.id else 0
        if own < spots and block.reserved_count + spots > block.max_capacity:
            return Refusal(BLOCK_FULL, _fullness("block_id", block.id, block.reserved_count, block.max_capacity, spots))
    event = state.get(Event, slot.event_id)
    if event is not None and event.capacity is not None:
        own = spots if leaving is not None and leaving.event_id == event.id else 0
        if own < spots and event.reserved_count + spots > event.capacity:
            return Refusal(EVENT_FULL, _fullness("event_id", event.id, event.reserved_count, event.capacity, spots))
    return None


def fits_ever(state: State, slot: EventSlot, spots: int) -> bool:
    """Whether so large a party could have a place in *slot* if everybody else left."""
    block, event = state.get(EventTimeBlock, slot.time_block_id), state.get(Event, slot.event_id)
    in_block = None if block is None else block.max_capacity
    in_event = None if event is None else event.capacity
    return all(limit is None or spots <= limit for limit in (slot.capacity, in_block, in_event))


def _fullness(name: str, id: Id, reserved: int, capacity: int, spots: int) -> dict[str, Any]:
    return {name: id, "reserved": reserved, "capacity": capacity, "spots": spots}


def overbook(draft: Draft, slot: EventSlot, spots: int, leaving: EventSlot | None = None) -> None:
    """Make room for *spots* more than there is: what lacks is let in before its claims, never after."""
    lack = slot.reserved_count + spots - slot.capacity - slot.overbooked_count
    if lack > 0:
        draft.write(structs.replace(slot, overbooked_count=slot.overbooked_count + lack))
    block = draft.get(EventTimeBlock, slot.time_block_id)
    if block is not None and block.max_capacity is not None and not (leaving and leaving.time_block_id == block.id):
        lack = block.reserved_count + spots - block.max_capacity - block.overbooked_count
        if lack > 0:
            draft.write(structs.replace(block, overbooked_count=block.overbooked_count + lack))
    event = draft.get(Event, slot.event_id)
    if event is not None and event.capacity is not None and not (leaving and leaving.event_id == event.id):
        lack = event.reserved_count + spots - event.capacity - event.overbooked_count
        if lack > 0:
            draft.write(structs.replace(event, overbooked_count=event.overbooked_count + lack))


def clash(state: State, slot: EventSlot, people: Iterable[Id], except_for: Iterable[Id] = ()) -> Refusal | None:
    """Refuse if one of *people* is, or waits, in *slot*, or is elsewhere meanwhile, save by claims *except_for*."""
    for participant_id in people:
        refusal = _clash_of(state, slot, participant_id, except_for)
        if refusal is not None:
            return refusal
    return None


def _clash_of(state: State, slot: EventSlot, participant_id: Id, except_for: Iterable[Id]) -> Refusal | None:
    there = state.find(COMMITMENTS, participant_id)
    for member in sorted(there, key=lambda member: member.slot_id != slot.id):  # what no waiver helps against first
        if member.reservation_id in except_for:
            continue
        if member.slot_id == slot.id:
            code = ALREADY_WAITING if member.waiting else ALREADY_RESERVED
        elif member.live and overlap(member.start_time, member.end_time, slot):
            code = DOUBLE_BOOKED
        else:
            continue
        return Refusal(code, commitment(member))
    return None


def commitment(member: ReservationMember) -> dict[str, Any]:
    """Who is where, and when, as a refusal says it."""
    return {
        "participant_id": member.participant_id,
        "reservation_id": member.reservation_id,
        "slot_id": member.slot_id,
        "start_time": member.start_time,
        "end_time": member.end_time,
    }


def elsewhere(
    state: State,
    slot: EventSlot,
    people: Iterable[Id],
    waived: Waivers,
    except_for: Iterable[Id] = (),
    excused: Container[Id] = (),
) -> frozenset[Id] | Refusal:
    """Who of *people* is elsewhere meanwhile, if that is *waived* or they are *excused*; nobody may be there twice."""
    double = set()
    for person in people:
        refusal = _clash_of(state, slot, person, except_for)
        may = waived.double_book is not None or person in excused
        if refusal is not None and (refusal.code != DOUBLE_BOOKED or not may):
            return refusal
        if refusal is not None:
            double.add(person)
    return frozenset(double)


def admit(
    draft: Draft,
    slot: EventSlot,
    spots: int,
    people: Iterable[Id],
    waived: Waivers = NONE_WAIVED,
    leaving: EventSlot | None = None,
    except_for: Iterable[Id] = (),
    excused: Container[Id] = (),
) -> frozenset[Id] | Refusal:
    """Let a party into *slot*, making the room that *waived* grants; returns who is knowingly double-booked."""
    double = elsewhere(draft, slot, people, waived, except_for, excused)
    if isinstance(double, Refusal):
        return double
    full = room_for(draft, slot, spots, leaving)
    if full is not None and waived.overbook is None:
        return full
    if full is not None:
        overbook(draft, slot, spots, leaving)
    return double


Limit = EventSlot | EventTimeBlock | Event


def limits(state: State, *slots: EventSlot) -> list[Limit]:
    """The rows that limit *slots*, as they are, each once."""
    found: dict[Id, Limit] = {}
    for slot in slots:
        for row in (
            state.get(EventSlot, slot.id), state.get(EventTimeBlock, slot.time_block_id),
            state.get(Event, slot.event_id),
        ):  # fmt: skip
            if row is not None:
                found[row.id] = row
    return list(found.values())


_FULL: Final[dict[type[Limit], tuple[str, str]]] = {
    EventSlot: (SLOT_FULL, "slot_id"),
    EventTimeBlock: (BLOCK_FULL, "block_id"),
    Event: (EVENT_FULL, "event_id"),
}


def settle(draft: Draft, before: Iterable[Limit], overbooked_too: bool) -> Refusal | None:
    """After people changed places at once: refuse what became fuller than it may be; what only stayed so stays so.

    *before* are the ``limits`` as they were. People who left on the way lowered what was overbooked, as if nobody were
    to come after them.
    """
    for old in before:
        row = draft.get(type(old), old.id)
        capacity = old.max_capacity if isinstance(old, EventTimeBlock) else old.capacity
        if row is None or capacity is None:
            continue
        more = row.reserved_count - old.reserved_count
        over = max(0, row.reserved_count - capacity)
        if more > 0 and over and not overbooked_too:
            code, name = _FULL[type(old)]
            return Refusal(code, _fullness(name, old.id, old.reserved_count, capacity, more))
        overbooked = over if more > 0 else min(over, old.overbooked_count)
        if row.overbooked_count != overbooked:
            draft.write(structs.replace(row, overbooked_count=overbooked))
    return None


def overlap(start: datetime, end: datetime, slot: EventSlot) -> bool:
    """Whether *slot* lies, in part, between *start* and *end*."""
    return start < slot.end_time and slot.start_time < end
