"""One slot with everything that is known of it now: what, where, who, and how each of them stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Literal

from desktop.day.status import ClaimStatus, claim_pending, claim_status
from desktop.qt.i18n import tr
from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    Event,
    EventSlot,
    EventTimeBlock,
    Group,
    Location,
    Participant,
    Record,
    RoomDay,
    SlotReservation,
)
from server_sync.rules.room_day import room_day_id
from server_sync.rules.state import CLAIMS_ON_SLOT, MEMBERS, State

Pending = Callable[[type[Record], Id], bool]


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """A claim that takes places, under the name that people call it by. ``people`` are its known members."""

    claim: SlotReservation
    name: str
    details: str
    status: ClaimStatus
    pending: bool
    people: tuple[Id, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """A slot, its event and room (None while they are unknown), its claims in order of making, and its openness."""

    slot: EventSlot
    event: Event | None
    room: Location | None
    claims: tuple[ClaimFacts, ...]
    openness: Literal["open", "closed", "cancelled"]
    reason: str
    places: int


def slot_facts(state: State, slot: EventSlot, day: date, now: datetime, zone: tzinfo, is_pending: Pending) -> SlotFacts:
    """Everything known of *slot*, which belongs to the programme's *day*, at the moment *now*."""
    block = state.get(EventTimeBlock, slot.time_block_id)
    openness = slot.status
    if openness == "open" and block is not None:
        openness = block.status
    reason = slot.status_reason or (block.status_reason if block is not None else None) or ""
    room_day = state.get(RoomDay, room_day_id(slot.location_id, day))
    claims = []
    for claim in state.find(CLAIMS_ON_SLOT, slot.id):
        status = claim_status(state, claim, slot.start_time, now, zone, room_day)
        people = tuple(member.participant_id for member in state.find(MEMBERS, claim.id))
        name, details = claim_name(state, claim, people)
        pending = claim_pending(state, claim, is_pending)
        claims.append(ClaimFacts(claim, name, details, status, pending, people))
    places = max(0, slot.capacity - slot.reserved_count)
    event, room = state.get(Event, slot.event_id), state.get(Location, slot.location_id)
    return SlotFacts(slot, event, room, tuple(claims), openness, reason, places)


def claim_name(state: State, claim: SlotReservation, people: tuple[Id, ...]) -> tuple[str, str]:
    """What a claim is called ("Ada Lind", a group's name, what was written), and the school or grade to it."""
    group = state.get(Group, claim.group_id)
    if group is not None:
        return group.name, group.school or ""
    rows = [row for id in people or (claim.participant_id,) if (row := state.get(Participant, id)) is not None]
    if claim.reserved_name and len(rows) != 1:
        return claim.reserved_name, ""
    if not rows:
        return claim.reserved_name or tr("Somebody"), ""
    name = " & ".join(row.display_name for row in rows[:2])
    if len(rows) > 2:
        name = tr("{names} and {more} more", names=name, more=len(rows) - 2)
    return name, person_details(rows[0]) if len(rows) == 1 else ""


def person_details(person: Participant) -> str:
    """Grade and school: "Grade 7 · Lincoln Middle School"."""
    grade = person.grade or ""
    if grade.isdigit():
        grade = tr("Grade {grade}", grade=grade)
    return " · ".join(part for part in (grade, person.school) if part)


def place_words(room: Location | None) -> str:
    """Where a room is, in few words: "Gym 1", else the building."""
    if room is None:
        return ""
    return (room.notes or "").split(",")[0].strip() or room.building or ""
