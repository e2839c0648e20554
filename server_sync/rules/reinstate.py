"""``reservation.reinstate``: a reservation that was cancelled, or a hold that ran out, has its places again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import EventSlot, Group, SlotReservation
from server_sync.rules.claims import place, release
from server_sync.rules.command import Command
from server_sync.rules.draft import Draft
from server_sync.rules.freed import freed_slots
from server_sync.rules.overdue import ran_out
from server_sync.rules.people import existing_group
from server_sync.rules.placing import admit, clash, needs_people, needs_slot, open_slot, room_for, waivers
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reservations import guard, needs_reservation, reservation
from server_sync.rules.reserve import Reason, missing_person
from server_sync.rules.seating import Wish
from server_sync.rules.state import MEMBERS, Keys
from server_sync.rules.transitions import after
from server_sync.rules.waiting import line_ahead
from server_sync.rules.waitlist import expire_overdue, needs_release, promoted_answer, serve


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which claim. With ``override_reason`` an admin brings it back into what is full or closed by now."""

    reservation_id: GivenId
    version: int | None = None
    override_reason: Reason | None = None
    waive_reason: Reason | None = None


def reinstate(draft: Draft, command: Command[Args], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """The claim, reserved again in its slot: as if it were made now, its places having been anybody's meanwhile."""
    args = command.args
    waived = waivers(command, args.override_reason, args.waive_reason)
    if isinstance(waived, Refusal):
        return waived
    needs_reservation(ask, draft, args.reservation_id)
    claim = reservation(draft, command, args.reservation_id)
    if isinstance(claim, Refusal):
        return claim
    changed = guard(command, claim, args.version)
    if changed is not None:
        return changed
    if ran_out(claim, draft.now):  # nobody has ended it yet: those in line come first
        needs_release(ask, draft, claim)
        release(draft, claim, "expired")
        serve(draft, freed_slots(claim), ask)
        claim = draft.get(SlotReservation, claim.id) or claim
    step = after(claim, "reinstate")
    if isinstance(step, Refusal):
        return step
    people = [member.participant_id for member in draft.find(MEMBERS, claim.id)]
    refusal = _missing(draft, command, claim, people, ask)
    if refusal is not None:
        return refusal
    slot = open_slot(draft, command.programme_id, claim.slot_id, closed_too=waived.overbook is not None)
    if isinstance(slot, Refusal):
        return slot
    needs_slot(ask, draft, slot.id)
    needs_people(ask, people)
    expire_overdue(draft, slot, claim.spots, people, now, ask)
    slot = draft.get(EventSlot, slot.id) or slot
    if waived.overbook is None and room_for(draft, slot, claim.spots) is None:
        ahead = line_ahead(draft, slot, (), ask)
        if ahead is not None:
            return clash(draft, slot, people) or ahead
    double = admit(draft, slot, claim.spots, people, waived)
    if isinstance(double, Refusal):
        return double
    slot = draft.get(EventSlot, slot.id) or slot
    fields: dict[str, Any] = {"cancelled_at": None, "expires_at": None}
    if waived.overbook is not None:
        fields["override_reason"] = waived.overbook
    seatless = place(draft, claim, slot, step, Wish(), double, waived.double_book, **fields)
    if seatless is not None:
        return seatless
    promoted = serve(draft, (), ask)  # who is here now waits for nothing else meanwhile
    return {"reservation_id": claim.id, "slot_id": slot.id, "spots": claim.spots} | promoted_answer(promoted)


def _missing(
    draft: Draft, command: Command[Args], claim: SlotReservation, people: list[Id], ask: Keys
) -> Refusal | None:
    """Who is named, or whose group, may have left the programme since; the group is locked, or it could leave now."""
    if claim.group_id is not None:
        ask.lock.add((Group, claim.group_id))
        group = existing_group(draft, command, claim.group_id)
        if isinstance(group, Refusal):
            return group
    return missing_person(draft, command, people)


RULE = rehearsed("reservation.reinstate", Args, reinstate, "volunteer")
