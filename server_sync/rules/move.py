"""``reservation.move``: out of one slot and into another at once, or not at all. Whoever waits gets what it leaves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from server_sync.protocol.errors import SAME_SLOT, Refusal
from server_sync.protocol.ids import GivenId
from server_sync.protocol.records import EventSlot
from server_sync.rules.claims import place
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.placing import admit, open_slot, room_for, waivers
from server_sync.rules.reservations import guard, needs_reservation, reservation
from server_sync.rules.reserve import Reason
from server_sync.rules.seating import Wish
from server_sync.rules.state import MEMBERS, Changes, Keys, State, takes_places
from server_sync.rules.transitions import after
from server_sync.rules.waitlist import (
    expire_overdue,
    freed_slots,
    line_ahead,
    needs_release,
    needs_room,
    promoted_answer,
    serve,
)


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which claim, and where to. With ``override_reason`` an admin moves into what is full or closed."""

    reservation_id: GivenId
    slot_id: GivenId
    seat_ids: Annotated[list[GivenId], msgspec.Meta(max_length=1000)] = []
    version: int | None = None
    override_reason: Reason | None = None
    waive_reason: Reason | None = None


def needs(command: Command[Args], loaded: State) -> Keys:
    """The claim with its members, the slot that it leaves, the one that it takes, and whoever is promoted."""
    keys = Keys()
    claim = needs_reservation(keys, loaded, command.args.reservation_id)
    if claim is None:
        needs_room(keys, loaded, command.args.slot_id, 1, ())
        return keys
    people = [member.participant_id for member in loaded.find(MEMBERS, claim.id)]
    needs_room(keys, loaded, command.args.slot_id, claim.spots, people)
    needs_release(keys, loaded, claim)
    _move(loaded, command, loaded.now, keys)
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """The claim in its new slot; a move never waits in line, it is refused."""
    return _move(state, command, now)


def _move(state: State, command: Command[Args], now: datetime | None, ask: Keys | None = None) -> Changes | Refusal:
    args = command.args
    waived = waivers(command, args.override_reason, args.waive_reason)
    if isinstance(waived, Refusal):
        return waived
    claim = reservation(state, command, args.reservation_id)
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
    draft = Draft(state)
    slot = open_slot(draft, command.programme_id, args.slot_id, closed_too=waived.overbook is not None)
    if isinstance(slot, Refusal):
        return slot
    people = [member.participant_id for member in draft.find(MEMBERS, claim.id)]
    leaving = draft.get(EventSlot, claim.slot_id) if takes_places(claim) else None
    expire_overdue(draft, slot, claim.spots, people, now, ask)
    slot = draft.get(EventSlot, slot.id) or slot
    ahead = None
    if waived.overbook is None and room_for(draft, slot, claim.spots, leaving) is None:
        ahead = line_ahead(draft, slot, (claim.id,))
    elsewhere = ahead or admit(draft, slot, claim.spots, people, waived, leaving, (claim.id,))
    if isinstance(elsewhere, Refusal):
        return elsewhere
    slot = draft.get(EventSlot, slot.id) or slot
    reason = {} if waived.overbook is None else {"override_reason": waived.overbook}
    wish = Wish(tuple(args.seat_ids))
    seatless = place(draft, claim, slot, step, wish, elsewhere, waived.double_book, **reason)
    if seatless is not None:
        return seatless
    answer = {"reservation_id": claim.id, "from_slot_id": claim.slot_id, "slot_id": slot.id}
    return draft.changes(answer | promoted_answer(serve(draft, freed_slots(claim), ask)))


RULE = Rule("reservation.move", Args, "volunteer", needs, decide)
