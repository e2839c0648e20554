"""``reservation.move``: out of one slot and into another at once, or not at all. Whoever waits gets what it leaves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from server_sync.protocol.errors import SAME_SLOT, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import Claim, EventSlot, SlotReservation
from server_sync.rules.claims import place
from server_sync.rules.command import Command
from server_sync.rules.draft import Draft
from server_sync.rules.freed import freed_slots
from server_sync.rules.placing import Waivers, admit, clash, needs_slot, open_slot, room_for, waivers
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reservations import guard, needs_reservation, reservation
from server_sync.rules.reserve import Reason
from server_sync.rules.seating import Wish, without_map
from server_sync.rules.state import MEMBERS, Keys, takes_places
from server_sync.rules.transitions import after
from server_sync.rules.waiting import line_ahead
from server_sync.rules.waitlist import expire_overdue, needs_release, promoted_answer, serve


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which claim, and where to. With ``override_reason`` an admin moves into what is full or closed."""

    reservation_id: GivenId
    slot_id: GivenId
    seat_ids: Annotated[list[GivenId], msgspec.Meta(max_length=1000)] = []
    version: int | None = None
    override_reason: Reason | None = None
    waive_reason: Reason | None = None


def move(draft: Draft, command: Command[Args], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """The claim in its new slot; a move never waits in line, it is refused."""
    args = command.args
    waived = waivers(command, args.override_reason, args.waive_reason)
    if isinstance(waived, Refusal):
        return waived
    needs_reservation(ask, draft, args.reservation_id)
    needs_slot(ask, draft, args.slot_id)
    claim = reservation(draft, command, args.reservation_id)
    if isinstance(claim, Refusal):
        return claim
    step = after(claim, "move")
    if isinstance(step, Refusal):
        return step
    changed = guard(command, claim, args.version)
    if changed is not None:
        return changed
    if claim.slot_id == args.slot_id and takes_places(claim):
        return Refusal(SAME_SLOT, {"reservation_id": claim.id, "slot_id": claim.slot_id})
    slot = open_slot(draft, command.programme_id, args.slot_id, closed_too=waived.overbook is not None)
    if isinstance(slot, Refusal):
        return slot
    unseated = without_map(slot, args.seat_ids)
    if unseated is not None:
        return unseated
    needs_release(ask, draft, claim)
    people = [member.participant_id for member in draft.find(MEMBERS, claim.id)]
    expire_overdue(draft, slot, claim.spots, people, now, ask, args.seat_ids)
    refusal = _into(draft, draft.get(SlotReservation, claim.id) or claim, slot.id, args.seat_ids, waived, step, ask)
    if refusal is not None:
        return refusal
    answer = {"reservation_id": claim.id, "from_slot_id": claim.slot_id, "slot_id": slot.id}
    return answer | promoted_answer(serve(draft, freed_slots(claim), ask))


def _into(
    draft: Draft, claim: SlotReservation, slot_id: Id, seats: list[Id], waived: Waivers, step: Claim, ask: Keys
) -> Refusal | None:
    """Take the claim out of its slot and into another, unless a hold that ran out had it promoted there."""
    slot = draft.get(EventSlot, slot_id)
    assert slot is not None
    if claim.slot_id == slot.id and takes_places(claim):
        return None
    people = [member.participant_id for member in draft.find(MEMBERS, claim.id)]
    leaving = draft.get(EventSlot, claim.slot_id) if takes_places(claim) else None
    if waived.overbook is None and room_for(draft, slot, claim.spots, leaving) is None:
        ahead = line_ahead(draft, slot, (claim.id,), ask, leaving)
        if ahead is not None:
            return clash(draft, slot, people, (claim.id,)) or ahead
    elsewhere = admit(draft, slot, claim.spots, people, waived, leaving, (claim.id,))
    if isinstance(elsewhere, Refusal):
        return elsewhere
    slot = draft.get(EventSlot, slot.id) or slot
    reason = {} if waived.overbook is None else {"override_reason": waived.overbook}
    return place(draft, claim, slot, step, Wish(tuple(seats)), elsewhere, waived.double_book, **reason)


RULE = rehearsed("reservation.move", Args, move, "volunteer")
