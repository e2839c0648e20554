"""``reservation.reserve``: take places in a slot for people, a group or a free-form name, or stand in line for them.

``reservation.override`` is the same for an admin with a reason: into a full or a closed slot, or past who is in line.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from server_sync.protocol.errors import (
    ALREADY_RESERVED,
    ALREADY_WAITING,
    BLOCK_FULL,
    ERASED,
    EVENT_FULL,
    INVALID,
    LINE_AHEAD,
    NOT_FOUND,
    REASON_NEEDED,
    SLOT_CLOSED,
    SLOT_FULL,
    Refusal,
)
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import Event, EventSlot, Group, Participant, SlotReservation
from server_sync.rules.claims import enter, made
from server_sync.rules.command import Command, Rule
from server_sync.rules.create import Name
from server_sync.rules.draft import Draft
from server_sync.rules.overdue import ran_out
from server_sync.rules.placing import (
    Waivers,
    admit,
    clash,
    commitment,
    needs_people,
    open_slot,
    over,
    room_for,
    slots_to_come,
    waivers,
)
from server_sync.rules.seating import Wish, without_map
from server_sync.rules.state import COMMITMENTS, PEOPLE_OF_GROUP, SLOTS_OF_EVENT, Changes, Keys, State
from server_sync.rules.waiting import keeps_line, line_ahead
from server_sync.rules.waitlist import expire_overdue, needs_room, serve

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Guests = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Requirements = Annotated[str, msgspec.Meta(max_length=2000)]
FULL: Final = frozenset({SLOT_FULL, BLOCK_FULL, EVENT_FULL, LINE_AHEAD})
"""The refusals against which standing in line helps."""

PersonIds = Annotated[list[GivenId], msgspec.Meta(max_length=1000)]


class Party(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who: participants, or a group (its members unless participants are named too), or a name alone."""

    participant_ids: PersonIds = []
    group_id: GivenId | None = None
    reserved_name: Name | None = None
    contact: Annotated[str, msgspec.Meta(max_length=320)] | None = None
    guests: Guests = 0
    special_requirements: Requirements | None = None
    metadata: dict[str, Any] | None = None


class Wanted(Party, frozen=True, kw_only=True, omit_defaults=True):
    """Where: one slot, or with ``event_id`` the first slot of the event that has room. Who: see ``Party``.

    ``seat_ids`` names seats where the slot has a map; without it the best together are taken.
    """

    slot_id: GivenId | None = None
    event_id: GivenId | None = None
    seat_ids: Annotated[list[GivenId], msgspec.Meta(max_length=1000)] = []
    on_full: Literal["refuse", "waitlist"] = "refuse"


class Args(Wanted, frozen=True, kw_only=True, omit_defaults=True):
    """Where and who: see ``Wanted``.

    ``override_reason`` lets an admin reserve in what is full or closed, ``waive_reason`` put somebody into two places.
    """

    override_reason: Reason | None = None
    waive_reason: Reason | None = None


def members_of(party: Party, state: State) -> list[Id]:
    """The participants that the reservation will hold, each once."""
    if party.participant_ids or party.group_id is None:
        return list(dict.fromkeys(party.participant_ids))
    people: list[Participant] = state.find(PEOPLE_OF_GROUP, party.group_id)
    return [person.id for person in people if person.merged_into is None and not person.erased]


def spots_of(party: Party, people: list[Id]) -> int:
    """How many places the party takes: its members (or the one who is named), and its guests."""
    return max(1, len(people)) + party.guests


def needs_party(keys: Keys, loaded: State, party: Party) -> list[Id]:
    """Ask for the group; returns its people as far as they are known."""
    if party.group_id is not None:
        keys.lock.add((Group, party.group_id))
        keys.find.add((PEOPLE_OF_GROUP, party.group_id))
    people = members_of(party, loaded)
    needs_people(keys, people)
    return people


def needs(command: Command[Args], loaded: State) -> Keys:
    """The slot (or all of the event) with what limits it, and everybody who would be in it."""
    keys, args = Keys(), command.args
    people = needs_party(keys, loaded, args)
    if needs_wanted(keys, loaded, args, people):
        waived = Waivers(args.override_reason, args.waive_reason)
        find_place(loaded, command, command.id, args, people, waived, loaded.now, keys)
    return keys


def needs_wanted(keys: Keys, loaded: State, wanted: Wanted, people: list[Id]) -> bool:
    """Ask for the places that may be taken; returns whether it must be rehearsed (see ``needs_room``)."""
    if wanted.event_id is not None:
        keys.read.add((Event, wanted.event_id))
        keys.find.add((SLOTS_OF_EVENT, wanted.event_id))
    spots = spots_of(wanted, people)
    ids = slot_ids(loaded, wanted.slot_id, wanted.event_id)
    joins = wanted.on_full == "waitlist"
    promoting = [needs_room(keys, loaded, id, spots, people, wanted.seat_ids, joins) for id in ids]
    return any(promoting)


def slot_ids(state: State, slot_id: Id | None, event_id: Id | None) -> list[Id]:
    """Where there may be room: the slot that was named, or those of the event that are not over, earliest first."""
    if slot_id is not None:
        return [slot_id]
    return [slot.id for slot in slots_to_come(state, event_id)] if event_id is not None else []


def no_slots(state: State, event_id: Id | None) -> Refusal:
    """Why an event has no slot to be in."""
    there = event_id is not None and state.find(SLOTS_OF_EVENT, event_id)
    if there:
        return Refusal(SLOT_CLOSED, {"event_id": event_id, "reason": "all its slots are over"})
    return Refusal(NOT_FOUND, {"event_id": event_id, "problem": "it has no slots"})


def _most_fitting(state: State, programme_id: Id, ids: list[Id], spots: int) -> list[Id]:
    """For somebody who may pass all others: open slots with room first, then full ones, then what is closed."""

    def last(id: Id) -> int:
        slot = open_slot(state, programme_id, id)
        if isinstance(slot, Refusal):
            return 2
        return 0 if room_for(state, slot, spots) is None else 1

    return sorted(ids, key=last)


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """A reserved claim and its members (or a waiting one), or why not."""
    args = command.args
    people = members_of(args, state)
    waived = waivers(command, args.override_reason, args.waive_reason)
    if isinstance(waived, Refusal):
        return waived
    problem = what_is_missing(state, command, args, people)
    if problem is not None:
        return problem
    found = find_place(state, command, command.id, args, people, waived, now)
    return found if isinstance(found, Refusal) else found.changes(answer_of(found, command.id))


def find_place(
    state: State,
    command: Command[Any],
    id: Id,
    wanted: Wanted,
    people: list[Id],
    waived: Waivers,
    now: datetime | None,
    ask: Keys | None = None,
) -> Draft | Refusal:
    """A draft with the claim *id* in the first slot that has room, else in line for one that is full; or why not."""
    refusals: list[Refusal] = []
    full: EventSlot | None = None
    ids = slot_ids(state, wanted.slot_id, wanted.event_id)
    if wanted.event_id is not None:
        there = there_already(state, ids, people, waiting=False, now=now)
        if there is not None:
            return there
    if waived.overbook is not None:
        ids = _most_fitting(state, command.programme_id, ids, spots_of(wanted, people))
    for slot_id in ids:
        slot = open_slot(state, command.programme_id, slot_id, closed_too=waived.overbook is not None)
        if isinstance(slot, Refusal):
            refusals.append(slot)
            continue
        draft = Draft(state)
        refusal = _reserve(draft, command, id, slot, wanted, people, waived, now, ask)
        if refusal is None:
            serve(draft, (), ask)  # who is here now waits for nothing else meanwhile
            return draft
        if refusal.code in (ALREADY_RESERVED, ALREADY_WAITING):
            return refusal
        if refusal.code in FULL and full is None:
            full = slot
        refusals.append(refusal)
    if full is not None and wanted.on_full == "waitlist" and keeps_line(state, full) and not over(state, full):
        waiting = there_already(state, ids, people, waiting=True) if wanted.event_id is not None else None
        if waiting is not None:
            return waiting
        if ask is not None:  # as whoever serves the line does: each must see the other
            ask.lock.add((Event, full.event_id))
        draft = Draft(state)  # what ran out goes to those who wait already
        expire_overdue(draft, full, spots_of(wanted, people), people, now, ask, wanted.seat_ids)
        draft = join_line(draft, command, id, full, wanted, people, waived, now)
        serve(draft, (), ask)
        return draft
    because_full = [refusal for refusal in refusals if refusal.code in FULL]
    if because_full:
        return because_full[0]
    return refusals[0] if refusals else no_slots(state, wanted.event_id)


def there_already(
    state: State, slot_ids: list[Id], people: list[Id], waiting: bool, now: datetime | None = None
) -> Refusal | None:
    """Refuse whoever has, or waits for, a place in one of these slots: nobody comes twice to the first that is free."""
    slots = set(slot_ids)
    for person in people:
        for member in state.find(COMMITMENTS, person):
            if member.slot_id not in slots or (member.waiting is True) != waiting:
                continue
            claim = state.get(SlotReservation, member.reservation_id) if member.live else None
            if claim is not None and ran_out(claim, now):
                continue
            return Refusal(ALREADY_WAITING if waiting else ALREADY_RESERVED, commitment(member))
    return None


def _reserve(
    draft: Draft,
    command: Command[Any],
    id: Id,
    slot: EventSlot,
    wanted: Wanted,
    people: list[Id],
    waived: Waivers,
    now: datetime | None,
    ask: Keys | None,
) -> Refusal | None:
    """Take the places, or say why not; the draft is of no use then."""
    unseated = without_map(slot, wanted.seat_ids)
    if unseated is not None:
        return unseated
    spots = spots_of(wanted, people)
    expire_overdue(draft, slot, spots, people, now, ask, wanted.seat_ids)
    slot = draft.get(EventSlot, slot.id) or slot
    if waived.overbook is None and room_for(draft, slot, spots) is None:
        ahead = line_ahead(draft, slot, (), ask)
        if ahead is not None:
            return clash(draft, slot, people) or ahead
    elsewhere = admit(draft, slot, spots, people, waived)
    if isinstance(elsewhere, Refusal):
        return elsewhere
    slot = draft.get(EventSlot, slot.id) or slot
    claim = made(command, id, slot, "reserved", spots, now, override_reason=waived.overbook, **whose(wanted, people))
    return enter(draft, command, claim, slot, people, Wish(tuple(wanted.seat_ids)), elsewhere, waived.double_book)


def whose(party: Party, people: list[Id]) -> dict[str, Any]:
    """The fields of a claim that say whose it is."""
    return {
        "participant_id": people[0] if len(people) == 1 and party.group_id is None else None,
        "group_id": party.group_id,
        "reserved_name": party.reserved_name,
        "reserved_contact": party.contact,
        "guests": party.guests or None,
        "special_requirements": party.special_requirements,
        "metadata": party.metadata,
    }


def join_line(
    draft: Draft,
    command: Command[Any],
    id: Id,
    slot: EventSlot,
    wanted: Wanted,
    people: list[Id],
    waived: Waivers,
    now: datetime | None,
) -> Draft:
    """Write a waiting claim: for *slot*, or for any of the event if that was asked for.

    Who may be in two places may be so when the turn comes.
    """
    claim = made(
        command,
        id,
        slot,
        "waitlisted",
        spots_of(wanted, people),
        now,
        queued_at=now,
        any_slot=True if wanted.event_id is not None else None,
        **whose(wanted, people),
    )
    twice = frozenset(people if waived.double_book is not None else ())
    enter(draft, command, claim, slot, people, None, twice, waived.double_book)
    return draft


def answer_of(draft: Draft, id: Id) -> dict[str, Any]:
    """What is told of the claim *id* that was made; its state only where it is not simply reserved."""
    claim = draft.get(SlotReservation, id)
    assert claim is not None
    answer: dict[str, Any] = {"reservation_id": claim.id, "slot_id": claim.slot_id, "spots": claim.spots}
    return answer if claim.claim == "reserved" else answer | {"claim": claim.claim}


def what_is_missing(state: State, command: Command[Any], wanted: Wanted, people: list[Id]) -> Refusal | None:
    """Refuse what names no place, or two; and whoever is missing."""
    if (wanted.slot_id is None) == (wanted.event_id is None):
        return Refusal(INVALID, {"problem": "name either slot_id or event_id"})
    return who_is_missing(state, command, wanted, people)


def who_is_missing(state: State, command: Command[Any], party: Party, people: list[Id]) -> Refusal | None:
    """Refuse a party of nobody, or one that names somebody unknown."""
    if not people and party.group_id is None and not party.reserved_name:
        return Refusal(INVALID, {"problem": "name participant_ids, a group_id or a reserved_name"})
    missing = missing_person(state, command, people)
    if missing is not None:
        return missing
    if party.group_id is not None:
        group = state.get(Group, party.group_id)
        if group is None or group.deleted or group.programme_id != command.programme_id:
            return Refusal(NOT_FOUND, {"group_id": party.group_id})
    return None


def missing_person(state: State, command: Command[Any], people: list[Id]) -> Refusal | None:
    """Refuse the first of *people* who is unknown, was merged into somebody else, or is erased."""
    rows = [state.get(Participant, person) for person in people]  # all of them first: they are looked up together
    for person, row in zip(people, rows, strict=True):
        if row is None or row.programme_id != command.programme_id:
            return Refusal(NOT_FOUND, {"participant_id": person})
        if row.merged_into is not None:
            return Refusal(NOT_FOUND, {"participant_id": person, "merged_into": row.merged_into})
        if row.erased:
            return Refusal(ERASED, {"participant_id": person})
        if row.deleted:
            return Refusal(NOT_FOUND, {"participant_id": person})
    return None


def decide_override(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """As ``decide``, with the reason that it needs."""
    if command.args.override_reason is None:
        return Refusal(REASON_NEEDED, {"field": "override_reason"})
    return decide(state, command, now)


RULES: list[Rule[Any]] = [
    Rule("reservation.reserve", Args, "public", needs, decide),
    Rule("reservation.override", Args, "admin", needs, decide_override),
]
