"""The steps of a claim on a draft: made, placed, released. Commands are put together from these."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import structs

from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Claim, EventSlot, ReservationMember, SlotReservation
from server_sync.rules import seating
from server_sync.rules.command import Command
from server_sync.rules.draft import Draft
from server_sync.rules.state import MEMBERS, takes_places


def made(
    command: Command[Any], id: Id, slot: EventSlot, claim: Claim, spots: int, now: datetime | None, **fields: Any
) -> SlotReservation:
    """A new claim on *slot*, not written yet. (A rehearsal may not know the time; nothing of it is kept.)"""
    return SlotReservation(
        id=id,
        programme_id=slot.programme_id,
        slot_id=slot.id,
        event_id=slot.event_id,
        location_id=slot.location_id,
        time_block_id=slot.time_block_id,
        claim=claim,
        spots=spots,
        reserved_at=now or slot.start_time,
        placement_version=1,
        version=1,
        **fields,
    )


def enter(
    draft: Draft,
    command: Command[Any],
    claim: SlotReservation,
    slot: EventSlot,
    people: Iterable[Id],
    seats: seating.Wish | None = None,
    waived: frozenset[Id] = frozenset(),
    reason: str | None = None,
) -> Refusal | None:
    """Write a new claim with its members, and seats where the slot has some; ``SEATS_TAKEN`` if those aren't free."""
    draft.write(claim)
    draft.write(*(member_row(command, claim, slot, person, reason if person in waived else None) for person in people))
    return seating.take(draft, claim, slot, seats) if slot.seated and takes_places(claim) else None


def member_row(
    command: Command[Any], claim: SlotReservation, slot: EventSlot, person: Id, waived_reason: str | None = None
) -> ReservationMember:
    """That *person* is in *claim*, at its slot's time."""
    return ReservationMember(
        id=command.derive(person if claim.id == command.id else f"{claim.id}/{person}"),
        programme_id=claim.programme_id,
        reservation_id=claim.id,
        participant_id=person,
        slot_id=slot.id,
        start_time=slot.start_time,
        end_time=slot.end_time,
        live=takes_places(claim),
        waived=waived_reason is not None,
        waived_reason=waived_reason,
        waiting=True if claim.claim == "waitlisted" else None,
    )


def place(
    draft: Draft,
    claim: SlotReservation,
    slot: EventSlot,
    state: Claim,
    seats: seating.Wish | None = None,
    waived: frozenset[Id] = frozenset(),
    reason: str | None = None,
    **fields: Any,
) -> Refusal | None:
    """Put a claim that is there into *slot*, live, members and seats with it; what it held before is given back.

    Those *waived* may be in two places for *reason*; without one, for the reason that was theirs before.
    """
    seating.free(draft, claim)
    placed = structs.replace(
        claim,
        slot_id=slot.id,
        event_id=slot.event_id,
        location_id=slot.location_id,
        time_block_id=slot.time_block_id,
        claim=state,
        any_slot=None,
        placement_version=claim.placement_version + 1,
        version=claim.version + 1,
        **fields,
    )
    draft.write(placed)
    draft.write(
        *(
            structs.replace(
                member,
                slot_id=slot.id,
                start_time=slot.start_time,
                end_time=slot.end_time,
                live=True,
                waiting=None,
                waived=member.participant_id in waived,
                waived_reason=(reason or member.waived_reason) if member.participant_id in waived else None,
            )
            for member in draft.find(MEMBERS, claim.id)
        )
    )
    return seating.take(draft, placed, slot, seats) if slot.seated else None


def leave(draft: Draft, claim: SlotReservation) -> None:
    """A claim that has ended leaves every list, and its members with it."""
    draft.write(*(structs.replace(member, deleted=True) for member in draft.find(MEMBERS, claim.id)))
    versions = {"version": claim.version + 1, "placement_version": claim.placement_version + 1}
    draft.write(structs.replace(claim, deleted=True, **versions))


def release(draft: Draft, claim: SlotReservation, state: Claim, **fields: Any) -> SlotReservation:
    """End a claim: its places, its seats and its people's time are free; it stays to be read."""
    seating.free(draft, claim)
    ended = structs.replace(
        claim,
        claim=state,
        any_slot=None,
        version=claim.version + 1,
        placement_version=claim.placement_version + 1,
        **fields,
    )
    draft.write(ended)
    draft.write(
        *(
            structs.replace(member, live=False, waiting=None)
            for member in draft.find(MEMBERS, claim.id)
            if member.live or member.waiting
        )
    )
    return ended
