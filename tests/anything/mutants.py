"""Rules with one fault each, to see that the machine notices: what can't fail proves nothing.

Each entry of ``MUTANTS`` names the part that is replaced and by what, as ``tests.scenarios.off`` reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, Final

from msgspec import structs

from server_sync.protocol.errors import EVENT_INACTIVE, SLOT_CLOSED, Refusal
from server_sync.protocol.records import EventSlot, ReservationMember
from server_sync.rules import attendance, freed, placing, waiting
from server_sync.rules.draft import Draft
from server_sync.rules.state import COMMITMENTS

TRUE: Final = SimpleNamespace(
    admit=placing.admit, room_for=placing.room_for, open_slot=placing.open_slot, clash_of=placing._clash_of,
    came=waiting._came, that_stand=attendance.that_stand, changed_times=freed.changed_times,
)  # fmt: skip
"""The parts as they are; out of the reach of whoever replaces them by their names."""


def admit_anybody(draft: Any, slot: Any, spots: int, people: Any, waived: Any = placing.NONE_WAIVED, *more: Any) -> Any:
    """Room is made for everybody, without a reason."""
    return TRUE.admit(draft, slot, spots, people, waived._replace(overbook=waived.overbook or "why not"), *more)


def admit_twice(draft: Any, slot: Any, spots: int, people: Any, waived: Any = placing.NONE_WAIVED, *more: Any) -> Any:
    """Everybody may be in two places."""
    return TRUE.admit(draft, slot, spots, people, waived._replace(double_book=waived.double_book or "why not"), *more)


def room_in_the_slot_alone(state: Any, slot: EventSlot, spots: int, leaving: Any = None) -> Any:
    """Blocks and events limit nothing."""
    full = TRUE.room_for(state, slot, spots, leaving)
    return full if slot.reserved_count + spots > slot.capacity else None


def room_that_an_override_made(state: Any, slot: EventSlot, spots: int, leaving: Any = None) -> Any:
    """What somebody leaves who was let in beyond the capacity goes to the next, as if it were a place."""
    full = TRUE.room_for(state, slot, spots, leaving)
    base = state
    while isinstance(base, Draft):
        base = base.base
    was = base.known(EventSlot, slot.id)
    if full is None or base is state or was is None:
        return full
    as_it_was = structs.replace(slot, capacity=was.capacity + was.overbooked_count)
    if TRUE.room_for(state, as_it_was, spots, leaving) is None:
        state.write(structs.replace(slot, overbooked_count=slot.reserved_count + spots - slot.capacity))
        return None
    return full


def open_though_closed(state: Any, programme_id: str, slot_id: str, closed_too: bool = False) -> Any:
    """What is closed takes people."""
    found = TRUE.open_slot(state, programme_id, slot_id, closed_too)
    closed = isinstance(found, Refusal) and found.code == SLOT_CLOSED
    return TRUE.open_slot(state, programme_id, slot_id, True) if closed else found


def open_though_inactive(state: Any, programme_id: str, slot_id: str, closed_too: bool = False) -> Any:
    """What takes place no more takes people."""
    found = TRUE.open_slot(state, programme_id, slot_id, closed_too)
    inactive = isinstance(found, Refusal) and found.code == EVENT_INACTIVE
    return TRUE.open_slot(state, programme_id, slot_id, True) if inactive else found


def blind_to_the_waived(state: Any, slot: EventSlot, participant_id: str, except_for: Iterable[str]) -> Any:
    """Who is somewhere by a waiver seems to be nowhere."""
    members: list[ReservationMember] = state.find(COMMITMENTS, participant_id)
    unseen = {member.reservation_id for member in members if member.waived and member.slot_id != slot.id}
    return TRUE.clash_of(state, slot, participant_id, {*except_for, *unseen})


def last_come_first(claim: Any) -> Any:
    """The line is served from its end."""
    since, id = TRUE.came(claim)
    return -since.timestamp(), id


def nothing_is_undone(facts: Iterable[Any]) -> Any:
    """What was taken back still stands."""
    return TRUE.that_stand(fact for fact in facts if fact.kind != "undone")


def nobody_is_small(serving: Any, full: Any, slot: Any) -> Any:
    """A party that is too big for what is free lets everybody pass."""
    return set()


def only_who_comes_free(draft: Any) -> Any:
    """Whoever takes a place elsewhere goes on standing in the way of those behind."""
    rows = {member.id for member in draft.rows[ReservationMember].values() if member.live or member.waiting}
    found = {
        person: [when for when in whens if when[0] not in rows] for person, whens in TRUE.changed_times(draft).items()
    }
    return {person: whens for person, whens in found.items() if whens}


def _here(name: str) -> str:
    return f"tests.anything.mutants:{name}"


MUTANTS: Final[dict[str, str]] = {
    "anybody overbooks": f"server_sync.rules.placing:admit->{_here('admit_anybody')}",
    "anybody is in two places": f"server_sync.rules.placing:admit->{_here('admit_twice')}",
    "blocks and events limit nothing": f"server_sync.rules.placing:room_for->{_here('room_in_the_slot_alone')}",
    "an override's place is passed on": f"server_sync.rules.placing:room_for->{_here('room_that_an_override_made')}",
    "closed slots take people": f"server_sync.rules.placing:open_slot->{_here('open_though_closed')}",
    "inactive events take people": f"server_sync.rules.placing:open_slot->{_here('open_though_inactive')}",
    "over slots are served": "server_sync.rules.placing:over=False",
    "waived members are invisible": f"server_sync.rules.placing:_clash_of->{_here('blind_to_the_waived')}",
    "last come is first served": f"server_sync.rules.waiting:_came->{_here('last_come_first')}",
    "newcomers pass the line": "server_sync.rules.waiting:line_ahead",
    "big parties are passed": f"server_sync.rules.waitlist:_Serving._too_small->{_here('nobody_is_small')}",
    "who never fits stands in the way": "server_sync.rules.placing:fits_ever=True",
    "nobody is served": "server_sync.rules.waitlist:serve=[]",
    "who steps aside is not noticed": f"server_sync.rules.freed:changed_times->{_here('only_who_comes_free')}",
    "who comes free is not served": "server_sync.rules.freed:changed_times={}",
    "no hold runs out": "server_sync.rules.overdue:ran_out=False",
    "every hold ran out": "server_sync.rules.overdue:ran_out=True",
    "undone facts stand": f"server_sync.rules.attendance:that_stand->{_here('nothing_is_undone')}",
    "stale versions are accepted": "server_sync.rules.reservations:guard",
    "stale placements are accepted": "server_sync.rules.reservations:guard_placement",
}
