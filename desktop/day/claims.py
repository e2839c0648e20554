"""A claim as a desk speaks of it: whose, where, when, and which of somebody's claims is meant now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from desktop.day.day import Day
from desktop.day.slots import claim_name, place_words
from desktop.day.status import ClaimStatus, claim_pending, claim_status, clock, party
from desktop.qt.i18n import tr
from desktop.widgets.records import StatusKind, StatusWord
from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    Attendance,
    Event,
    EventSlot,
    Location,
    Participant,
    ReservationMember,
    RoomDay,
    SlotReservation,
)
from server_sync.rules.room_day import room_day_id
from server_sync.rules.state import FACTS, MEMBERS

_OVER = frozenset({"cancelled", "expired"})


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim with its slot, and the one member of it that is meant (None: all of it).

    ``id`` is how screens name it: the claim's id, or that of the member's row.
    """

    claim: SlotReservation
    slot: EventSlot
    day: date
    event: str
    room: Location | None
    room_day: RoomDay | None
    status: StatusWord
    member: ReservationMember | None = None

    @property
    def id(self) -> Id:
        """The claim, or the member of it that is meant."""
        return self.claim.id if self.member is None else self.member.id

    @property
    def room_name(self) -> str:
        """What the room is called."""
        return "" if self.room is None else self.room.name

    @property
    def place(self) -> str:
        """Room, place and building: "Room A — Gym 1, Main building"."""
        if self.room is None:
            return ""
        parts = [self.room.name, ", ".join(part for part in (self.room.notes, self.room.building) if part)]
        return " — ".join(part for part in parts if part)

    @property
    def short_place(self) -> str:
        """Room and place: "Room A — Gym 1"."""
        return " — ".join(part for part in (self.room_name, place_words(self.room)) if part)


def claim_view(day: Day, claim: SlotReservation, member: Id | None = None) -> ClaimView | None:
    """*claim* as seen now; *member* is the participant of it that is meant. None while its slot is unknown."""
    state = day.state
    slot = state.get(EventSlot, claim.slot_id)
    if slot is None:
        return None
    event, room = state.get(Event, claim.event_id), state.get(Location, claim.location_id)
    on = day.days.day_of(slot.start_time)
    room_day = state.get(RoomDay, _room_day(claim.location_id, on))
    members = state.find(MEMBERS, claim.id)
    meant = next((row for row in members if row.participant_id == member), None) if len(members) > 1 else None
    status = claim_status(state, claim, slot.start_time, day.now(), day.zone, room_day)
    word = StatusWord(status.kind, status.words, claim_pending(state, claim, day.is_pending))
    if meant is not None and claim.claim == "reserved":
        word = member_status(day, claim, meant, status)
    return ClaimView(claim, slot, on, "" if event is None else event.name, room, room_day, word, meant)


@lru_cache(maxsize=4096)
def _room_day(location_id: Id, on: date) -> Id:
    """Hashing the id anew for every line of a list takes longer than all the rest of it."""
    return room_day_id(location_id, on)


def member_status(day: Day, claim: SlotReservation, member: ReservationMember, whole: ClaimStatus) -> StatusWord:
    """The status of one member of a party, whose claim as a whole has the status *whole*."""
    facts = day.state.find(FACTS, claim.id)
    seen = party(day.state, claim).get(member.participant_id)
    whose = (member.participant_id, None)
    pending = any(day.is_pending(Attendance, fact.id) for fact in facts if fact.participant_id in whose)
    if seen is not None and seen.performed is not None:
        return StatusWord(StatusKind.DONE, tr("Done"), pending)
    if seen is not None and seen.word == "checked_in" and seen.arrived is not None:
        return StatusWord(StatusKind.HERE, tr("Here {time}", time=clock(seen.arrived.occurred_at, day.zone)), pending)
    if seen is not None and seen.word == "no_show":
        return StatusWord(StatusKind.NO_SHOW, tr("No-show"), pending)
    if whole.kind is StatusKind.LATE:
        return StatusWord(StatusKind.LATE, whole.words.split(" · ")[0], pending)
    return StatusWord(StatusKind.EXPECTED, tr("Expected"), pending)


def views_of(day: Day, subject: Id) -> list[ClaimView]:
    """Every claim of somebody, nearest first: today before other days, what is to come before what is done."""
    views = [view for claim in day.claims_of(subject) if (view := claim_view(day, claim, subject)) is not None]
    now, today = day.now(), day.today

    def order(view: ClaimView) -> tuple[object, ...]:
        over = view.claim.claim in _OVER
        done = view.status.kind is StatusKind.DONE
        return over, view.day != today, done, abs((view.slot.start_time - now).total_seconds()), view.claim.id

    return sorted(views, key=order)


def meant_by(day: Day, id: Id) -> tuple[SlotReservation, ReservationMember | None] | None:
    """The claim, and perhaps the one member, that a screen names by *id*."""
    member = day.state.get(ReservationMember, id)
    claim = day.state.get(SlotReservation, id if member is None else member.reservation_id)
    return None if claim is None else (claim, member)


def subject_of(day: Day, claim: SlotReservation) -> Id:
    """Under whose name a claim is shown: its group, its only person, or itself."""
    if claim.group_id is not None:
        return claim.group_id
    members = day.state.find(MEMBERS, claim.id)
    if len(members) >= 1:
        only: Id = members[0].participant_id
        return only
    return claim.participant_id or claim.id


def name_of(day: Day, claim: SlotReservation, member: ReservationMember | None = None) -> str:
    """What people call the claim, or the one member that is meant."""
    members = [row.participant_id for row in day.state.find(MEMBERS, claim.id)]
    if member is None:
        return claim_name(day.state, claim, tuple(members))[0]
    return participant_name(day, member.participant_id)


def participant_name(day: Day, id: Id) -> str:
    """What a participant is called."""
    person = day.state.get(Participant, id)
    return tr("Somebody") if person is None else person.display_name


def day_words(on: date) -> str:
    """A day as people say it: "Saturday 14 March"."""
    return f"{tr(_WEEKDAYS[on.weekday()])} {on.day} {tr(_MONTHS[on.month - 1])}"


def when(day: Day, moment: datetime) -> str:
    """The time, "09:50", or with the day where that is not today: "Sunday 15 March 09:50"."""
    on = day.days.day_of(moment)
    time = clock(moment, day.zone)
    return time if on == day.current else f"{day_words(on)} {time}"


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
