"""``reservation.hold``: places that are somebody's for some minutes, to be confirmed before the time is over.

A hold takes places as a reservation does. Beyond its time it counts for nothing: whoever wants its places gets them at
once, and ``hold.expire`` (expire.py) tells everybody else.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import structs

from server_sync.protocol.errors import (
    ALREADY_RESERVED,
    ALREADY_WAITING,
    INVALID,
    NOT_ALLOWED,
    SLOT_FULL,
    Refusal,
)
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import Event, EventSlot, Programme, SlotReservation
from server_sync.rules.claims import enter, made
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.placing import admit, clash, open_slot, room_for
from server_sync.rules.reserve import (
    FULL,
    Party,
    members_of,
    needs_party,
    no_slots,
    slot_ids,
    spots_of,
    there_already,
    who_is_missing,
    whose,
)
from server_sync.rules.seating import Wish, seats_taken, unavailable, without_map
from server_sync.rules.state import SLOTS_OF_EVENT, Changes, Keys, State
from server_sync.rules.waiting import line_ahead
from server_sync.rules.waitlist import expire_overdue, needs_room, serve

HOLD_SECONDS: Final = 180
PAID_HOLD_SECONDS: Final = 300
"""How long a hold lasts, and one that waits for money, where the programme's settings don't say."""

LONGEST_HOLD: Final = 24 * 60 * 60


class Args(Party, frozen=True, kw_only=True, omit_defaults=True):
    """Where: one slot, or with ``event_id`` the first slot of the event that has room. Who: see ``Party``.

    ``seat_ids`` names seats where the slot has a map, one for each of the party: whoever says nothing of guests has as
    many as there are seats. Without it the best together are taken. ``ttl_seconds`` is for an admin alone.
    """

    slot_id: GivenId | None = None
    event_id: GivenId | None = None
    seat_ids: Annotated[list[GivenId], msgspec.Meta(max_length=1000)] = msgspec.field(default_factory=list)
    ttl_seconds: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_HOLD)] | None = None


def needs(command: Command[Args], loaded: State) -> Keys:
    """The slot (or all of the event) with what limits it, everybody who would be in it, and how long holds last."""
    keys, args = Keys(), command.args
    keys.read.add((Programme, command.programme_id))
    people = needs_party(keys, loaded, args)
    party = _party(args, people)
    if args.event_id is not None:
        keys.read.add((Event, args.event_id))
        keys.find.add((SLOTS_OF_EVENT, args.event_id))
    spots = spots_of(party, people)
    ids = slot_ids(loaded, args.slot_id, args.event_id)
    promoting = [needs_room(keys, loaded, id, spots, people, args.seat_ids) for id in ids]
    if any(promoting):
        _first_with_room(loaded, command, people, loaded.now, keys)
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """A held claim with its members and seats, or why not: all that was asked for or nothing."""
    args = command.args
    if (args.slot_id is None) == (args.event_id is None):
        return Refusal(INVALID, {"problem": "name either slot_id or event_id"})
    if args.ttl_seconds is not None and command.role != "admin":
        return Refusal(NOT_ALLOWED, {"field": "ttl_seconds", "needs": "admin", "has": command.role})
    people = members_of(args, state)
    missing = who_is_missing(state, command, args, people)
    return missing or _first_with_room(state, command, people, now)


def _party(args: Args, people: list[Id]) -> Party:
    """Who it is, seats without a name being guests'."""
    unnamed = len(set(args.seat_ids)) - max(1, len(people))
    return structs.replace(args, guests=unnamed) if unnamed > 0 and not args.guests else args


def _first_with_room(
    state: State, command: Command[Args], people: list[Id], now: datetime | None, ask: Keys | None = None
) -> Changes | Refusal:
    """Places in the first slot that has them, else why not: rather that it is full than that it is closed."""
    refusals: list[Refusal] = []
    ids = slot_ids(state, command.args.slot_id, command.args.event_id)
    if command.args.event_id is not None:
        there = there_already(state, ids, people, waiting=False, now=now)
        if there is not None:
            return there
    for slot_id in ids:
        slot = open_slot(state, command.programme_id, slot_id)
        if isinstance(slot, Refusal):
            refusals.append(slot)
            continue
        draft = Draft(state)
        refusal = _hold(draft, command, slot, people, now, ask)
        if refusal is None:
            serve(draft, (), ask)  # who is here now waits for nothing else meanwhile
            return _changes(draft, command)
        if refusal.code in (ALREADY_RESERVED, ALREADY_WAITING):
            return refusal
        refusals.append(refusal)
    if not refusals:
        return no_slots(state, command.args.event_id)
    return next((refusal for refusal in refusals if refusal.code in FULL), refusals[0])


def _hold(
    draft: Draft, command: Command[Args], slot: EventSlot, people: list[Id], now: datetime | None, ask: Keys | None
) -> Refusal | None:
    """Hold the places, or say why not; the draft is of no use then."""
    args, party = command.args, _party(command.args, people)
    unseated = without_map(slot, args.seat_ids)
    if unseated is not None:
        return unseated
    spots = spots_of(party, people)
    expire_overdue(draft, slot, spots, people, now, ask, args.seat_ids)
    slot = draft.get(EventSlot, slot.id) or slot
    if room_for(draft, slot, spots) is None:
        ahead = line_ahead(draft, slot, (), ask)
        if ahead is not None:
            return clash(draft, slot, people) or ahead
    elsewhere = admit(draft, slot, spots, people)
    if isinstance(elsewhere, Refusal):
        which = unavailable(draft, slot, args.seat_ids) if slot.seated and elsewhere.code == SLOT_FULL else None
        return which or elsewhere
    expires = (now or slot.start_time) + timedelta(seconds=_seconds(draft, slot, args))
    claim = made(command, command.id, slot, "held", spots, now, expires_at=expires, **whose(party, people))
    return enter(draft, command, claim, slot, people, Wish(tuple(args.seat_ids)), elsewhere)


def _seconds(state: State, slot: EventSlot, args: Args) -> int:
    """How long the hold lasts: as an admin says, else as the programme does, longer where there is money to be paid."""
    if args.ttl_seconds is not None:
        return args.ttl_seconds
    event = state.get(Event, slot.event_id)
    paid = event is not None and ((event.price or 0) > 0 or (event.fee or 0) > 0)
    programme = state.get(Programme, slot.programme_id)
    settings = (programme.settings if programme is not None else None) or {}
    said = settings.get("paid_hold_seconds" if paid else "hold_seconds")
    if type(said) is int and 0 < said <= LONGEST_HOLD:
        return said
    return PAID_HOLD_SECONDS if paid else HOLD_SECONDS


def _changes(draft: Draft, command: Command[Args]) -> Changes:
    claim = draft.get(SlotReservation, command.id)
    assert claim is not None
    answer = {
        "reservation_id": claim.id,
        "slot_id": claim.slot_id,
        "spots": claim.spots,
        "claim": claim.claim,
        "expires_at": claim.expires_at,
    }
    seats = seats_taken(draft, claim)
    return draft.changes(answer | ({"seats": seats} if seats else {}))


RULE = Rule("reservation.hold", Args, "public", needs, decide)
