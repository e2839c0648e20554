"""``reservation.reserve``: take places in a slot for people, a group or a free-form name."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from server_sync.protocol.errors import INVALID, NOT_FOUND, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import EventSlot, Group, Participant, ReservationMember, SlotReservation
from server_sync.rules.command import Command, Rule
from server_sync.rules.placing import clash, needs_people, needs_slot, open_slot, room_for
from server_sync.rules.state import PEOPLE_OF_GROUP, Changes, Keys, State


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who: participants, or a group (its members unless participants are named too), or a name alone."""

    slot_id: GivenId
    participant_ids: Annotated[list[GivenId], msgspec.Meta(max_length=1000)] = []
    group_id: GivenId | None = None
    reserved_name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    contact: Annotated[str, msgspec.Meta(max_length=320)] | None = None
    guests: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    special_requirements: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    metadata: dict[str, Any] | None = None
    on_full: Literal["refuse"] = "refuse"


def members_of(args: Args, state: State) -> list[Id]:
    """The participants that the reservation will hold, each once."""
    if args.participant_ids or args.group_id is None:
        return list(dict.fromkeys(args.participant_ids))
    return [person.id for person in state.find(PEOPLE_OF_GROUP, args.group_id)]


def needs(command: Command[Args], loaded: State) -> Keys:
    """The slot with what limits it, and everybody who would be in it."""
    keys, args = Keys(), command.args
    needs_slot(keys, loaded, args.slot_id)
    if args.group_id is not None:
        keys.lock.add((Group, args.group_id))
        keys.find.add((PEOPLE_OF_GROUP, args.group_id))
    needs_people(keys, members_of(args, loaded))
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """A reserved claim and its members, or why not."""
    args = command.args
    people = members_of(args, state)
    problem = _who_is_missing(state, command, people)
    if problem is not None:
        return problem
    slot = open_slot(state, command.programme_id, args.slot_id)
    if isinstance(slot, Refusal):
        return slot
    spots = max(1, len(people)) + args.guests
    refusal = clash(state, slot, people) or room_for(state, slot, spots)
    if refusal is not None:
        return refusal
    claim = SlotReservation(
        id=command.id,
        programme_id=slot.programme_id,
        slot_id=slot.id,
        event_id=slot.event_id,
        location_id=slot.location_id,
        time_block_id=slot.time_block_id,
        claim="reserved",
        spots=spots,
        reserved_at=now,
        placement_version=1,
        version=1,
        participant_id=people[0] if len(people) == 1 and args.group_id is None else None,
        group_id=args.group_id,
        reserved_name=args.reserved_name,
        reserved_contact=args.contact,
        guests=args.guests or None,
        special_requirements=args.special_requirements,
        metadata=args.metadata,
    )
    puts = [claim, *(member_row(command, claim, slot, person) for person in people)]
    return Changes(puts, {"reservation_id": claim.id, "slot_id": slot.id, "spots": spots})


def member_row(command: Command[Any], claim: SlotReservation, slot: EventSlot, person: Id) -> ReservationMember:
    """That *person* is in *claim*, at its slot's time."""
    return ReservationMember(
        id=command.derive(person),
        programme_id=claim.programme_id,
        reservation_id=claim.id,
        participant_id=person,
        slot_id=slot.id,
        start_time=slot.start_time,
        end_time=slot.end_time,
        live=True,
        waived=False,
    )


def _who_is_missing(state: State, command: Command[Args], people: list[Id]) -> Refusal | None:
    args = command.args
    if not people and args.group_id is None and not args.reserved_name:
        return Refusal(INVALID, {"problem": "name participant_ids, a group_id or a reserved_name"})
    for person in people:
        row = state.get(Participant, person)
        if row is None or row.deleted or row.programme_id != command.programme_id:
            return Refusal(NOT_FOUND, {"participant_id": person})
    if args.group_id is not None:
        group = state.get(Group, args.group_id)
        if group is None or group.deleted or group.programme_id != command.programme_id:
            return Refusal(NOT_FOUND, {"group_id": args.group_id})
    return None


RULE = Rule("reservation.reserve", Args, "public", needs, decide)
