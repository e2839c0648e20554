"""``reservation.swap``: two parties take each other's slot at once, or neither does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from server_sync.protocol.errors import INVALID, SAME_SLOT, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import EventSlot, SlotReservation
from server_sync.rules import seating
from server_sync.rules.claims import place
from server_sync.rules.command import Command
from server_sync.rules.draft import Draft
from server_sync.rules.placing import Waivers, elsewhere, limits, needs_slot, open_slot, room_for, settle, waivers
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reservations import guard, needs_reservation, reservation
from server_sync.rules.reserve import Reason
from server_sync.rules.state import MEMBERS, Keys
from server_sync.rules.transitions import after
from server_sync.rules.waiting import line_ahead
from server_sync.rules.waitlist import expire_overdue, needs_release, promoted_answer, serve


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which two. A party that is larger than the one whose slot it takes needs room for the difference.

    ``version`` is the first one's, as the caller saw it, if any change since matters to him.
    """

    reservation_id: GivenId
    with_reservation_id: GivenId
    version: int | None = None
    override_reason: Reason | None = None
    waive_reason: Reason | None = None


def swap(draft: Draft, command: Command[Args], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """Both in each other's slot; what a smaller party leaves over goes to whoever waits."""
    args = command.args
    waived = waivers(command, args.override_reason, args.waive_reason)
    if isinstance(waived, Refusal):
        return waived
    if args.reservation_id == args.with_reservation_id:
        return Refusal(INVALID, {"field": "with_reservation_id", "problem": "it is the same reservation"})
    for id in (args.reservation_id, args.with_reservation_id):
        needs_reservation(ask, draft, id)
    one = _swappable(draft, command, args.reservation_id, args.version)
    other = _swappable(draft, command, args.with_reservation_id, None)
    for claim in (one, other):
        if isinstance(claim, Refusal):
            return claim
    assert isinstance(one, SlotReservation)
    assert isinstance(other, SlotReservation)
    if one.slot_id == other.slot_id:
        return Refusal(SAME_SLOT, {"reservation_id": one.id, "slot_id": one.slot_id})
    refusal = _exchange(draft, command, one, other, waived, now, ask)
    if refusal is not None:
        return refusal
    answer = {
        "reservation_id": one.id,
        "slot_id": other.slot_id,
        "with_reservation_id": other.id,
        "with_slot_id": one.slot_id,
    }
    left = {big.slot_id for big, small in ((one, other), (other, one)) if big.spots > small.spots}
    return answer | promoted_answer(serve(draft, left, ask))


def _swappable(draft: Draft, command: Command[Args], id: Id, version: int | None) -> SlotReservation | Refusal:
    """The claim if it has a place to give, and is where the person saw it."""
    claim = reservation(draft, command, id)
    if isinstance(claim, Refusal):
        return claim
    step = after(claim, "swap")
    return step if isinstance(step, Refusal) else guard(command, claim, version) or claim


def _exchange(
    draft: Draft,
    command: Command[Args],
    one: SlotReservation,
    other: SlotReservation,
    waived: Waivers,
    now: datetime | None,
    ask: Keys,
) -> Refusal | None:
    """Both leave and both enter; neither may clash with anything but the two of them."""
    moves: list[tuple[SlotReservation, EventSlot]] = []
    for claim, into in ((one, other), (other, one)):
        needs_release(ask, draft, claim)
        slot = _enterable(draft, command, claim, into, waived, now, ask)
        if isinstance(slot, Refusal):
            return slot
        moves.append((claim, slot))
    before = limits(draft, *(slot for _, slot in moves))
    kept = _in_both(draft, one, other)
    seating.free(draft, one)
    seating.free(draft, other)
    for claim, slot in moves:
        double = elsewhere(draft, slot, _people(draft, claim), waived, (one.id, other.id))
        if isinstance(double, Refusal):
            return double
        reason = {} if waived.overbook is None else {"override_reason": waived.overbook}
        twice = waived.double_book or next(iter(kept.values()), None)
        seatless = place(draft, claim, slot, "reserved", None, double | kept.keys(), twice, **reason)
        if seatless is not None:
            return seatless
    return settle(draft, before, overbooked_too=waived.overbook is not None)


def _in_both(draft: Draft, one: SlotReservation, other: SlotReservation) -> dict[Id, str]:
    """Who is in both parties at one time, and the reason for which they may be: that goes on."""
    mine = {member.participant_id: member for member in draft.find(MEMBERS, one.id)}
    both = [(mine[theirs.participant_id], theirs) for theirs in draft.find(MEMBERS, other.id)
            if theirs.participant_id in mine]  # fmt: skip
    return {
        theirs.participant_id: theirs.waived_reason or own.waived_reason or ""
        for own, theirs in both
        if own.start_time < theirs.end_time and theirs.start_time < own.end_time
    }


def _enterable(
    draft: Draft,
    command: Command[Args],
    claim: SlotReservation,
    into: SlotReservation,
    waived: Waivers,
    now: datetime | None,
    ask: Keys,
) -> EventSlot | Refusal:
    """The slot of *into*, if *claim* may take its place there: what it needs beyond that is not for passing others."""
    slot = open_slot(draft, command.programme_id, into.slot_id, closed_too=waived.overbook is not None)
    if isinstance(slot, Refusal):
        return slot
    needs_slot(ask, draft, slot.id)
    more = claim.spots - into.spots
    expire_overdue(draft, slot, max(0, more), _people(draft, claim), now, ask)
    slot = draft.get(EventSlot, slot.id) or slot
    if more > 0 and waived.overbook is None and room_for(draft, slot, more) is None:
        ahead = line_ahead(draft, slot, (), ask)
        if ahead is not None:
            return ahead
    return slot


def _people(draft: Draft, claim: SlotReservation) -> list[Id]:
    return [member.participant_id for member in draft.find(MEMBERS, claim.id)]


RULE = rehearsed("reservation.swap", Args, swap, "volunteer")
