"""Seats of a slot: which a claim takes, and that it gives them back. Slots without a map are not touched by this.

A slot whose ``seated`` is true has one ``slot_seats`` row for each seat; whoever changes them holds the slot's lock.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import structs

from server_sync.protocol.errors import NOT_FOUND, SEATS_NEEDED, SEATS_TAKEN, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import EventSlot, SlotReservation, SlotSeat
from server_sync.rules.draft import Draft
from server_sync.rules.state import SEATS_OF_SLOT, takes_places


class Wish(NamedTuple):
    """Which seats a party wants: these, or else the best that are together."""

    seat_ids: tuple[Id, ...] = ()


def take(draft: Draft, claim: SlotReservation, slot: EventSlot, wish: Wish | None) -> Refusal | None:
    """Hold or book seats of *slot* for a live *claim*, one a spot: all of them or none."""
    seats = {seat.seat_id: seat for seat in draft.find(SEATS_OF_SLOT, slot.id)}
    wanted = wish.seat_ids if wish is not None and wish.seat_ids else best_together(list(seats.values()), claim.spots)
    unknown = [id for id in wanted if id not in seats]
    if unknown:
        return Refusal(NOT_FOUND, {"seat_ids": unknown, "slot_id": slot.id})
    taken = [id for id in wanted if seats[id].state != "available"]
    if taken:
        return Refusal(SEATS_TAKEN, {"seat_ids": taken, "slot_id": slot.id})
    if len(set(wanted)) != claim.spots:
        return Refusal(SEATS_NEEDED, {"seats": len(set(wanted)), "spots": claim.spots})
    held = claim.claim == "held"
    draft.write(
        *(
            structs.replace(
                seats[id],
                state="held" if held else "booked",
                reservation_id=claim.id,
                held_until=claim.expires_at if held else None,
            )
            for id in wanted
        )
    )
    return None


def free(draft: Draft, claim: SlotReservation) -> None:
    """Give back what seats *claim* has."""
    slot = draft.get(EventSlot, claim.slot_id) if takes_places(claim) else None
    if slot is None or not slot.seated:
        return
    draft.write(
        *(
            structs.replace(seat, state="available", reservation_id=None, held_until=None)
            for seat in draft.find(SEATS_OF_SLOT, slot.id)
            if seat.reservation_id == claim.id
        )
    )


def best_together(seats: list[SlotSeat], count: int) -> tuple[Id, ...]:
    """The first *count* seats that are available; fewer if there are no more."""
    return tuple(seat.seat_id for seat in seats if seat.state == "available")[:count]
