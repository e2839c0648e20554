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
    EVENT_FULL,
    INVALID,
    LINE_AHEAD,
    NOT_FOUND,
    REASON_NEEDED,
    SLOT_FULL,
    Refusal,
)
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import Event, EventSlot, Group, Participant, SlotReservation
from server_sync.rules.claims import enter, made
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.placing import Waivers, admit, clash, open_slot, room_for, waivers
from server_sync.rules.seating import Wish
from server_sync.rules.state import PEOPLE_OF_GROUP, SLOTS_OF_EVENT, Changes, Keys, State
from server_sync.rules.waitlist import expire_overdue, line_ahead, needs_room

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
    reserved_name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    contact: Annotated[str, msgspec.Meta(max_length=320)] | None = None
    guests: Guests = 0
    special_requirements: Requirements | None = None
    metadata: dict[str, Any] | None = None


class Args(Party, frozen=True, kw_only=True, omit_defaults=True):
    """Where: one slot, or with ``event_id`` the first slot of the event that has room. Who: see ``Party``.

    ``seat_ids`` names seats where the slot has a map; without it the best together are taken. ``waive_reason`` lets an
    admin put somebody into two places at once.
    """

    slot_id: GivenId | None = None
    event_id: GivenId | None = None
    seat_ids: Annotated[list[GivenId], msgspec.Meta(max_length=1000)] = []
    on_full: Literal["refuse", "waitlist"] = "refuse"
    override_reason: Reason | None = None
    waive_reason: Reason | None = None


def members_of(party: Party, state: State) -> list[Id]:
    """The participants that the reservation will hold, each once."""
    if party.participant_ids or party.group_id is None:
        return list(dict.fromkeys(party.participant_ids))
    return [person.id for person in state.find(PEOPLE_OF_GROUP, party.group_id)]


def spots_of(party: Party, people: list[Id]) -> int:
    """How many places the party takes: its members (or the one who is named), and its guests."""
    return max(1, len(people)) + party.guests


def needs_party(keys: Keys, loaded: State, party: Party) -> list[Id]:
    """Ask for the group; returns its people as far as they are known."""
    if party.group_id is not None:
        keys.lock.add((Group, party.group_id))
        keys.find.add((PEOPLE_OF_GROUP, party.group_id))
    return members_of(party, loaded)


def needs(command: Command[Args], loaded: State) -> Keys:
    """The slot (or all of the event) with what limits it, and everybody who would be in it."""
    keys, args = Keys(), command.args
    people = needs_party(keys, loaded, args)
    if args.event_id is not None:
        keys.read.add((Event, args.event_id))
        keys.find.add((SLOTS_OF_EVENT, args.event_id))
    overdue = [needs_room(keys, loaded, id, spots_of(args, people), people) for id in _slot_ids(loaded, args)]
    if any(overdue):
        _first_with_room(loaded, command, people, Waivers(args.override_reason, args.waive_reason), loaded.now, keys)
    return keys


def _slot_ids(state: State, args: Args) -> list[Id]:
    """Where there may be room, earliest first."""
    if args.slot_id is not None:
        return [args.slot_id]
    if args.event_id is None:
        return []
    slots: list[EventSlot] = state.find(SLOTS_OF_EVENT, args.event_id)
    return [slot.id for slot in sorted(slots, key=lambda slot: (slot.start_time, slot.id))]


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """A reserved claim and its members (or a waiting one), or why not."""
    args = command.args
    if (args.slot_id is None) == (args.event_id is None):
        return Refusal(INVALID, {"problem": "name either slot_id or event_id"})
    people = members_of(args, state)
    waived = waivers(command, args.override_reason, args.waive_reason)
    problem = waived if isinstance(waived, Refusal) else who_is_missing(state, command, args, people)
    if problem is not None:
        return problem
    assert isinstance(waived, Waivers)
    return _first_with_room(state, command, people, waived, now)


def _first_with_room(
    state: State,
    command: Command[Args],
    people: list[Id],
    waived: Waivers,
    now: datetime | None,
    ask: Keys | None = None,
) -> Changes | Refusal:
    """A place in the first slot that has one, else in line for the first that is full, else why not."""
    args, draft = command.args, Draft(state)
    refusals: list[Refusal] = []
    full: EventSlot | None = None
    for slot_id in _slot_ids(state, args):
        slot = open_slot(draft, command.programme_id, slot_id, closed_too=waived.overbook is not None)
        if isinstance(slot, Refusal):
            refusals.append(slot)
            continue
        trial = Draft(draft)
        refusal = _reserve(trial, command, slot, people, waived, now, ask)
        if refusal is None:
            return _changes(trial, draft, command)
        if refusal.code in (ALREADY_RESERVED, ALREADY_WAITING):
            return refusal
        if refusal.code in FULL and full is None:
            full = slot
        refusals.append(refusal)
    if full is not None and args.on_full == "waitlist" and waits(draft, full):
        trial = Draft(draft)
        join_line(trial, command, full, args, people, now)
        return _changes(trial, draft, command)
    if full is not None:
        return next(refusal for refusal in refusals if refusal.code in FULL)
    return refusals[0] if refusals else Refusal(NOT_FOUND, {"event_id": args.event_id, "problem": "it has no slots"})


def _reserve(
    draft: Draft,
    command: Command[Args],
    slot: EventSlot,
    people: list[Id],
    waived: Waivers,
    now: datetime | None,
    ask: Keys | None,
) -> Refusal | None:
    """Take the places, or say why not; the draft is of no use then."""
    args, spots = command.args, spots_of(command.args, people)
    expire_overdue(draft, slot, spots, people, now, ask)
    slot = draft.get(EventSlot, slot.id) or slot
    if waived.overbook is None and room_for(draft, slot, spots) is None:
        ahead = line_ahead(draft, slot)
        if ahead is not None:
            return clash(draft, slot, people) or ahead
    elsewhere = admit(draft, slot, spots, people, waived)
    if isinstance(elsewhere, Refusal):
        return elsewhere
    slot = draft.get(EventSlot, slot.id) or slot
    claim = made(
        command, command.id, slot, "reserved", spots, now, override_reason=waived.overbook, **whose(args, people)
    )
    return enter(draft, command, claim, slot, people, Wish(tuple(args.seat_ids)), elsewhere, waived.double_book)


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


def waits(state: State, slot: EventSlot) -> bool:
    """Whether the event of *slot* keeps a line."""
    event = state.get(Event, slot.event_id)
    return event is not None and event.waitlist_enabled


def join_line(
    draft: Draft, command: Command[Any], slot: EventSlot, args: Args, people: list[Id], now: datetime | None
) -> None:
    """A waiting claim: for *slot*, or for any of the event if that was asked for."""
    claim = made(
        command,
        command.id,
        slot,
        "waitlisted",
        spots_of(args, people),
        now,
        queued_at=now,
        any_slot=True if args.event_id is not None else None,
        **whose(args, people),
    )
    enter(draft, command, claim, slot, people)


def _changes(trial: Draft, draft: Draft, command: Command[Args]) -> Changes:
    claim = trial.get(SlotReservation, command.id)
    assert claim is not None
    answer = {"reservation_id": claim.id, "slot_id": claim.slot_id, "spots": claim.spots}
    if claim.claim != "reserved":
        answer["claim"] = claim.claim
    return Changes([*draft.puts, *trial.puts], answer)


def who_is_missing(state: State, command: Command[Any], party: Party, people: list[Id]) -> Refusal | None:
    """Refuse a party of nobody, or one that names somebody unknown."""
    if not people and party.group_id is None and not party.reserved_name:
        return Refusal(INVALID, {"problem": "name participant_ids, a group_id or a reserved_name"})
    for person in people:
        row = state.get(Participant, person)
        if row is None or row.deleted or row.programme_id != command.programme_id:
            return Refusal(NOT_FOUND, {"participant_id": person})
    if party.group_id is not None:
        group = state.get(Group, party.group_id)
        if group is None or group.deleted or group.programme_id != command.programme_id:
            return Refusal(NOT_FOUND, {"group_id": party.group_id})
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
