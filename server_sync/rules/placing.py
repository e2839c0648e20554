"""May this claim take these places? One answer for reserving, moving and reinstating."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from server_sync.protocol.errors import (
    ALREADY_RESERVED,
    BLOCK_FULL,
    DOUBLE_BOOKED,
    EVENT_FULL,
    EVENT_INACTIVE,
    NOT_FOUND,
    SLOT_CANCELLED,
    SLOT_CLOSED,
    SLOT_FULL,
    Refusal,
)
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, Participant
from server_sync.rules.state import COMMITMENTS, Keys, State


def needs_slot(keys: Keys, loaded: State, slot_id: Id) -> EventSlot | None:
    """Ask for a slot that gets fuller or emptier, and for the block and event that may limit it."""
    keys.lock.add((EventSlot, slot_id))
    slot = loaded.get(EventSlot, slot_id)
    if slot is None:
        return None
    _needs_limit(keys, loaded, EventTimeBlock, slot.time_block_id)
    _needs_limit(keys, loaded, Event, slot.event_id)
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


def open_slot(state: State, programme_id: Id, slot_id: Id) -> EventSlot | Refusal:
    """The slot if it takes reservations at all."""
    slot = state.get(EventSlot, slot_id)
    if slot is None or slot.deleted or slot.programme_id != programme_id:
        return Refusal(NOT_FOUND, {"slot_id": slot_id})
    block = state.get(EventTimeBlock, slot.time_block_id)
    event = state.get(Event, slot.event_id)
    if slot.status == "cancelled" or (block is not None and block.status == "cancelled"):
        return Refusal(SLOT_CANCELLED, {"slot_id": slot_id})
    if slot.status == "closed" or (block is not None and block.status == "closed"):
        return Refusal(SLOT_CLOSED, {"slot_id": slot_id, "reason": slot.status_reason})
    if event is None or not event.is_active:
        return Refusal(EVENT_INACTIVE, {"event_id": slot.event_id})
    return slot


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


def _fullness(name: str, id: Id, reserved: int, capacity: int, spots: int) -> dict[str, Any]:
    return {name: id, "reserved": reserved, "capacity": capacity, "spots": spots}


def clash(state: State, slot: EventSlot, people: Iterable[Id], except_for: Id | None = None) -> Refusal | None:
    """Refuse if one of *people* already is in *slot* or elsewhere meanwhile, save by reservation *except_for*."""
    for participant_id in people:
        for member in state.find(COMMITMENTS, participant_id):
            if member.reservation_id == except_for or not _overlap(member.start_time, member.end_time, slot):
                continue
            code = ALREADY_RESERVED if member.slot_id == slot.id else DOUBLE_BOOKED
            return Refusal(
                code,
                {
                    "participant_id": participant_id,
                    "reservation_id": member.reservation_id,
                    "slot_id": member.slot_id,
                    "start_time": member.start_time,
                    "end_time": member.end_time,
                },
            )
    return None


def _overlap(start: datetime, end: datetime, slot: EventSlot) -> bool:
    return start < slot.end_time and slot.start_time < end
