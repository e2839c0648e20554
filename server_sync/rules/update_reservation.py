"""``reservation.update``: what is told of a reservation, how many guests there are, and who is in it.

A party that grows needs room for what it grew by; one that shrinks gives places to whoever waits.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType, structs

from server_sync.protocol.errors import HOLD_EXPIRED, INVALID, NOTHING_TO_DO, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import EventSlot, SlotReservation
from server_sync.rules.claims import member_row
from server_sync.rules.command import Command
from server_sync.rules.create import Name
from server_sync.rules.draft import Draft
from server_sync.rules.freed import freed_slots
from server_sync.rules.overdue import ran_out
from server_sync.rules.party_size import change_seats, grow
from server_sync.rules.placing import Waivers, needs_people, waivers
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reservations import guard, needs_reservation, reservation
from server_sync.rules.reserve import Guests, PersonIds, Reason, Requirements, missing_person
from server_sync.rules.state import MEMBERS, Keys, takes_places
from server_sync.rules.transitions import after
from server_sync.rules.waitlist import needs_release, promoted_answer, serve


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changes; what is left out stays, and null clears it. ``seat_ids`` are for whoever comes in addition.

    ``version`` is the one that the caller saw: if anything changed since, nothing is done.
    """

    reservation_id: GivenId
    version: int | None = None
    guests: Guests | UnsetType | None = UNSET
    special_requirements: Requirements | UnsetType | None = UNSET
    contact: Annotated[str, msgspec.Meta(max_length=320)] | UnsetType | None = UNSET
    reserved_name: Name | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET
    add_participant_ids: PersonIds = []
    remove_participant_ids: PersonIds = []
    seat_ids: Annotated[list[GivenId], msgspec.Meta(max_length=1000)] = []
    override_reason: Reason | None = None
    waive_reason: Reason | None = None


_SAID = {
    "special_requirements": "special_requirements",
    "contact": "reserved_contact",
    "reserved_name": "reserved_name",
    "metadata": "metadata",
}
"""The fields that are only said, by what the command calls them."""


def update(draft: Draft, command: Command[Args], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """The reservation as it is now, and whoever got a place by that."""
    args = command.args
    waived = waivers(command, args.override_reason, args.waive_reason)
    if isinstance(waived, Refusal):
        return waived
    needs_reservation(ask, draft, args.reservation_id)
    claim = reservation(draft, command, args.reservation_id)
    if isinstance(claim, Refusal):
        return claim
    step = after(claim, "update")
    refusal = step if isinstance(step, Refusal) else guard(command, claim, args.version) or _over(claim, now)
    if refusal is not None:
        return refusal
    needs_people(ask, args.add_participant_ids)
    added, removed = _comers(draft, args), _goers(draft, args)
    for people in (added, removed):
        if isinstance(people, Refusal):
            return people
    assert not isinstance(added, Refusal)
    assert not isinstance(removed, Refusal)
    refusal = missing_person(draft, command, added)
    if refusal is not None:
        return refusal
    changed = _changed(draft, args, claim, added, removed)
    if isinstance(changed, Refusal):
        return changed
    if changed == claim and not added and not removed:
        return Refusal(NOTHING_TO_DO, {"reservation_id": claim.id})
    return _carry_out(draft, command, claim, changed, added, removed, waived, now, ask)


def _over(claim: SlotReservation, now: datetime | None) -> Refusal | None:
    if now is None or not ran_out(claim, now):
        return None
    return Refusal(HOLD_EXPIRED, {"reservation_id": claim.id, "expires_at": claim.expires_at})


def _comers(draft: Draft, args: Args) -> list[Id] | Refusal:
    there = {member.participant_id for member in draft.find(MEMBERS, args.reservation_id)}
    twice = [id for id in args.add_participant_ids if id in there or id in args.remove_participant_ids]
    if twice:
        return Refusal(INVALID, {"field": "add_participant_ids", "problem": "in it already", "participant_ids": twice})
    return list(dict.fromkeys(args.add_participant_ids))


def _goers(draft: Draft, args: Args) -> list[Id] | Refusal:
    there = {member.participant_id for member in draft.find(MEMBERS, args.reservation_id)}
    strangers = [id for id in args.remove_participant_ids if id not in there]
    if strangers:
        details = {"field": "remove_participant_ids", "problem": "not in it", "participant_ids": strangers}
        return Refusal(INVALID, details)
    return list(dict.fromkeys(args.remove_participant_ids))


def _changed(
    draft: Draft, args: Args, claim: SlotReservation, added: list[Id], removed: list[Id]
) -> SlotReservation | Refusal:
    """The claim with what is said of it, and with its new size."""
    said = {column: value for name, column in _SAID.items() if (value := getattr(args, name)) is not UNSET}
    changed = structs.replace(claim, **said)
    people = [member.participant_id for member in draft.find(MEMBERS, claim.id)]
    party = [id for id in people if id not in removed] + added
    if not party and changed.group_id is None and not changed.reserved_name:
        return Refusal(INVALID, {"problem": "nobody would be left in it; cancel it instead"})
    guests = (claim.guests if args.guests is UNSET else args.guests) or 0
    if added or removed or guests != (claim.guests or 0):
        changed = structs.replace(changed, guests=guests or None, spots=max(1, len(party)) + guests)
    if added or removed:
        alone = party[0] if len(party) == 1 and claim.group_id is None else None
        changed = structs.replace(changed, participant_id=alone)
    return changed


def _carry_out(
    draft: Draft,
    command: Command[Args],
    before: SlotReservation,
    changed: SlotReservation,
    added: list[Id],
    removed: list[Id],
    waived: Waivers,
    now: datetime | None,
    ask: Keys,
) -> dict[str, Any] | Refusal:
    """Write it, if there is room; whoever leaves, leaves first."""
    changed = structs.replace(changed, version=before.version + 1)
    more = changed.spots - before.spots
    if command.args.seat_ids and (more <= 0 or not takes_places(before)):
        return Refusal(INVALID, {"field": "seat_ids", "problem": "seats are for whoever comes in addition"})
    if more or added or removed:
        needs_release(ask, draft, before)
    draft.write(
        *(
            structs.replace(member, deleted=True, live=False, waiting=None)
            for member in draft.find(MEMBERS, before.id)
            if member.participant_id in removed
        )
    )
    double: frozenset[Id] = frozenset()
    if more > 0 or added:
        grown = grow(draft, command, before, more, added, command.args.seat_ids, waived, now, ask)
        if isinstance(grown, Refusal):
            return grown
        double = grown
        if waived.overbook is not None:
            changed = structs.replace(changed, override_reason=waived.overbook)
    slot = draft.get(EventSlot, before.slot_id)
    draft.write(changed)
    if slot is not None:
        reasons = dict.fromkeys(double, waived.double_book)
        draft.write(*(member_row(command, changed, slot, person, reasons.get(person)) for person in added))
        if slot.seated and takes_places(changed) and more:
            seatless = change_seats(draft, before, slot, more, command.args.seat_ids)
            if seatless is not None:
                return seatless
    shrunk = more < 0 or removed
    outgrown = (more > 0 or added) and before.claim == "waitlisted"  # who fits or can come nowhere is in nobody's way
    promoted = serve(draft, freed_slots(before) if shrunk or outgrown else (), ask)
    answer = {"reservation_id": changed.id, "spots": changed.spots, "version": changed.version}
    return answer | promoted_answer(promoted)


RULE = rehearsed("reservation.update", Args, update, "volunteer")
