"""``reservation.move``: out of one slot and into another at once, or not at all."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import structs

from server_sync.protocol.errors import SAME_SLOT, Refusal
from server_sync.protocol.ids import GivenId
from server_sync.protocol.records import EventSlot
from server_sync.rules.command import Command, Rule
from server_sync.rules.placing import clash, needs_people, needs_slot, open_slot, room_for
from server_sync.rules.reservations import guard_placement, members, needs_reservation, reservation
from server_sync.rules.state import MEMBERS, Changes, Keys, State, takes_places
from server_sync.rules.transitions import after


class Args(msgspec.Struct, frozen=True, kw_only=True):
    """Which claim, and where to."""

    reservation_id: GivenId
    slot_id: GivenId


def needs(command: Command[Args], loaded: State) -> Keys:
    """The claim with its members, the slot that it leaves, and the one that it takes."""
    keys = Keys()
    needs_slot(keys, loaded, command.args.slot_id)
    claim = needs_reservation(keys, loaded, command.args.reservation_id)
    if claim is not None:
        needs_slot(keys, loaded, claim.slot_id)
        needs_people(keys, (member.participant_id for member in loaded.find(MEMBERS, claim.id)))
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """The claim in its new slot; a move never waits in line, it is refused."""
    args = command.args
    claim = reservation(state, command, args.reservation_id)
    if isinstance(claim, Refusal):
        return claim
    step = after(claim, "move")
    if isinstance(step, Refusal):
        return step
    moved = guard_placement(command, claim)
    if moved is not None:
        return moved
    if claim.slot_id == args.slot_id:
        return Refusal(SAME_SLOT, {"reservation_id": claim.id, "slot_id": claim.slot_id})
    slot = open_slot(state, command.programme_id, args.slot_id)
    if isinstance(slot, Refusal):
        return slot
    party = members(state, claim.id)
    leaving = state.get(EventSlot, claim.slot_id) if takes_places(claim) else None
    refusal = clash(state, slot, [member.participant_id for member in party], except_for=claim.id)
    refusal = refusal or room_for(state, slot, claim.spots, leaving)
    if refusal is not None:
        return refusal
    placed = structs.replace(
        claim,
        slot_id=slot.id,
        event_id=slot.event_id,
        location_id=slot.location_id,
        time_block_id=slot.time_block_id,
        claim=step,
        placement_version=claim.placement_version + 1,
        version=claim.version + 1,
    )
    followed = [
        structs.replace(member, slot_id=slot.id, start_time=slot.start_time, end_time=slot.end_time, live=True)
        for member in party
    ]
    return Changes([placed, *followed], {"reservation_id": claim.id, "from_slot_id": claim.slot_id, "slot_id": slot.id})


RULE = Rule("reservation.move", Args, "volunteer", needs, decide)
