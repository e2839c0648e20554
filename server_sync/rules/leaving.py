"""Taking a person out of a claim: a party goes on with one fewer, and what was somebody's alone ends."""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.records import EventSlot, SlotReservation
from server_sync.rules.claims import release
from server_sync.rules.draft import Draft
from server_sync.rules.party_size import change_seats
from server_sync.rules.state import MEMBERS, State, takes_places


def alone(state: State, claim: SlotReservation, person: Id) -> bool:
    """Whether nobody but *person* is in *claim*."""
    return {member.participant_id for member in state.find(MEMBERS, claim.id)} == {person}


def holds(claim: SlotReservation) -> bool:
    """Whether somebody who waits may move up when *claim* ends or shrinks."""
    return takes_places(claim) or (claim.claim == "waitlisted" and not claim.deleted)


def take_out(draft: Draft, claim: SlotReservation, person: Id, now: datetime | None) -> None:
    """*person* leaves *claim*, and with him one place (and seat); where he is alone in it, it is cancelled.

    The line is not served: the command does so once all its steps are taken.
    """
    if alone(draft, claim, person):
        if holds(claim):
            release(draft, claim, "cancelled", cancelled_at=now)
        return
    own = [member for member in draft.find(MEMBERS, claim.id) if member.participant_id == person]
    left = structs.replace(
        claim,
        spots=max(1, claim.spots - len(own)),  # of one that has ended too: it may be reinstated
        participant_id=None if claim.participant_id == person else claim.participant_id,
        version=claim.version + 1,
    )
    draft.write(left, *(structs.replace(member, live=False, waiting=None, deleted=True) for member in own))
    slot = draft.get(EventSlot, claim.slot_id) if takes_places(claim) else None
    if slot is not None and slot.seated and left.spots < claim.spots:
        change_seats(draft, claim, slot, left.spots - claim.spots, ())
