"""What the reads answer: a record with what people want to see beside it, always made afresh from the rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    Category,
    Claim,
    EventTimeBlock,
    EventType,
    FactKind,
    Openness,
)
from server_sync.rules.attendance import Word

ReservationWord = Word
"""The one word that people see for a reservation."""


class Points(msgspec.Struct, frozen=True, kw_only=True):
    """What first, second and third place are worth."""

    first: int
    second: int
    third: int


class EventView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event with its rooms. ``remaining`` is left out where its capacity is not limited.

    ``available`` is how many places could be reserved now, within all limits; ``full`` that no limit has any left.
    """

    id: Id
    programme_id: Id
    name: str
    category: Category
    type: EventType
    is_active: bool
    points: Points
    waitlist_enabled: bool
    waitlist_order: Literal["strict", "best_fit"]
    location_ids: list[Id]
    available: int
    full: bool
    ref: str | None = None
    description: str | None = None
    artists: list[str] | None = None
    tags: list[str] | None = None
    capacity: int | None = None
    remaining: int | None = None
    master_start: datetime | None = None
    master_end: datetime | None = None
    rules_id: Id | None = None
    price: int | None = None
    fee: int | None = None
    currency: str | None = None
    seat_type_prices: dict[str, int] | None = None
    external_id: str | None = None
    metadata: dict[str, Any] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class BlockView(EventTimeBlock, frozen=True, kw_only=True, omit_defaults=True):
    """A time block with its room's name and the sum of its slots that are not cancelled."""

    location_name: str
    slots: int
    open_slots: int
    capacity: int
    reserved: int
    remaining: int


class SlotView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A slot with the names of its event and room. ``remaining`` is 0 where it takes no reservations."""

    id: Id
    programme_id: Id
    event_id: Id
    location_id: Id
    time_block_id: Id
    event_name: str
    location_name: str
    start_time: datetime
    end_time: datetime
    slot_number: int
    capacity: int
    reserved_count: int
    remaining: int
    status: Openness
    building: str | None = None
    status_reason: str | None = None


class PersonView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A participant as a search shows one: enough to tell namesakes apart. The public sees no more than that."""

    id: Id
    programme_id: Id
    display_name: str
    ref: str | None = None
    school: str | None = None
    grade: str | None = None
    age: int | None = None
    group_id: Id | None = None
    group_name: str | None = None
    external_id: str | None = None
    contact: str | None = None


class MemberView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody in a reservation."""

    participant_id: Id
    display_name: str
    school: str | None = None


class ReservedSeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A seat that a reservation holds or has booked; ``seat`` is what people read on it, as ``A-1``."""

    seat_id: Id
    seat: str
    seat_type: str
    price: int | None = None


class FactView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened, as it was recorded; ``undoes`` names the command that no longer stands."""

    kind: FactKind
    occurred_at: datetime
    command_id: Id
    actor: str
    participant_id: Id | None = None
    device_id: Id | None = None
    undoes: Id | None = None


class ReservationView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A reservation with the one word that people see for it (``status``), its time, room and people."""

    id: Id
    programme_id: Id
    slot_id: Id
    event_id: Id
    location_id: Id
    time_block_id: Id
    event_name: str
    location_name: str
    start_time: datetime
    end_time: datetime
    claim: Claim
    status: ReservationWord
    name: str
    spots: int
    reserved_at: datetime
    placement_version: int
    version: int
    members: list[MemberView]
    attendance: list[FactView]
    ref: str | None = None
    seats: list[ReservedSeat] | None = None  # where the places of its slot are seats
    participant_id: Id | None = None
    group_id: Id | None = None
    reserved_name: str | None = None
    reserved_contact: str | None = None
    guests: int | None = None
    checked_in_at: datetime | None = None
    performed_at: datetime | None = None
    confirmed_at: datetime | None = None
    cancelled_at: datetime | None = None
    expires_at: datetime | None = None
    queued_at: datetime | None = None
    any_slot: bool | None = None
    place_in_line: int | None = None  # 1 for whoever is next; only while it waits
    override_reason: str | None = None
    special_requirements: str | None = None
    metadata: dict[str, Any] | None = None


class DeviceView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A desk, and when the centre last heard of it."""

    id: Id
    programme_id: Id
    name: str
    ceiling: str
    enrolled_at: datetime
    revoked_at: datetime | None = None
    last_seen: datetime | None = None
    waiting: int | None = None


class SlotPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where and when a slot is."""

    id: Id
    programme_id: Id
    event_id: Id
    event_name: str
    location_id: Id
    location_name: str
    start_time: datetime
    end_time: datetime
    slot_number: int
    building: str | None = None
