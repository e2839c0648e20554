"""A programme of any size, as rows: rooms, events, blocks with slots, people, and a reservation for most of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from server_sync.protocol.ids import Id, derived_id, make_ref
from server_sync.protocol.records import (
    Event,
    EventSlot,
    EventTimeBlock,
    Location,
    Participant,
    Programme,
    Record,
    ReservationMember,
    SlotReservation,
)
from server_sync.rules.state import State

ROOT = "0190a000-0000-7000-8000-000000000000"
MORNING = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
_FIRST = ["María", "Zoë", "Søren", "Łukasz", "Aoife", "Jun", "Omar", "Ivy", "Marco", "Margaret", "Björn", "Nguyễn"]
_LAST = ["López-Ruiz", "Low", "Lombardi", "O'Brien", "Åström", "Watanabe", "Love", "Moreau", "Strauß", "Nowak"]


@dataclass
class SmallDay:
    """The rows, and the ids that tests need."""

    rows: list[Record] = field(default_factory=list)
    programme: Id = ROOT
    slots: list[Id] = field(default_factory=list)
    people: list[Id] = field(default_factory=list)
    claims: list[Id] = field(default_factory=list)
    rooms: list[Id] = field(default_factory=list)

    def state(self) -> State:
        """All of it as a state, with counts."""
        state = State()
        state.apply(self.rows)
        return state


def small_day(
    rooms: int = 2, slots: int = 6, people: int = 10, capacity: int = 1, seed: int = 1, claims: int | None = None
) -> SmallDay:
    """*rooms* with *slots* of ten minutes from nine on; the first *people* fill them in turn, *claims* at most."""
    random = Random(seed)
    day = SmallDay()
    day.rows.append(
        Programme(
            id=ROOT, programme_id=ROOT, name="Spring Festival", time_zone="Europe/Berlin", status="published",
            practice=False,
        )
    )  # fmt: skip
    for number in range(rooms):
        day.rows.extend(_room(day, number, slots, capacity))
    for number in range(people):
        first, last = random.choice(_FIRST), random.choice(_LAST)
        person = Participant(
            id=derived_id(ROOT, f"person {number}"), programme_id=ROOT, display_name=f"{first} {last}",
            first_name=first, last_name=last, ref=make_ref("PPL", number), school=f"School {number % 20}",
            external_id=f"X{number:05}",
        )  # fmt: skip
        day.people.append(person.id)
        day.rows.append(person)
    places = [slot for slot in day.rows if isinstance(slot, EventSlot) for _ in range(capacity)]
    for number, (slot, participant) in enumerate(zip(places[:claims], day.people, strict=False)):
        day.rows.extend(_claim(day, number, slot, participant))
    return day


def _room(day: SmallDay, number: int, slots: int, capacity: int) -> Iterator[Record]:
    name = f"Room {chr(65 + number % 26)}"
    room = Location(id=derived_id(ROOT, f"room {number}"), programme_id=ROOT, name=name, position=number)
    event = Event(
        id=derived_id(ROOT, f"event {number}"), programme_id=ROOT, name=f"Piano solo {number}", category="music",
        type="individual", is_active=True, points_first=3, points_second=2, points_third=1, waitlist_enabled=False,
        waitlist_order="strict", reserved_count=0, overbooked_count=0,
    )  # fmt: skip
    block = EventTimeBlock(
        id=derived_id(ROOT, f"block {number}"), programme_id=ROOT, event_id=event.id, location_id=room.id,
        start_time=MORNING, end_time=MORNING + timedelta(minutes=10 * slots), manual_slots=False, status="open",
        waived=False, reserved_count=0, overbooked_count=0, slot_duration_minutes=10,
        max_capacity=max(1, slots * capacity - 1) if number == 0 else None,
    )  # fmt: skip
    day.rooms.append(room.id)
    yield from (room, event, block)
    for at in range(slots):
        start = MORNING + timedelta(minutes=10 * at)
        slot = EventSlot(
            id=derived_id(block.id, at), programme_id=ROOT, time_block_id=block.id, event_id=event.id,
            location_id=room.id, start_time=start, end_time=start + timedelta(minutes=10), slot_number=at + 1,
            capacity=capacity, reserved_count=0, overbooked_count=0, status="open", created_by_admin=False,
        )  # fmt: skip
        day.slots.append(slot.id)
        yield slot


def _claim(day: SmallDay, number: int, slot: EventSlot, participant: Id) -> Iterator[Record]:
    claim = SlotReservation(
        id=derived_id(ROOT, f"claim {number}"), programme_id=ROOT, slot_id=slot.id, event_id=slot.event_id,
        location_id=slot.location_id, time_block_id=slot.time_block_id, claim="reserved", spots=1,
        reserved_at=MORNING - timedelta(days=9), placement_version=1, version=1, ref=make_ref("RSV", number),
        participant_id=participant,
    )  # fmt: skip
    day.claims.append(claim.id)
    yield claim
    yield ReservationMember(
        id=derived_id(claim.id, participant), programme_id=ROOT, reservation_id=claim.id, participant_id=participant,
        slot_id=slot.id, start_time=slot.start_time, end_time=slot.end_time, live=True, waived=False,
    )  # fmt: skip
