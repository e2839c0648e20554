"""Every row that the authority keeps and a desk replicates: one frozen struct a table, named as in the database.

A row is the same JSON object in Postgres (``row_to_json``), on the wire and in a desk's cache; a field that is None is
left out. Server bookkeeping (``created_at``, ``updated_at``, ``last_xid``) is no part of a record. Ids are UUID texts,
times are aware datetimes in UTC, money is in the currency's smallest unit. The only default a field may have is None,
so that "left out" always means "NULL".
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Literal

import msgspec

from server_sync.protocol.ids import Id

Role = Literal["public", "volunteer", "room_manager", "admin"]
"""What a caller may do, each including the one before."""

ROLES: tuple[Role, ...] = ("public", "volunteer", "room_manager", "admin")

Category = Literal["music", "arts", "drama", "dance", "sports", "academic", "technology", "talk", "other"]
EventType = Literal["individual", "team"]
Claim = Literal["held", "waitlisted", "reserved", "cancelled", "expired"]
FactKind = Literal["arrived", "performed", "no_show", "undone"]
Openness = Literal["open", "closed", "cancelled"]
SeatState = Literal["available", "held", "booked"]


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row. ``TABLE`` names its table, ``REF`` the prefix of its ref if people read one."""

    TABLE: ClassVar[str]
    REF: ClassVar[str | None] = None

    id: Id
    programme_id: Id
    deleted: bool | None = None  # true once the row left; None while it is there


class Programme(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A festival or competition; ``programme_id`` is its own id, so that every row is scoped alike."""

    TABLE: ClassVar[str] = "programmes"
    REF: ClassVar[str | None] = "PRG"

    name: str
    time_zone: str
    status: Literal["draft", "published", "archived"]
    practice: bool
    ref: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    settings: dict[str, Any] | None = None


class EventRules(Record, frozen=True, kw_only=True, omit_defaults=True):
    """How an event is judged or run: whatever its scoring needs, as JSON. An event may name one."""

    TABLE: ClassVar[str] = "event_rules"

    name: str
    description: str | None = None
    configuration: dict[str, Any] | None = None


class Event(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A class, activity, ride or show. ``reserved_count`` is kept only where ``capacity`` limits it."""

    TABLE: ClassVar[str] = "events"
    REF: ClassVar[str | None] = "EVT"

    name: str
    category: Category
    type: EventType
    is_active: bool
    points_first: int
    points_second: int
    points_third: int
    waitlist_enabled: bool
    waitlist_order: Literal["strict", "best_fit"]
    reserved_count: int
    overbooked_count: int
    ref: str | None = None
    description: str | None = None
    artists: list[str] | None = None
    tags: list[str] | None = None
    rules_id: Id | None = None
    capacity: int | None = None
    master_start: datetime | None = None
    master_end: datetime | None = None
    price: int | None = None
    fee: int | None = None
    currency: str | None = None
    seat_type_prices: dict[str, int] | None = None
    external_id: str | None = None
    metadata: dict[str, Any] | None = None


class Location(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A room."""

    TABLE: ClassVar[str] = "locations"
    REF: ClassVar[str | None] = "LOC"

    name: str
    ref: str | None = None
    building: str | None = None
    city: str | None = None
    description: str | None = None
    capacity: int | None = None
    notes: str | None = None
    external_id: str | None = None
    position: int | None = None  # its column on the board
    metadata: dict[str, Any] | None = None


class EventLocation(Record, frozen=True, kw_only=True, omit_defaults=True):
    """That an event uses a room."""

    TABLE: ClassVar[str] = "event_locations"

    event_id: Id
    location_id: Id


class EventTimeBlock(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch of time of one event in one room. ``waived`` lets it overlap another in the same room."""

    TABLE: ClassVar[str] = "event_time_blocks"

    event_id: Id
    location_id: Id
    start_time: datetime
    end_time: datetime
    manual_slots: bool
    status: Openness
    waived: bool
    reserved_count: int
    overbooked_count: int
    slot_duration_minutes: int | None = None
    max_capacity: int | None = None
    status_reason: str | None = None
    waived_reason: str | None = None
    external_id: str | None = None
    notes: str | None = None


class EventSlot(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What is reserved. ``reserved_count`` counts spots of held and reserved claims; the database keeps it."""

    TABLE: ClassVar[str] = "event_slots"

    time_block_id: Id
    event_id: Id
    location_id: Id
    start_time: datetime
    end_time: datetime
    slot_number: int
    capacity: int
    reserved_count: int
    overbooked_count: int
    status: Openness
    created_by_admin: bool
    status_reason: str | None = None
    seated: bool | None = None  # true where its places are the seats of a map


class Seat(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One seat of a room's map: row and number, as ``A-1``."""

    TABLE: ClassVar[str] = "seats"

    location_id: Id
    row: str
    number: int
    seat_type: str


class SlotSeat(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One seat in one slot. ``reservation_id`` is the hold or the booking; a hold lasts until ``held_until``."""

    TABLE: ClassVar[str] = "slot_seats"

    slot_id: Id
    seat_id: Id
    state: SeatState
    price: int | None = None  # in the event's currency, by seat type, as it was when the seats were put up
    reservation_id: Id | None = None
    held_until: datetime | None = None


class Participant(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A person. ``contact`` reaches only devices whose ceiling is admin."""

    TABLE: ClassVar[str] = "participants"
    REF: ClassVar[str | None] = "PPL"

    display_name: str
    ref: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    external_id: str | None = None
    school: str | None = None
    grade: str | None = None
    age: int | None = None
    group_id: Id | None = None
    contact: str | None = None
    merged_into: Id | None = None
    erased: bool | None = None
    metadata: dict[str, Any] | None = None


class Group(Record, frozen=True, kw_only=True, omit_defaults=True):
    """An ensemble, team or class of people; its members are the participants that name it."""

    TABLE: ClassVar[str] = "groups"
    REF: ClassVar[str | None] = "GRP"

    name: str
    ref: str | None = None
    school: str | None = None
    external_id: str | None = None
    metadata: dict[str, Any] | None = None


class SlotReservation(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A claim on a slot by a participant, a group or a free-form name.

    ``spots`` is how many places it takes (members, or 1 + guests). ``placement_version`` grows when it moves or its
    claim changes hands with the slot, ``version`` with every change.
    """

    TABLE: ClassVar[str] = "slot_reservations"
    REF: ClassVar[str | None] = "RSV"

    slot_id: Id
    event_id: Id
    location_id: Id
    time_block_id: Id
    claim: Claim
    spots: int
    reserved_at: datetime
    placement_version: int
    version: int
    ref: str | None = None
    participant_id: Id | None = None
    group_id: Id | None = None
    reserved_name: str | None = None
    reserved_contact: str | None = None
    guests: int | None = None
    confirmed_at: datetime | None = None
    cancelled_at: datetime | None = None
    expires_at: datetime | None = None
    queued_at: datetime | None = None  # its place in line is computed from this order
    any_slot: bool | None = None  # true where it waits for whichever slot of its event has room first
    override_reason: str | None = None
    special_requirements: str | None = None
    metadata: dict[str, Any] | None = None


class ReservationMember(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One participant in a reservation. While ``live`` and not ``waived``, no other may overlap it for this person.

    ``waiting`` is true while the reservation is in a queue: nobody waits twice for one slot.
    """

    TABLE: ClassVar[str] = "reservation_members"

    reservation_id: Id
    participant_id: Id
    slot_id: Id
    start_time: datetime
    end_time: datetime
    live: bool
    waived: bool
    waived_reason: str | None = None
    waiting: bool | None = None


class Attendance(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A fact, appended and never changed. ``participant_id`` is None where the claim is a free-form name.

    ``occurred_at`` is when it happened (corrected by the device's clock offset, never later than received);
    an ``undone`` fact names in ``undoes`` the command whose facts no longer stand.
    """

    TABLE: ClassVar[str] = "attendance"

    reservation_id: Id
    kind: FactKind
    occurred_at: datetime
    command_id: Id
    actor: str
    participant_id: Id | None = None
    device_id: Id | None = None
    undoes: Id | None = None


class RoomDay(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One room on one day: how late it runs and who is on stage. Its id derives from room and day."""

    TABLE: ClassVar[str] = "room_days"

    location_id: Id
    day: date
    delay_minutes: int
    version: int
    on_stage_id: Id | None = None  # a reservation
    on_stage_since: datetime | None = None
    called: list[Id] | None = None
    skipped: list[Id] | None = None


class Flag(Record, frozen=True, kw_only=True, omit_defaults=True):
    """Something that a person should look at. ``audience`` is ``device:ID``, ``role:NAME`` or ``room:ID``."""

    TABLE: ClassVar[str] = "flags"

    audience: str
    subject: str  # "slot_reservations/ID"
    reason: str
    command_id: Id
    raised_at: datetime
    details: dict[str, Any] | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution: str | None = None


class Device(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A desk. Its token's hash, incarnation and last sequence number stay at the centre."""

    TABLE: ClassVar[str] = "devices"

    name: str
    ceiling: Role
    enrolled_at: datetime
    revoked_at: datetime | None = None


class Staff(Record, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody who works at the event; the hash of a token or PIN stays at the centre."""

    TABLE: ClassVar[str] = "staff"

    name: str
    role: Role
    is_active: bool


class Enrolment(Record, frozen=True, kw_only=True, omit_defaults=True):
    """An invitation for one desk. Its id derives from the secret code (``secret_id``), which itself is nowhere."""

    TABLE: ClassVar[str] = "enrolments"

    name: str
    ceiling: Role
    expires_at: datetime
    used_at: datetime | None = None
    device_id: Id | None = None


class Credential(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A token of a device or of one of the staff. Its id derives from the secret token (``secret_id``)."""

    TABLE: ClassVar[str] = "credentials"

    holder: Literal["device", "staff"]
    holder_id: Id
    role: Role
    revoked_at: datetime | None = None


SYNCED: tuple[type[Record], ...] = (
    Programme, Location, Seat, EventRules, Event, EventLocation, Group, Participant, EventTimeBlock, EventSlot,
    SlotReservation, ReservationMember, SlotSeat, Attendance, RoomDay, Flag, Device, Staff,
)  # fmt: skip
"""The tables that a desk holds, parents before children."""

CENTRAL: tuple[type[Record], ...] = (Enrolment, Credential)
"""The tables that never leave the centre."""

TABLES: dict[str, type[Record]] = {record.TABLE: record for record in (*SYNCED, *CENTRAL)}

ADMIN_ONLY: dict[str, tuple[str, ...]] = {"participants": ("contact",), "slot_reservations": ("reserved_contact",)}
"""Columns that only a device whose ceiling is admin receives."""

LIVE_CLAIMS: frozenset[str] = frozenset({"held", "reserved"})
"""The claims that take places."""


def columns(record: type[Record]) -> tuple[str, ...]:
    """The column names of *record*, in the struct's order."""
    return record.__struct_fields__
